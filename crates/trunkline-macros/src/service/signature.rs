//! What a method's signature has to look like, told to somebody who writes their first one.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, Pat, PatType, PathArguments, Receiver, Result, ReturnType,
    Signature, Type, TypeReference,
};

/// What goes in.
pub(super) struct Arguments {
    /// Whether the context comes first.
    pub(super) ctx: bool,
    /// The argument's name, where it has one that a client can use.
    pub(super) name: Option<Ident>,
    /// The argument's type; none where there is nothing to say.
    pub(super) ty: Option<Type>,
}

/// What comes out.
pub(super) struct Outcome {
    /// As it is written.
    pub(super) written: Type,
    pub(super) reply: Type,
    /// None for the framework's own.
    pub(super) error: Option<Type>,
}

pub(super) fn read(sig: &Signature) -> Result<(Arguments, Outcome)> {
    if sig.asyncness.is_none() {
        let text = format!("a service's methods are asynchronous: write `async fn {}`", sig.ident);
        return Err(Error::new(sig.fn_token.span, text));
    }
    let odd = [
        sig.constness.map(|token| token.span),
        sig.unsafety.map(|token| token.span),
        sig.abi.as_ref().map(Spanned::span),
        sig.variadic.as_ref().map(Spanned::span),
    ];
    if let Some(span) = odd.into_iter().flatten().next() {
        return Err(Error::new(span, "a service's method is a plain `async fn`"));
    }
    if !sig.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &sig.generics,
            "a method has no generic parameters: its caller sends one type of argument and reads one type of reply",
        ));
    }
    if let Some(clause) = &sig.generics.where_clause {
        return Err(Error::new_spanned(
            clause,
            "a method has no `where`: whoever finds the service may call it",
        ));
    }
    Ok((arguments(sig)?, outcome(sig)?))
}

fn arguments(sig: &Signature) -> Result<Arguments> {
    let mut inputs = sig.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) => check_receiver(receiver)?,
        _ => {
            let text = format!(
                "a service's methods take `&self`, the type that implements it: write `async fn {}(&self, ..)`",
                sig.ident
            );
            return Err(Error::new(sig.paren_token.span.open(), text));
        }
    }
    let mut rest: Vec<&PatType> = inputs
        .filter_map(|input| match input {
            FnArg::Typed(input) => Some(input),
            FnArg::Receiver(_) => None,
        })
        .collect();

    let ctx = rest.first().is_some_and(|first| is_ctx_reference(&first.ty));
    if ctx {
        rest.remove(0);
    }
    if let Some(late) = rest.iter().find(|input| is_ctx_reference(&input.ty)) {
        return Err(Error::new_spanned(
            late,
            "the context comes before the argument: `(&self, ctx: &Ctx, args: ..)`",
        ));
    }
    if let [_, second, ..] = rest[..] {
        return Err(Error::new_spanned(
            second,
            "a method has one argument: make a struct of these with #[trunkline::message] and take that",
        ));
    }
    let Some(input) = rest.first() else {
        return Ok(Arguments { ctx, name: None, ty: None });
    };
    check_argument(&input.ty)?;
    let name = match &*input.pat {
        Pat::Ident(pat) if !pat.ident.to_string().starts_with('_') => Some(pat.ident.clone()),
        _ => None,
    };
    Ok(Arguments { ctx, name, ty: Some((*input.ty).clone()) })
}

fn check_receiver(receiver: &Receiver) -> Result<()> {
    if receiver.reference.is_some() && receiver.mutability.is_none() && receiver.colon_token.is_none() {
        return Ok(());
    }
    Err(Error::new_spanned(
        receiver,
        "a service is called by many at once, so its methods take `&self`; what they change goes behind a lock \
         or an atomic",
    ))
}

fn check_argument(ty: &Type) -> Result<()> {
    if let Type::Reference(reference) = ty {
        return Err(Error::new_spanned(ty, reference_text(reference)));
    }
    if is_ctx(ty) {
        return Err(Error::new_spanned(ty, "the context is taken by reference: `ctx: &Ctx`"));
    }
    check_owned(ty, "an argument is made from bytes of the wire")
}

fn reference_text(reference: &TypeReference) -> String {
    let by_value = match &*reference.elem {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
        other => text(other),
    };
    if is_ctx(&reference.elem) {
        return "the context is taken by shared reference: `ctx: &Ctx`".to_owned();
    }
    format!(
        "an argument is made from bytes of the wire and belongs to the method: take `{by_value}`; the client's \
         function takes a reference as well"
    )
}

fn outcome(sig: &Signature) -> Result<Outcome> {
    let no_result = |place: &dyn ToTokens| {
        Error::new_spanned(
            place.to_token_stream(),
            "a call can fail, so a method ends in a `Result`: write `-> Result<Reply>` with `use trunkline::Result`, \
             or `-> Result<()>` where there is nothing to answer",
        )
    };
    let ReturnType::Type(_, written) = &sig.output else {
        return Err(no_result(&sig.ident));
    };
    let Type::Path(path) = &**written else {
        return Err(no_result(written));
    };
    let Some(last) = path.path.segments.last().filter(|last| last.ident.to_string().ends_with("Result"))
    else {
        return Err(no_result(written));
    };
    let PathArguments::AngleBracketed(list) = &last.arguments else {
        return Err(Error::new_spanned(
            written,
            "the reply has to be seen here: write `-> Result<Reply>` or `-> Result<Reply, Error>`",
        ));
    };
    let types: Option<Vec<&Type>> = list
        .args
        .iter()
        .map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .collect();
    let (reply, error) = match types.as_deref() {
        Some([reply]) => (*reply, None),
        Some([reply, error]) => (*reply, Some(*error)),
        _ => {
            return Err(Error::new_spanned(
                list,
                "a method's `Result` has a reply and at most an error: `Result<Reply>` or `Result<Reply, Error>`",
            ));
        }
    };
    check_owned(reply, "a reply is made from bytes of the wire at the caller's")?;
    if let Some(error) = error {
        check_owned(error, "an error travels to the caller")?;
    }
    Ok(Outcome { written: (**written).clone(), reply: reply.clone(), error: error.cloned() })
}

/// Whether `ty` is `&Ctx`, by whatever path.
fn is_ctx_reference(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.mutability.is_none() && is_ctx(&reference.elem))
}

fn is_ctx(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Ctx"))
}

/// Refuses what borrows, what is not one type, and what only the trait knows.
fn check_owned(ty: &Type, why: &str) -> Result<()> {
    match stranger(ty.to_token_stream()) {
        Some(Stranger::Borrow) => {
            Err(Error::new_spanned(ty, format!("{why}: it owns what it holds and cannot borrow")))
        }
        Some(Stranger::Impl) => {
            Err(Error::new_spanned(ty, format!("{why}: it is one type, so `impl` cannot stand here")))
        }
        Some(Stranger::SelfType) => Err(Error::new_spanned(
            ty,
            format!("{why}, where nobody knows `Self`, the type that implements the service: name a type"),
        )),
        None => Ok(()),
    }
}

enum Stranger {
    Borrow,
    Impl,
    SelfType,
}

fn stranger(tokens: TokenStream) -> Option<Stranger> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_quote = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '\'');
    tokens.iter().enumerate().find_map(|(i, token)| match token {
        TokenTree::Punct(punct) if punct.as_char() == '&' => {
            (!tokens.get(i + 1).is_some_and(is_quote)).then_some(Stranger::Borrow)
        }
        TokenTree::Ident(name) if i > 0 && is_quote(&tokens[i - 1]) => {
            (name != "static").then_some(Stranger::Borrow)
        }
        TokenTree::Ident(name) if name == "impl" => Some(Stranger::Impl),
        TokenTree::Ident(name) if name == "Self" => Some(Stranger::SelfType),
        TokenTree::Group(group) => stranger(group.stream()),
        _ => None,
    })
}

/// Tokens as somebody would write them.
fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(" :: ", "::").replace(" < ", "<").replace(" >", ">")
}

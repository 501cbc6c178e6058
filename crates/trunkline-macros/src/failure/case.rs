//! One way to fail: a variant, or a struct itself.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Error, Fields, Ident, Index, LitStr, Member, Path, Result, Type};

use super::members;
use super::options::{self, Options};
use super::text;

pub(super) struct Case {
    pub(super) ident: Ident,
    /// `Self` or `Self::Variant`.
    path: TokenStream,
    /// What it says, with the fields it says it of.
    pub(super) text: Option<(LitStr, Vec<Member>)>,
    pub(super) source: Option<Source>,
    code: String,
    kind: Option<Ident>,
    retry_after: Option<u64>,
}

/// The field that holds the error below this one.
pub(super) struct Source {
    pub(super) span: Span,
    member: Member,
    ty: Type,
}

impl Case {
    pub(super) fn new(
        ident: &Ident,
        path: TokenStream,
        fields: &Fields,
        options: &Options,
        whole: &Options,
    ) -> Result<Self> {
        let text = options.text.as_ref().map(|text| read_text(text, fields)).transpose()?;
        Ok(Self {
            path,
            text,
            source: source(fields)?,
            code: options.code.clone().unwrap_or_else(|| snake_case(&ident.to_string())),
            kind: options.kind.clone().or_else(|| whole.kind.clone()),
            retry_after: options.retry_after.or(whole.retry_after),
            ident: ident.clone(),
        })
    }

    /// The arm of `Display`.
    pub(super) fn display(&self) -> Option<TokenStream> {
        let (text, members) = self.text.as_ref()?;
        let bindings = members.iter().map(binding);
        let path = &self.path;
        Some(quote!(#path { #(#bindings,)* .. } => ::core::write!(__formatter, #text),))
    }

    /// The arm of `Error::source`.
    pub(super) fn source(&self) -> TokenStream {
        let path = &self.path;
        let Some(Source { member, ty, .. }) = &self.source else {
            return quote!(#path { .. } => ::core::option::Option::None,);
        };
        // An error behind a pointer is one only when the pointer is looked through.
        let is_behind_pointer = ty.to_token_stream().into_iter().any(|token| token.to_string() == "dyn");
        let value = if is_behind_pointer { quote!(&**__source) } else { quote!(__source) };
        quote!(#path { #member: __source, .. } => ::core::option::Option::Some(#value),)
    }

    /// The arm that makes the failure out of `text`.
    pub(super) fn travel(&self, krate: &Path) -> TokenStream {
        let (path, code) = (&self.path, &self.code);
        let kind = self.kind.as_ref().map(|kind| quote!(.with_kind(#krate::ErrorKind::#kind)));
        let wait =
            self.retry_after.map(|ms| quote!(.with_retry_after(::core::time::Duration::from_millis(#ms))));
        quote!(#path { .. } => #krate::Failure::new(text).with_code(#code) #kind #wait,)
    }
}

fn read_text(literal: &LitStr, fields: &Fields) -> Result<(LitStr, Vec<Member>)> {
    let text = text::parse(&literal.value()).map_err(|problem| Error::new(literal.span(), problem))?;
    let names = members(fields);
    let mut used = Vec::new();
    for name in &text.names {
        let Some(index) = names.iter().position(|known| known == name) else {
            return Err(Error::new(literal.span(), no_such_field(name, &names)));
        };
        used.push(match fields.iter().nth(index).and_then(|field| field.ident.clone()) {
            Some(ident) => Member::Named(ident),
            None => Member::Unnamed(Index {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                span: literal.span(),
            }),
        });
    }
    Ok((LitStr::new(&text.rewritten, literal.span()), used))
}

fn no_such_field(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return format!("`{{{name}}}` is no field: there are none; a brace as such is written `{{{{`");
    }
    let known: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
    format!("`{{{name}}}` is no field; there are {}", known.join(", "))
}

/// The pattern that gives a field the name it has inside a text.
fn binding(member: &Member) -> TokenStream {
    match member {
        Member::Named(ident) => quote!(#ident),
        Member::Unnamed(index) => {
            let name = Ident::new(&text::name_of_number(&index.index.to_string()), index.span);
            quote!(#index: #name)
        }
    }
}

fn source(fields: &Fields) -> Result<Option<Source>> {
    let mut found: Option<Source> = None;
    for (index, field) in fields.iter().enumerate() {
        let Some(span) = options::source(&field.attrs)? else { continue };
        if found.is_some() {
            return Err(Error::new(span, "an error has one source"));
        }
        let member = field.ident.clone().map_or_else(|| Member::from(index), Member::Named);
        found = Some(Source { span, member, ty: field.ty.clone() });
    }
    Ok(found)
}

/// `DivByZero` → `div_by_zero`, `HTTPTimeout` → `http_timeout`.
fn snake_case(camel: &str) -> String {
    let chars: Vec<char> = camel.trim_start_matches("r#").chars().collect();
    let mut snake = String::new();
    for (i, c) in chars.iter().enumerate() {
        let begins_word = c.is_uppercase()
            && i > 0
            && (!chars[i - 1].is_uppercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if begins_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_codes() {
        for (name, code) in [
            ("DivByZero", "div_by_zero"),
            ("Missing", "missing"),
            ("HTTPTimeout", "http_timeout"),
            ("NoSuchID", "no_such_id"),
            ("V2Only", "v2_only"),
            ("Already_Snake", "already_snake"),
            ("X", "x"),
        ] {
            assert_eq!(snake_case(name), code);
        }
    }
}

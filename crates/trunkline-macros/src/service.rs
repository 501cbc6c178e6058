//! `#[trunkline::service]`.
//!
//! From a trait it writes what both ends need: the trait with `Send` futures and `into_service()`, and a client.
//! What is written are thin calls into the framework's public functions, so that `cargo expand` can be read.

mod client;
mod method;
mod options;
mod provider;
mod signature;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, Item, ItemTrait, Lit, Meta, Result, TraitItem};

use method::Method;
use options::ServiceOptions;

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let parsed = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Trait(parsed)) => parsed,
        Ok(other) => {
            let error = not_a_trait(&other).into_compile_error();
            return quote!(#item #error);
        }
        Err(error) => return error.into_compile_error(),
    };
    match Service::parse(args, &parsed) {
        Ok(service) => {
            let (provider, client) = (provider::expand(&service), client::expand(&service));
            quote!(#provider #client)
        }
        Err(error) => {
            // The trait is kept, so that its implementations add no errors of their own.
            let (kept, error) = (without_our_attributes(parsed), error.into_compile_error());
            quote!(#[allow(async_fn_in_trait, dead_code)] #kept #error)
        }
    }
}

/// A trait that passed every check.
struct Service {
    item: ItemTrait,
    options: ServiceOptions,
    doc: String,
    methods: Vec<Method>,
}

impl Service {
    fn parse(args: TokenStream, item: &ItemTrait) -> Result<Self> {
        let mut problems = Problems::default();
        let options = problems.keep(ServiceOptions::parse(args, &item.ident));
        if !item.generics.params.is_empty() {
            problems.add(Error::new_spanned(
                &item.generics,
                "a service has no generic parameters: it is called by its name; the type that implements it may have some",
            ));
        }
        let mut methods: Vec<Method> = Vec::new();
        for member in &item.items {
            let TraitItem::Fn(function) = member else {
                problems.add(Error::new_spanned(
                    member,
                    "a service has methods and nothing else: only those can be called",
                ));
                continue;
            };
            if let Some(method) = problems.keep(Method::parse(function)) {
                if let Some(other) = methods.iter().find(|other| other.clashes(&method)) {
                    problems.add(taken(&method, other));
                }
                methods.push(method);
            }
        }
        if item.items.is_empty() {
            problems.add(Error::new_spanned(
                &item.ident,
                "a service has at least one method: `async fn mul(&self, args: Args) -> Result<Reply>;`",
            ));
        }
        let options = problems.end(options)?;
        Ok(Self { item: item.clone(), options, doc: doc_of(&item.attrs), methods })
    }
}

/// Every problem of a trait is told at once.
#[derive(Default)]
struct Problems(Option<Error>);

impl Problems {
    fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// The value, which is there when there was no problem.
    fn end<T>(self, value: Option<T>) -> Result<T> {
        match (self.0, value) {
            (None, Some(value)) => Ok(value),
            (Some(error), _) => Err(error),
            (None, None) => Err(Error::new(proc_macro2::Span::call_site(), "this cannot be made a service")),
        }
    }
}

fn taken(method: &Method, other: &Method) -> Error {
    let text = format!(
        "`{}` is called `{}` on the wire, and so is `{}`; name one of them: #[method(name = \"..\")]",
        method.sig.ident, method.wire, other.sig.ident
    );
    Error::new(method.wire_span, text)
}

fn not_a_trait(item: &Item) -> Error {
    let text = match item {
        Item::Impl(_) => {
            "#[trunkline::service] goes on the trait that lists the methods; its `impl` needs no attribute"
        }
        _ => "#[trunkline::service] goes on a trait: the methods that a server has and a client calls",
    };
    Error::new(proc_macro2::Span::call_site(), text)
}

fn without_our_attributes(mut item: ItemTrait) -> ItemTrait {
    for member in &mut item.items {
        if let TraitItem::Fn(function) = member {
            function.attrs.retain(|attr| !attr.path().is_ident("method"));
        }
    }
    item
}

/// The text of the doc comments among `attrs`.
fn doc_of(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> =
        lines.map(|line| line.strip_prefix(' ').map_or_else(|| line.clone(), str::to_owned)).collect();
    lines.join("\n").trim().to_owned()
}

/// The attributes among `attrs` that a twin of the item needs too.
fn attributes<'a>(attrs: &'a [Attribute], wanted: &'a [&str]) -> impl Iterator<Item = &'a Attribute> {
    attrs.iter().filter(|attr| wanted.iter().any(|name| attr.path().is_ident(name)))
}

/// `.doc("..")`, if there is one.
fn doc_call(doc: &str) -> Option<TokenStream> {
    (!doc.is_empty()).then(|| quote!(.doc(#doc)))
}

//! `#[derive(trunkline::Failure)]`.
//!
//! It writes how an error travels to the caller and, where the attribute gives the text, also `Display` and
//! `std::error::Error`.

mod case;
mod options;
mod text;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Generics, Ident, Path, Result};

use crate::located::located;
use case::Case;
use options::{Allowed, Options};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let failure = Failure::parse(input)?;
    let (texts, travel) = (failure.texts(), failure.travel());
    Ok(quote!(#texts #travel))
}

struct Failure {
    ident: Ident,
    generics: Generics,
    krate: Path,
    cases: Vec<Case>,
    /// Whether the texts are given here, so that `Display` has to be written.
    has_text: bool,
    details: bool,
}

impl Failure {
    fn parse(input: DeriveInput) -> Result<Self> {
        if let Some(lifetime) = input.generics.lifetimes().next() {
            return Err(Error::new_spanned(
                lifetime,
                "an error that travels to the caller owns what it holds",
            ));
        }
        let (whole, cases) = match &input.data {
            Data::Struct(data) => {
                let options = Options::parse(&input.attrs, Allowed::Struct)?;
                let case =
                    Case::new(&input.ident, quote!(Self), &data.fields, &options, &Options::default())?;
                (options, vec![case])
            }
            Data::Enum(data) => {
                let whole = Options::parse(&input.attrs, Allowed::Enum)?;
                let cases = data.variants.iter().map(|variant| {
                    let options = Options::parse(&variant.attrs, Allowed::Variant)?;
                    let ident = &variant.ident;
                    Case::new(ident, quote!(Self::#ident), &variant.fields, &options, &whole)
                });
                let cases = cases.collect::<Result<Vec<_>>>()?;
                if cases.is_empty() {
                    return Err(Error::new_spanned(&input.ident, "an error without variants cannot happen"));
                }
                (whole, cases)
            }
            Data::Union(data) => {
                return Err(Error::new_spanned(data.union_token, "a union cannot travel; make it an enum"));
            }
        };
        let has_text = cases.iter().any(|case| case.text.is_some());
        if has_text && let Some(mute) = cases.iter().find(|case| case.text.is_none()) {
            let text = format!(
                "`{}` has no text but other variants have: give it one with #[failure(\"..\")], or take all of \
                 them away and implement `Display`",
                mute.ident
            );
            return Err(Error::new_spanned(&mute.ident, text));
        }
        if !has_text && let Some(source) = cases.iter().find_map(|case| case.source.as_ref()) {
            return Err(Error::new(
                source.span,
                "the source is kept in the `std::error::Error` that is written along with a text: add \
                 #[failure(\"..\")], or implement `Error::source` yourself",
            ));
        }
        Ok(Self {
            krate: whole.krate(),
            details: whole.details,
            ident: input.ident,
            generics: input.generics,
            cases,
            has_text,
        })
    }

    /// `Display` and `Error`, where the texts are ours to write.
    fn texts(&self) -> Option<TokenStream> {
        if !self.has_text {
            return None;
        }
        let ident = &self.ident;
        let generics = self.bounded(&quote!(::core::fmt::Display + ::core::fmt::Debug), None);
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let display = self.cases.iter().filter_map(Case::display);
        let source = self.cases.iter().any(|case| case.source.is_some()).then(|| {
            let sources = self.cases.iter().map(Case::source);
            quote! {
                fn source(&self) -> ::core::option::Option<&(dyn ::core::error::Error + 'static)> {
                    match self { #(#sources)* }
                }
            }
        });
        Some(quote! {
            impl #impl_generics ::core::fmt::Display for #ident #ty_generics #clause {
                fn fmt(&self, __formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    match self { #(#display)* }
                }
            }

            impl #impl_generics ::core::error::Error for #ident #ty_generics #clause {
                #source
            }
        })
    }

    /// `IntoFailure`.
    fn travel(&self) -> TokenStream {
        let (krate, ident) = (&self.krate, &self.ident);
        let bound = if self.has_text {
            quote!(
                ::core::fmt::Display
                    + ::core::fmt::Debug
                    + ::core::marker::Send
                    + ::core::marker::Sync
                    + 'static
            )
        } else {
            quote!(::core::marker::Send + 'static)
        };
        let mut of_self = Vec::new();
        if !self.has_text {
            of_self.push(quote!(::core::fmt::Display));
        }
        if self.details {
            of_self.push(quote!(#krate::__private::Detailed));
        }
        let generics = self.bounded(&bound, (!of_self.is_empty()).then(|| quote!(#(#of_self)+*)));
        let (impl_generics, ty_generics, clause) = generics.split_for_impl();
        let text = if self.has_text {
            quote!(::std::string::ToString::to_string(&self))
        } else {
            located(quote!(#krate::__private::Worded::text(&self)), self.ident.span())
        };
        let arms = self.cases.iter().map(|case| case.travel(krate));
        let details = self.details.then(|| {
            let detailed = quote!(#krate::__private::Detailed::detail(&self, failure));
            let detailed = located(detailed, self.ident.span());
            quote!(let failure = #detailed;)
        });
        // The server's layers and logs can look at the error itself.
        let end = if self.has_text { quote!(failure.with_source(self)) } else { quote!(failure) };
        quote! {
            impl #impl_generics #krate::IntoFailure for #ident #ty_generics #clause {
                fn into_failure(self) -> #krate::Failure {
                    let text = #text;
                    let failure = match &self { #(#arms)* };
                    #details
                    #end
                }
            }
        }
    }

    /// The generics with `each` asked of every type parameter and, where there are any, `whole` of the type.
    fn bounded(&self, each: &TokenStream, whole: Option<TokenStream>) -> Generics {
        let mut generics = self.generics.clone();
        let params: Vec<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
        if params.is_empty() {
            return generics;
        }
        let clause = generics.make_where_clause();
        for param in params {
            clause.predicates.push(syn::parse_quote!(#param: #each));
        }
        if let Some(whole) = whole {
            clause.predicates.push(syn::parse_quote!(Self: #whole));
        }
        generics
    }
}

/// The fields' names, or their numbers.
fn members(fields: &Fields) -> Vec<String> {
    let name = |(index, field): (usize, &syn::Field)| match &field.ident {
        Some(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
        None => index.to_string(),
    };
    fields.iter().enumerate().map(name).collect()
}

//! `#[trunkline::message]`.
//!
//! It writes serde's two traits itself, rather than deriving them, for what a derive cannot say: Go's names, two
//! sets of them, fields that are zero when they are missing, embedded structs read without a detour.

mod attributes;
mod fields;
mod one_of;
mod plain_enum;
mod structure;
mod twin;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Error, Fields, GenericParam, Generics, Ident, Path, Result, Token};

use attributes::Container;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let container = Container::parse(args)?;
    let mut input: DeriveInput = syn::parse2(item)?;
    refuse_serde(&input.attrs)?;

    let message =
        Message { krate: container.krate(), ident: input.ident.clone(), generics: input.generics.clone() };
    let impls = match &mut input.data {
        Data::Struct(data) => {
            container.refuse_number()?;
            match &mut data.fields {
                Fields::Named(named) => {
                    let fields = fields::named(named, &container)?;
                    structure::with_fields(&message, &container, &fields)
                }
                Fields::Unit => structure::with_fields(&message, &container, &[]),
                Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => {
                    structure::around(&message, &container, &mut unnamed.unnamed[0])?
                }
                Fields::Unnamed(unnamed) => {
                    return Err(Error::new_spanned(
                        unnamed,
                        "a message's fields have names, as in Go; give them names, or make it a struct of one field",
                    ));
                }
            }
        }
        Data::Enum(data) => {
            let variants = one_of::variants(data)?;
            if plain_enum::is_plain(&variants) {
                plain_enum::expand(&message, &container, &input.attrs, &variants)?
            } else {
                container.refuse_number()?;
                one_of::expand(&message, &container, &variants)?
            }
        }
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "a union cannot travel; make it an enum"));
        }
    };

    Ok(quote! {
        #input

        #[doc(hidden)]
        const _: () = {
            #impls
        };
    })
}

/// The type that becomes a message.
struct Message {
    /// Where trunkline is.
    krate: Path,
    ident: Ident,
    generics: Generics,
}

impl Message {
    /// The module with what the generated code calls.
    fn support(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::codec::__private)
    }

    fn name(&self) -> String {
        self.ident.to_string().trim_start_matches("r#").to_owned()
    }

    /// The type with its parameters.
    fn ty(&self) -> TokenStream {
        let (ident, (_, generics, _)) = (&self.ident, self.generics.split_for_impl());
        quote!(#ident #generics)
    }

    /// Whether it borrows, in which case it can be sent but not received.
    fn borrows(&self) -> bool {
        self.generics.lifetimes().next().is_some()
    }

    /// The generics, with `bound` on every type parameter that one of `types` mentions.
    fn bounded(&self, types: &[TokenStream], bound: &TokenStream) -> Generics {
        let mut generics = self.generics.clone();
        let mentioned: Vec<_> = self
            .generics
            .type_params()
            .map(|param| param.ident.clone())
            .filter(|param| types.iter().any(|ty| mentions(ty.clone(), param)))
            .collect();
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.extend(
            mentioned.iter().map(|param| -> syn::WherePredicate { syn::parse_quote!(#param: #bound) }),
        );
        generics
    }

    /// The same with the lifetime of the input before all others.
    fn bounded_de(&self, types: &[TokenStream], bound: &TokenStream) -> Generics {
        let mut generics = self.bounded(types, bound);
        generics.params.insert(0, GenericParam::Lifetime(syn::parse_quote!('de)));
        generics
    }

    /// `ty` where `Self` means another type.
    fn without_self(&self, ty: &impl ToTokens) -> TokenStream {
        replace_self(ty.to_token_stream(), &self.ty())
    }
}

fn mentions(tokens: TokenStream, param: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == *param,
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), param),
        _ => false,
    })
}

fn replace_self(tokens: TokenStream, ty: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            proc_macro2::TokenTree::Ident(ident) if ident == "Self" => ty.clone(),
            proc_macro2::TokenTree::Group(group) => {
                let mut inner = proc_macro2::Group::new(group.delimiter(), replace_self(group.stream(), ty));
                inner.set_span(group.span());
                proc_macro2::TokenTree::Group(inner).into()
            }
            other => other.into(),
        })
        .collect()
}

/// Says what would otherwise be a conflict between two implementations, or an attribute nobody knows.
fn refuse_serde(attrs: &[Attribute]) -> Result<()> {
    for attr in attrs {
        if attr.path().is_ident("derive") {
            let derives =
                attr.parse_args_with(syn::punctuated::Punctuated::<Path, Token![,]>::parse_terminated)?;
            for derive in derives {
                if let Some(last) = derive.segments.last()
                    && (last.ident == "Serialize" || last.ident == "Deserialize")
                {
                    let text = format!(
                        "#[trunkline::message] already implements {}; take it out of the derive",
                        last.ident
                    );
                    return Err(Error::new_spanned(derive, text));
                }
            }
        } else if attr.path().is_ident("serde") {
            return Err(Error::new_spanned(
                attr,
                "#[trunkline::message] does not read #[serde(..)]; its own attribute is #[message(..)]",
            ));
        }
    }
    Ok(())
}

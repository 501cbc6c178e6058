//! Enums whose variants hold something: a map of one entry. Go's twin is a struct with a pointer for each variant.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DataEnum, Error, Expr, Fields, Ident, Result, Type};

use super::Message;
use super::attributes::{Attributes, Container, Names};
use super::twin;

/// A variant, as the generated code sees it.
pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) names: Names,
    pub(super) held: Held,
    /// It stands for what is unknown.
    pub(super) other: bool,
    /// It stands for nil.
    pub(super) default: bool,
    pub(super) discriminant: Option<Expr>,
}

/// What a variant holds.
pub(super) enum Held {
    Nothing,
    Value { ty: Box<Type>, twin: bool },
}

const ALLOWED: &[&str] = &["name", "json", "msgpack", "default", "other", "plain"];

/// Takes the attributes off the variants and reads them.
pub(super) fn variants(data: &mut DataEnum) -> Result<Vec<Variant>> {
    if data.variants.is_empty() {
        return Err(Error::new_spanned(
            data.enum_token,
            "an enum without variants has no value that could travel",
        ));
    }
    let mut variants: Vec<Variant> = Vec::new();
    for variant in &mut data.variants {
        let std_default = variant.attrs.iter().any(|attr| attr.path().is_ident("default"));
        let attributes = Attributes::take(&mut variant.attrs, ALLOWED)?;
        let held = match &mut variant.fields {
            Fields::Unit => Held::Nothing,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let ty = fields.unnamed[0].ty.clone();
                let twin = !attributes.plain && twin::has_own_form(&ty);
                Held::Value { ty: Box::new(ty), twin }
            }
            fields => {
                return Err(Error::new_spanned(
                    fields,
                    format!(
                        "a variant holds nothing or one value; make these a #[trunkline::message] struct and hold \
                         that: {0}({0})",
                        variant.ident
                    ),
                ));
            }
        };
        let name = variant.ident.to_string().trim_start_matches("r#").to_owned();
        let names = Names {
            json: attributes.json.clone().unwrap_or_else(|| name.clone()),
            msgpack: attributes.msgpack.clone().unwrap_or(name),
        };
        if let Some(twice) = variants
            .iter()
            .find(|other| other.names.json == names.json || other.names.msgpack == names.msgpack)
        {
            return Err(Error::new(
                variant.ident.span(),
                format!("this variant and `{}` have the same name on the wire", twice.ident),
            ));
        }
        if attributes.other.is_some() && variants.iter().any(|variant| variant.other) {
            return Err(Error::new(variant.ident.span(), "only one variant can stand for what is unknown"));
        }
        let default = std_default || attributes.default.is_some();
        if default && variants.iter().any(|variant| variant.default) {
            return Err(Error::new(variant.ident.span(), "only one variant can be the default"));
        }
        variants.push(Variant {
            ident: variant.ident.clone(),
            names,
            held,
            other: attributes.other.is_some(),
            default,
            discriminant: variant.discriminant.as_ref().map(|(_, expr)| expr.clone()),
        });
    }
    Ok(variants)
}

pub(super) fn expand(message: &Message, container: &Container, variants: &[Variant]) -> Result<TokenStream> {
    if let Some(other) = variants.iter().find(|variant| variant.other) {
        return Err(Error::new(
            other.ident.span(),
            "only an enum whose other variants hold nothing can catch the unknown",
        ));
    }
    let mut code = serialize(message, variants);
    if !container.encode_only && !message.borrows() {
        code.extend(deserialize(message, container, variants)?);
    }
    Ok(code)
}

fn types(message: &Message, variants: &[Variant]) -> Vec<TokenStream> {
    variants
        .iter()
        .filter_map(|variant| match &variant.held {
            Held::Nothing => None,
            Held::Value { ty, .. } => Some(message.without_self(ty)),
        })
        .collect()
}

fn serialize(message: &Message, variants: &[Variant]) -> TokenStream {
    let (support, ty, name) = (message.support(), message.ty(), message.name());
    let serde = quote!(#support::serde);
    let generics = message.bounded(&types(message, variants), &quote!(#serde::Serialize));
    let (params, _, bounds) = generics.split_for_impl();
    let arms =
        (0_u32..).zip(variants).map(|(i, Variant { ident, names: Names { json, msgpack }, held, .. })| {
            let wire = if json == msgpack {
                quote!(#json)
            } else {
                quote!(if human_readable { #json } else { #msgpack })
            };
            let (pattern, value) = match held {
                Held::Nothing => (quote!(), quote!(&#support::Nothing)),
                Held::Value { twin: true, .. } => (quote!((value)), quote!(&#support::Sent(value))),
                Held::Value { .. } => (quote!((value)), quote!(value)),
            };
            quote!(Self::#ident #pattern => serializer.serialize_newtype_variant(#name, #i, #wire, #value),)
        });
    quote! {
        #[automatically_derived]
        impl #params #serde::Serialize for #ty #bounds {
            fn serialize<S: #serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let human_readable = serializer.is_human_readable();
                let _ = human_readable;
                match self { #(#arms)* }
            }
        }
    }
}

fn deserialize(message: &Message, container: &Container, variants: &[Variant]) -> Result<TokenStream> {
    let (support, ty, name, strict) = (message.support(), message.ty(), message.name(), container.strict);
    let serde = quote!(#support::serde);
    let generics = message.bounded_de(&types(message, variants), &quote!(#serde::Deserialize<'de>));
    let (params, _, bounds) = generics.split_for_impl();
    let json = variants.iter().map(|variant| &variant.names.json);
    let msgpack = variants.iter().map(|variant| &variant.names.msgpack);

    let mut accept = TokenStream::new();
    let mut unit = TokenStream::new();
    let mut zero = quote!(::core::option::Option::None);
    for (i, Variant { ident, held, default, .. }) in variants.iter().enumerate() {
        match held {
            Held::Nothing => {
                accept.extend(quote! {
                    #i => source.take::<::core::option::Option<#support::Nothing>>()?.map(|_| Self::#ident),
                });
                unit.extend(quote!(#i => ::core::option::Option::Some(Self::#ident),));
            }
            Held::Value { ty, twin } => {
                let (span, ty) = (ty.span(), message.without_self(ty));
                accept.extend(if *twin {
                    quote_spanned! {span=>
                        #i => source
                            .take::<::core::option::Option<#support::Received<#ty>>>()?
                            .map(|value| Self::#ident(value.0)),
                    }
                } else {
                    quote_spanned! {span=>
                        #i => source.take::<::core::option::Option<#ty>>()?.map(Self::#ident),
                    }
                });
            }
        }
        if *default {
            zero = match held {
                Held::Nothing => quote!(::core::option::Option::Some(Self::#ident)),
                Held::Value { .. } => {
                    return Err(Error::new(ident.span(), "the default variant must hold nothing"));
                }
            };
        }
    }
    Ok(quote! {
        #[automatically_derived]
        impl #params #support::OneOf<'de> for #ty #bounds {
            const NAME: &'static str = #name;
            const VARIANTS: &'static [&'static str] = &[#(#msgpack),*];
            const READABLE_VARIANTS: &'static [&'static str] = &[#(#json),*];
            const STRICT: bool = #strict;

            fn accept<S: #support::Source<'de>>(
                index: usize,
                source: &mut S,
            ) -> ::core::result::Result<::core::option::Option<Self>, S::Error> {
                ::core::result::Result::Ok(match index {
                    #accept
                    _ => ::core::option::Option::None,
                })
            }

            fn unit(index: usize) -> ::core::option::Option<Self> {
                match index {
                    #unit
                    _ => ::core::option::Option::None,
                }
            }

            fn zero() -> ::core::option::Option<Self> {
                #zero
            }
        }

        #[automatically_derived]
        impl #params #serde::Deserialize<'de> for #ty #bounds {
            fn deserialize<D: #serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #support::receive_one_of::<Self, D>(deserializer)
            }
        }
    })
}

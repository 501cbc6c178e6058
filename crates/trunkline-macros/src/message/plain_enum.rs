//! Enums whose variants hold nothing: text, or a number. Go has named constants of a string or integer type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Ident, Result};

use super::Message;
use super::attributes::Container;
use super::one_of::{Held, Variant};

/// Whether the variants hold nothing, but for one that catches what is unknown.
pub(super) fn is_plain(variants: &[Variant]) -> bool {
    variants.iter().all(|variant| variant.other || matches!(variant.held, Held::Nothing))
}

pub(super) fn expand(
    message: &Message,
    container: &Container,
    attrs: &[Attribute],
    variants: &[Variant],
) -> Result<TokenStream> {
    let repr = repr(attrs)?;
    let numbered = variants.iter().any(|variant| variant.discriminant.is_some());
    if container.number.is_some() || repr.is_some() || numbered {
        Ok(number(message, container, &repr.unwrap_or_else(|| format_ident!("isize")), variants))
    } else {
        Ok(text(message, container, variants))
    }
}

/// The integer type of a `#[repr(..)]`.
fn repr(attrs: &[Attribute]) -> Result<Option<Ident>> {
    let mut repr = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        attr.parse_nested_meta(|meta| {
            if let Some(ident) = meta.path.get_ident()
                && ident != "C"
            {
                if ident == "u128" || ident == "i128" {
                    return Err(Error::new_spanned(ident, "no format of Go's has numbers of 128 bits"));
                }
                repr = Some(ident.clone());
            }
            Ok(())
        })?;
    }
    Ok(repr)
}

fn text(message: &Message, container: &Container, variants: &[Variant]) -> TokenStream {
    let (support, ty, name) = (message.support(), message.ty(), message.name());
    let serde = quote!(#support::serde);
    let (params, _, bounds) = message.generics.split_for_impl();

    let mut texts = Vec::new();
    let mut from = TokenStream::new();
    let mut to = TokenStream::new();
    let mut otherwise = quote!(::core::option::Option::None);
    let mut empty = None;
    for Variant { ident, names, held, other, default, .. } in variants {
        if let (true, Held::Value { .. }) = (other, held) {
            otherwise = quote!(::core::option::Option::Some(Self::#ident(::core::convert::From::from(text))));
            to.extend(quote!(Self::#ident(text) => ::core::convert::AsRef::<str>::as_ref(text),));
            continue;
        }
        let (json, msgpack) = (&names.json, &names.msgpack);
        let value = quote!(::core::option::Option::Some(Self::#ident));
        if json == msgpack {
            from.extend(quote!(#json => #value,));
            to.extend(quote!(Self::#ident => #json,));
        } else {
            from.extend(quote!(#json | #msgpack => #value,));
            to.extend(quote!(Self::#ident => if human_readable { #json } else { #msgpack },));
        }
        texts.push(json);
        if *default {
            empty = Some(quote!("" => #value,));
        }
        if *other {
            otherwise = value;
        }
    }
    let mut code = quote! {
        #[automatically_derived]
        impl #params #serde::Serialize for #ty #bounds {
            fn serialize<S: #serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let human_readable = serializer.is_human_readable();
                let _ = human_readable;
                serializer.serialize_str(match self { #to })
            }
        }
    };
    if !container.encode_only {
        code.extend(quote! {
            #[automatically_derived]
            impl #params #support::Text for #ty #bounds {
                const NAME: &'static str = #name;
                const TEXTS: &'static [&'static str] = &[#(#texts),*];

                fn from_text(text: &str) -> ::core::option::Option<Self> {
                    match text {
                        #from
                        #empty
                        _ => #otherwise,
                    }
                }
            }
        });
        code.extend(deserialize(message, &quote!(receive_text)));
    }
    code
}

fn number(message: &Message, container: &Container, repr: &Ident, variants: &[Variant]) -> TokenStream {
    let (support, ty, name) = (message.support(), message.ty(), message.name());
    let serde = quote!(#support::serde);
    let (params, _, bounds) = message.generics.split_for_impl();
    let serialize = match repr.to_string().as_str() {
        "isize" => quote!(serializer.serialize_i64(number as i64)),
        "usize" => quote!(serializer.serialize_u64(number as u64)),
        _ => {
            let method = format_ident!("serialize_{repr}");
            quote!(serializer.#method(number))
        }
    };

    let mut numbers = TokenStream::new();
    let mut known = TokenStream::new();
    let mut from = TokenStream::new();
    let mut to = TokenStream::new();
    let mut otherwise = quote!(::core::option::Option::None);
    let mut last: Option<Ident> = None;
    for (i, Variant { ident, names, held, other, discriminant, .. }) in variants.iter().enumerate() {
        let number = format_ident!("NUMBER_{i}");
        let value = match (discriminant, &last) {
            (Some(given), _) => quote!(#given),
            (None, Some(last)) => quote!(#last + 1),
            (None, None) => quote!(0),
        };
        numbers.extend(quote!(const #number: #repr = #value;));
        last = Some(number.clone());
        if let (true, Held::Value { .. }) = (other, held) {
            otherwise = quote!(::core::option::Option::Some(Self::#ident(number)));
            to.extend(quote!(Self::#ident(number) => return serializer.serialize_i64(*number),));
            continue;
        }
        let text = &names.json;
        known.extend(quote!((#text, #number as i64),));
        from.extend(quote! {
            if number == #number as i64 {
                return ::core::option::Option::Some(Self::#ident);
            }
        });
        to.extend(quote!(Self::#ident => #number,));
        if *other {
            otherwise = quote!(::core::option::Option::Some(Self::#ident));
        }
    }
    let mut code = quote! {
        #numbers

        #[automatically_derived]
        impl #params #serde::Serialize for #ty #bounds {
            fn serialize<S: #serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let number = match self { #to };
                #serialize
            }
        }
    };
    if !container.encode_only {
        code.extend(quote! {
            #[automatically_derived]
            impl #params #support::Number for #ty #bounds {
                const NAME: &'static str = #name;
                const NUMBERS: &'static [(&'static str, i64)] = &[#known];

                fn from_number(number: i64) -> ::core::option::Option<Self> {
                    #from
                    #otherwise
                }
            }
        });
        code.extend(deserialize(message, &quote!(receive_number)));
    }
    code
}

fn deserialize(message: &Message, receive: &TokenStream) -> TokenStream {
    let (support, ty) = (message.support(), message.ty());
    let serde = quote!(#support::serde);
    let generics = message.bounded_de(&[], &TokenStream::new());
    let (params, _, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #params #serde::Deserialize<'de> for #ty #bounds {
            fn deserialize<D: #serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #support::#receive::<Self, D>(deserializer)
            }
        }
    }
}

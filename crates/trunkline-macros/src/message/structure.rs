//! The code for structs.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Result, Type};

use super::Message;
use super::attributes::{Attributes, Container, Missing, Names};
use super::fields::{Field, Kind};
use super::twin;

/// A struct with named fields, or with none.
pub(super) fn with_fields(message: &Message, container: &Container, fields: &[Field]) -> TokenStream {
    let mut code = names(message, container, fields);
    code.extend(emit(message, fields));
    if !container.encode_only && !message.borrows() {
        code.extend(receive(message, fields));
    }
    code
}

/// A struct around one value, which travels as that value: Go's `type UserID int64`.
pub(super) fn around(
    message: &Message,
    container: &Container,
    field: &mut syn::Field,
) -> Result<TokenStream> {
    let attributes = Attributes::take(&mut field.attrs, &["plain"])?;
    let twin = !attributes.plain && twin::has_own_form(&field.ty);
    let (support, ty, name, inner) =
        (message.support(), message.ty(), message.name(), message.without_self(&field.ty));
    let serde = quote!(#support::serde);
    let types = [inner.clone()];

    let value = if twin { quote!(&#support::Sent(&self.0)) } else { quote!(&self.0) };
    let generics = message.bounded(&types, &quote!(#serde::Serialize));
    let (params, _, bounds) = generics.split_for_impl();
    let mut code = quote! {
        #[automatically_derived]
        impl #params #serde::Serialize for #ty #bounds {
            fn serialize<S: #serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(#name, #value)
            }
        }
    };
    if !container.encode_only && !message.borrows() {
        let generics = message.bounded_de(&types, &quote!(#serde::Deserialize<'de>));
        let (params, _, bounds) = generics.split_for_impl();
        let value = if twin {
            quote!(<#support::Received<#inner> as #serde::Deserialize<'de>>::deserialize(deserializer)?.0)
        } else {
            quote!(<#inner as #serde::Deserialize<'de>>::deserialize(deserializer)?)
        };
        code.extend(quote! {
            #[automatically_derived]
            impl #params #serde::Deserialize<'de> for #ty #bounds {
                fn deserialize<D: #serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    ::core::result::Result::Ok(Self(#value))
                }
            }
        });
    }
    Ok(code)
}

fn plain_names(fields: &[Field]) -> impl Iterator<Item = &Names> {
    fields.iter().filter_map(|field| match &field.kind {
        Kind::Plain { names, .. } => Some(names),
        _ => None,
    })
}

fn embedded(fields: &[Field]) -> impl Iterator<Item = &Type> {
    fields.iter().filter(|field| matches!(field.kind, Kind::Embedded)).map(|field| &field.ty)
}

/// Types of the fields that travel, which generic parameters' bounds are taken from.
fn travelling(message: &Message, fields: &[Field]) -> Vec<TokenStream> {
    fields
        .iter()
        .filter(|field| !matches!(field.kind, Kind::Skipped))
        .map(|field| message.without_self(&field.ty))
        .collect()
}

/// `Message`: the names, and where each stands.
fn names(message: &Message, container: &Container, fields: &[Field]) -> TokenStream {
    let (support, ty, name, strict) = (message.support(), message.ty(), message.name(), container.strict);
    let (params, _, bounds) = message.generics.split_for_impl();
    let json: Vec<_> = plain_names(fields).map(|names| &names.json).collect();
    let msgpack: Vec<_> = plain_names(fields).map(|names| &names.msgpack).collect();
    let own = json.len();
    let embedded: Vec<_> = embedded(fields).map(|ty| message.without_self(ty)).collect();
    let one_list = json == msgpack;
    let list = if one_list {
        quote!(Self::FIELDS)
    } else {
        quote!(if human_readable { Self::READABLE_FIELDS } else { Self::FIELDS })
    };
    let readable = if one_list { quote!(Self::FIELDS) } else { quote!(&[#(#json),*]) };
    let unused = (one_list && embedded.is_empty()).then(|| quote!(let _ = human_readable;));

    // Own fields come first where two have the same name, as in Go.
    let mut own_place = TokenStream::new();
    let mut embedded_places = TokenStream::new();
    let (mut before, mut embedded_before) = (0_usize, Vec::<TokenStream>::new());
    for field in fields {
        match &field.kind {
            Kind::Skipped => {}
            Kind::Plain { .. } => {
                before += 1;
            }
            Kind::Embedded => {
                let (at, other) = (Literal::usize_unsuffixed(before), message.without_self(&field.ty));
                own_place.extend(quote! {
                    if own >= #at {
                        place += <#other as #support::Message>::COUNT;
                    }
                });
                let counts = &embedded_before;
                embedded_places.extend(quote_spanned! {field.span()=>
                    if let ::core::option::Option::Some(index) =
                        <#other as #support::Message>::index(name, human_readable, ignoring_case)
                    {
                        return ::core::option::Option::Some(#at #(+ #counts)* + index);
                    }
                });
                embedded_before.push(quote!(<#other as #support::Message>::COUNT));
            }
        }
    }
    let index = if embedded.is_empty() {
        quote! {
            #unused
            #support::position(#list, name, ignoring_case)
        }
    } else {
        quote! {
            if let ::core::option::Option::Some(own) = #support::position(#list, name, ignoring_case) {
                let mut place = own;
                #own_place
                return ::core::option::Option::Some(place);
            }
            #embedded_places
            ::core::option::Option::None
        }
    };

    quote! {
        #[automatically_derived]
        impl #params #support::Message for #ty #bounds {
            const NAME: &'static str = #name;
            const FIELDS: &'static [&'static str] = &[#(#msgpack),*];
            const READABLE_FIELDS: &'static [&'static str] = #readable;
            const COUNT: usize = #own #(+ <#embedded as #support::Message>::COUNT)*;
            const STRICT: bool = #strict;

            fn index(name: &str, human_readable: bool, ignoring_case: bool) -> ::core::option::Option<usize> {
                #index
            }
        }
    }
}

/// `Emit` and `Serialize`.
fn emit(message: &Message, fields: &[Field]) -> TokenStream {
    let (support, ty) = (message.support(), message.ty());
    let serde = quote!(#support::serde);
    let mut always = 0_usize;
    let mut sometimes = TokenStream::new();
    let mut write = TokenStream::new();
    for field in fields {
        let ident = &field.ident;
        match &field.kind {
            Kind::Skipped => {}
            Kind::Embedded => {
                sometimes.extend(quote_spanned!(field.span()=> + #support::Emit::present(&self.#ident)));
                write.extend(quote_spanned! {field.span()=>
                    #support::Emit::write(&self.#ident, fields, human_readable)?;
                });
            }
            Kind::Plain { names: Names { json, msgpack }, omit_empty, twin, .. } => {
                let name = if json == msgpack {
                    quote!(#json)
                } else {
                    quote!(if human_readable { #json } else { #msgpack })
                };
                let (span, value) = (field.span(), quote_spanned!(field.span()=> &self.#ident));
                let field = if *twin {
                    quote_spanned!(span=> #support::field_twin(fields, #name, #value)?;)
                } else {
                    quote_spanned!(span=> #support::field(fields, #name, #value)?;)
                };
                if *omit_empty {
                    let empty = if *twin {
                        quote!(#support::is_empty(&#support::Sent(#value)))
                    } else {
                        quote!(#support::is_empty(#value))
                    };
                    sometimes.extend(quote!(+ usize::from(!#empty)));
                    write.extend(quote!(if !#empty { #field }));
                } else {
                    always += 1;
                    write.extend(field);
                }
            }
        }
    }
    let name = message.name();
    let generics = message.bounded(&travelling(message, fields), &quote!(#serde::Serialize));
    let (params, _, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #params #support::Emit for #ty #bounds {
            #[inline]
            fn present(&self) -> usize {
                #always #sometimes
            }

            #[inline]
            fn write<S: #serde::ser::SerializeStruct>(
                &self,
                fields: &mut S,
                human_readable: bool,
            ) -> ::core::result::Result<(), S::Error> {
                let _ = (&fields, human_readable);
                #write
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl #params #serde::Serialize for #ty #bounds {
            #[inline]
            fn serialize<S: #serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let human_readable = serializer.is_human_readable();
                let present = #support::Emit::present(self);
                let mut fields = serializer.serialize_struct(#name, present)?;
                #support::Emit::write(self, &mut fields, human_readable)?;
                #serde::ser::SerializeStruct::end(fields)
            }
        }
    }
}

/// `Receive` and `Deserialize`.
fn receive(message: &Message, fields: &[Field]) -> TokenStream {
    let (support, ty) = (message.support(), message.ty());
    let serde = quote!(#support::serde);
    let generics = message.bounded_de(&travelling(message, fields), &quote!(#serde::Deserialize<'de>));
    let (params, args, bounds) = generics.split_for_impl();

    let mut arrived = TokenStream::new();
    let mut nothing = TokenStream::new();
    let mut accept = Accept::default();
    let mut finish = TokenStream::new();
    for (i, field) in fields.iter().enumerate() {
        let (ident, ty, span) = (&field.ident, message.without_self(&field.ty), field.span());
        let slot = format_ident!("field{i}");
        match &field.kind {
            Kind::Skipped => {
                finish.extend(quote_spanned!(span=> #ident: ::core::default::Default::default(),));
            }
            Kind::Embedded => {
                let receive = quote_spanned!(span=> <#ty as #support::Receive<'de>>);
                arrived.extend(quote!(#slot: #receive::Partial,));
                nothing.extend(quote!(#slot: ::core::default::Default::default(),));
                accept.embedded(&support, &ty, &quote!(#receive::accept(&mut partial.#slot, index, source)));
                finish.extend(quote!(#ident: #receive::finish(partial.#slot, human_readable)?,));
            }
            Kind::Plain { names, missing, twin, .. } => {
                arrived.extend(quote!(#slot: ::core::option::Option<#ty>,));
                nothing.extend(quote!(#slot: ::core::option::Option::None,));
                let taken = if *twin {
                    quote_spanned!(span=> source.take_twin::<#ty>()?)
                } else {
                    quote_spanned!(span=> source.take::<#ty>()?)
                };
                accept.own(&quote!(partial.#slot = ::core::option::Option::Some(#taken)));
                let name = &names.msgpack;
                let absent = match missing {
                    Some(Missing::Default) => quote_spanned!(span=> ::core::default::Default::default()),
                    Some(Missing::Call(path)) => quote!(#path()),
                    None if *twin => {
                        quote_spanned!(span=> #support::missing_twin::<#ty, E>(#name, human_readable)?)
                    }
                    None => quote_spanned!(span=> #support::missing::<#ty, E>(#name, human_readable)?),
                };
                finish.extend(quote! {
                    #ident: match partial.#slot {
                        ::core::option::Option::Some(value) => value,
                        ::core::option::Option::None => #absent,
                    },
                });
            }
        }
    }
    let accept = accept.finish();

    quote! {
        pub struct Partial #params #bounds {
            #arrived
            of: ::core::marker::PhantomData<(&'de (), fn() -> #ty)>,
        }

        #[automatically_derived]
        impl #params ::core::default::Default for Partial #args #bounds {
            fn default() -> Self {
                Self { #nothing of: ::core::marker::PhantomData }
            }
        }

        #[automatically_derived]
        impl #params #support::Receive<'de> for #ty #bounds {
            type Partial = Partial #args;

            #[inline]
            fn accept<S: #support::Source<'de>>(
                partial: &mut Self::Partial,
                index: usize,
                source: &mut S,
            ) -> ::core::result::Result<(), S::Error> {
                let _ = (&partial, &source);
                #accept
                ::core::result::Result::Ok(())
            }

            #[inline]
            fn finish<E: #serde::de::Error>(
                partial: Self::Partial,
                human_readable: bool,
            ) -> ::core::result::Result<Self, E> {
                let _ = (&partial, human_readable);
                ::core::result::Result::Ok(Self { #finish })
            }
        }

        #[automatically_derived]
        impl #params #serde::Deserialize<'de> for #ty #bounds {
            fn deserialize<D: #serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #support::receive::<Self, D>(deserializer)
            }
        }
    }
}

/// The body of `accept`: runs of own fields, and the fields of embedded messages between them.
#[derive(Default)]
struct Accept {
    done: TokenStream,
    run: TokenStream,
    len: usize,
}

impl Accept {
    fn own(&mut self, store: &TokenStream) {
        let at = Literal::usize_unsuffixed(self.len);
        self.run.extend(quote!(#at => #store,));
        self.len += 1;
    }

    fn embedded(&mut self, support: &TokenStream, ty: &TokenStream, accept: &TokenStream) {
        let (run, len) = (std::mem::take(&mut self.run), Literal::usize_unsuffixed(self.len));
        if self.len > 0 {
            self.done.extend(quote! {
                if index < #len {
                    match index { #run _ => {} }
                    return ::core::result::Result::Ok(());
                }
                let index = index - #len;
            });
        }
        self.len = 0;
        self.done.extend(quote! {
            if index < <#ty as #support::Message>::COUNT {
                return #accept;
            }
            let index = index - <#ty as #support::Message>::COUNT;
        });
    }

    fn finish(self) -> TokenStream {
        let Self { done, run, .. } = self;
        quote! {
            #done
            match index { #run _ => {} }
        }
    }
}

//! `#[derive(Thrift)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Fields, Ident, LitInt, Path, Result, Token, Type};

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "Thrift has no generic types; derive this for a type without parameters",
        ));
    }
    let krate = krate(&input.attrs)?;
    let support = quote!(#krate::codec::__private::thrift);
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => structure(&support, &input.ident, &fields(named.named.iter())?),
            Fields::Unit => structure(&support, &input.ident, &[]),
            Fields::Unnamed(unnamed) => {
                Err(Error::new_spanned(unnamed, "a Thrift struct's fields have names; give them names"))
            }
        },
        Data::Enum(data) => enumeration(&support, &input.ident, data),
        Data::Union(data) => Err(Error::new_spanned(data.union_token, "a Rust union has no form in Thrift")),
    }
}

/// `#[thrift(crate = path)]` on the type: where trunkline is.
fn krate(attrs: &[Attribute]) -> Result<Path> {
    let mut krate: Path = syn::parse_quote!(::trunkline);
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("thrift")) {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown argument; #[thrift(..)] knows crate = path here"));
            }
            krate = meta.value()?.call(Path::parse_mod_style)?;
            Ok(())
        })?;
    }
    Ok(krate)
}

struct Field {
    ident: Ident,
    ty: Type,
    id: i16,
    required: bool,
}

/// `1` or `1, required`.
struct Argument {
    id: LitInt,
    required: bool,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let id = input.parse()?;
        let mut required = false;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let word: Ident = input.parse()?;
            if word != "required" {
                return Err(Error::new(word.span(), "only `required` can follow the id"));
            }
            required = true;
        }
        Ok(Self { id, required })
    }
}

fn fields<'a>(named: impl Iterator<Item = &'a syn::Field>) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for field in named {
        let Some(ident) = field.ident.clone() else { continue };
        let Some(attr) = field.attrs.iter().find(|attr| attr.path().is_ident("thrift")) else {
            return Err(Error::new(
                ident.span(),
                "this field has no id; give it the one it has in the .thrift file: #[thrift(1)]",
            ));
        };
        let argument: Argument = attr.parse_args()?;
        let id = argument.id.base10_parse::<i16>().ok().filter(|id| *id > 0);
        let Some(id) = id else {
            return Err(Error::new(argument.id.span(), "an id is a number from 1 to 32767"));
        };
        if let Some(first) = fields.iter().find(|field| field.id == id) {
            return Err(Error::new(argument.id.span(), format!("`{}` has this id already", first.ident)));
        }
        fields.push(Field { ident, ty: field.ty.clone(), id, required: argument.required });
    }
    Ok(fields)
}

fn structure(support: &TokenStream, ident: &Ident, fields: &[Field]) -> Result<TokenStream> {
    let mut slots = TokenStream::new();
    let mut arms = TokenStream::new();
    let mut built = TokenStream::new();
    let mut zeros = TokenStream::new();
    let mut writes = TokenStream::new();
    for (i, Field { ident, ty, id, required }) in fields.iter().enumerate() {
        let slot = format_ident!("field{i}");
        let name = ident.to_string();
        let name = name.trim_start_matches("r#");
        let form = quote_spanned!(ty.span()=> <#ty as #support::ThriftField>);
        slots.extend(quote!(let mut #slot: ::core::option::Option<#ty> = ::core::option::Option::None;));
        arms.extend(quote! {
            ::core::option::Option::Some(#id) if field.field_type == #form::TYPE => {
                let value = #form::read(input).map_err(|error| #support::in_field(error, #name))?;
                #slot = ::core::option::Option::Some(value);
            }
        });
        built.extend(if *required {
            quote!(#ident: #slot.ok_or_else(|| #support::missing(#name))?,)
        } else {
            quote!(#ident: #slot.unwrap_or_else(#form::zero),)
        });
        zeros.extend(quote!(#ident: #form::zero(),));
        writes.extend(quote! {
            if #form::is_present(&self.#ident) {
                output.write_field_begin(&#support::protocol::TFieldIdentifier {
                    name: ::core::option::Option::None,
                    field_type: #form::TYPE,
                    id: ::core::option::Option::Some(#id),
                })?;
                #form::write(&self.#ident, output).map_err(|error| #support::in_field(error, #name))?;
                output.write_field_end()?;
            }
        });
    }
    Ok(quote! {
        #[doc(hidden)]
        const _: () = {
            #[automatically_derived]
            impl #support::protocol::TSerializable for #ident {
                fn read_from_in_protocol(
                    input: &mut dyn #support::protocol::TInputProtocol,
                ) -> #support::Result<Self> {
                    #slots
                    input.read_struct_begin()?;
                    loop {
                        let field = input.read_field_begin()?;
                        if field.field_type == #support::protocol::TType::Stop {
                            break;
                        }
                        match field.id {
                            #arms
                            // A field of another version of this struct, or of another type there.
                            _ => input.skip(field.field_type)?,
                        }
                        input.read_field_end()?;
                    }
                    input.read_struct_end()?;
                    ::core::result::Result::Ok(Self { #built })
                }

                fn write_to_out_protocol(
                    &self,
                    output: &mut dyn #support::protocol::TOutputProtocol,
                ) -> #support::Result<()> {
                    // The binary protocol does not write names, so none is made.
                    output.write_struct_begin(&#support::protocol::TStructIdentifier {
                        name: ::core::default::Default::default(),
                    })?;
                    #writes
                    output.write_field_stop()?;
                    output.write_struct_end()
                }
            }

            #[automatically_derived]
            impl #support::ThriftValue for #ident {
                const TYPE: #support::protocol::TType = #support::protocol::TType::Struct;

                fn zero() -> Self {
                    Self { #zeros }
                }

                fn read(input: &mut dyn #support::protocol::TInputProtocol) -> #support::Result<Self> {
                    #support::protocol::TSerializable::read_from_in_protocol(input)
                }

                fn write(&self, output: &mut dyn #support::protocol::TOutputProtocol) -> #support::Result<()> {
                    #support::protocol::TSerializable::write_to_out_protocol(self, output)
                }
            }
        };
    })
}

/// An enum is an `i32`. Its zero value is the variant numbered 0, or else the first one.
fn enumeration(support: &TokenStream, ident: &Ident, data: &DataEnum) -> Result<TokenStream> {
    let mut numbers = TokenStream::new();
    let mut to = TokenStream::new();
    let mut from = TokenStream::new();
    let mut last: Option<Ident> = None;
    let mut known = Vec::new();
    for (i, variant) in data.variants.iter().enumerate() {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(&variant.fields, "a variant of a Thrift enum holds nothing"));
        }
        let (name, number) = (&variant.ident, format_ident!("NUMBER_{i}"));
        let value = match (&variant.discriminant, &last) {
            (Some((_, given)), _) => quote!(#given),
            (None, Some(last)) => quote!(#last + 1),
            (None, None) => quote!(0),
        };
        numbers.extend(quote!(const #number: i32 = #value;));
        to.extend(quote!(Self::#name => #number,));
        from.extend(quote!(if number == #number { return ::core::option::Option::Some(Self::#name); }));
        known.push(name.to_string());
        last = Some(number);
    }
    if last.is_none() {
        return Err(Error::new_spanned(
            data.enum_token,
            "an enum without variants has no value that could travel",
        ));
    }
    let first = data.variants.first().map(|variant| &variant.ident);
    let (name, known) = (ident.to_string(), known.join(", "));
    Ok(quote! {
        #[doc(hidden)]
        const _: () = {
            #numbers

            trait FromNumber: Sized {
                fn from_number(number: i32) -> ::core::option::Option<Self>;
            }

            impl FromNumber for #ident {
                fn from_number(number: i32) -> ::core::option::Option<Self> {
                    #from
                    ::core::option::Option::None
                }
            }

            #[automatically_derived]
            impl #support::ThriftValue for #ident {
                const TYPE: #support::protocol::TType = #support::protocol::TType::I32;

                fn zero() -> Self {
                    <Self as FromNumber>::from_number(0).unwrap_or(Self::#first)
                }

                fn read(input: &mut dyn #support::protocol::TInputProtocol) -> #support::Result<Self> {
                    let number = input.read_i32()?;
                    <Self as FromNumber>::from_number(number)
                        .ok_or_else(|| #support::unknown(number, #name, #known))
                }

                fn write(&self, output: &mut dyn #support::protocol::TOutputProtocol) -> #support::Result<()> {
                    output.write_i32(match self { #to })
                }
            }
        };
    })
}

//! The arguments of `#[trunkline::message(..)]` and of `#[message(..)]` on fields and variants.

use proc_macro2::{Span, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Attribute, Error, LitStr, Path, Result, Token};

use crate::go_name::{camel_case, go_name};

/// What is said of the whole message.
#[derive(Default)]
pub(super) struct Container {
    krate: Option<Path>,
    /// Unknown fields are refused.
    pub(super) strict: bool,
    /// It is sent and never received.
    pub(super) encode_only: bool,
    /// An enum travels as its number.
    pub(super) number: Option<Span>,
    /// How names are made that are not given.
    json: Rule,
    msgpack: Rule,
}

/// How a name on the wire is made from one in Rust.
#[derive(Clone, Copy, Default)]
enum Rule {
    #[default]
    Go,
    Snake,
    Camel,
    Lower,
}

impl Rule {
    fn parse(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let rule: LitStr = meta.value()?.parse()?;
        match rule.value().as_str() {
            "Go" => Ok(Self::Go),
            "snake_case" => Ok(Self::Snake),
            "camelCase" => Ok(Self::Camel),
            "lowercase" => Ok(Self::Lower),
            _ => Err(Error::new(
                rule.span(),
                "expected \"Go\" (UserID), \"snake_case\", \"camelCase\" or \"lowercase\"",
            )),
        }
    }

    fn apply(self, snake: &str) -> String {
        match self {
            Self::Go => go_name(snake),
            Self::Snake => snake.to_owned(),
            Self::Camel => camel_case(snake),
            Self::Lower => snake.replace('_', "").to_lowercase(),
        }
    }
}

impl Container {
    pub(super) fn parse(args: TokenStream) -> Result<Self> {
        let mut container = Self::default();
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("strict") {
                container.strict = true;
            } else if meta.path.is_ident("encode_only") {
                container.encode_only = true;
            } else if meta.path.is_ident("number") {
                container.number = Some(meta.path.segments[0].ident.span());
            } else if meta.path.is_ident("names") {
                container.json = Rule::parse(&meta)?;
                container.msgpack = container.json;
            } else if meta.path.is_ident("json_names") {
                container.json = Rule::parse(&meta)?;
            } else if meta.path.is_ident("msgpack_names") {
                container.msgpack = Rule::parse(&meta)?;
            } else if meta.path.is_ident("crate") {
                container.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
            } else {
                return Err(meta.error(
                    "unknown argument; #[trunkline::message] knows strict, encode_only, number, \
                     names = \"..\", json_names = \"..\", msgpack_names = \"..\", crate = path",
                ));
            }
            Ok(())
        });
        Parser::parse2(parser, args)?;
        Ok(container)
    }

    pub(super) fn krate(&self) -> Path {
        self.krate.clone().unwrap_or_else(|| syn::parse_quote!(::trunkline))
    }

    pub(super) fn refuse_number(&self) -> Result<()> {
        match self.number {
            Some(span) => Err(Error::new(span, "only an enum whose variants hold nothing is a number")),
            None => Ok(()),
        }
    }

    /// A field's names on the wire.
    pub(super) fn field_names(&self, snake: &str, given: &Attributes) -> Names {
        Names {
            json: given.json.clone().unwrap_or_else(|| self.json.apply(snake)),
            msgpack: given.msgpack.clone().unwrap_or_else(|| self.msgpack.apply(snake)),
        }
    }
}

/// Names on the wire.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) json: String,
    /// And every other format that is not for people.
    pub(super) msgpack: String,
}

/// What is said of a field or a variant.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) json: Option<String>,
    pub(super) msgpack: Option<String>,
    pub(super) omit_empty: bool,
    pub(super) flatten: Option<Span>,
    pub(super) skip: bool,
    pub(super) default: Option<Missing>,
    pub(super) plain: bool,
    pub(super) other: Option<Span>,
}

/// What a missing field becomes.
pub(super) enum Missing {
    Default,
    Call(Path),
}

impl Attributes {
    /// Takes the `#[message(..)]` attributes out of `attrs`; `allowed` are the arguments that make sense here.
    pub(super) fn take(attrs: &mut Vec<Attribute>, allowed: &[&str]) -> Result<Self> {
        let mut taken = Self::default();
        for attr in attrs.iter() {
            if attr.path().is_ident("serde") {
                return Err(Error::new_spanned(
                    attr,
                    "#[trunkline::message] does not read #[serde(..)]; its own attribute is #[message(..)]",
                ));
            }
            if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
                return Err(Error::new_spanned(
                    attr,
                    "a message has the same fields in every build; put the #[cfg(..)] on the whole message",
                ));
            }
            if attr.path().is_ident("message") {
                attr.parse_nested_meta(|meta| taken.argument(&meta, allowed))?;
            }
        }
        attrs.retain(|attr| !attr.path().is_ident("message"));
        Ok(taken)
    }

    fn argument(&mut self, meta: &ParseNestedMeta<'_>, allowed: &[&str]) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if !allowed.contains(&name.as_str()) {
            return Err(
                meta.error(format!("unknown argument; #[message(..)] knows {} here", allowed.join(", ")))
            );
        }
        match name.as_str() {
            "name" => {
                let name = wire_name(meta)?;
                self.json.get_or_insert_with(|| name.clone());
                self.msgpack.get_or_insert(name);
            }
            "json" => self.json = Some(wire_name(meta)?),
            "msgpack" => self.msgpack = Some(wire_name(meta)?),
            "omit_empty" => self.omit_empty = true,
            "flatten" => self.flatten = Some(meta.path.segments[0].ident.span()),
            "skip" => self.skip = true,
            "plain" => self.plain = true,
            "other" => self.other = Some(meta.path.segments[0].ident.span()),
            "default" if meta.input.peek(Token![=]) => {
                self.default = Some(Missing::Call(meta.value()?.parse()?));
            }
            _ => self.default = Some(Missing::Default),
        }
        Ok(())
    }
}

fn wire_name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    let name: LitStr = meta.value()?.parse()?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "a name on the wire cannot be empty; `skip` leaves a field out"));
    }
    Ok(name.value())
}

//! The arguments of `#[failure(..)]`.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Ident, Lit, LitStr, Path, Result, Token};

/// The kinds, by their word in metadata and by their name in Rust.
const KINDS: [(&str, &str); 10] = [
    ("invalid", "Invalid"),
    ("unauthenticated", "Unauthenticated"),
    ("denied", "Denied"),
    ("not_found", "NotFound"),
    ("application", "Application"),
    ("overloaded", "Overloaded"),
    ("unavailable", "Unavailable"),
    ("deadline", "Deadline"),
    ("cancelled", "Cancelled"),
    ("internal", "Internal"),
];

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// What is said of a type or one of its variants.
#[derive(Default)]
pub(super) struct Options {
    krate: Option<Path>,
    pub(super) text: Option<LitStr>,
    pub(super) code: Option<String>,
    /// A variant of `ErrorKind`.
    pub(super) kind: Option<Ident>,
    /// Milliseconds.
    pub(super) retry_after: Option<u64>,
    pub(super) details: bool,
}

/// Where an attribute stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Allowed {
    Struct,
    Enum,
    Variant,
}

impl Allowed {
    fn known(self) -> &'static str {
        match self {
            Self::Struct => {
                "\"the text\", code = \"..\", kind = .., retry_after = \"..\", details, crate = path"
            }
            Self::Enum => "kind = .., retry_after = \"..\", details, crate = path",
            Self::Variant => "\"the text\", code = \"..\", kind = .., retry_after = \"..\"",
        }
    }
}

impl Options {
    pub(super) fn parse(attrs: &[Attribute], allowed: Allowed) -> Result<Self> {
        let mut options = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("failure")) {
            attr.parse_args_with(|input: ParseStream<'_>| {
                while !input.is_empty() {
                    options.argument(input, allowed)?;
                    if !input.is_empty() {
                        input.parse::<Token![,]>()?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    fn argument(&mut self, input: ParseStream<'_>, allowed: Allowed) -> Result<()> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            if allowed == Allowed::Enum {
                return Err(Error::new(
                    text.span(),
                    "each variant has a text of its own: put it on the variants",
                ));
            }
            if self.text.replace(text).is_some() {
                return Err(input.error("there is a text already"));
            }
            return Ok(());
        }
        let name: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        match name.to_string().as_str() {
            "code" if allowed != Allowed::Enum => {
                input.parse::<Token![=]>()?;
                let code: LitStr = input.parse()?;
                if code.value().is_empty() {
                    return Err(Error::new(
                        code.span(),
                        "a code cannot be empty; without one it is the name",
                    ));
                }
                self.code = Some(code.value());
            }
            "kind" => {
                input.parse::<Token![=]>()?;
                self.kind = Some(kind(&input.call(syn::ext::IdentExt::parse_any)?)?);
            }
            "retry_after" => {
                input.parse::<Token![=]>()?;
                self.retry_after = Some(milliseconds(&input.parse()?)?);
            }
            "details" if allowed != Allowed::Variant => self.details = true,
            "crate" if allowed != Allowed::Variant => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            _ => {
                let text = format!("unknown option `{name}`; #[failure(..)] knows {} here", allowed.known());
                return Err(Error::new(name.span(), text));
            }
        }
        Ok(())
    }

    pub(super) fn krate(&self) -> Path {
        self.krate.clone().unwrap_or_else(|| syn::parse_quote!(::trunkline))
    }
}

/// Where `#[failure(source)]` stands among a field's attributes.
pub(super) fn source(attrs: &[Attribute]) -> Result<Option<Span>> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("failure")) {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("source") {
                return Err(meta.error("unknown option; #[failure(..)] knows source on a field"));
            }
            found = meta.path.get_ident().map(Ident::span);
            Ok(())
        })?;
    }
    Ok(found)
}

fn kind(word: &Ident) -> Result<Ident> {
    let text = word.to_string();
    match KINDS.iter().find(|(name, _)| *name == text) {
        Some((_, variant)) => Ok(Ident::new(variant, word.span())),
        None => {
            let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            Err(Error::new(word.span(), format!("unknown kind `{text}`; the kinds are {}", known.join(", "))))
        }
    }
}

fn milliseconds(time: &Lit) -> Result<u64> {
    let parsed = match time {
        Lit::Int(number) if number.suffix().is_empty() => number.base10_parse().ok(),
        Lit::Str(text) => parse_time(&text.value()),
        _ => None,
    };
    parsed.ok_or_else(|| {
        Error::new(
            time.span(),
            "expected a time such as \"100ms\", \"2s\", \"5m\" or \"1h\", or milliseconds",
        )
    })
}

fn parse_time(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, ms) in
            [("100ms", 100), ("2s", 2_000), ("2 s", 2_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(parse_time(text), Some(ms), "{text}");
        }
        for text in ["", "ms", "1", "1d", "-1s", "1.5s", "99999999999999999999s", "9999999999999999h"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}

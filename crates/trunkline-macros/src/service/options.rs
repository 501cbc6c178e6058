//! The arguments of `#[trunkline::service(..)]` and of `#[method(..)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, LitStr, Path, Result, Token};

/// The formats that have a short name.
const CODECS: [(&str, &str); 5] = [
    ("msgpack", "MsgPack"),
    ("json", "Json"),
    ("protobuf", "Protobuf"),
    ("thrift", "Thrift"),
    ("raw", "Raw"),
];

/// The longest tuple that the framework takes as a set of formats.
const MOST_CODECS: usize = 8;

/// What is said of the whole service.
pub(super) struct ServiceOptions {
    /// Where trunkline is.
    pub(super) krate: Path,
    /// The service's path on the wire.
    pub(super) path: String,
    /// The formats as types; empty for the defaults.
    formats: Vec<TokenStream>,
}

impl ServiceOptions {
    pub(super) fn parse(args: TokenStream, ident: &Ident) -> Result<Self> {
        let mut options =
            Self { krate: syn::parse_quote!(::trunkline), path: plain(ident), formats: Vec::new() };
        let mut codecs = None;
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("name") {
                options.path = wire_name(&meta)?;
            } else if meta.path.is_ident("codecs") {
                let list;
                syn::parenthesized!(list in meta.input);
                codecs = Some((meta.path.span(), Punctuated::parse_terminated(&list)?));
            } else if meta.path.is_ident("crate") {
                options.krate = meta.value()?.call(Path::parse_mod_style)?;
            } else {
                return Err(unknown(&meta, "service", "name = \"..\", codecs(..), crate = path"));
            }
            Ok(())
        });
        Parser::parse2(parser, args)?;
        if let Some((span, codecs)) = codecs {
            options.formats = formats(span, &codecs, &options.krate)?;
        }
        Ok(options)
    }

    /// The formats as a tuple.
    pub(super) fn formats(&self) -> TokenStream {
        let (krate, formats) = (&self.krate, &self.formats);
        if formats.is_empty() { quote!(#krate::DefaultFormats) } else { quote!((#(#formats,)*)) }
    }

    /// The format that the client uses unless it is told otherwise.
    pub(super) fn first_format(&self) -> TokenStream {
        let krate = &self.krate;
        self.formats.first().cloned().unwrap_or_else(|| quote!(#krate::DefaultFormat))
    }
}

fn formats(span: Span, codecs: &Punctuated<Path, Token![,]>, krate: &Path) -> Result<Vec<TokenStream>> {
    if codecs.is_empty() {
        return Err(Error::new(
            span,
            "list at least one codec, or leave `codecs` out for MessagePack and JSON",
        ));
    }
    if let Some(path) = codecs.iter().nth(MOST_CODECS) {
        return Err(Error::new_spanned(path, format!("a service speaks at most {MOST_CODECS} codecs")));
    }
    let mut formats: Vec<TokenStream> = Vec::new();
    for path in codecs {
        let format = format(path, krate)?;
        if formats.iter().any(|other| other.to_string() == format.to_string()) {
            let text = format!("`{}` is listed twice", path.to_token_stream());
            return Err(Error::new_spanned(path, text));
        }
        formats.push(format);
    }
    Ok(formats)
}

fn format(path: &Path, krate: &Path) -> Result<TokenStream> {
    let Some(word) = path.get_ident() else {
        return Ok(path.to_token_stream());
    };
    let text = word.to_string();
    if let Some((_, ty)) = CODECS.iter().find(|(name, _)| *name == text) {
        let ty = Ident::new(ty, word.span());
        return Ok(quote!(#krate::codec::#ty));
    }
    // A type of the user's own, in scope.
    if text.starts_with(char::is_uppercase) {
        return Ok(path.to_token_stream());
    }
    let known: Vec<&str> = CODECS.iter().map(|(name, _)| *name).collect();
    let text = format!(
        "unknown codec `{text}`; known are {}, and the path of a type of your own, such as `formats::Mine`",
        known.join(", ")
    );
    Err(Error::new_spanned(word, text))
}

/// What is said of a method.
#[derive(Default)]
pub(super) struct MethodOptions {
    /// The name on the wire, where it is given.
    pub(super) name: Option<(String, Span)>,
    /// The flags that are set, by the names of the framework's fields.
    pub(super) flags: Vec<Ident>,
}

impl MethodOptions {
    /// Reads and removes the `#[method(..)]` attributes.
    pub(super) fn take(attrs: &mut Vec<Attribute>) -> Result<Self> {
        let mut options = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("method")) {
            attr.parse_nested_meta(|meta| options.argument(&meta))?;
        }
        attrs.retain(|attr| !attr.path().is_ident("method"));
        Ok(options)
    }

    fn argument(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match name.as_str() {
            "name" => {
                let span = meta.path.span();
                self.name = Some((wire_name(meta)?, span));
            }
            "idempotent" | "run_to_completion" | "blocking" => {
                self.flags.retain(|flag| *flag != name);
                self.flags.push(Ident::new(&name, meta.path.span()));
            }
            _ => {
                return Err(unknown(
                    meta,
                    "method",
                    "name = \"..\", idempotent, run_to_completion, blocking",
                ));
            }
        }
        Ok(())
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, attribute: &str, known: &str) -> Error {
    let text = format!("unknown option `{}`; #[{attribute}(..)] knows {known}", meta.path.to_token_stream());
    Error::new_spanned(&meta.path, text)
}

fn wire_name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    let name: LitStr = meta.value()?.parse()?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "a name on the wire cannot be empty"));
    }
    Ok(name.value())
}

/// An identifier's name, without the marks of a raw one.
pub(super) fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or_else(|| name.clone(), str::to_owned)
}

//! The fields of a struct, and what travels of them.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Error, FieldsNamed, Ident, Result, Type};

use super::attributes::{Attributes, Container, Missing, Names};
use super::twin;

/// A field, as the generated code sees it.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Not on the wire; `Default` when received.
    Skipped,
    /// A message whose fields stand among this one's.
    Embedded,
    Plain {
        names: Names,
        omit_empty: bool,
        missing: Option<Missing>,
        /// Its type has a form of its own, that of Go.
        twin: bool,
    },
}

impl Field {
    pub(super) fn span(&self) -> Span {
        self.ty.span()
    }
}

const ALLOWED: &[&str] = &["name", "json", "msgpack", "omit_empty", "flatten", "skip", "default", "plain"];

/// Takes the attributes off the fields and reads them.
pub(super) fn named(named: &mut FieldsNamed, container: &Container) -> Result<Vec<Field>> {
    let mut fields = Vec::new();
    let mut seen: Vec<(Names, Ident)> = Vec::new();
    for field in &mut named.named {
        let attributes = Attributes::take(&mut field.attrs, ALLOWED)?;
        let Some(ident) = field.ident.clone() else { continue };
        let kind = kind(&ident, &field.ty, attributes, container)?;
        if let Kind::Plain { names, .. } = &kind {
            for (other, first) in &seen {
                if other.json == names.json || other.msgpack == names.msgpack {
                    let name = if other.json == names.json { &names.json } else { &names.msgpack };
                    return Err(Error::new(
                        ident.span(),
                        format!(
                            "this field and `{first}` are both {name:?} on the wire; \
                             give one another name: #[message(name = \"..\")]"
                        ),
                    ));
                }
            }
            seen.push((names.clone(), ident.clone()));
        }
        fields.push(Field { ident, ty: field.ty.clone(), kind });
    }
    Ok(fields)
}

fn kind(ident: &Ident, ty: &Type, attributes: Attributes, container: &Container) -> Result<Kind> {
    if attributes.skip {
        return Ok(Kind::Skipped);
    }
    if let Some(span) = attributes.flatten {
        if attributes.json.is_some() || attributes.msgpack.is_some() || attributes.omit_empty {
            return Err(Error::new(span, "an embedded message has no name of its own and is never left out"));
        }
        return Ok(Kind::Embedded);
    }
    let rust_name = ident.to_string();
    let names = container.field_names(rust_name.trim_start_matches("r#"), &attributes);
    if names.json.is_empty() || names.msgpack.is_empty() {
        return Err(Error::new(
            ident.span(),
            "this makes no name in Go; give one: #[message(name = \"..\")]",
        ));
    }
    Ok(Kind::Plain {
        names,
        omit_empty: attributes.omit_empty,
        missing: attributes.default,
        twin: !attributes.plain && twin::has_own_form(ty),
    })
}

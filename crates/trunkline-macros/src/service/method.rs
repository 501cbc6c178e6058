//! One method of the trait: what it is called, and what goes in and out.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Block, Error, Ident, Path, Result, Signature, TraitItemFn, Type};

use super::options::{MethodOptions, plain};
use super::signature::{self, Arguments, Outcome};
use super::{attributes, doc_call, doc_of};
use crate::go_name::go_name;

/// The functions that a generated client has besides the service's methods.
const OF_THE_CLIENT: [&str; 3] = ["new", "named", "describe"];

pub(super) struct Method {
    /// The attributes that are not ours.
    pub(super) attrs: Vec<Attribute>,
    pub(super) sig: Signature,
    /// The body of a method that need not be implemented.
    pub(super) body: Option<Block>,
    pub(super) doc: String,
    /// The name on the wire, and where it was given.
    pub(super) wire: String,
    pub(super) wire_span: Span,
    pub(super) arguments: Arguments,
    pub(super) outcome: Outcome,
    flags: Vec<Ident>,
}

impl Method {
    pub(super) fn parse(function: &TraitItemFn) -> Result<Self> {
        let mut attrs = function.attrs.clone();
        let options = MethodOptions::take(&mut attrs)?;
        let sig = function.sig.clone();
        refuse_name(&sig.ident)?;
        let (arguments, outcome) = signature::read(&sig)?;
        let (wire, wire_span) =
            options.name.unwrap_or_else(|| (go_name(&plain(&sig.ident)), sig.ident.span()));
        Ok(Self {
            doc: doc_of(&attrs),
            attrs,
            body: function.default.clone(),
            sig,
            wire,
            wire_span,
            arguments,
            outcome,
            flags: options.flags,
        })
    }

    /// The name of the type that stands for the method.
    pub(super) fn marker(&self) -> Ident {
        format_ident!("__{}", plain(&self.sig.ident))
    }

    /// The type of the argument.
    pub(super) fn args(&self) -> Type {
        self.arguments.ty.clone().unwrap_or_else(|| syn::parse_quote!(()))
    }

    pub(super) fn is_idempotent(&self) -> bool {
        self.flags.iter().any(|flag| flag == "idempotent")
    }

    /// Whether both would answer to one name; what is left out of some builds may be left out of the others.
    pub(super) fn clashes(&self, other: &Self) -> bool {
        self.wire == other.wire && self.cfgs().next().is_none() && other.cfgs().next().is_none()
    }

    pub(super) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        attributes(&self.attrs, &["cfg"])
    }

    /// What is said of it to the framework.
    pub(super) fn info(&self, krate: &Path) -> TokenStream {
        let (wire, doc, flags) = (&self.wire, doc_call(&self.doc), &self.flags);
        let flags = (!flags.is_empty()).then(|| {
            quote!(.flags(#krate::server::MethodFlags { #(#flags: true,)* ..::core::default::Default::default() }))
        });
        quote!(#krate::server::MethodInfo::new(#wire) #doc #flags)
    }
}

fn refuse_name(ident: &Ident) -> Result<()> {
    let name = plain(ident);
    let owner = if name == "into_service" {
        "the service"
    } else if OF_THE_CLIENT.contains(&name.as_str()) {
        "the client"
    } else {
        return Ok(());
    };
    let text = format!(
        "{owner} has a function `{name}` of its own; choose another name, and keep this one on the wire with \
         #[method(name = \"{}\")]",
        go_name(&name)
    );
    Err(Error::new_spanned(ident, text))
}

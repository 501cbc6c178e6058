//! The client's side: a type with one function for each method, each returning a request.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned;

use super::method::Method;
use super::{Service, attributes, doc_call};
use crate::located::located;

pub(super) fn expand(service: &Service) -> TokenStream {
    let (krate, path) = (&service.options.krate, &service.options.path);
    let (vis, ident) = (&service.item.vis, &service.item.ident);
    let name = format_ident!("{ident}Client");
    let cfgs: Vec<_> = attributes(&service.item.attrs, &["cfg"]).collect();
    let methods = service.methods.iter().map(|method| request(service, method));
    let describe = describe(service);
    let doc = format!("Calls the service [`{ident}`]. Cheap to clone.");
    let new_doc = format!("A client of the service under its own path, `{path}`.");
    quote! {
        #[doc = #doc]
        #(#cfgs)*
        // A program may only ever be the server.
        #[allow(dead_code)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #vis struct #name {
            client: #krate::Client,
            path: ::std::borrow::Cow<'static, str>,
        }

        #(#cfgs)*
        #[allow(dead_code)]
        impl #name {
            #[doc = #new_doc]
            #vis fn new(client: #krate::Client) -> Self {
                Self::named(client, #path)
            }

            /// A client of the service under another path.
            #vis fn named(
                client: #krate::Client,
                path: impl ::core::convert::Into<::std::borrow::Cow<'static, str>>,
            ) -> Self {
                Self { client, path: ::core::convert::Into::into(path) }
            }

            /// What is known of the service without calling it.
            #vis fn describe() -> #krate::server::ServiceInfo {
                #describe
            }

            #(#methods)*
        }
    }
}

fn request(service: &Service, method: &Method) -> TokenStream {
    let (krate, vis) = (&service.options.krate, &service.item.vis);
    let (ident, wire, idempotent) = (&method.sig.ident, &method.wire, method.is_idempotent());
    let (args, reply) = (method.args(), &method.outcome.reply);
    let format = service.options.first_format();
    // Where the format does not carry a type, it is the type that is pointed at.
    let (encode, decode) = (located(quote!(__Format), args.span()), located(quote!(__Format), reply.span()));
    let doc = method.doc.is_empty().then(|| format!("Calls `{wire}`.")).map(|doc| quote!(#[doc = #doc]));
    let attrs = attributes(&method.attrs, &["doc", "cfg", "deprecated"]);
    // The argument may be borrowed: it is encoded before the call is sent, and kept by nobody.
    let (generics, parameter, value, given) = match &method.arguments.ty {
        Some(_) => {
            let name = method.arguments.name.clone().unwrap_or_else(|| format_ident!("args"));
            let given = quote!(ArgsOrRef);
            (
                Some(quote!(<#given: ::core::borrow::Borrow<#args>>)),
                Some(quote!(, #name: #given)),
                quote!(#name),
                given,
            )
        }
        None => (None, None, quote!(()), quote!(())),
    };
    quote! {
        #(#attrs)*
        #doc
        #vis fn #ident #generics (&self #parameter) -> #krate::client::Request<'_, #args, #reply, #given> {
            type __Format = #format;
            let codec = #krate::codec::Codec::of_both::<#encode, #decode>();
            #krate::client::Request::new(&self.client, &self.path, #wire, #value, codec, #idempotent)
        }
    }
}

fn describe(service: &Service) -> TokenStream {
    let (krate, path, doc) = (&service.options.krate, &service.options.path, doc_call(&service.doc));
    let formats = service.options.formats();
    let methods = service.methods.iter().map(|method| {
        let (cfgs, info) = (method.cfgs(), method.info(krate));
        let (args, reply) = (method.args(), &method.outcome.reply);
        quote! {
            #(#cfgs)*
            let service = service.method::<#formats, #args, #reply>(#info);
        }
    });
    quote! {
        let service = #krate::server::ServiceInfo::new(#path) #doc;
        #(#methods)*
        service
    }
}

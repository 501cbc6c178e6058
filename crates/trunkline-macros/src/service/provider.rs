//! The server's side: the trait with `Send` futures, and `into_service()`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;

use super::method::Method;
use super::{Service, attributes};
use crate::located::located;

pub(super) fn expand(service: &Service) -> TokenStream {
    let mut item = service.item.clone();
    item.supertraits.push(syn::parse_quote!(::core::marker::Send));
    item.supertraits.push(syn::parse_quote!(::core::marker::Sync));
    item.supertraits.push(syn::parse_quote!('static));
    item.colon_token.get_or_insert_default();
    item.items = service.methods.iter().map(|method| syn::TraitItem::Verbatim(declaration(method))).collect();
    item.items.push(syn::TraitItem::Verbatim(into_service(service)));
    item.into_token_stream()
}

/// `async fn mul(..) -> Result<Reply>` as users implement it, with a future that is `Send`.
fn declaration(method: &Method) -> TokenStream {
    let (attrs, written) = (&method.attrs, &method.outcome.written);
    let mut sig = method.sig.clone();
    sig.asyncness = None;
    sig.output = syn::parse_quote! {
        -> impl ::core::future::Future<Output = #written> + ::core::marker::Send
    };
    match &method.body {
        Some(body) => quote!(#(#attrs)* #sig { async move #body }),
        None => quote!(#(#attrs)* #sig;),
    }
}

fn into_service(service: &Service) -> TokenStream {
    let (krate, path, formats) = (&service.options.krate, &service.options.path, service.options.formats());
    let markers = service.methods.iter().map(|method| marker(service, method));
    let methods = service.methods.iter().map(|method| {
        let (cfgs, name, info) = (method.cfgs(), method.marker(), method.info(krate));
        quote! {
            #(#cfgs)*
            let service = service.method::<Self, #name>(#info, &implementation);
        }
    });
    let doc = format!(
        "The service `{path}` with these methods, ready to be given to a server. `{}::into_service(..)` \
         says which is meant where a type implements several services.",
        service.item.ident
    );
    quote! {
        #[doc = #doc]
        // A program may only ever be the client.
        #[allow(dead_code)]
        fn into_service(self) -> #krate::Service
        where
            Self: ::core::marker::Sized,
        {
            type __Formats = #formats;
            #(#markers)*

            let implementation = ::std::sync::Arc::new(self);
            let service = #krate::Service::new(#path);
            #(#methods)*
            service
        }
    }
}

/// The type that stands for the method among the framework's generics.
fn marker(service: &Service, method: &Method) -> TokenStream {
    let (krate, service) = (&service.options.krate, &service.item.ident);
    let (cfgs, name) = (method.cfgs().collect::<Vec<_>>(), method.marker());
    let (args, reply) = (method.args(), &method.outcome.reply);
    // Where a format does not carry a type, it is the type that is pointed at.
    let (args_formats, reply_formats) =
        (located(quote!(__Formats), args.span()), located(quote!(__Formats), reply.span()));
    let error =
        method.outcome.error.as_ref().map_or_else(|| quote!(#krate::Failure), ToTokens::to_token_stream);
    let deprecated = attributes(&method.attrs, &["deprecated"]).next().map(|_| quote!(#[allow(deprecated)]));

    let (ctx, ctx_pattern) =
        if method.arguments.ctx { (Some(quote!(ctx,)), quote!(ctx)) } else { (None, quote!(_)) };
    let (value, value_pattern) =
        if method.arguments.ty.is_some() { (Some(quote!(args)), quote!(args)) } else { (None, quote!(())) };
    let ident = &method.sig.ident;
    // Where the written `Result` is not of the types it seems to be of, it is what is wrong.
    let body = located(
        quote! {
            -> impl ::core::future::Future<Output = ::core::result::Result<Self::Reply, Self::Error>>
                + ::core::marker::Send
                + 'a
            {
                __Service::#ident(service, #ctx #value)
            }
        },
        method.outcome.written.span(),
    );
    quote! {
        #(#cfgs)*
        #[allow(non_camel_case_types)]
        struct #name;

        #(#cfgs)*
        impl<__Service: #service> #krate::server::Method<__Service> for #name {
            type Args = #args;
            type Reply = #reply;
            type Error = #error;
            type ArgsFormats = #args_formats;
            type ReplyFormats = #reply_formats;

            #deprecated
            fn call<'a>(
                service: &'a __Service,
                #ctx_pattern: &'a #krate::Ctx,
                #value_pattern: Self::Args,
            ) #body
        }
    }
}

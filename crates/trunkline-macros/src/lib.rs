//! Macros of trunkline. Use them through the `trunkline` crate, whose documentation describes them.

use proc_macro::TokenStream;

mod failure;
mod go_name;
mod message;
mod service;
mod thrift;

#[allow(missing_docs, reason = "documented where `trunkline` exports it, where examples compile")]
#[proc_macro_attribute]
pub fn message(args: TokenStream, item: TokenStream) -> TokenStream {
    message::expand(args.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a trait a service: what a server has and a client calls.
#[proc_macro_attribute]
pub fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(args.into(), item.into()).into()
}

#[allow(missing_docs, reason = "documented where `trunkline` exports it, where examples compile")]
#[proc_macro_derive(Thrift, attributes(thrift))]
pub fn thrift(input: TokenStream) -> TokenStream {
    thrift::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Says how an error travels from a handler to the caller.
#[proc_macro_derive(Failure, attributes(failure))]
pub fn failure(item: TokenStream) -> TokenStream {
    failure::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

//! Macros of trunkline. Use them through the `trunkline` crate, whose documentation describes them.

use proc_macro::TokenStream;

mod failure;
mod go_name;
mod located;
mod message;
mod service;
mod thrift;

#[allow(missing_docs, reason = "documented where `trunkline` exports it, where examples compile")]
#[proc_macro_attribute]
pub fn message(args: TokenStream, item: TokenStream) -> TokenStream {
    message::expand(args.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

#[allow(missing_docs, reason = "trunkline documents it, where its examples can run")]
#[proc_macro_attribute]
pub fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(args.into(), &item.into()).into()
}

#[allow(missing_docs, reason = "documented where `trunkline` exports it, where examples compile")]
#[proc_macro_derive(Thrift, attributes(thrift))]
pub fn thrift(input: TokenStream) -> TokenStream {
    thrift::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

#[allow(missing_docs, reason = "trunkline documents it, where its examples can run")]
#[proc_macro_derive(Failure, attributes(failure))]
pub fn failure(item: TokenStream) -> TokenStream {
    failure::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

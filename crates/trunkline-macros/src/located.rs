//! Generated tokens that point at the user's own.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// The same tokens, at which the compiler complains as if they stood at `place`. What their names mean stays decided
/// by where they come from.
pub(crate) fn located(tokens: TokenStream, place: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), located(group.stream(), place)).into();
        }
        token.set_span(token.span().located_at(place));
        token
    };
    tokens.into_iter().map(locate).collect()
}

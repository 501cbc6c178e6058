//! What `#[trunkline::message]` writes calls to: the part of encoding and decoding a message that is the same for
//! every message. Public for the macro's sake only; it may change in any release.

mod emit;
mod empty;
mod number;
mod one_of;
mod receive;
mod text;
mod twin;

pub use bytes;
pub use serde;

pub use super::zero::zero;
pub use emit::{Depart, Emit, field, field_twin};
pub use empty::is_empty;
pub use number::{Number, receive_number};
pub use one_of::{Nothing, OneOf, receive_one_of};
pub use receive::{Arrive, Message, Receive, Source, missing, missing_twin, receive};
pub use text::{Text, receive_text};
pub use twin::{Received, Sent, Twin};

/// Where `name` stands in `names`, which are few.
pub fn position(names: &[&str], name: &str, ignoring_case: bool) -> Option<usize> {
    names.iter().position(|known| if ignoring_case { same_but_for_case(known, name) } else { *known == name })
}

/// Whether two names differ in case at most.
pub(crate) fn same_but_for_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

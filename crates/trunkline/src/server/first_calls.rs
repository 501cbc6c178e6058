//! A method's first calls are looked at for fields that its argument type does not have.
//!
//! Unknown fields are ignored, as in Go, which hides a misspelt name for ever. The first calls
//! are decoded a little slower and say once what they found; later ones cost a look at a counter
//! that nobody changes any more.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use crate::codec::{CodecError, DecodeSet};
use crate::ctx::Ctx;

const LOOKED_AT: u32 = 16;

#[derive(Debug)]
pub(super) struct FirstCalls(AtomicU32);

impl FirstCalls {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(LOOKED_AT))
    }

    /// Decodes an argument, and while the method is new also looks for what was not taken. None where
    /// none of the formats is the request's.
    #[inline]
    pub(super) fn decode<C, A>(&self, ctx: &Ctx, payload: &Bytes) -> Option<Result<A, CodecError>>
    where
        C: DecodeSet<A>,
    {
        if self.0.load(Ordering::Relaxed) == 0 {
            return Some(C::decoder(ctx.format())?(payload));
        }
        self.look::<C, A>(ctx, payload)
    }

    #[cold]
    fn look<C, A>(&self, ctx: &Ctx, payload: &Bytes) -> Option<Result<A, CodecError>>
    where
        C: DecodeSet<A>,
    {
        let mut unknown = Vec::new();
        let args = match C::reporting_decoder(ctx.format())?(payload, &mut unknown) {
            Ok(args) => args,
            Err(error) => return Some(Err(error)),
        };
        let left = self.0.load(Ordering::Relaxed);
        if unknown.is_empty() {
            self.0.store(left.saturating_sub(1), Ordering::Relaxed);
        } else if self.0.swap(0, Ordering::Relaxed) != 0 {
            tracing::debug!(
                service = ctx.service(),
                method = ctx.method(),
                fields = unknown.join(", "),
                args = std::any::type_name::<A>(),
                "a request has fields that the method's argument does not; they are ignored"
            );
        }
        Some(Ok(args))
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::call::{Body, Call, Target};
    use crate::codec::Json;
    use trunkline_wire::SerializeType;

    #[derive(serde::Deserialize)]
    struct Args {
        #[serde(rename = "A")]
        a: i64,
    }

    fn decode(first: &FirstCalls, json: &'static str) -> i64 {
        let call = Call::new(Target::shared("S", "M"), SerializeType::JSON, Body::default());
        let (ctx, _) = Ctx::begin(call);
        let decoded = first.decode::<(Json,), Args>(&ctx, &Bytes::from_static(json.as_bytes()));
        decoded.expect("the format is known").expect("it decodes").a
    }

    #[test]
    fn a_method_is_looked_at_until_it_is_known_or_something_was_said() {
        let first = FirstCalls::new();
        assert_eq!(decode(&first, r#"{"A":1}"#), 1);
        assert_eq!(first.0.load(Ordering::Relaxed), LOOKED_AT - 1);
        assert_eq!(decode(&first, r#"{"A":2,"Colour":"red"}"#), 2);
        assert_eq!(first.0.load(Ordering::Relaxed), 0, "said once");
        assert_eq!(decode(&first, r#"{"A":3,"Size":1}"#), 3);
    }
}

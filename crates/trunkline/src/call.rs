//! What travels through both ends: a [`Call`] on its way in, a [`Reply`] on its way back.
//!
//! Middleware sees these two on the client and on the server alike. Bodies are opaque bytes:
//! typed logic belongs into handlers and callers. Moving a `Call` is a copy of its fields, so
//! what is rare lives behind a pointer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{CompressType, Metadata, SerializeType};

use crate::budget::Charge;
use crate::ctx::Origin;
use crate::explain::Explanation;

/// One call on its way from the caller to the handler.
pub struct Call {
    pub(crate) target: Target,
    pub(crate) metadata: Metadata,
    pub(crate) body: Body,
    pub(crate) format: SerializeType,
    /// How the body is compressed already; none on a server, where it has been inflated.
    pub(crate) compress: CompressType,
    pub(crate) oneway: bool,
    pub(crate) idempotent: bool,
    pub(crate) deadline: Option<Instant>,
    /// Where it came in; none on the client.
    pub(crate) origin: Option<Arc<dyn Origin>>,
    pub(crate) extensions: Option<Box<Extensions>>,
    /// What a large request takes from the process's byte budget while it lives.
    pub(crate) charge: Option<Charge>,
}

/// Values that middleware hands on to later middleware and to the handler, by type.
#[derive(Clone, Default)]
pub struct Extensions(Vec<Arc<dyn Any + Send + Sync>>);

/// The connection an answer came by.
pub(crate) trait Via: Send + Sync {
    fn address(&self) -> &Arc<str>;
}

/// The answer to a call.
#[derive(Default)]
pub struct Reply {
    pub(crate) metadata: Metadata,
    pub(crate) body: Body,
    /// Who answered, on a client.
    pub(crate) via: Option<Arc<dyn Via>>,
    /// How the call went, on a client that was asked.
    pub(crate) explanation: Option<Box<Explanation>>,
}

/// The encoded argument or reply.
///
/// Small bodies live in a buffer that is used again for the next call; large and received ones
/// are shared by reference.
#[derive(Default)]
pub struct Body(Repr);

enum Repr {
    Shared(Bytes),
    Scratch(Vec<u8>),
}

/// The service and method of a call: two names behind one pointer.
#[derive(Clone)]
pub(crate) struct Target(Arc<(Box<str>, Box<str>)>);

impl Call {
    pub(crate) fn new(target: Target, format: SerializeType, body: Body) -> Self {
        Self {
            target,
            metadata: Metadata::new(),
            body,
            format,
            compress: CompressType::NONE,
            oneway: false,
            idempotent: false,
            deadline: None,
            origin: None,
            extensions: None,
            charge: None,
        }
    }

    /// A call of this method with this encoded argument: for proxies and bridges that make calls
    /// without a typed client. [`Client::send`](crate::Client::send) makes it.
    ///
    /// ```
    /// use trunkline::{Call, SerializeType};
    ///
    /// let mut call = Call::to("Math", "Neg", SerializeType::JSON, b"5".to_vec());
    /// call.metadata_mut().insert("tenant", "7");
    /// assert_eq!((call.service(), call.body()), ("Math", &b"5"[..]));
    /// ```
    pub fn to(service: &str, method: &str, format: SerializeType, body: impl Into<Body>) -> Self {
        Self::new(Target::shared(service, method), format, body.into())
    }

    /// The service path.
    pub fn service(&self) -> &str {
        self.target.service()
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.target.method()
    }

    /// Sends the call elsewhere. On a server this is useful before the call is routed, that is
    /// in a layer.
    pub fn set_target(&mut self, service: &str, method: &str) {
        self.target = Target::shared(service, method);
    }

    /// The request's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The request's metadata, to change it.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Shortens the time: a deadline never moves to later.
    pub fn limit_deadline(&mut self, at: Instant) {
        self.deadline = Some(self.deadline.map_or(at, |d| d.min(at)));
    }

    /// The encoded argument.
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// Replaces the encoded argument; it must be in the call's format.
    pub fn set_body(&mut self, body: impl Into<Body>) {
        self.body = body.into();
    }

    /// The format the argument is encoded in and the reply shall be.
    pub fn format(&self) -> SerializeType {
        self.format
    }

    /// Whether no answer is wanted.
    pub fn is_oneway(&self) -> bool {
        self.oneway
    }

    /// Whether doing the work twice is the same as doing it once.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// The far end, on a server.
    pub fn peer(&self) -> Option<&crate::transport::Peer> {
        self.origin.as_ref().map(|o| o.peer())
    }

    /// Values handed along by type.
    pub fn extensions(&self) -> Option<&Extensions> {
        self.extensions.as_deref()
    }

    /// Values handed along by type, to add one.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        self.extensions.get_or_insert_default()
    }

    /// A second call of the same content, for an attempt: bodies are shared, not copied.
    pub(crate) fn fork(&mut self) -> Self {
        Self {
            target: self.target.clone(),
            metadata: self.metadata.clone(),
            body: self.body.share(),
            format: self.format,
            compress: self.compress,
            oneway: self.oneway,
            idempotent: self.idempotent,
            deadline: self.deadline,
            origin: self.origin.clone(),
            extensions: self.extensions.clone(),
            charge: None,
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("service", &self.service())
            .field("method", &self.method())
            .field("metadata", &self.metadata)
            .field("format", &self.format)
            .field("bytes", &self.body.as_slice().len())
            .field("oneway", &self.oneway)
            .finish_non_exhaustive()
    }
}

impl Extensions {
    /// Adds a value, in place of an earlier one of the same type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.retain(|v| !v.is::<T>());
        self.0.push(Arc::new(value));
    }

    /// Adds a value whose type the caller of this knows no longer.
    pub(crate) fn insert_any(&mut self, value: Arc<dyn Any + Send + Sync>) {
        let kind = (*value).type_id();
        self.0.retain(|v| (**v).type_id() != kind);
        self.0.push(value);
    }

    /// The value of this type, shared.
    pub(crate) fn get_shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.iter().find_map(|v| v.clone().downcast().ok())
    }

    /// The value of this type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.iter().find_map(|v| v.downcast_ref())
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}

impl Reply {
    /// A reply with this encoded body.
    pub fn new(body: impl Into<Body>) -> Self {
        Self { metadata: Metadata::new(), body: body.into(), via: None, explanation: None }
    }

    /// The response's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The response's metadata, to change it.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// The encoded reply.
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// The address of the server that answered, on a client.
    pub fn address(&self) -> Option<&str> {
        self.via.as_ref().map(|via| &**via.address())
    }

    /// The encoded reply, taken out.
    pub fn into_body(self) -> Bytes {
        self.body.into_bytes()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("metadata", &self.metadata)
            .field("body", &self.body)
            .field("address", &self.address())
            .finish()
    }
}

impl Body {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Scratch(vec) => vec,
        }
    }

    /// The bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Scratch(vec) => Bytes::from(vec),
        }
    }

    /// Gives the buffer back to the pool if it is one of its own.
    pub(crate) fn recycle(self) {
        if let Repr::Scratch(vec) = self.0 {
            crate::frame::scratch::give(vec);
        }
    }

    /// Makes the bytes shared, so that further copies cost a counter.
    pub(crate) fn share(&mut self) -> Self {
        let bytes = std::mem::take(self).into_bytes();
        self.0 = Repr::Shared(bytes.clone());
        Self(Repr::Shared(bytes))
    }
}

impl Default for Repr {
    fn default() -> Self {
        Self::Shared(Bytes::new())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Shared(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(vec: Vec<u8>) -> Self {
        Self(Repr::Scratch(vec))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.as_slice().len())
    }
}

impl Target {
    pub(crate) fn shared(service: &str, method: &str) -> Self {
        Self(Arc::new((service.into(), method.into())))
    }

    pub(crate) fn service(&self) -> &str {
        &self.0.0
    }

    pub(crate) fn method(&self) -> &str {
        &self.0.1
    }
}

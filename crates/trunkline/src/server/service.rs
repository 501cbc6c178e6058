//! A service: a path and its methods, ready to be put on a server.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::handler::{Function, FunctionEndpoint, Method, MethodEndpoint, MethodFlags, RawEndpoint};
use crate::codec::{CodecSet, FormatSet};
use crate::ctx::Ctx;
use crate::failure::Failure;

/// A path and its methods. Made by `into_service()` of a trait under `#[trunkline::service]`, or
/// by hand from closures.
///
/// ```
/// use trunkline::Service;
///
/// let math = Service::new("Math")
///     .function("Neg", |n: i64| async move { Ok(-n) })
///     .function("Abs", |n: i64| async move { Ok(n.abs()) });
/// assert_eq!(math.path(), "Math");
/// assert_eq!(math.methods().count(), 2);
/// ```
#[derive(Clone)]
pub struct Service {
    path: Cow<'static, str>,
    methods: Vec<Registered>,
}

#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) about: MethodInfo,
    pub(crate) endpoint: Arc<dyn Endpoint>,
}

/// What is known of a method without calling it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MethodInfo {
    /// The name on the wire.
    pub name: Cow<'static, str>,
    /// How its calls are run.
    pub flags: MethodFlags,
    /// Its documentation.
    pub doc: &'static str,
    /// The Rust type of its argument.
    pub args: &'static str,
    /// The Rust type of its reply.
    pub reply: &'static str,
    /// The formats it speaks.
    pub formats: &'static [&'static str],
}

impl MethodInfo {
    /// A method of this name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets how its calls are run.
    #[must_use]
    pub const fn flags(mut self, flags: MethodFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Sets its documentation.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Fills in what the types say.
    fn typed<C: FormatSet, A, R>(self) -> Self {
        Self {
            args: std::any::type_name::<A>(),
            reply: std::any::type_name::<R>(),
            formats: C::NAMES,
            ..self
        }
    }
}

/// What is known of a service without an implementation of it: enough to write its callers in
/// another language. The clients made by `#[trunkline::service]` return it from `describe()`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// The path on the wire.
    pub path: Cow<'static, str>,
    /// Its documentation.
    pub doc: &'static str,
    /// Its methods, in the order they were declared.
    pub methods: Vec<MethodInfo>,
}

impl ServiceInfo {
    /// A service of this path, with no methods yet.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), doc: "", methods: Vec::new() }
    }

    /// Sets its documentation.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Adds a method of these formats, argument and reply.
    #[must_use]
    pub fn method<C: FormatSet, A, R>(mut self, about: MethodInfo) -> Self {
        self.methods.push(about.typed::<C, A, R>());
        self
    }
}

impl Service {
    /// A service of this path, with no methods yet.
    pub fn new(path: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), methods: Vec::new() }
    }

    /// The same service under another path.
    #[must_use]
    pub fn named(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The methods.
    pub fn methods(&self) -> impl Iterator<Item = &MethodInfo> {
        self.methods.iter().map(|m| &m.about)
    }

    /// Adds a method of a user's type; what `#[trunkline::service]` calls for each method.
    #[must_use]
    pub fn method<S, M>(self, about: MethodInfo, service: &Arc<S>) -> Self
    where
        S: Send + Sync + 'static,
        M: Method<S>,
    {
        let endpoint = Arc::new(MethodEndpoint::<S, M>::new(service.clone(), about.flags));
        self.with(about.typed::<M::ArgsFormats, M::Args, M::Reply>(), endpoint)
    }

    /// Adds a function or closure: `|args|` or `|ctx, args|`, in the default formats.
    #[cfg(any(feature = "msgpack", feature = "json"))]
    #[must_use]
    pub fn function<A, K, F>(self, name: impl Into<Cow<'static, str>>, function: F) -> Self
    where
        F: Function<A, K>,
        A: Send + 'static,
        K: 'static,
        crate::DefaultFormats: CodecSet<A, F::Reply>,
    {
        self.function_in::<crate::DefaultFormats, A, K, F>(MethodInfo::new(name), function)
    }

    /// Adds a function or closure in the formats of `C`, with flags.
    #[must_use]
    pub fn function_in<C, A, K, F>(self, about: MethodInfo, function: F) -> Self
    where
        F: Function<A, K>,
        A: Send + 'static,
        K: 'static,
        C: CodecSet<A, F::Reply>,
    {
        let endpoint = Arc::new(FunctionEndpoint::<F, A, K, C>::new(Arc::new(function), about.flags));
        self.with(about.typed::<C, A, F::Reply>(), endpoint)
    }

    /// Adds a handler of encoded bytes: it sees the format in its context and answers in it.
    #[must_use]
    pub fn raw<F, Fut>(self, name: impl Into<Cow<'static, str>>, handler: F) -> Self
    where
        F: Fn(Ctx, Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Bytes, Failure>> + Send + 'static,
    {
        self.with(MethodInfo::new(name), Arc::new(RawEndpoint(Arc::new(handler))))
    }

    fn with(mut self, about: MethodInfo, endpoint: Arc<dyn Endpoint>) -> Self {
        self.methods.retain(|m| m.about.name != about.name);
        self.methods.push(Registered { about, endpoint });
        self
    }

    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Vec<Registered>) {
        (self.path, self.methods)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("path", &self.path)
            .field("methods", &self.methods.iter().map(|m| &m.about.name).collect::<Vec<_>>())
            .finish()
    }
}

//! Service path and method to endpoint; changed while serving.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use trunkline_wire::Message;

use super::endpoint::Endpoint;
use super::pace::Pace;
use super::seat::Seat;
use super::service::{MethodInfo, Service};
use crate::call::Target;
use crate::error::{Error, ErrorKind};

/// The services of a server.
#[derive(Default)]
pub(crate) struct Router {
    services: RwLock<HashMap<String, HashMap<String, Entry>>>,
    /// Grows with every change, so that connections know when what they remember is old.
    version: AtomicU64,
    /// Every method's calls run to completion, whatever the method says.
    pub(crate) lasting: bool,
}

struct Entry {
    about: MethodInfo,
    endpoint: Arc<dyn Endpoint>,
    pace: Arc<Pace>,
}

/// One method as one connection holds it.
pub(crate) struct Route {
    pub(crate) target: Target,
    pub(crate) endpoint: Arc<dyn Endpoint>,
    pub(crate) idempotent: bool,
    /// Its calls go on whatever becomes of their callers.
    pub(crate) lasting: bool,
    pub(crate) pace: Arc<Pace>,
}

impl Router {
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Adds a service. Methods join those already under the same path and replace namesakes.
    pub(crate) fn add(&self, service: Service) {
        let (path, methods) = service.into_parts();
        let mut services = self.services.write();
        let known = services.entry(path.clone().into_owned()).or_default();
        let mut replaced = Vec::new();
        for method in methods {
            let entry = Entry { about: method.about, endpoint: method.endpoint, pace: Arc::default() };
            let name = entry.about.name.clone().into_owned();
            replaced.extend(known.insert(name, entry));
        }
        drop(services);
        self.version.fetch_add(1, Ordering::Release);
        for entry in replaced {
            tracing::info!(service = &*path, method = &*entry.about.name, "a method replaces its namesake");
        }
    }

    pub(crate) fn remove(&self, path: &str) -> bool {
        let removed = self.services.write().remove(path).is_some();
        self.version.fetch_add(1, Ordering::Release);
        removed
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<_> = self.services.read().keys().cloned().collect();
        paths.sort();
        paths
    }

    pub(crate) fn methods(&self, path: &str) -> Vec<MethodInfo> {
        let services = self.services.read();
        let mut methods: Vec<_> =
            services.get(path).into_iter().flat_map(HashMap::values).map(|e| e.about.clone()).collect();
        methods.sort_by(|a, b| a.name.cmp(&b.name));
        methods
    }

    pub(crate) fn knows(&self, path: &str, method: &str) -> bool {
        self.services.read().get(path).is_some_and(|methods| methods.contains_key(method))
    }

    /// Finds a method by what stands in the frame.
    pub(crate) fn find(&self, path: &[u8], method: &[u8]) -> Result<Route, Error> {
        let services = self.services.read();
        let no_service = || {
            let text = format!("rpcx: can't find service {}", String::from_utf8_lossy(path));
            Error::new(ErrorKind::NotFound, text)
        };
        let no_method = || {
            let text = format!("rpcx: can't find method {}", String::from_utf8_lossy(method));
            Error::new(ErrorKind::NotFound, text)
        };
        let path_text = std::str::from_utf8(path).map_err(|_| no_service())?;
        let methods = services.get(path_text).ok_or_else(no_service)?;
        let method_text = std::str::from_utf8(method).map_err(|_| no_method())?;
        let entry = methods.get(method_text).ok_or_else(no_method)?;
        Ok(Route {
            target: Target::shared(path_text, method_text),
            endpoint: entry.endpoint.fork(),
            idempotent: entry.about.flags.idempotent,
            lasting: self.lasting || entry.about.flags.run_to_completion || entry.about.flags.blocking,
            pace: entry.pace.clone(),
        })
    }
}

/// So many methods of one connection keep memory from call to call.
const SEATS: usize = 16;

/// The routes one connection has used: found by comparing bytes, without a lock.
pub(crate) struct RouteCache {
    version: u64,
    /// Where the last one that was asked for stands.
    last: usize,
    routes: Vec<Held>,
    places: HashMap<Arc<[u8]>, usize>,
}

/// A route, and where its calls are begun.
pub(crate) struct Held {
    /// Service path and method [as in the frames](Message::names).
    pub(super) names: Arc<[u8]>,
    pub(super) route: Arc<Route>,
    /// None: its calls are begun with memory of their own.
    pub(super) seat: Option<Box<dyn Seat>>,
}

impl RouteCache {
    pub(crate) fn new() -> Self {
        Self { version: 0, last: 0, routes: Vec::new(), places: HashMap::new() }
    }

    /// Forgets what may be old; called once for each batch of frames.
    pub(crate) fn refresh(&mut self, router: &Router) {
        let version = router.version();
        if version != self.version {
            *self = Self { version, ..Self::new() };
        }
    }

    #[inline]
    pub(crate) fn find(&mut self, router: &Router, request: &Message) -> Result<&mut Held, Error> {
        // Most connections call one method many times in a row.
        let same = self.routes.get(self.last).is_some_and(|last| *last.names == *request.names());
        if !same {
            self.last = self.find_other(router, request)?;
        }
        Ok(&mut self.routes[self.last])
    }

    fn find_other(&mut self, router: &Router, request: &Message) -> Result<usize, Error> {
        if let Some(place) = self.places.get(request.names()) {
            return Ok(*place);
        }
        // Only methods that exist are remembered: a caller cannot make this grow.
        let route = Arc::new(router.find(request.service_path(), request.service_method())?);
        let seat = if self.routes.len() < SEATS { route.endpoint.clone().seat() } else { None };
        let names: Arc<[u8]> = request.names().into();
        self.places.insert(names.clone(), self.routes.len());
        self.routes.push(Held { names, route, seat });
        Ok(self.routes.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use trunkline_wire::{Header, Metadata, SerializeType};

    use super::*;

    #[test]
    fn unknown_names_get_gos_texts() {
        let router = Router::default();
        router.add(Service::new("Arith"));
        let text = |path: &[u8], method: &[u8]| router.find(path, method).err().unwrap().message().to_owned();
        assert_eq!(text(b"Nope", b"Mul"), "rpcx: can't find service Nope");
        assert_eq!(text(b"Arith", b"Nope"), "rpcx: can't find method Nope");
        assert_eq!(text(b"\xff", b"x"), "rpcx: can't find service \u{fffd}");
    }

    #[test]
    fn a_dot_in_a_name_does_not_make_two_names_one() {
        let router = Router::default();
        router.add(Service::new("a.b").raw("c", |_, b| async move { Ok(b) }));
        assert!(router.find(b"a.b", b"c").is_ok());
        assert!(router.find(b"a", b"b.c").is_err());
        let mut cache = RouteCache::new();
        let request = |path: &str, method: &str| {
            let header = Header::request(SerializeType::RAW);
            Message::new(header, path, method, &Metadata::new(), Bytes::new()).unwrap()
        };
        for _ in 0..2 {
            assert!(cache.find(&router, &request("a.b", "c")).is_ok());
            assert!(cache.find(&router, &request("a", "b.c")).is_err());
        }
    }
}

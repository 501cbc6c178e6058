//! Service path and method to endpoint; changed while serving.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::handler::Endpoint;
use super::pace::Pace;
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

/// The routes one connection has used: found by comparing bytes, without a lock.
pub(crate) struct RouteCache {
    version: u64,
    last: Option<Arc<Route>>,
    routes: HashMap<Vec<u8>, Arc<Route>>,
    key: Vec<u8>,
}

impl RouteCache {
    pub(crate) fn new() -> Self {
        Self { version: 0, last: None, routes: HashMap::new(), key: Vec::new() }
    }

    /// Forgets what may be old; called once for each batch of frames.
    pub(crate) fn refresh(&mut self, router: &Router) {
        let version = router.version();
        if version != self.version {
            *self = Self { version, ..Self::new() };
        }
    }

    #[inline]
    pub(crate) fn find(&mut self, router: &Router, path: &[u8], method: &[u8]) -> Result<&Arc<Route>, Error> {
        // Most connections call one method many times in a row.
        let same = self.last.as_ref().is_some_and(|last| {
            last.target.method().as_bytes() == method && last.target.service().as_bytes() == path
        });
        if !same {
            self.last = Some(self.find_other(router, path, method)?);
        }
        self.last.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "a route was found and lost"))
    }

    fn find_other(&mut self, router: &Router, path: &[u8], method: &[u8]) -> Result<Arc<Route>, Error> {
        self.key.clear();
        self.key.extend_from_slice(&(path.len() as u32).to_be_bytes());
        self.key.extend_from_slice(path);
        self.key.extend_from_slice(method);
        let route = match self.routes.get(&self.key) {
            Some(route) => route.clone(),
            None => {
                // Only methods that exist are remembered: a caller cannot make this grow.
                let route = Arc::new(router.find(path, method)?);
                self.routes.insert(self.key.clone(), route.clone());
                route
            }
        };
        Ok(route)
    }
}

#[cfg(test)]
mod tests {
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
        assert!(cache.find(&router, b"a.b", b"c").is_ok());
        assert!(cache.find(&router, b"a", b"b.c").is_err());
    }
}

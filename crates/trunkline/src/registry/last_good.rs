//! The last good list of a service in a file, so that a client can start while its registry is
//! down. The format is that of Go's cached discovery.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::Instance;

/// A larger file is none of ours.
const LARGEST: u64 = 64 << 20;

/// The file of one service: `<folder>/<service>.json`, with a list such as
/// `[{"Key":"tcp@h:1","Value":"weight=3\u0026group=a"}]`.
pub(super) struct LastGood {
    path: PathBuf,
    latest: watch::Sender<Arc<[Instance]>>,
}

impl LastGood {
    pub(super) fn new(folder: &Path, service: &str) -> Self {
        let path = folder.join(format!("{}.json", file_name(service)));
        Self { path, latest: watch::channel(Arc::default()).0 }
    }

    /// What an earlier run left; none where there is no file, or one that cannot be read.
    pub(super) async fn read(&self, registry: &str) -> Option<Vec<Instance>> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            if path.metadata()?.len() > LARGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large to be a list"));
            }
            json::read(&std::fs::read(path)?)
        });
        match read.await.unwrap_or_else(|e| Err(io::Error::other(e))) {
            Ok(instances) => Some(instances),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(
                    registry,
                    "the last good list in {} is not used: {error}",
                    self.path.display()
                );
                None
            }
        }
    }

    /// Takes note of a good list, which is written soon.
    pub(super) fn note(&self, instances: &Arc<[Instance]>) {
        self.latest.send_replace(instances.clone());
    }

    /// Writes what is noted, for ever: the latest only, one after another.
    pub(super) async fn keep(&self, registry: &str) {
        let mut latest = self.latest.subscribe();
        let mut failed = false;
        // What was noted before this began counts as well.
        latest.mark_changed();
        while latest.changed().await.is_ok() {
            let instances = latest.borrow_and_update().clone();
            if instances.is_empty() {
                continue;
            }
            let path = self.path.clone();
            let written =
                tokio::task::spawn_blocking(move || replace(&path, &json::write(&instances)?)).await;
            match written.unwrap_or_else(|e| Err(io::Error::other(e))) {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    failed = true;
                    tracing::warn!(
                        registry,
                        "cannot keep the last good list in {}: {error}",
                        self.path.display()
                    );
                }
                Err(_) => {}
            }
        }
    }
}

/// A service's name as that of a file. Go's escapes leave nothing that means something in a path.
fn file_name(service: &str) -> String {
    let pair = super::Attributes::from_iter([("", service)]).canonical();
    pair.trim_start_matches('=').to_owned()
}

/// Whoever reads finds the old file or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Two processes that write the same file must not write into each other's.
    let aside = path.with_extension(format!("json.{}.tmp", std::process::id()));
    std::fs::write(&aside, bytes)?;
    std::fs::rename(&aside, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&aside);
    })
}

#[cfg(feature = "json")]
mod json {
    //! The format, by the JSON codec, which escapes as Go does.

    use std::io;

    use serde::{Deserialize, Serialize};

    use super::Instance;
    use crate::codec::{Decode, Encode, Json};
    use crate::registry::Attributes;

    #[derive(Serialize, Deserialize)]
    struct Pair {
        #[serde(rename = "Key")]
        key: String,
        #[serde(rename = "Value", default)]
        value: String,
    }

    pub(super) fn read(bytes: &[u8]) -> io::Result<Vec<Instance>> {
        let pairs: Vec<Pair> = Json::decode(&bytes::Bytes::copy_from_slice(bytes))
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let instance =
            |pair: Pair| Some(Instance::new(pair.key.parse().ok()?, Attributes::parse(&pair.value)));
        Ok(pairs.into_iter().filter_map(instance).collect())
    }

    pub(super) fn write(instances: &[Instance]) -> io::Result<Vec<u8>> {
        let pair =
            |i: &Instance| Pair { key: i.address().to_string(), value: i.attributes().text().to_owned() };
        let pairs: Vec<_> = instances.iter().map(pair).collect();
        let mut bytes = Vec::new();
        Json::encode(&pairs, &mut bytes).map_err(io::Error::other)?;
        Ok(bytes)
    }
}

#[cfg(not(feature = "json"))]
mod json {
    //! Without the JSON codec there is no file.

    use std::io;

    use super::Instance;

    pub(super) fn read(_: &[u8]) -> io::Result<Vec<Instance>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the feature `json` is off"))
    }

    pub(super) fn write(_: &[Instance]) -> io::Result<Vec<u8>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the feature `json` is off"))
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_gos() {
        let go = br#"[{"Key":"tcp@h:1","Value":"weight=3\u0026group=a"},{"Key":"tcp@h:2","Value":""}]"#;
        let instances = json::read(go).unwrap();
        assert_eq!(instances[0].to_string(), "tcp@h:1?weight=3&group=a");
        assert_eq!(json::write(&instances).unwrap(), go);
        assert!(json::read(b"[{\"Key\":").is_err());
        // One entry that nobody can dial does not take the others with it.
        assert_eq!(json::read(br#"[{"Key":"tcp@","Value":""},{"Key":"tcp@h:2"}]"#).unwrap().len(), 1);
    }

    #[test]
    fn no_service_leaves_the_folder() {
        for (service, file) in [
            ("Arith", "Arith"),
            ("..", ".."),
            ("a b/..\\c", "a+b%2F..%5Cc"),
            ("上", "%E4%B8%8A"),
            ("=x", "%3Dx"),
        ] {
            assert_eq!(file_name(service), file);
        }
    }
}

//! The programs of a fleet: two in Go, ours in Rust. They have one command line.

use std::path::{Path, PathBuf};

use crate::problem::{During, Outcome, expect};

/// Which program a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Go194,
    Go1835,
    Rust,
}

impl Kind {
    pub(crate) const GO: [Self; 2] = [Self::Go194, Self::Go1835];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Go194 => "v1.9.4",
            Self::Go1835 => "v1.8.35",
            Self::Rust => "us",
        }
    }
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    go: PathBuf,
    rust: PathBuf,
    /// Whether to show what they log.
    pub(crate) verbose: bool,
}

impl Programs {
    pub(crate) fn find(verbose: bool) -> Outcome<Self> {
        let go = Path::new(env!("CARGO_MANIFEST_DIR")).join("../go");
        let rust = std::env::current_exe().during("finding this program")?;
        let programs = Self { go, rust, verbose };
        for kind in Kind::GO {
            let program = programs.path(kind);
            expect(program.exists(), || {
                format!("{} is missing; interop/go/build.sh fleet194 fleet1835 builds it", program.display())
            })?;
        }
        Ok(programs)
    }

    pub(crate) fn path(&self, kind: Kind) -> PathBuf {
        match kind {
            Kind::Go194 => self.go.join("fleet194/bin/fleet"),
            Kind::Go1835 => self.go.join("fleet1835/bin/fleet"),
            Kind::Rust => self.rust.clone(),
        }
    }
}

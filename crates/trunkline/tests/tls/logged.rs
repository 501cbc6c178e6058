//! What a test's code logs, at debug level and above, on the test's own thread.
//!
//! One subscriber is there for all tests from the first one on: what is set for single threads comes
//! and goes, and while it does lines get lost.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, ThreadId};

use tracing_core::dispatcher::{Dispatch, set_global_default};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Metadata, Subscriber};

type Lines = Arc<Mutex<Vec<(ThreadId, Level, String)>>>;

static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    set_global_default(Dispatch::new(Noting(lines.clone()))).expect("nobody else sets one");
    lines
});

/// Begins to note what is logged.
pub(crate) fn install() {
    LazyLock::force(&LINES);
}

/// How many lines of this level that contain a text were logged on this thread.
pub(crate) fn logged(level: Level, text: &str) -> usize {
    let here = thread::current().id();
    let lines = LINES.lock().unwrap();
    lines.iter().filter(|(thread, of, line)| *thread == here && *of == level && line.contains(text)).count()
}

struct Noting(Lines);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Noting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((thread::current().id(), *event.metadata().level(), line.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

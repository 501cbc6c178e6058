//! Reads the sources and fails where they break a rule of the house that neither rustc nor Clippy knows:
//! which folder may use which, what a library must not touch, where words of the wire are spelled.
//!
//! The tables are below; the rules, each with a test that it can fail, are in `rules.rs`.

mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{Layer, LeftOver, apart, together};
use source::Source;

/// The folders and files of the framework, lowest first. A module may use itself and all layers below its own;
/// modules of one layer may use each other only where the layer says so. `client` and `server` never do.
///
/// Formats and streams know nothing of calls; the formats know the types that have a form of their own in them. An error decodes the details and the reply that came with it, so it
/// stands above the formats; a call gives its body back to the frames' buffers, so it stands above them.
const LAYERS: &[Layer] = &[
    apart(&["chance", "later"]),
    apart(&["budget", "transport", "types"]),
    apart(&["codec"]),
    together(&["error", "explain", "failure"]),
    apart(&["config"]),
    apart(&["frame"]),
    together(&["call", "ctx"]),
    apart(&["middleware", "registry"]),
    apart(&["balance"]),
    apart(&["client", "server"]),
    apart(&["admin", "transfer"]),
    apart(&["testing"]),
];

/// The crates that are libraries: they do not print, read the environment or end the process.
const LIBRARIES: &[&str] = &["trunkline-wire", "trunkline-macros", "trunkline"];

/// Where the wire's reserved words are spelled; everybody else uses the constants.
const WIRE_WORDS: &str = "crates/trunkline-wire/src/keys.rs";

/// The most lines of a source file; past that, look for the second concept hiding in it.
const MOST_LINES: usize = 600;

/// What is left over from somebody's work and means nothing to a reader.
const LEFT_OVER: &[LeftOver] = &[
    LeftOver { text: concat!("/wo", "rk/"), why: "a path of one machine" },
    LeftOver { text: concat!("/ho", "me/"), why: "a path of one machine" },
    LeftOver { text: concat!("/ro", "ot/"), why: "a path of one machine" },
    LeftOver { text: concat!("/Us", "ers/"), why: "a path of one machine" },
    LeftOver { text: concat!("TO", "DO"), why: "a note to oneself" },
    LeftOver { text: concat!("FIX", "ME"), why: "a note to oneself" },
    LeftOver { text: concat!("<<<", "<<<<"), why: "a merge that was not finished" },
    LeftOver { text: concat!(">>>", ">>>>"), why: "a merge that was not finished" },
];

/// The files that `LEFT_OVER` is looked for in, by extension.
const TEXTS: &[&str] = &["rs", "md", "toml", "sh", "py", "go", "mod", "proto", "yml", "yaml"];

#[test]
fn folders_use_only_what_is_below_them() {
    let sources = sources_of("trunkline");
    let root =
        sources.iter().find(|source| source.path.ends_with("src/lib.rs")).expect("the crate has a root");
    let exports = rules::exports(root);
    report(sources.iter().flat_map(|source| rules::arrows(source, LAYERS, &exports)));
}

#[test]
fn libraries_leave_the_process_alone() {
    report(library_sources().iter().flat_map(rules::process));
}

#[test]
fn queues_have_a_bound() {
    report(library_sources().iter().flat_map(rules::unbounded));
}

#[test]
fn files_are_of_one_sitting() {
    report(library_sources().iter().flat_map(|source| rules::length(source, MOST_LINES)));
}

#[test]
fn files_say_what_they_are_for() {
    report(library_sources().iter().flat_map(rules::module_comment));
}

#[test]
fn words_of_the_wire_are_spelled_once() {
    let path = workspace().join(WIRE_WORDS);
    let keys =
        Source::new(WIRE_WORDS, &fs::read_to_string(&path).expect("the file of wire words is readable"));
    let words = rules::reserved_words(&keys);
    assert!(
        words.contains(&"__rpcx_error__".to_owned()),
        "{WIRE_WORDS} no longer holds the words: {words:?}"
    );

    let others = library_sources().into_iter().filter(|source| source.path != WIRE_WORDS);
    report(others.flat_map(|source| rules::wire_words(&source, &words)));
}

#[test]
fn nothing_is_left_over() {
    let mut found = Vec::new();
    for path in files_below(&workspace(), &|path| has_extension(path, TEXTS)) {
        let text = fs::read_to_string(&path).expect("the file is readable text");
        found.extend(rules::left_over(&relative(&path), &text, LEFT_OVER));
    }
    report(found);
}

/// Fails with all violations at once.
fn report(violations: impl IntoIterator<Item = String>) {
    let violations: BTreeSet<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}\n", Vec::from_iter(violations).join("\n"));
}

fn library_sources() -> Vec<Source> {
    LIBRARIES.iter().flat_map(|library| sources_of(library)).collect()
}

fn sources_of(library: &str) -> Vec<Source> {
    let folder = workspace().join("crates").join(library).join("src");
    let files = files_below(&folder, &|path| has_extension(path, &["rs"]));
    assert!(!files.is_empty(), "{} holds no sources", folder.display());
    let read = |path: &PathBuf| fs::read_to_string(path).expect("the source is readable");
    files.iter().map(|path| Source::new(&relative(path), &read(path))).collect()
}

/// The wanted files below a folder, without what tools put there, in a fixed order.
fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is readable") {
            let entry = entry.expect("the folder stays while it is read");
            let path = entry.path();
            // Links are skipped: what they lead to is read where it stands.
            let kind = entry.file_type().expect("the file stays while it is looked at");
            let name = entry.file_name();
            let is_output = name == "target" || name.to_string_lossy().starts_with(".git");
            if kind.is_dir() && !is_output {
                folders.push(path);
            } else if kind.is_file() && wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace is two folders up")
}

fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(workspace()).expect("the file is in the workspace");
    inside.to_string_lossy().replace('\\', "/")
}

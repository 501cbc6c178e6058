//! The rules: each takes a source and returns its violations, with their places, as text.

use std::collections::HashMap;

use crate::source::Source;

/// Modules on one height.
pub(crate) struct Layer {
    modules: &'static [&'static str],
    together: bool,
}

/// A layer whose modules may use each other.
pub(crate) const fn together(modules: &'static [&'static str]) -> Layer {
    Layer { modules, together: true }
}

/// A layer whose modules do not know each other.
pub(crate) const fn apart(modules: &'static [&'static str]) -> Layer {
    Layer { modules, together: false }
}

/// A text that has no place in what is committed.
pub(crate) struct LeftOver {
    pub(crate) text: &'static str,
    pub(crate) why: &'static str,
}

/// From which module each name comes that the crate's root hands on.
pub(crate) fn exports(root: &Source) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for path in root.paths() {
        let segments: Vec<&str> =
            path.segments.iter().map(String::as_str).filter(|s| !matches!(*s, "crate" | "self")).collect();
        if let [module, .., name] = segments[..] {
            found.insert(name.to_owned(), module.to_owned());
        }
    }
    found
}

/// A module uses only itself and what is below it.
pub(crate) fn arrows(source: &Source, layers: &[Layer], exports: &HashMap<String, String>) -> Vec<String> {
    let module = source.module();
    let Some(&from) = module.first() else {
        return Vec::new();
    };
    let height = |name: &str| layers.iter().position(|layer| layer.modules.contains(&name));
    let Some(from_height) = height(from) else {
        return vec![format!("{}: `{from}` has no place in the table of layers; give it one", source.path)];
    };

    let mut found = Vec::new();
    for path in source.paths() {
        let Some(name) = first_below_root(&module, &path.segments) else {
            continue;
        };
        let to = if height(name).is_some() { name } else { exports.get(name).map_or(name, String::as_str) };
        // What is in no layer is the root's own, or a macro.
        let Some(to_height) = height(to) else {
            continue;
        };
        let allowed =
            to == from || to_height < from_height || (to_height == from_height && layers[to_height].together);
        if !allowed {
            found.push(format!("{}: `{from}` must not use `{to}`", source.place(path.offset)));
        }
    }
    found
}

/// What a path names directly below the crate's root, if it leads there.
fn first_below_root<'a>(module: &[&'a str], path: &'a [String]) -> Option<&'a str> {
    let ups = path.iter().take_while(|segment| *segment == "super").count();
    let rest = &path[ups..];
    match rest.first()?.as_str() {
        "crate" => rest.get(1).map(String::as_str),
        name if ups > 0 && ups >= module.len() => Some(name),
        _ => None,
    }
}

/// A library does not print, read the environment or end the process.
pub(crate) fn process(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["println", "print", "eprintln", "eprint", "dbg"] {
        for (offset, _) in source.code.match_indices(&format!("{name}!")) {
            let goes_on = source.code[..offset].ends_with(|c: char| c == '_' || c.is_alphanumeric());
            if !goes_on {
                found.push(format!(
                    "{}: a library does not print; emit a `tracing` event",
                    source.place(offset)
                ));
            }
        }
    }
    for path in source.paths() {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["std", "env", ..] | ["env", "var" | "var_os" | "vars" | "args", ..] => {
                found.push(format!("{}: a library does not read the environment", source.place(path.offset)));
            }
            [.., "process", "exit" | "abort"] => {
                found.push(format!("{}: a library does not end the process", source.place(path.offset)));
            }
            _ => {}
        }
    }
    found
}

/// Every queue has a bound.
pub(crate) fn unbounded(source: &Source) -> Vec<String> {
    let is_unbounded = |segment: &String| segment.to_lowercase().contains("unbounded");
    let paths = source.paths().into_iter().filter(|path| path.segments.iter().any(is_unbounded));
    paths.map(|path| format!("{}: a queue without a bound; give it one", source.place(path.offset))).collect()
}

/// A file is read in one sitting.
pub(crate) fn length(source: &Source, most: usize) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > most)
        .then(|| format!("{}: {lines} lines, more than {most}; find the second concept in it", source.path))
}

/// A file begins with what it is for.
pub(crate) fn module_comment(source: &Source) -> Option<String> {
    let first = source.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    let begins = first.is_some_and(|line| line.starts_with("//!"));
    (!begins).then(|| format!("{}:1: begin with a `//!` comment: what the module is for", source.path))
}

/// The words that are reserved on the wire: those of the file of keys that begin with an underscore.
pub(crate) fn reserved_words(keys: &Source) -> Vec<String> {
    keys.strings.iter().map(|(_, word)| word.clone()).filter(|word| word.starts_with('_')).collect()
}

/// A reserved word is spelled once; tests may spell it, so that changing the constant fails them.
pub(crate) fn wire_words(source: &Source, words: &[String]) -> Vec<String> {
    let is_reserved = |text: &str| words.iter().any(|word| text.contains(word.as_str()));
    let hits = source.strings.iter().filter(|(_, text)| is_reserved(text) || text.contains("__trunkline_"));
    hits.map(|(offset, text)| format!("{}: \"{text}\": use `trunkline_wire::keys`", source.place(*offset)))
        .collect()
}

/// Nothing of how the text came about stays in it.
pub(crate) fn left_over(path: &str, text: &str, table: &[LeftOver]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for entry in table.iter().filter(|entry| line.contains(entry.text)) {
            found.push(format!("{path}:{}: `{}` is {}", number + 1, entry.text, entry.why));
        }
    }
    found
}

/// Each rule against texts that break it and texts that look as if they did.
#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("crates/a/src/client/connection.rs", text)
    }

    fn arrows_of(path: &str, text: &str) -> Vec<String> {
        let layers = [
            together(&["error", "call"]),
            apart(&["codec", "frame"]),
            apart(&["client", "server"]),
            apart(&["transfer"]),
        ];
        let root =
            Source::new("crates/a/src/lib.rs", "pub use server::{Server, Running}; pub use error::Error;");
        arrows(&Source::new(path, text), &layers, &exports(&root))
    }

    #[test]
    fn an_arrow_up_or_sideways_is_found() {
        let file = "crates/a/src/client/connection.rs";
        for text in [
            "use crate::server::Server;",
            "use crate::{error::Error, server};",
            "use crate::transfer::send;",
            "fn f() -> crate::server::Server { g() }",
            "use super::super::server::Server;",
            "use crate::Running;",
            "macro_rules! m { () => { $crate::server::f() } }",
        ] {
            assert_eq!(
                arrows_of(file, text),
                [format!("{file}:1: `client` must not use `{}`", named(text))],
                "{text}"
            );
        }
        assert_eq!(arrows_of("crates/a/src/server/mod.rs", "use crate::client::Client;").len(), 1);
        assert_eq!(arrows_of("crates/a/src/server/mod.rs", "use super::client::Client;").len(), 1);
        assert_eq!(arrows_of("crates/a/src/codec/json.rs", "use crate::frame::Frame;").len(), 1);
        assert_eq!(arrows_of("crates/a/src/error.rs", "use crate::codec::Codec;").len(), 1);
        assert_eq!(arrows_of("crates/a/src/error.rs", "use super::codec::Codec;").len(), 1);
    }

    fn named(text: &str) -> &str {
        if text.contains("transfer") { "transfer" } else { "server" }
    }

    #[test]
    fn an_arrow_down_is_not() {
        let file = "crates/a/src/client/connection.rs";
        for text in [
            "use crate::{codec, error::Error, Error as E};",
            "use super::endpoints::Endpoints; use super::super::call::Call;",
            "use crate::client::Client;",
            "use crate::Root;",
            "use tokio::server::Thing; use other_crate::server;",
            "// use crate::server::Server;",
            "/// See [`Server`](crate::server::Server).\nfn f() {}",
            "#[cfg(test)] mod tests { use crate::server::Server; }",
        ] {
            assert_eq!(arrows_of(file, text), [""; 0], "{text}");
        }
        assert_eq!(arrows_of("crates/a/src/error.rs", "use crate::call::Call;"), [""; 0]);
        assert_eq!(arrows_of("crates/a/src/lib.rs", "pub use crate::server::Server;"), [""; 0]);
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert!(arrows_of("crates/a/src/extra/mod.rs", "").concat().contains("`extra` has no place"));
    }

    #[test]
    fn touching_the_process_is_found() {
        for text in [
            "fn f() { println!(\"x\") }",
            "fn f() { eprintln!() }",
            "fn f() { std::print!(\"\") }",
            "fn f() { dbg!(1) }",
            "use std::env;",
            "use std::{env::var, fmt};",
            "fn f() { std::env::var(\"A\") }",
            "fn f() { std::process::exit(1) }",
            "use std::process::{Command, exit};",
        ] {
            assert_eq!(process(&source(text)).len(), 1, "{text}");
        }
        for text in [
            "// println!()",
            "fn f() { my_println!() }",
            "const S: &str = \"std::env::var\";",
            "const V: &str = env!(\"CARGO_PKG_VERSION\");",
            "use std::process::Command;",
            "#[cfg(test)] mod tests { fn f() { println!() } }",
        ] {
            assert_eq!(process(&source(text)), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_queue_without_a_bound_is_found() {
        for text in ["use tokio::sync::mpsc::unbounded_channel;", "fn f(tx: mpsc::UnboundedSender<u8>) {}"] {
            assert_eq!(unbounded(&source(text)).len(), 1, "{text}");
        }
        assert_eq!(
            unbounded(&source("// unbounded would be wrong\nuse tokio::sync::mpsc::channel;")),
            [""; 0]
        );
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(length(&source("fn f() {}\n\n\n"), 2).is_some());
        assert!(length(&source("fn f() {}\n\n\n"), 3).is_none());
    }

    #[test]
    fn a_file_without_a_comment_is_found() {
        for text in ["", "use std::fmt;\n//! late", "/// not the module's\nfn f() {}", "// plain\nfn f() {}"]
        {
            assert!(module_comment(&source(text)).is_some(), "{text}");
        }
        assert!(module_comment(&source("//! What it is for.\n")).is_none());
        assert!(module_comment(&source("#![no_std]\n//! What it is for.\n")).is_none());
    }

    #[test]
    fn a_word_of_the_wire_is_found() {
        let keys = Source::new("keys.rs", "pub const A: &str = \"__AUTH\"; pub const B: &str = \"server\";");
        let words = reserved_words(&keys);
        assert_eq!(words, ["__AUTH"]);
        for text in ["f(\"__AUTH\")", "f(b\"__AUTH\")", "f(\"x __AUTH\")", "f(\"__trunkline_new\")"] {
            assert_eq!(wire_words(&source(text), &words).len(), 1, "{text}");
        }
        for text in [
            "f(\"server\")",
            "/// `\"__AUTH\"`\nfn f() {}",
            "#[cfg(test)] mod t { const A: &str = \"__AUTH\"; }",
        ] {
            assert_eq!(wire_words(&source(text), &words), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_left_over_is_found() {
        let table = [LeftOver { text: "/some/where", why: "a path" }];
        assert_eq!(left_over("a.md", "ok\nsee /some/where/x", &table), ["a.md:2: `/some/where` is a path"]);
        assert_eq!(left_over("a.md", "see /else/where", &table), [""; 0]);
    }
}

//! Standard output: one JSON object a line, or a line of text for people.

use std::io::Write as _;

use serde_json::Value;

/// Prints a line. Nobody is left to be told when standard output is closed.
pub(crate) fn tell(value: &Value) {
    say(&value.to_string());
}

/// Prints a text and ends the line.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

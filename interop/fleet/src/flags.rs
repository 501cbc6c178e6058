//! The command line: `--name value` and `--name`, as Go's programs read theirs.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::problem::{During, Outcome, problem};

/// What stands on the command line behind the subcommand.
#[derive(Debug)]
pub(crate) struct Flags(BTreeMap<String, String>);

impl Flags {
    /// Reads flags: those that have a value, and those that have none.
    pub(crate) fn parse(arguments: &[String], valued: &[&str], plain: &[&str]) -> Outcome<Self> {
        let mut given = BTreeMap::new();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let name = argument.trim_start_matches('-');
            if plain.contains(&name) {
                given.insert(name.to_owned(), String::new());
            } else if valued.contains(&name) {
                let Some(value) = rest.next() else {
                    return problem(format!("--{name} has no value"));
                };
                given.insert(name.to_owned(), value.clone());
            } else {
                return problem(format!(
                    "unknown argument {argument:?}, expected {valued:?} or {plain:?}, each behind --"
                ));
            }
        }
        Ok(Self(given))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of a flag, empty where it was not given.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text_or<'a>(&'a self, name: &str, otherwise: &'a str) -> &'a str {
        self.0.get(name).map_or(otherwise, String::as_str)
    }

    pub(crate) fn number<T: FromStr<Err: Display>>(&self, name: &str) -> Outcome<Option<T>> {
        let read = |text: &String| text.parse().during(format!("--{name} {text:?}"));
        self.0.get(name).map(read).transpose()
    }

    /// A time as Go writes it: `2s`, `10ms`.
    pub(crate) fn time(&self, name: &str) -> Outcome<Option<Duration>> {
        let read = |text: &String| humantime::parse_duration(text).during(format!("--{name} {text:?}"));
        self.0.get(name).map(read).transpose()
    }
}

//! What a registry holds of an instance beside its address: pairs, written as a URL query.

use std::fmt::{self, Write};
use std::str::FromStr;

/// The attributes of an instance: `weight=3&group=a`, as Go's `url.Values` reads and writes them.
///
/// What was read is written back as it stood until it is changed; what was changed is written in
/// Go's canonical form, sorted by key. What does not parse is left out, and the rest is kept: an
/// instance with `state=inactive&x=%zz` is inactive.
///
/// ```
/// use trunkline::registry::Attributes;
///
/// let mut attributes = Attributes::parse("weight=3&group=a b&group=c");
/// assert_eq!(attributes.get("weight"), Some("3"));
/// assert_eq!(attributes.all("group").collect::<Vec<_>>(), ["a b", "c"]);
/// attributes.set("state", "inactive");
/// assert_eq!(attributes.text(), "group=a+b&group=c&state=inactive&weight=3");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// What is written to a registry: verbatim what was read, canonical once it was changed.
    text: String,
    pairs: Vec<(String, String)>,
    broken: bool,
}

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a query. Pieces that do not parse are left out; [`is_broken`](Self::is_broken) tells.
    pub fn parse(text: &str) -> Self {
        let mut pairs = Vec::new();
        let mut broken = false;
        for piece in text.split('&').filter(|piece| !piece.is_empty()) {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            // Go refuses a semicolon anywhere in a piece: it was a separator once.
            match (piece.contains(';'), unescape(key), unescape(value)) {
                (false, Some(key), Some(value)) => pairs.push((key, value)),
                _ => broken = true,
            }
        }
        Self { text: text.to_owned(), pairs, broken }
    }

    /// What stands in a registry.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a piece of what was read did not parse.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// All values of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// All pairs, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Sets a key to one value, in place of all it had.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let key = key.into();
        self.pairs.retain(|(k, _)| *k != key);
        self.pairs.push((key, value.into()));
        self.rewrite();
    }

    /// Adds a value to a key.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.pairs.push((key.into(), value.into()));
        self.rewrite();
    }

    /// Removes a key with all its values.
    pub fn remove(&mut self, key: &str) {
        self.pairs.retain(|(k, _)| k != key);
        self.rewrite();
    }

    /// Whether they are the same to a balancer: in any order of keys, and without the figures that
    /// Go servers write at each tick.
    pub(super) fn are_like(&self, other: &Self) -> bool {
        fn sorted(attributes: &Attributes) -> Vec<(&str, &str)> {
            let is_figure = |key: &str| matches!(key, "calls" | "connections" | "tps");
            let mut pairs: Vec<_> = attributes.iter().filter(|(key, _)| !is_figure(key)).collect();
            pairs.sort_by_key(|(key, _)| *key);
            pairs
        }
        self.text == other.text || sorted(self) == sorted(other)
    }

    /// The pairs in Go's canonical form: sorted by key, values of one key in their order.
    pub fn canonical(&self) -> String {
        let mut sorted: Vec<_> = self.pairs.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::new();
        for (key, value) in sorted {
            if !text.is_empty() {
                text.push('&');
            }
            escape(key, &mut text);
            text.push('=');
            escape(value, &mut text);
        }
        text
    }

    fn rewrite(&mut self) {
        // As they would be read back: attributes are equal when their texts are.
        self.pairs.sort_by(|a, b| a.0.cmp(&b.0));
        self.text = self.canonical();
        self.broken = false;
    }
}

impl FromStr for Attributes {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::parse(text))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let mut attributes = Self { pairs, ..Self::default() };
        attributes.rewrite();
        attributes
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Go's `url.QueryUnescape`; none where an escape is cut short or is no hexadecimal number.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    // Go keeps any bytes; text that is not UTF-8 means nothing to a reader here.
    Some(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Go's `url.QueryEscape`.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => write!(out, "%{other:02X}").expect("a string takes all that is written to it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_after_a_tick_is_what_comes_out() {
        for (input, broken, output) in [
            ("", false, "calls=0.00&connections=1.50"),
            ("weight=3&group=a b&group=c", false, "calls=0.00&connections=1.50&group=a+b&group=c&weight=3"),
            ("state=inactive&weight=5", false, "calls=0.00&connections=1.50&state=inactive&weight=5"),
            ("flag", false, "calls=0.00&connections=1.50&flag="),
            ("a=1;b=2&weight=2", true, "calls=0.00&connections=1.50&weight=2"),
            ("x=%zz&weight=2", true, "calls=0.00&connections=1.50&weight=2"),
            ("k=a*b'c~d-e_f.g", false, "calls=0.00&connections=1.50&k=a%2Ab%27c~d-e_f.g"),
            ("name=上海&weight=1", false, "calls=0.00&connections=1.50&name=%E4%B8%8A%E6%B5%B7&weight=1"),
            ("u=http://h:1/p?q=1", false, "calls=0.00&connections=1.50&u=http%3A%2F%2Fh%3A1%2Fp%3Fq%3D1"),
            ("b=1&a=2&b=0", false, "a=2&b=1&b=0&calls=0.00&connections=1.50"),
            ("=v&w=1", false, "=v&calls=0.00&connections=1.50&w=1"),
            ("p=a+b%20c", false, "calls=0.00&connections=1.50&p=a+b+c"),
            (
                "tps=newconnected%3D0.00&weight=1",
                false,
                "calls=0.00&connections=1.50&tps=newconnected%3D0.00&weight=1",
            ),
        ] {
            let mut attributes = Attributes::parse(input);
            assert_eq!((attributes.text(), attributes.is_broken()), (input, broken));
            attributes.set("calls", "0.00");
            attributes.set("connections", "1.50");
            assert_eq!(attributes.text(), output, "{input}");
        }
    }

    #[test]
    fn order_and_figures_make_no_difference_to_a_balancer() {
        for (a, b, alike) in [
            ("weight=3&group=a", "calls=1.00&connections=2.00&group=a&weight=3", true),
            ("group=a&group=b", "group=b&group=a", false),
            ("weight=3", "weight=4", false),
            ("weight=3", "weight=3&state=inactive", false),
            ("", "tps=newconnected%3D0.00", true),
        ] {
            assert_eq!(Attributes::parse(a).are_like(&Attributes::parse(b)), alike, "{a} {b}");
        }
    }

    #[test]
    fn an_escape_that_is_cut_short_breaks_its_pair_only() {
        for text in ["a=%", "a=%4", "%=1", "a=%+1"] {
            let attributes = Attributes::parse(&format!("{text}&b=2"));
            assert!(attributes.is_broken(), "{text}");
            assert_eq!(attributes.iter().collect::<Vec<_>>(), [("b", "2")], "{text}");
        }
    }
}

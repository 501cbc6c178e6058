//! A Rust source file, taken apart as far as the rules need it: code, literals and paths; no comments, no tests.

use std::ops::Range;

/// A source file.
pub(crate) struct Source {
    /// Where it is, from the workspace's root.
    pub(crate) path: String,
    /// As it stands in the file.
    pub(crate) text: String,
    /// The text with comments, the content of literals and `#[cfg(test)]` items blanked: same length, same lines.
    pub(crate) code: String,
    /// The content of the string literals outside tests, as written, with where each begins.
    pub(crate) strings: Vec<(usize, String)>,
}

/// A path such as `crate::error::Error`, groups in braces spread out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathUse {
    pub(crate) offset: usize,
    pub(crate) segments: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (mut code, mut strings) = blank(text);
        for test in test_items(&code) {
            strings.retain(|(offset, _)| !test.contains(offset));
            code = erase(&code, test);
        }
        if is_test_file(path) {
            strings.clear();
            code = erase(&code, 0..code.len());
        }
        Self { path: path.to_owned(), text: text.to_owned(), code, strings }
    }

    /// The module's place in its crate: `client/connection.rs` is `["client", "connection"]`, the root is empty.
    pub(crate) fn module(&self) -> Vec<&str> {
        let inside = self.path.rsplit_once("src/").map_or(self.path.as_str(), |(_, inside)| inside);
        let mut segments: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
        if matches!(segments.last(), Some(&"mod" | &"lib" | &"main")) {
            segments.pop();
        }
        segments
    }

    /// `path:line` of an offset, as editors take it.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }

    /// Every path in the code, `use` or not.
    pub(crate) fn paths(&self) -> Vec<PathUse> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if let Token::Word(..) = tokens[at] {
                at = read_tree(&tokens, at, &[], &mut found);
            } else {
                at += 1;
            }
        }
        found
    }
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Blanks comments and the content of literals; returns the string literals too.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let end = if rest.starts_with("//") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + comment_length(rest)
        } else if let Some((content, length)) = string_at(rest, after_word) {
            strings.push((at, rest[content].to_owned()));
            at + length
        } else if let Some(length) = char_length(rest) {
            at + length
        } else {
            let next = rest.chars().next().expect("not at the end");
            code.push(next);
            at += next.len_utf8();
            continue;
        };
        code.push_str(&erase(&text[at..end], 0..end - at));
        at = end;
    }
    (code, strings)
}

/// The length of a block comment; they nest.
fn comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// The string literal that begins here, if one does: where its content is, and its whole length.
fn string_at(rest: &str, after_word: bool) -> Option<(Range<usize>, usize)> {
    let prefix = rest.find(|c: char| !matches!(c, 'b' | 'c' | 'r'))?;
    // The end of a name is not a prefix; `br`, `cr`, `b`, `c`, `r` are.
    if prefix > 2 || (prefix > 0 && after_word) {
        return None;
    }
    if rest[..prefix].ends_with('r') {
        let hashes = rest[prefix..].find(|c| c != '#')?;
        let begin = prefix + hashes + 1;
        // `r#type` is a name.
        if rest.as_bytes()[begin - 1] != b'"' {
            return None;
        }
        let closing = format!("\"{}", "#".repeat(hashes));
        let end = begin + rest[begin..].find(&closing)?;
        return Some((begin..end, end + closing.len()));
    }
    let begin = prefix + 1;
    if rest.as_bytes()[prefix] != b'"' {
        return None;
    }
    let mut escaped = false;
    for (offset, c) in rest[begin..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((begin..begin + offset, begin + offset + 1)),
            _ => {}
        }
    }
    None
}

/// The length of the character literal that begins here; a lifetime is none.
fn char_length(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let end = if first == '\\' { 2 + inside[2..].find('\'')? } else { first.len_utf8() };
    inside[end..].starts_with('\'').then_some(end + 2)
}

/// The text with a range of it blanked, lines kept.
fn erase(text: &str, range: Range<usize>) -> String {
    let blanks = text.as_bytes()[range.clone()].iter().map(|&b| if b == b'\n' { '\n' } else { ' ' });
    text[..range.start].chars().chain(blanks).chain(text[range.end..].chars()).collect()
}

/// Where the items are that only tests see.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (begin, _) in code.match_indices(attribute) {
            if !found.iter().any(|item| item.contains(&begin)) {
                found.push(begin..begin + item_length(&code[begin..]));
            }
        }
    }
    found
}

/// The length of an item with its attributes: to its closing brace, or to the semicolon if that comes first.
fn item_length(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

enum Token<'a> {
    Word(usize, &'a str),
    Colons,
    Open,
    Close,
    Comma,
    Other,
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        at += 1;
        found.push(match bytes[begin] {
            b':' if bytes.get(at) == Some(&b':') => {
                at += 1;
                Token::Colons
            }
            b'{' => Token::Open,
            b'}' => Token::Close,
            b',' => Token::Comma,
            byte if byte.is_ascii_whitespace() => continue,
            byte if is_word(byte) => {
                at += bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
                Token::Word(begin, &code[begin..at])
            }
            _ => Token::Other,
        });
    }
    found
}

/// Reads a path or a tree of paths that begins with the word at `at`; returns where to go on.
fn read_tree(tokens: &[Token<'_>], mut at: usize, above: &[String], found: &mut Vec<PathUse>) -> usize {
    let mut segments = above.to_vec();
    let mut begin = None;
    while let Some(Token::Word(offset, word)) = tokens.get(at) {
        begin.get_or_insert(*offset);
        segments.push((*word).to_owned());
        at += 1;
        if !matches!(tokens.get(at), Some(Token::Colons)) {
            break;
        }
        at += 1;
    }
    if !matches!((tokens.get(at), tokens.get(at.wrapping_sub(1))), (Some(Token::Open), Some(Token::Colons))) {
        if let Some(offset) = begin {
            found.push(PathUse { offset, segments });
        }
        return at;
    }
    at += 1;
    loop {
        match tokens.get(at) {
            Some(Token::Word(..)) => {
                at = read_tree(tokens, at, &segments, found);
                // What may follow is `as name`.
                while matches!(tokens.get(at), Some(Token::Word(..) | Token::Other | Token::Colons)) {
                    at += 1;
                }
            }
            Some(Token::Close) | None => return at + 1,
            Some(_) => at += 1,
        }
    }
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    let source = Source::new(
        "src/a.rs",
        r####"
        // one /* "
        /* two /* nested */ still */
        fn kept<'a>(c: char) -> &'a str { if c == '"' || c == '\'' { "in \" a string" } else { r#"raw " one"# } }
        const B: &[u8] = b"bytes"; const R: r#type = br"raw bytes";
        #[cfg(test)]
        mod tests { fn gone() { "not seen"; } }
        fn last() {}
        "####,
    );
    for gone in ["one", "two", "still", "string", "raw", "bytes", "gone", "tests"] {
        assert!(!source.code.contains(gone), "{gone} is still in {}", source.code);
    }
    for kept in ["kept<'a>", "&'a str", "const B", "r#type", "fn last"] {
        assert!(source.code.contains(kept), "{kept} is missing in {}", source.code);
    }
    let strings: Vec<&str> = source.strings.iter().map(|(_, content)| content.as_str()).collect();
    assert_eq!(strings, [r#"in \" a string"#, r#"raw " one"#, "bytes", "raw bytes"]);
    assert_eq!(source.code.len(), source.text.len());
    assert_eq!(source.place(source.code.find("last").unwrap()), "src/a.rs:8");
}

#[test]
fn groups_of_paths_are_spread_out() {
    let source = Source::new(
        "src/a.rs",
        "use crate::{b::{C, d as D, self}, e::*}; fn f(x: super::g::H) -> i::J { k() }",
    );
    let paths: Vec<String> = source.paths().iter().map(|path| path.segments.join("::")).collect();
    for wanted in ["crate::b::C", "crate::b::d", "crate::b::self", "crate::e", "super::g::H", "i::J", "k"] {
        assert!(paths.iter().any(|path| path == wanted), "{wanted} is missing in {paths:?}");
    }
}

#[test]
fn modules_are_where_their_files_are() {
    for (path, module) in [
        ("crates/a/src/lib.rs", vec![]),
        ("crates/a/src/call.rs", vec!["call"]),
        ("crates/a/src/client/mod.rs", vec!["client"]),
        ("crates/a/src/client/connection.rs", vec!["client", "connection"]),
    ] {
        assert_eq!(Source::new(path, "").module(), module);
    }
}

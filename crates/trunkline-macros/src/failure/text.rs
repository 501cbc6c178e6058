//! The text of an error, written as for `format!` with the error's fields in scope.

/// A text and what it needs.
#[derive(Debug, PartialEq)]
pub(super) struct Text {
    /// The text with fields' numbers replaced by names that Rust takes.
    pub(super) rewritten: String,
    /// The fields it names, each once.
    pub(super) names: Vec<String>,
}

/// What the field of this number is called inside a text.
pub(super) fn name_of_number(number: &str) -> String {
    format!("_{number}")
}

/// Finds the fields in a text. The rest of its grammar is left to the compiler.
pub(super) fn parse(text: &str) -> Result<Text, String> {
    let mut parsed = Text { rewritten: String::with_capacity(text.len()), names: Vec::new() };
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, from) = rest.split_at(at);
        parsed.rewritten.push_str(plain);
        if from.starts_with("{{") || from.starts_with("}}") {
            parsed.rewritten.push_str(&from[..2]);
            rest = &from[2..];
            continue;
        }
        let Some((inside, after)) = from.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
            return Err("a brace stands alone; as such it is written twice".to_owned());
        };
        parsed.rewritten.push('{');
        parsed.placeholder(inside)?;
        parsed.rewritten.push('}');
        rest = after;
    }
    parsed.rewritten.push_str(rest);
    Ok(parsed)
}

impl Text {
    /// `name`, `0`, `name:?`, `name:>width$`.
    fn placeholder(&mut self, inside: &str) -> Result<(), String> {
        let (name, spec) = match inside.split_once(':') {
            Some((name, spec)) => (name, Some(spec)),
            None => (inside, None),
        };
        let name = name.trim();
        if name.is_empty() {
            return Err("say which field is meant: `{name}`, or `{0}` where fields have no names".to_owned());
        }
        self.field(name);
        let Some(spec) = spec else { return Ok(()) };
        self.rewritten.push(':');
        if spec.contains(".*") {
            return Err("`.*` has nothing to take the precision from: write `.name$`".to_owned());
        }
        // Width and precision may be fields too.
        let mut rest = spec;
        while let Some(end) = rest.find('$') {
            let begin = rest[..end].trim_end_matches(|c: char| c == '_' || c.is_alphanumeric()).len();
            // `0` before a name or another digit says to fill with zeros.
            let begin = begin + usize::from(rest[begin..end].len() > 1 && rest[begin..].starts_with('0'));
            self.rewritten.push_str(&rest[..begin]);
            self.field(&rest[begin..end]);
            self.rewritten.push('$');
            rest = &rest[end + 1..];
        }
        self.rewritten.push_str(rest);
        Ok(())
    }

    fn field(&mut self, name: &str) {
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            self.rewritten.push_str(&name_of_number(name));
        } else {
            self.rewritten.push_str(name);
        }
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_numbers_named() {
        for (text, rewritten, names) in [
            ("no field", "no field", vec![]),
            ("{a} and {b}, {a}", "{a} and {b}, {a}", vec!["a", "b"]),
            ("{0} of {1:?}", "{_0} of {_1:?}", vec!["0", "1"]),
            ("{{a}} {a:#?}", "{{a}} {a:#?}", vec!["a"]),
            ("{ a }", "{a}", vec!["a"]),
            ("{a:>w$.p$}", "{a:>w$.p$}", vec!["a", "w", "p"]),
            ("{0:01$} {0:*^2$}", "{_0:0_1$} {_0:*^_2$}", vec!["0", "1", "2"]),
            ("{a:→>w$}", "{a:→>w$}", vec!["a", "w"]),
            ("ä{é}ß", "ä{é}ß", vec!["é"]),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(
                (parsed.rewritten.as_str(), parsed.names),
                (rewritten, names.into_iter().map(str::to_owned).collect())
            );
        }
    }

    #[test]
    fn what_names_no_field_is_refused() {
        for text in ["{}", "{:?}", "{ }", "{", "}", "a { b", "{a:.*}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

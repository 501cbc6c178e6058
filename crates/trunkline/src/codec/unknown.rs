//! Keeps the names of fields that a payload has and its type has not.

use super::printable::printable;

/// A peer may send any number of them; the first few tell the story.
const MOST: usize = 32;

/// Paths of fields nobody asked for, and where the decoder stands.
pub(crate) struct Unknown<'a> {
    found: &'a mut Vec<String>,
    /// Steps to the value being decoded.
    stack: Vec<String>,
}

impl<'a> Unknown<'a> {
    pub(crate) fn into(found: &'a mut Vec<String>) -> Self {
        Self { found, stack: Vec::new() }
    }

    pub(crate) fn enter_field(&mut self, name: &[u8]) {
        self.stack.push(printable(name));
    }

    pub(crate) fn enter_element(&mut self, index: usize) {
        self.stack.push(format!("[{index}]"));
    }

    pub(crate) fn leave(&mut self) {
        self.stack.pop();
    }

    /// The value the decoder stands at is of no interest to the type.
    pub(crate) fn ignored(&mut self) {
        let mut path = String::new();
        for step in &self.stack {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        if self.found.len() < MOST && !path.is_empty() && !self.found.contains(&path) {
            self.found.push(path);
        }
    }
}

//! A record read, and each value that a condition asks for looked at.
//!
//! What a path leads to may be in an array: each element counts. Arrays in arrays are passed over, so that the depth of
//! calls is bounded by the names of the paths.

use super::paths::{Paths, ROOT};
use super::reader::{Reader, Scalar, Text};
use crate::framing::fields::unescape;

pub(super) struct Visit<'a, F: FnMut(u32, Value<'_>)> {
    pub paths: &'a Paths,
    pub reader: Reader<'a>,
    /// Names and texts without their escapes: memory to reuse.
    pub plain: &'a mut Vec<u8>,
    /// Takes the place of a path, and a value to which it leads.
    pub found: F,
}

/// A value as conditions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Null or an empty text.
    Empty,
    Text(&'a [u8]),
    Object,
}

impl<F: FnMut(u32, Value<'_>)> Visit<'_, F> {
    /// Reads a record; returns nothing if it is not JSON.
    pub(super) fn record(&mut self) -> Option<()> {
        self.value(ROOT, false)?;
        match self.reader.peek() {
            Some(_) => None,
            None => Some(()),
        }
    }

    fn value(&mut self, node: u32, in_array: bool) -> Option<()> {
        match self.reader.peek()? {
            b'{' => {
                self.find(node, Value::Object);
                if !self.paths.leads_on(node) {
                    return self.reader.skip();
                }
                self.object(node)
            }
            b'[' if in_array => self.reader.skip(),
            b'[' => self.array(node),
            _ => {
                let scalar = self.reader.scalar()?;
                if self.paths.path(node).is_some() {
                    self.scalar(node, scalar);
                }
                Some(())
            }
        }
    }

    fn object(&mut self, node: u32) -> Option<()> {
        self.reader.pass(b'{');
        if self.reader.pass(b'}') {
            return Some(());
        }
        loop {
            let name = self.reader.name()?;
            match self.paths.follow(node, plain_text(name, self.plain)) {
                Some(next) => self.value(next, false)?,
                None => self.reader.skip()?,
            }
            if !self.reader.pass(b',') {
                return self.reader.pass(b'}').then_some(());
            }
        }
    }

    fn array(&mut self, node: u32) -> Option<()> {
        self.reader.pass(b'[');
        if self.reader.pass(b']') {
            return Some(());
        }
        loop {
            self.value(node, true)?;
            if !self.reader.pass(b',') {
                return self.reader.pass(b']').then_some(());
            }
        }
    }

    fn scalar(&mut self, node: u32, scalar: Scalar<'_>) {
        let text = match scalar {
            Scalar::Null => b"",
            Scalar::Number(text) | Scalar::Word(text) => text,
            Scalar::Text(text) => {
                // The text may be in the memory to reuse, which is not of the paths or the reader.
                let mut memory = std::mem::take(self.plain);
                let value = as_value(plain_text(text, &mut memory));
                self.find(node, value);
                *self.plain = memory;
                return;
            }
        };
        self.find(node, as_value(text));
    }

    fn find(&mut self, node: u32, value: Value<'_>) {
        if let Some(path) = self.paths.path(node) {
            (self.found)(path, value);
        }
    }
}

fn as_value(text: &[u8]) -> Value<'_> {
    match text {
        b"" => Value::Empty,
        _ => Value::Text(text),
    }
}

/// Returns a text without its escapes, which are resolved in `memory`.
#[inline]
fn plain_text<'a>(text: Text<'a>, memory: &'a mut Vec<u8>) -> &'a [u8] {
    if !text.escaped {
        return text.written;
    }
    memory.clear();
    unescape(text.written, memory);
    memory
}

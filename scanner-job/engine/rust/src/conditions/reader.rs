//! JSON read value by value, as far as it is JSON.

use memchr::memchr2;

use super::decimals::number_length;

/// A value that is no object and no array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Text(Text<'a>),
    /// A number, as it is written.
    Number(&'a [u8]),
    /// `true`, `false`, and what Python writes for numbers that are none.
    Word(&'a [u8]),
    Null,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub written: &'a [u8],
    /// Whether it has escapes.
    pub escaped: bool,
}

const WORDS: [&[u8]; 5] = [b"true", b"false", b"NaN", b"Infinity", b"-Infinity"];

pub(super) struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The brackets that are open, a bit for each: 1 for those of an object.
    open: &'a mut Vec<u64>,
}

impl<'a> Reader<'a> {
    /// Begins to read; `open` is memory to reuse.
    pub(super) fn new(text: &'a [u8], open: &'a mut Vec<u64>) -> Self {
        Reader { text, at: 0, open }
    }

    /// Returns the next byte that is not blank.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes over a byte if it is the next that is not blank.
    #[inline]
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        let passes = self.peek() == Some(byte);
        self.at += usize::from(passes);
        passes
    }

    /// Reads the name of a field and the colon behind it.
    #[inline]
    pub(super) fn name(&mut self) -> Option<Text<'a>> {
        let name = self.string()?;
        self.pass(b':').then_some(name)
    }

    /// Reads a value that is no object and no array.
    #[inline]
    pub(super) fn scalar(&mut self) -> Option<Scalar<'a>> {
        if self.peek()? == b'"' {
            return self.string().map(Scalar::Text);
        }
        let rest = &self.text[self.at..];
        if let Some(length) = number_length(rest) {
            self.at += length;
            return Some(Scalar::Number(&rest[..length]));
        }
        if rest.starts_with(b"null") {
            self.at += 4;
            return Some(Scalar::Null);
        }
        let word = WORDS.iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(Scalar::Word(word))
    }

    /// Passes over a value, however deep it is nested.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut depth = 0;
        self.begin(&mut depth)?;
        while depth > 0 {
            let in_object = self.is_object(depth);
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    if in_object {
                        self.name()?;
                    }
                    self.begin(&mut depth)?;
                }
                b'}' if in_object => self.end(&mut depth),
                b']' if !in_object => self.end(&mut depth),
                _ => return None,
            }
        }
        Some(())
    }

    /// Passes over a scalar, an empty object or array, or what others begin with.
    fn begin(&mut self, depth: &mut usize) -> Option<()> {
        loop {
            let object = match self.peek()? {
                b'{' => true,
                b'[' => false,
                _ => return self.scalar().map(|_| ()),
            };
            self.at += 1;
            if self.pass(if object { b'}' } else { b']' }) {
                return Some(());
            }
            let (word, bit) = (*depth / 64, 1_u64 << (*depth % 64));
            if word == self.open.len() {
                self.open.push(0);
            }
            match object {
                true => self.open[word] |= bit,
                false => self.open[word] &= !bit,
            }
            *depth += 1;
            if object {
                self.name()?;
            }
        }
    }

    fn end(&mut self, depth: &mut usize) {
        self.at += 1;
        *depth -= 1;
    }

    /// Returns whether the innermost of so many brackets is that of an object.
    fn is_object(&self, depth: usize) -> bool {
        let place = depth - 1;
        self.open[place / 64] >> (place % 64) & 1 == 1
    }

    #[inline]
    fn string(&mut self) -> Option<Text<'a>> {
        if !self.pass(b'"') {
            return None;
        }
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += memchr2(b'"', b'\\', &self.text[self.at..])?;
            if self.text[self.at] == b'"' {
                let written = &self.text[start..self.at];
                self.at += 1;
                return Some(Text { written, escaped });
            }
            escaped = true;
            self.at += escape_length(&self.text[self.at..])?;
        }
    }
}

fn escape_length(escape: &[u8]) -> Option<usize> {
    match escape.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits = escape.get(2..6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
}

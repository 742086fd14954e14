//! A place in the bytes of an expression.

pub(super) struct Cursor<'p> {
    pub source: &'p str,
    pub at: usize,
}

impl<'p> Cursor<'p> {
    pub fn new(source: &'p str) -> Self {
        Self { source, at: 0 }
    }

    pub fn rest(&self) -> &'p [u8] {
        &self.source.as_bytes()[self.at..]
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// The byte `ahead` bytes behind the next one.
    pub fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.rest().get(ahead).copied()
    }

    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Step over `text` if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text.as_bytes());
        if found {
            self.at += text.len();
        }
        found
    }

    /// Step over the bytes that `wanted` accepts, `most` at most.
    pub fn take_while(&mut self, most: usize, wanted: impl Fn(u8) -> bool) -> &'p str {
        let length = self
            .rest()
            .iter()
            .take(most)
            .take_while(|byte| byte.is_ascii() && wanted(**byte))
            .count();
        self.at += length;
        self.source
            .get(self.at - length..self.at)
            .unwrap_or_default()
    }

    /// The next code: a character with `unicode`, else a byte.
    pub fn code(&mut self, unicode: bool) -> Option<u32> {
        if !unicode {
            return self.next().map(u32::from);
        }
        let character = self.source.get(self.at..)?.chars().next()?;
        self.at += character.len_utf8();
        Some(u32::from(character))
    }

    /// Step over text up to `end` and over `end` itself. `None` if there is no `end`.
    pub fn until(&mut self, end: u8) -> Option<&'p str> {
        let length = memchr::memchr(end, self.rest())?;
        let text = self.source.get(self.at..self.at + length)?;
        self.at += length + 1;
        Some(text)
    }
}

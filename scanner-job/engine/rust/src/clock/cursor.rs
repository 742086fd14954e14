//! The part of a line that is still to be read.

/// The rest of a line. Each method that returns nothing leaves it as it is or somewhere behind: read a copy.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Reads one byte of a set.
    pub(super) fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !set.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    /// Reads some text, if it comes next.
    pub(super) fn text(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Reads the first of several texts that comes next.
    pub(super) fn any_text(&mut self, texts: &[&[u8]]) -> Option<()> {
        texts.iter().find_map(|text| self.text(text))
    }

    /// Reads exactly so many digits.
    #[inline]
    pub(super) fn number(&mut self, digits: usize) -> Option<i64> {
        let (read, rest) = self.0.split_at_checked(digits)?;
        let value = read.iter().try_fold(0_i64, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + i64::from(byte - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    /// Reads a number of one or two digits.
    pub(super) fn short(&mut self) -> Option<i64> {
        match self.digits() {
            digits @ 1..=2 => self.number(digits),
            _ => None,
        }
    }

    /// Returns how many digits come next.
    pub(super) fn digits(&self) -> usize {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        digits.count()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.0 = &self.0[bytes..];
    }

    /// Reads what a condition holds for.
    pub(super) fn run(&mut self, holds: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !holds(*byte));
        let (run, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        run
    }

    /// Whether what was read ends here: neither a letter nor a digit follows.
    pub(super) fn ended(&self) -> bool {
        !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric())
    }
}

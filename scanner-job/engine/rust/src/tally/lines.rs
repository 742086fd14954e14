//! Lines that are kept together.

/// Lines in one piece of memory: a sample has dozens, of which few are looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeptLines {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl KeptLines {
    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Returns the bytes of all.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns a line, the first for 0.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }

    /// Adds a line.
    pub fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for KeptLines {
    fn from_iter<I: IntoIterator<Item = T>>(lines: I) -> Self {
        let mut kept = KeptLines::default();
        lines.into_iter().for_each(|line| kept.push(line.as_ref()));
        kept
    }
}

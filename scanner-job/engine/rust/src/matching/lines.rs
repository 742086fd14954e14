//! Where lines begin and end.

use memchr::memchr;

/// A line of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its first byte.
    pub start: usize,
    /// Behind its last byte that counts: before `"\n"` or `"\r\n"`.
    pub end: usize,
    /// The first byte of the line behind it.
    pub next: usize,
}

impl Line {
    /// Returns the line that starts at `start` and holds the byte at `inside`.
    #[inline]
    pub(super) fn holding(block: &[u8], start: usize, inside: usize) -> Line {
        let (newline, next) = match memchr(b'\n', &block[inside..]) {
            Some(distance) => (inside + distance, inside + distance + 1),
            None => (block.len(), block.len()),
        };
        // A carriage return without a newline behind it is an ordinary byte.
        let crlf = next > newline && newline > start && block[newline - 1] == b'\r';
        Line {
            start,
            end: newline - usize::from(crlf),
            next,
        }
    }
}

/// All lines of a block.
pub(super) struct Lines<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(block: &'a [u8]) -> Self {
        Lines { block, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    #[inline]
    fn next(&mut self) -> Option<Line> {
        if self.at >= self.block.len() {
            return None;
        }
        let line = Line::holding(self.block, self.at, self.at);
        self.at = line.next;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn lines(block: &str) -> Vec<&str> {
        Lines::of(block.as_bytes())
            .map(|line| &block[line.start..line.end])
            .collect()
    }

    #[test]
    fn ends_before_newline_and_crlf() {
        assert_eq!(lines("a\nb\r\nc\r\r\n\r\n\n"), ["a", "b", "c\r", "", ""]);
    }

    #[test]
    fn last_line_without_newline_keeps_its_carriage_return() {
        assert_eq!(lines("a\nb\r"), ["a", "b\r"]);
        assert_eq!(lines(""), [""; 0]);
    }
}

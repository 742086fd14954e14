//! Lines put together from pieces of any size, for what is in each.

use super::decoding::Place;

/// A line without its newline; only its beginning if it was cut.
pub(super) struct Line<'a> {
    pub text: &'a [u8],
    pub offset: u64,
    pub cut: bool,
}

/// Takes text in pieces of any size. A line is kept up to a limit.
pub(super) struct Lines {
    limit: usize,
    carry: Vec<u8>,
    offset: u64,
    cut: bool,
    open: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Lines {
            limit,
            carry: Vec::new(),
            offset: 0,
            cut: false,
            open: false,
        }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8], place: &mut Place, each: &mut impl FnMut(Line)) {
        let mut at = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            if self.open {
                self.keep(&piece[at..end]);
                self.end(each);
            } else {
                let text = &piece[at..end];
                each(Line {
                    text: without_hole(&text[..text.len().min(self.limit)]),
                    offset: place.offset(piece, at),
                    cut: text.len() > self.limit,
                });
            }
            at = end + 1;
        }
        if at < piece.len() {
            if !self.open {
                self.offset = place.offset(piece, at);
                self.open = true;
            }
            self.keep(&piece[at..]);
        }
    }

    /// Ends the text: what is left of it is a line.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(Line)) {
        if self.open {
            self.end(each);
        }
    }

    fn end(&mut self, each: &mut impl FnMut(Line)) {
        each(Line {
            text: without_hole(&self.carry),
            offset: self.offset,
            cut: self.cut,
        });
        self.carry.clear();
        (self.cut, self.open) = (false, false);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit - self.carry.len();
        self.carry
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.cut |= bytes.len() > room;
    }
}

/// Returns a line without the zero bytes that a hole left before it.
fn without_hole(line: &[u8]) -> &[u8] {
    let zeros = line.iter().take_while(|byte| **byte == 0).count();
    &line[zeros..]
}

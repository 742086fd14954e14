//! Holes: zero bytes where nothing was ever written.
//!
//! A log that was truncated under its writer (logrotate's `copytruncate`) begins with them; a machine that lost power
//! leaves them in the middle. They end a line and are passed over, so that they hide no line from a rule that begins
//! with `^` and count as none.

use std::ops::Range;

/// So many zero bytes at least are a hole; at the start of an input any number is.
const HOLE_BYTES: usize = 512;

/// What the bytes of an input are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes of the piece.
    Text(Range<usize>),
    /// So many zero bytes that are no hole: the last ones of the pieces before.
    Zeros(usize),
    /// A hole of so many bytes.
    Hole(u64),
}

/// Finds the holes in an input that comes in pieces.
#[derive(Default)]
pub(super) struct Holes {
    /// Bytes of the pieces before.
    offset: u64,
    /// Zero bytes at their end, of which it is not known whether they are a hole.
    zeros: u64,
}

impl Holes {
    /// Goes on behind so many bytes.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Takes the next piece, which has something from `start` on, and passes on what it consists of.
    pub(super) fn push(&mut self, piece: &[u8], start: usize, mut each: impl FnMut(Part)) {
        let mut at = start;
        if self.zeros > 0 || self.offset == 0 {
            let zeros = leading_zeros(&piece[at..]);
            at += zeros;
            self.zeros += zeros as u64;
            if at < piece.len() {
                self.end_zeros(self.offset + (at - start) as u64 == self.zeros, &mut each);
            }
        }
        let end = piece.len() - trailing_zeros(&piece[at..]);
        self.zeros += (piece.len() - end) as u64;
        // A hole has a byte at a multiple of its least size, so that no other byte need be looked at.
        let distance = (self.offset as usize).wrapping_neg() % HOLE_BYTES;
        let mut probe = start + distance;
        while probe < end {
            if piece[probe] != 0 || probe < at {
                probe += HOLE_BYTES;
                continue;
            }
            let first = probe - trailing_zeros(&piece[at..probe]);
            let behind = probe + leading_zeros(&piece[probe..end]);
            if behind - first >= HOLE_BYTES {
                text(at..first, &mut each);
                each(Part::Hole((behind - first) as u64));
                at = behind;
            }
            probe += (behind - probe).next_multiple_of(HOLE_BYTES);
        }
        text(at..end, &mut each);
        self.offset += (piece.len() - start) as u64;
    }

    /// Ends the input.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Part)) {
        self.end_zeros(self.offset == self.zeros, &mut each);
        self.offset = 0;
    }

    fn end_zeros(&mut self, at_start: bool, each: &mut impl FnMut(Part)) {
        match std::mem::take(&mut self.zeros) {
            0 => {}
            zeros if at_start || zeros >= HOLE_BYTES as u64 => each(Part::Hole(zeros)),
            zeros => each(Part::Zeros(zeros as usize)),
        }
    }
}

fn text(range: Range<usize>, each: &mut impl FnMut(Part)) {
    if !range.is_empty() {
        each(Part::Text(range));
    }
}

fn leading_zeros(bytes: &[u8]) -> usize {
    let steps = bytes.chunks_exact(64);
    let whole = 64
        * steps
            .take_while(|step| step.iter().fold(0, |any, byte| any | byte) == 0)
            .count();
    let rest = bytes[whole..].iter();
    whole + rest.take_while(|byte| **byte == 0).count()
}

fn trailing_zeros(bytes: &[u8]) -> usize {
    let steps = bytes.rchunks_exact(64);
    let whole = 64
        * steps
            .take_while(|step| step.iter().fold(0, |any, byte| any | byte) == 0)
            .count();
    let rest = bytes[..bytes.len() - whole].iter();
    whole + rest.rev().take_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use super::{Holes, Part};

    /// Returns an input without its holes, each of which is a `|`.
    fn without_holes(input: &[u8], size: usize) -> Vec<u8> {
        let mut holes = Holes::default();
        let mut text = Vec::new();
        let mut take = |piece: &[u8], part: Part| match part {
            Part::Text(range) => text.extend_from_slice(&piece[range]),
            Part::Zeros(count) => text.extend(std::iter::repeat_n(0, count)),
            Part::Hole(_) => text.push(b'|'),
        };
        for piece in input.chunks(size) {
            holes.push(piece, 0, |part| take(piece, part));
        }
        holes.finish(|part| take(b"", part));
        text
    }

    #[test]
    fn holes_are_found_whatever_the_pieces() {
        let zeros = |count: usize| vec![0; count];
        for (parts, wanted) in [
            (vec![zeros(1), b"a\n".to_vec()], &b"|a\n"[..]),
            (vec![zeros(5000), b"a".to_vec(), zeros(512)], b"|a|"),
            (vec![b"a\n".to_vec(), zeros(512), b"b".to_vec()], b"a\n|b"),
            (
                vec![b"a".to_vec(), zeros(4096), b"\nb".to_vec(), zeros(900)],
                b"a|\nb|",
            ),
            (vec![b"a\0b\0\0".to_vec()], b"a\0b\0\0"),
            (vec![zeros(700)], b"|"),
            (vec![], b""),
        ] {
            for size in [1, 2, 3, 511, 512, 513, 1000, 9000] {
                assert_eq!(
                    without_holes(&parts.concat(), size),
                    wanted,
                    "pieces of {size}"
                );
            }
        }
        let short = [&b"a"[..], &zeros(511), b"b"].concat();
        for size in [1, 100, 512, 513, 600] {
            assert_eq!(without_holes(&short, size), short, "pieces of {size}");
        }
    }
}

//! From the chunks in which a log is read to blocks of whole lines.
//!
//! Nothing is copied but the lines that a chunk ends within. A line longer than the limit is cut there: its beginning
//! is scanned, the rest is passed over, and it still counts as one line.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::pieces::{Chunk, Piece};

/// Blocks are not much larger, so that several threads can share a chunk.
const BLOCK_BYTES: usize = 512 * 1024;

/// Cuts inputs into pieces.
pub struct Cutter {
    limit: usize,
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// Whether that line was cut, so that the rest of it is passed over.
    skipping: bool,
    /// Where `carry`, or else the next chunk, starts in its input.
    offset: u64,
    cut_records: u64,
}

impl Cutter {
    /// Prepares for inputs whose lines are scanned up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Cutter {
            limit: limit.max(1),
            carry: Vec::new(),
            skipping: false,
            offset: 0,
            cut_records: 0,
        }
    }

    /// Returns how many lines were cut.
    pub fn cut_records(&self) -> u64 {
        self.cut_records
    }

    /// Takes the next chunk of an input and appends what it completes.
    pub fn push(&mut self, chunk: &Chunk, pieces: &mut Vec<Piece>) {
        self.push_part(chunk, 0..(**chunk).as_ref().len(), pieces);
    }

    /// Takes a part of a chunk, likewise.
    pub fn push_part(&mut self, chunk: &Chunk, part: Range<usize>, pieces: &mut Vec<Piece>) {
        let data = &(**chunk).as_ref()[..part.end];
        let mut at = part.start;
        if self.skipping {
            let newline = memchr(b'\n', &data[at..]);
            let behind = newline.map_or(data.len(), |distance| at + distance + 1);
            self.skipping = newline.is_none();
            self.offset += (behind - at) as u64;
            at = behind;
        }
        if !self.carry.is_empty() {
            let end = memchr(b'\n', &data[at..]).map(|distance| at + distance);
            self.carry
                .extend_from_slice(&data[at..end.unwrap_or(data.len())]);
            match end {
                Some(end) => {
                    self.end_carry(Some(b'\n'), pieces);
                    at = end + 1;
                }
                None => return self.cut_open_line(pieces),
            }
        }
        let end = memrchr(b'\n', &data[at..]).map_or(at, |distance| at + distance + 1);
        self.cut_lines(chunk, at, end, pieces);
        self.carry.extend_from_slice(&data[end..]);
        self.cut_open_line(pieces);
    }

    /// Ends an input; what is left of it is a line.
    pub fn finish(&mut self, pieces: &mut Vec<Piece>) {
        self.end_line(pieces);
        self.offset = 0;
    }

    /// Ends a line that has no newline.
    pub fn end_line(&mut self, pieces: &mut Vec<Piece>) {
        if !self.carry.is_empty() {
            self.end_carry(None, pieces);
        }
        self.skipping = false;
    }

    /// Passes over so many bytes of the input, between two lines.
    pub fn pass(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Appends the line that was carried over from earlier chunks.
    fn end_carry(&mut self, newline: Option<u8>, pieces: &mut Vec<Piece>) {
        let mut line = std::mem::take(&mut self.carry);
        let length = line.len() + usize::from(newline.is_some());
        if line.len() > self.limit {
            line.truncate(self.limit);
            self.cut_records += 1;
        } else {
            line.extend(newline);
        }
        pieces.push(Piece::of_line(line, self.offset));
        self.offset += length as u64;
    }

    /// Cuts a line whose end has not come yet if it is over the limit already.
    fn cut_open_line(&mut self, pieces: &mut Vec<Piece>) {
        if self.carry.len() > self.limit {
            self.end_carry(None, pieces);
            self.skipping = true;
        }
    }

    /// Appends the whole lines between two places of a chunk.
    fn cut_lines(&mut self, chunk: &Chunk, start: usize, end: usize, pieces: &mut Vec<Piece>) {
        let data = (**chunk).as_ref();
        let base = self.offset;
        let mut push = |from: usize, to: usize| {
            if from < to {
                let offset = base + (from - start) as u64;
                pieces.push(Piece::of_lines(chunk, from..to, offset));
            }
        };
        let window = BLOCK_BYTES.min(self.limit.saturating_add(1));
        let (mut from, mut at) = (start, start);
        while at < end {
            // Every line that ends within the window is short enough.
            if let Some(distance) = memrchr(b'\n', &data[at..end.min(at + window)]) {
                at += distance + 1;
            } else {
                let length = memchr(b'\n', &data[at..end]).unwrap_or(end - at);
                if length > self.limit {
                    push(from, at + self.limit);
                    self.cut_records += 1;
                    from = at + length + 1;
                }
                at += length + 1;
            }
            if at - from.min(at) >= BLOCK_BYTES {
                push(from, at);
                from = at;
            }
        }
        push(from, end);
        self.offset += (end - start) as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{BLOCK_BYTES, Chunk, Cutter};

    /// Returns the lines with their offsets, and how many were cut.
    fn cut(chunks: &[&[u8]], limit: usize) -> (Vec<(u64, Vec<u8>)>, u64) {
        let mut cutter = Cutter::new(limit);
        let mut pieces = Vec::new();
        for chunk in chunks {
            let chunk: Chunk = Arc::new(chunk.to_vec());
            cutter.push(&chunk, &mut pieces);
        }
        cutter.finish(&mut pieces);
        let mut lines = Vec::new();
        for piece in &pieces {
            assert!(piece.data().len() <= 2 * BLOCK_BYTES.max(limit));
            let mut offset = piece.places().offset;
            for line in piece.data().split_inclusive(|byte| *byte == b'\n') {
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                lines.push((offset, text.to_vec()));
                offset += line.len() as u64;
            }
        }
        (lines, cutter.cut_records())
    }

    #[test]
    fn every_line_arrives_whole_or_cut_with_its_offset() {
        let text = b"a\n\nbbbb\nccccccc\nd\neeeeeeeeeeeeeeee\n\nffffff";
        let mut offset = 0;
        let mut whole = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            whole.push((offset, line[..line.len().min(5)].to_vec()));
            offset += line.len() as u64 + 1;
        }
        for size in 1..=text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(cut(&chunks, 5), (whole.clone(), 3), "chunks of {size}");
        }
    }

    #[test]
    fn large_chunks_become_several_blocks() {
        let text = b"0123456789abcde\n".repeat(3 * BLOCK_BYTES / 16);
        let chunk: Chunk = Arc::new(text);
        let mut pieces = Vec::new();
        Cutter::new(1 << 20).push(&chunk, &mut pieces);
        let sizes: Vec<usize> = pieces.iter().map(|piece| piece.data().len()).collect();
        assert_eq!(sizes, [BLOCK_BYTES; 3]);
    }

    #[test]
    fn an_endless_line_takes_bounded_memory() {
        let mut cutter = Cutter::new(1000);
        let mut pieces = Vec::new();
        let chunk: Chunk = Arc::new(vec![b'x'; 1000]);
        for _ in 0..5000 {
            cutter.push(&chunk, &mut pieces);
        }
        cutter.finish(&mut pieces);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].data().len(), 1000);
        assert!(cutter.carry.capacity() < 10_000);
    }

    #[test]
    fn inputs_begin_at_their_own_offset() {
        let mut cutter = Cutter::new(100);
        let mut pieces = Vec::new();
        for text in ["a\nb", "c\n"] {
            let chunk: Chunk = Arc::new(text);
            cutter.push(&chunk, &mut pieces);
            cutter.finish(&mut pieces);
        }
        let found: Vec<_> = pieces
            .iter()
            .map(|p| (p.places().offset, p.data()))
            .collect();
        assert_eq!(found, [(0, &b"a\n"[..]), (2, b"b"), (0, b"c\n")]);
    }
}

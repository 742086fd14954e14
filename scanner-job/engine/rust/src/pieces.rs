//! Blocks of whole lines, and where those come from.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that belong to somebody else.
pub type Chunk = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Whole lines; the last line of an input, or one that is cut, has no newline.
pub struct Piece {
    bytes: Bytes,
    /// Where the first line starts in its input.
    offset: u64,
    /// Where each line comes from, unless they are as they were in the input.
    marks: Vec<Mark>,
}

/// Where a line of a converted piece comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where the line starts in the piece.
    pub start: u32,
    /// Where it starts in its input.
    pub offset: u64,
    /// Its time, in seconds since the epoch, if that is known from what stood around it.
    pub second: Option<NonZero<i64>>,
}

/// Where the lines of a piece come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places<'a> {
    /// Where the first line starts in its input.
    pub offset: u64,
    /// A mark for each line, unless they are as they were in the input.
    pub marks: &'a [Mark],
}

impl Places<'_> {
    /// Returns where in the input a line is.
    pub fn offset(&self, start: usize) -> u64 {
        match self.mark(start) {
            Some(mark) => mark.offset,
            None => self.offset + start as u64,
        }
    }

    /// Returns the time of a line that is known from what stood around it.
    pub fn second(&self, start: usize) -> Option<i64> {
        self.mark(start)?.second.map(NonZero::get)
    }

    /// Returns the mark of the line that starts somewhere.
    pub fn mark(&self, start: usize) -> Option<Mark> {
        let behind = self
            .marks
            .partition_point(|mark| mark.start as usize <= start);
        behind.checked_sub(1).map(|place| self.marks[place])
    }
}

enum Bytes {
    Copied(Vec<u8>),
    Shared(Chunk, Range<usize>),
}

impl Piece {
    /// Returns lines that are as they were in the input, from a place of it on.
    pub fn of_lines(chunk: &Chunk, lines: Range<usize>, offset: u64) -> Self {
        Piece {
            bytes: Bytes::Shared(chunk.clone(), lines),
            offset,
            marks: Vec::new(),
        }
    }

    /// Returns a line that is as it was in the input, at a place of it.
    pub fn of_line(line: Vec<u8>, offset: u64) -> Self {
        Piece {
            bytes: Bytes::Copied(line),
            offset,
            marks: Vec::new(),
        }
    }

    /// Returns a piece of lines that were converted.
    pub fn of_records(lines: Chunk, marks: Vec<Mark>) -> Self {
        let length = (*lines).as_ref().len();
        Piece {
            bytes: Bytes::Shared(lines, 0..length),
            offset: marks.first().map_or(0, |mark| mark.offset),
            marks,
        }
    }

    /// Returns where the lines come from.
    pub fn places(&self) -> Places<'_> {
        Places {
            offset: self.offset,
            marks: &self.marks,
        }
    }

    /// Returns the lines.
    pub fn data(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Copied(data) => data,
            Bytes::Shared(chunk, range) => &(**chunk).as_ref()[range.clone()],
        }
    }
}

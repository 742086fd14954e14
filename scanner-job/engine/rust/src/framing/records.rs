//! Records put one on a line, with where they came from.

use std::num::NonZero;

use crate::cutting::{Mark, Piece};

/// Pieces are not much larger.
const PIECE_BYTES: usize = 256 * 1024;

/// Where a record begins in its input, and the time that is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub offset: u64,
    /// Seconds since the epoch.
    pub second: Option<i64>,
}

/// Gathers records into pieces. A record over the limit is cut.
pub(super) struct Records {
    limit: usize,
    text: Vec<u8>,
    marks: Vec<Mark>,
    cut: u64,
    ready: Vec<Piece>,
}

impl Records {
    pub(super) fn new(limit: usize) -> Self {
        Records {
            limit,
            text: Vec::new(),
            marks: Vec::new(),
            cut: 0,
            ready: Vec::new(),
        }
    }

    /// Returns how long a record may be.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many records were cut.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Takes a record; `cut` says that it is only the beginning of one.
    pub(super) fn push(&mut self, record: &[u8], origin: Origin, cut: bool) {
        self.cut += u64::from(cut || record.len() > self.limit);
        let record = &record[..record.len().min(self.limit)];
        let start = self.text.len();
        self.marks.push(Mark {
            start: u32::try_from(start).expect("a piece is small"),
            offset: origin.offset,
            second: origin.second.and_then(NonZero::new),
        });
        self.text.extend_from_slice(record);
        replace_newlines(&mut self.text[start..]);
        self.text.push(b'\n');
        if self.text.len() >= PIECE_BYTES {
            self.end_piece();
        }
    }

    /// Appends the records that were taken since.
    pub(super) fn take(&mut self, pieces: &mut Vec<Piece>) {
        self.end_piece();
        pieces.append(&mut self.ready);
    }

    fn end_piece(&mut self) {
        if !self.text.is_empty() {
            let (text, marks) = (
                std::mem::take(&mut self.text),
                std::mem::take(&mut self.marks),
            );
            self.ready.push(Piece::of_records(text, marks));
        }
    }
}

/// A record is one line, whatever it holds.
fn replace_newlines(record: &mut [u8]) {
    let mut at = 0;
    while let Some(distance) = memchr::memchr(b'\n', &record[at..]) {
        record[at + distance] = b' ';
        at += distance + 1;
    }
}

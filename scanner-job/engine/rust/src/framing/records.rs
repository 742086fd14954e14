//! Records put one on a line, with where they came from.

use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::pieces::{Mark, Piece};

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
    texts: Arc<Texts>,
}

impl Records {
    pub(super) fn new(limit: usize) -> Self {
        Records {
            limit,
            text: Vec::new(),
            marks: Vec::new(),
            cut: 0,
            ready: Vec::new(),
            texts: Arc::default(),
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

    /// Takes a record, which has no newline; `cut` says that it is only the beginning of one.
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
            let text = Text {
                bytes: std::mem::replace(&mut self.text, self.texts.take()),
                texts: self.texts.clone(),
            };
            let room = Vec::with_capacity(self.marks.len());
            let marks = std::mem::replace(&mut self.marks, room);
            self.ready.push(Piece::of_records(Arc::new(text), marks));
        }
    }
}

/// Memory that held records before: each new page of it would be a page fault.
#[derive(Default)]
struct Texts(Mutex<Vec<Vec<u8>>>);

impl Texts {
    fn take(&self) -> Vec<u8> {
        self.lock().pop().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records; their memory is used again once nobody needs them.
struct Text {
    bytes: Vec<u8>,
    texts: Arc<Texts>,
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.texts.lock().push(bytes);
    }
}

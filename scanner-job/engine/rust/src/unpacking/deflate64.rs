//! Deflate64, the method 9 of zip archives.
//!
//! The crate reads up to three bytes beyond the end of a stream. It does not where it is given one byte at a time, as it
//! asks for the next only when it has too few bits for a symbol: so that what follows a stream of unknown size is found.

use deflate64::InflaterManaged;

use super::{Corrupt, Unpack};

const PIECE_BYTES: usize = 64 * 1024;

pub(super) struct Deflate64 {
    inflater: Box<InflaterManaged>,
    /// The most bytes that it is given at a time.
    most_input: usize,
}

impl Deflate64 {
    /// Returns an unpacker that may take bytes behind the stream for its own.
    pub(super) fn fast() -> Self {
        Deflate64::with(usize::MAX)
    }

    /// Returns an unpacker that uses exactly the bytes of the stream, in several times the time.
    pub(super) fn exact() -> Self {
        Deflate64::with(1)
    }

    fn with(most_input: usize) -> Self {
        Deflate64 {
            inflater: Box::new(InflaterManaged::new()),
            most_input,
        }
    }
}

impl Unpack for Deflate64 {
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Corrupt> {
        let (mut used, mut end) = (0, out.len());
        out.resize(end + most.saturating_sub(end).min(PIECE_BYTES), 0);
        loop {
            let given = &input[used..][..self.most_input.min(input.len() - used)];
            let done = self.inflater.inflate(given, &mut out[end..]);
            if done.data_error {
                return Err(Corrupt("invalid Deflate64 data".into()));
            }
            used += done.bytes_consumed;
            end += done.bytes_written;
            let full = end == out.len() || used == input.len() || self.ended();
            if full || done.bytes_consumed + done.bytes_written == 0 {
                out.truncate(end);
                return Ok(used);
            }
        }
    }

    fn ended(&self) -> bool {
        self.inflater.finished()
    }
}

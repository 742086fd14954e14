//! Deflate64, the method 9 of zip archives.

use deflate64::InflaterManaged;

use super::{Corrupt, Unpack};

const PIECE_BYTES: usize = 64 * 1024;

pub(super) struct Deflate64(Box<InflaterManaged>);

impl Default for Deflate64 {
    fn default() -> Self {
        Deflate64(Box::new(InflaterManaged::new()))
    }
}

impl Unpack for Deflate64 {
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Corrupt> {
        let start = out.len();
        out.resize(start + most.saturating_sub(start).min(PIECE_BYTES), 0);
        let done = self.0.inflate(input, &mut out[start..]);
        out.truncate(start + done.bytes_written);
        if done.data_error {
            return Err(Corrupt("invalid Deflate64 data".into()));
        }
        Ok(done.bytes_consumed)
    }

    fn ended(&self) -> bool {
        self.0.finished()
    }
}

//! Snappy as Hadoop writes it (BlockCompressorStream): blocks that state the size of their content, each of some chunks
//! that state their own. There is no mark at the start or the end, and no checksum.

use snap::raw::{Decoder, decompress_len, max_compress_len};

use super::{Corrupt, Unpack};

const NUMBER_BYTES: usize = 4;
const MOST_BYTES: usize = 16 * 1024 * 1024; // of a block's content; Hadoop writes 256 KiB

#[derive(Default)]
pub(super) struct Blocks {
    decoder: Decoder,
    left: usize, // of the content of the current block
}

impl Unpack for Blocks {
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, _most: usize) -> Result<usize, Corrupt> {
        let Some(number) = input.first_chunk::<NUMBER_BYTES>() else {
            return Ok(0);
        };
        let size = u32::from_be_bytes(*number) as usize;
        if self.left == 0 {
            if size > MOST_BYTES {
                return Err(Corrupt(format!(
                    "a block of {size} bytes; {MOST_BYTES} are allowed"
                )));
            }
            self.left = size;
            return Ok(NUMBER_BYTES);
        }
        if size > max_compress_len(self.left) {
            return Err(Corrupt(format!("a chunk of {size} bytes in its block")));
        }
        let Some(chunk) = input.get(NUMBER_BYTES..NUMBER_BYTES + size) else {
            return Ok(0);
        };
        self.decompress(chunk, out)
            .map_err(|error| Corrupt(error.to_string()))?;
        Ok(NUMBER_BYTES + size)
    }

    fn complete(&self) -> bool {
        self.left == 0
    }
}

impl Blocks {
    fn decompress(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let length = decompress_len(chunk)?;
        self.left = self
            .left
            .checked_sub(length)
            .ok_or("a block has more content than it states")?;
        let start = out.len();
        out.resize(start + length, 0);
        self.decoder.decompress(chunk, &mut out[start..])?;
        Ok(())
    }
}

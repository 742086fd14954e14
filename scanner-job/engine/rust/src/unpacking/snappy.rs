//! Snappy's framing format (its framing_format.txt): chunks of at most 64 KiB with checksums, and no end mark.

use std::io::Read;

use snap::raw::max_compress_len;
use snap::read::FrameDecoder;

use super::{Corrupt, Unpack};

const HEADER_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;
const CONTENT_BYTES: usize = 64 * 1024;
const SKIPPABLE: std::ops::RangeInclusive<u8> = 0x80..=0xfe;

/// Reads one whole chunk at a time, so that the decoder never meets the end of its input within one.
pub(super) struct Framed {
    decoder: FrameDecoder<Chunk>,
    skip: usize,
}

impl Default for Framed {
    fn default() -> Self {
        Framed {
            decoder: FrameDecoder::new(Chunk::default()),
            skip: 0,
        }
    }
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Chunk {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = (&self.bytes[self.at..]).read(out)?;
        self.at += length;
        Ok(length)
    }
}

impl Unpack for Framed {
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, _most: usize) -> Result<usize, Corrupt> {
        if self.skip > 0 {
            let skipped = self.skip.min(input.len());
            self.skip -= skipped;
            return Ok(skipped);
        }
        let Some(&[kind, low, middle, high]) = input.first_chunk::<HEADER_BYTES>() else {
            return Ok(0);
        };
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        if SKIPPABLE.contains(&kind) {
            self.skip = length;
            return Ok(HEADER_BYTES);
        }
        if length > CHECKSUM_BYTES + max_compress_len(CONTENT_BYTES) {
            return Err(Corrupt(format!("a Snappy chunk of {length} bytes")));
        }
        let Some(chunk) = input.get(..HEADER_BYTES + length) else {
            return Ok(0);
        };
        self.decoder.get_mut().bytes.clear();
        self.decoder.get_mut().bytes.extend_from_slice(chunk);
        self.decoder.get_mut().at = 0;
        self.decoder
            .read_to_end(out)
            .map_err(|error| Corrupt(error.to_string()))?;
        Ok(chunk.len())
    }

    fn complete(&self) -> bool {
        self.skip == 0
    }
}

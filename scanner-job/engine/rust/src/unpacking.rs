//! Compressed formats for which Python has no suitable library, unpacked piece by piece as their bytes arrive.

mod deflate64;
mod hadoop;
mod lzw;
mod snappy;

use std::fmt;

/// Why compressed bytes cannot be unpacked.
#[derive(Debug, PartialEq, Eq)]
pub struct Corrupt(pub String);

impl fmt::Display for Corrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Corrupt {}

/// One format.
trait Unpack: Send + Sync {
    /// Unpacks the start of `input`, appends the content to `out` until that has about `most` bytes, and returns how
    /// many bytes of the input it used. Without more input it uses none and appends nothing.
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Corrupt>;

    /// Returns whether an end mark was read; most of these formats have none.
    fn ended(&self) -> bool {
        false
    }

    /// Returns whether the input may end here, given that nothing is left of it.
    fn complete(&self) -> bool {
        self.ended()
    }
}

/// Unpacks one stream.
pub struct Unpacker {
    format: Box<dyn Unpack>,
    input: Vec<u8>,
    used: usize,
    starved: bool,
}

impl Unpacker {
    /// Returns what unpacks `format`: `compress`, `deflate64`, `deflate64-exact` (which leaves all
    /// that follows the stream), `snappy` or `hadoop-snappy`; None for any other name.
    pub fn new(format: &str) -> Option<Self> {
        let format: Box<dyn Unpack> = match format {
            "compress" => Box::new(lzw::Lzw::default()),
            "deflate64" => Box::new(deflate64::Deflate64::fast()),
            "deflate64-exact" => Box::new(deflate64::Deflate64::exact()),
            "snappy" => Box::new(snappy::Framed::default()),
            "hadoop-snappy" => Box::new(hadoop::Blocks::default()),
            _ => return None,
        };
        Some(Unpacker {
            format,
            input: Vec::new(),
            used: 0,
            starved: true,
        })
    }

    /// Returns about `most` bytes of content, of `data` and of what is left of earlier data.
    pub fn unpack(&mut self, data: &[u8], most: usize) -> Result<Vec<u8>, Corrupt> {
        if !data.is_empty() {
            self.input.drain(..self.used);
            self.used = 0;
            self.input.extend_from_slice(data);
        }
        let mut out = Vec::new();
        self.starved = false;
        while out.len() < most && !self.format.ended() && !self.starved {
            let before = out.len();
            let used = self
                .format
                .unpack(&self.input[self.used..], &mut out, most)?;
            self.used += used;
            self.starved = used == 0 && out.len() == before;
        }
        Ok(out)
    }

    /// Returns whether nothing more comes without more data.
    pub fn needs_input(&self) -> bool {
        self.starved
    }

    /// Returns whether an end mark was read.
    pub fn ended(&self) -> bool {
        self.format.ended()
    }

    /// Returns whether the data may end here.
    pub fn complete(&self) -> bool {
        self.ended() || (self.unused().is_empty() && self.format.complete())
    }

    /// Returns the data that was not used.
    pub fn unused(&self) -> &[u8] {
        &self.input[self.used..]
    }
}

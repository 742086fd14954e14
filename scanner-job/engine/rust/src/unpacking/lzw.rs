//! LZW as the program `compress` writes it (`.Z`): codes of 9 to 16 bits in groups of eight, and no end mark.

use super::{Corrupt, Unpack};

const MAGIC: [u8; 2] = [0x1f, 0x9d];
const WIDTH_MASK: u8 = 0x1f;
const BLOCK_MODE: u8 = 0x80; // the code 256 clears the table
const LITERALS: usize = 256;
const CLEAR: usize = 256;
const FIRST_WIDTH: u32 = 9;
const GROUP: u32 = 8;

/// The state between two pieces of input; `prefix` and `suffix` are the table.
#[derive(Default)]
pub(super) struct Lzw {
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    block_mode: bool,
    most_width: u32,
    width: u32,
    free: usize,
    previous: Option<usize>,
    first: u8, // byte of what the previous code stands for
    bits: u64,
    held: u32,
    in_group: u32,
    skip: u32, // bits that fill up a group
}

impl Unpack for Lzw {
    fn unpack(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Corrupt> {
        let mut at = 0;
        if self.prefix.is_empty() {
            let Some(&[one, two, flags]) = input.first_chunk() else {
                return Ok(0);
            };
            self.begin([one, two], flags)?;
            at = 3;
        }
        while out.len() < most {
            while self.held <= u64::BITS - 8 && at < input.len() {
                self.bits |= u64::from(input[at]) << self.held;
                self.held += 8;
                at += 1;
            }
            if self.skip > 0 && self.held > 0 {
                let skipped = self.skip.min(self.held);
                self.drop_bits(skipped);
                self.skip -= skipped;
            } else if self.skip == 0 && self.free >> self.width != 0 && self.width < self.most_width
            {
                self.set_width(self.width + 1);
            } else if self.skip == 0 && self.held >= self.width {
                let code = (self.bits & ((1 << self.width) - 1)) as usize;
                self.drop_bits(self.width);
                self.in_group += 1;
                self.accept(code, out)?;
            } else {
                break;
            }
        }
        Ok(at)
    }

    fn complete(&self) -> bool {
        !self.prefix.is_empty()
    }
}

impl Lzw {
    fn begin(&mut self, magic: [u8; 2], flags: u8) -> Result<(), Corrupt> {
        let width = u32::from(flags & WIDTH_MASK);
        if magic != MAGIC || !(FIRST_WIDTH..=16).contains(&width) {
            return Err(Corrupt(format!("codes of {width} bits")));
        }
        self.most_width = width;
        self.block_mode = flags & BLOCK_MODE != 0;
        self.prefix = vec![0; 1 << self.most_width];
        self.suffix = vec![0; 1 << self.most_width];
        for (byte, literal) in (0..=u8::MAX).zip(&mut self.suffix) {
            *literal = byte;
        }
        self.width = FIRST_WIDTH;
        self.free = LITERALS + usize::from(self.block_mode);
        Ok(())
    }

    /// Appends what a code stands for, and adds a code for the previous one and its first byte.
    fn accept(&mut self, code: usize, out: &mut Vec<u8>) -> Result<(), Corrupt> {
        if self.block_mode && code == CLEAR {
            self.free = LITERALS + 1;
            self.previous = None;
            self.set_width(FIRST_WIDTH);
            return Ok(());
        }
        let known = match self.previous {
            None => LITERALS,
            Some(_) => self.free,
        };
        let start = out.len();
        let mut rest = match self.previous {
            Some(previous) if code == self.free && code < self.prefix.len() => {
                out.push(self.first);
                previous
            }
            _ if code < known => code,
            _ => return Err(Corrupt(format!("the code {code} is not defined"))),
        };
        while rest >= LITERALS {
            out.push(self.suffix[rest]);
            rest = usize::from(self.prefix[rest]);
        }
        self.first = self.suffix[rest];
        out.push(self.first);
        out[start..].reverse();
        if let Some(previous) = self.previous
            && self.free < self.prefix.len()
        {
            self.prefix[self.free] = u16::try_from(previous).expect("a code has at most 16 bits");
            self.suffix[self.free] = self.first;
            self.free += 1;
        }
        self.previous = Some(code);
        Ok(())
    }

    /// Changes the width of codes; what is left of a group of the old width is filled up.
    fn set_width(&mut self, width: u32) {
        self.skip = (GROUP - self.in_group % GROUP) % GROUP * self.width;
        self.in_group = 0;
        self.width = width;
    }

    fn drop_bits(&mut self, count: u32) {
        self.bits = self.bits.checked_shr(count).unwrap_or(0);
        self.held -= count;
    }
}

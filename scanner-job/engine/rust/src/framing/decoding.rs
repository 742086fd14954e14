//! Text in UTF-16 and UTF-32, decoded to UTF-8.

/// How the characters of an input are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One byte after the other, in UTF-8 or whatever it is.
    #[default]
    Bytes,
    Utf16 {
        big: bool,
    },
    Utf32 {
        big: bool,
    },
}

impl Encoding {
    fn bytes_of_unit(self) -> usize {
        match self {
            Encoding::Bytes => 1,
            Encoding::Utf16 { .. } => 2,
            Encoding::Utf32 { .. } => 4,
        }
    }
}

/// Finds where in an input a place of a decoded piece is. Places are asked for in their order.
pub(super) struct Place {
    encoding: Encoding,
    /// A place in the piece, and where in the input it is.
    known: (usize, u64),
}

impl Place {
    /// Begins at the start of a piece, which is at `offset` in its input.
    pub(super) fn new(encoding: Encoding, offset: u64) -> Self {
        Place {
            encoding,
            known: (0, offset),
        }
    }

    /// Returns where in the input a place of the piece is.
    pub(super) fn offset(&mut self, piece: &[u8], at: usize) -> u64 {
        let (from, offset) = self.known;
        let bytes = match self.encoding {
            Encoding::Bytes => at - from,
            Encoding::Utf16 { .. } => 2 * units(&piece[from..at], 2),
            Encoding::Utf32 { .. } => 4 * units(&piece[from..at], 1),
        };
        self.known = (at, offset + bytes as u64);
        self.known.1
    }
}

/// Returns how many units the characters of UTF-8 have, of which those of four bytes have so many.
fn units(text: &[u8], of_four: usize) -> usize {
    let units = text.iter().map(|byte| match byte {
        0x80..0xC0 => 0,
        0xF0.. => of_four,
        _ => 1,
    });
    units.sum()
}

/// Decodes an input in pieces of any size.
pub(super) struct Decoder {
    encoding: Encoding,
    /// The beginning of a character whose end has not come yet.
    carry: Vec<u8>,
    text: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Decoder {
            encoding,
            carry: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Returns the text of the next piece, and how many bytes of the input it was.
    pub(super) fn push(&mut self, piece: &[u8]) -> (&[u8], usize) {
        self.carry.extend_from_slice(piece);
        let mut whole = self.carry.len() - self.carry.len() % self.encoding.bytes_of_unit();
        if let Encoding::Utf16 { big } = self.encoding
            && whole > 0
            && self.carry[if big { whole - 2 } else { whole - 1 }] & 0xFC == 0xD8
        {
            whole -= 2; // the second half of a pair may follow
        }
        self.text.clear();
        decode(self.encoding, &self.carry[..whole], &mut self.text);
        self.carry.drain(..whole);
        (&self.text, whole)
    }

    /// Returns the text of what is left at the end.
    pub(super) fn finish(&mut self) -> &[u8] {
        self.text.clear();
        if !self.carry.is_empty() {
            self.text.extend_from_slice("\u{fffd}".as_bytes());
        }
        self.carry.clear();
        &self.text
    }
}

/// Appends the text of whole units.
pub(super) fn decode(encoding: Encoding, bytes: &[u8], text: &mut Vec<u8>) {
    let mut push = |character: char| match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => text.push(byte),
        _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    };
    match encoding {
        Encoding::Bytes => text.extend_from_slice(bytes),
        Encoding::Utf16 { big } => {
            let units = bytes.as_chunks().0.iter().map(|unit| match big {
                true => u16::from_be_bytes(*unit),
                false => u16::from_le_bytes(*unit),
            });
            for unit in char::decode_utf16(units) {
                push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Encoding::Utf32 { big } => {
            for unit in bytes.as_chunks().0 {
                let unit = match big {
                    true => u32::from_be_bytes(*unit),
                    false => u32::from_le_bytes(*unit),
                };
                push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }
}

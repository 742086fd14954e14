//! Literals that a rule's matches must hold.
//!
//! Looking for literals is many times faster than running automata, so a rule's automaton runs only on lines that hold
//! one of the rule's literals. [`required_sets`] finds all sets of which every match holds at least one literal; which
//! of the sets to look for is decided by the log ([`Plan`](crate::matching::Plan)).

mod classes;
mod required;
mod sets;

pub(crate) use required::required_sets;

/// The mask of an ASCII letter in either case.
pub(crate) const EITHER_CASE: u8 = 0xDF;
/// The mask of a digit. It matches `:;<=>?` too, so a rule with it must be confirmed.
pub(crate) const DIGIT: u8 = 0xF0;

/// Bytes with a mask for each: a place in the log holds the literal if all of its bytes, masked, are equal to these.
///
/// A newline in front stands for the start of the line: it is the byte before it, except at the start of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Literal {
    bytes: Vec<u8>,
    masks: Vec<u8>,
}

impl Literal {
    /// Returns the literal of exactly these bytes.
    pub(crate) fn exactly(bytes: &[u8]) -> Self {
        Literal {
            bytes: bytes.to_vec(),
            masks: vec![0xFF; bytes.len()],
        }
    }

    /// Returns the literal of one byte under a mask.
    fn masked(byte: u8, mask: u8) -> Self {
        Literal {
            bytes: vec![byte & mask],
            masks: vec![mask],
        }
    }

    /// Returns the literal of bytes with a mask for each.
    pub(crate) fn of(parts: impl Iterator<Item = (u8, u8)>) -> Self {
        let (bytes, masks) = parts.map(|(byte, mask)| (byte & mask, mask)).unzip();
        Literal { bytes, masks }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn masks(&self) -> &[u8] {
        &self.masks
    }

    /// Returns whether the literal begins a line.
    pub(crate) fn starts_line(&self) -> bool {
        self.bytes.first() == Some(&b'\n')
    }

    /// Returns whether a block, which has no newline in front, begins with what follows the start of the line.
    pub(crate) fn begins_first_line(&self, block: &[u8]) -> bool {
        self.starts_line() && matches(block, &self.bytes[1..], &self.masks[1..])
    }

    /// Returns whether `data` begins with the literal.
    #[inline]
    pub(crate) fn begins(&self, data: &[u8]) -> bool {
        matches(data, &self.bytes, &self.masks)
    }

    /// Returns whether all that holds this literal holds `other`, which is not longer, at this place of it.
    fn implies(&self, other: &Literal, at: usize) -> bool {
        let own = self.bytes[at..].iter().zip(&self.masks[at..]);
        let wanted = other.bytes.iter().zip(&other.masks);
        own.zip(wanted).all(|((byte, mask), (other, wanted))| {
            mask & wanted == *wanted && byte & wanted == *other
        })
    }

    fn then(&self, other: &Literal) -> Literal {
        Literal {
            bytes: [&self.bytes[..], &other.bytes].concat(),
            masks: [&self.masks[..], &other.masks].concat(),
        }
    }
}

#[inline(always)]
fn matches(data: &[u8], bytes: &[u8], masks: &[u8]) -> bool {
    data.len() >= bytes.len()
        && data
            .iter()
            .zip(bytes)
            .zip(masks)
            .all(|((byte, wanted), mask)| byte & mask == *wanted)
}

/// Literals of which every match of a rule holds at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiteralSet {
    pub literals: Vec<Literal>,
    /// Every match begins with one of them.
    pub prefix: bool,
    /// A line that holds one of them is matched by the rule: there is nothing to confirm.
    pub whole: bool,
    /// They are how the name of a field ends: the place in its rule of the condition on the field.
    pub field: Option<u32>,
}

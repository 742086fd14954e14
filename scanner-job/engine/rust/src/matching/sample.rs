//! How often bytes, and up to four bytes in a row, are met in a piece of the log.

use std::borrow::Cow;

use crate::literals::{DIGIT, EITHER_CASE, Literal};
use crate::teddy::WINDOW;

/// As much of a sample as is looked at: more changes no choice.
const MOST_BYTES: usize = 256 << 10;
/// With less than this, ordinary lines are added.
const FEW_BYTES: usize = 16 << 10;
/// Lines such as services write, for choices without a log.
pub(super) const ORDINARY: &[u8] = include_bytes!("ordinary.log");
/// Slots of a table of counts, as a power of 2. Logs of 256 KiB hold some ten thousand different windows.
const SLOTS: u32 = 17;
/// A window that is met so much more often than another is about as good, as a share of places.
const ABOUT_AS_RARE: f32 = 4e-6;

pub(super) struct Sample<'a> {
    pub data: Cow<'a, [u8]>,
    /// The share of each byte; none is 0.
    pub frequency: [f32; 256],
    plain: Counts,
    /// The same with all digits alike.
    digits: Counts,
}

/// How often 1 to 4 bytes in a row are met, letters in either case alike.
///
/// Up to 65,535 times: what is met more often is nothing to look for, and smaller tables stay in the caches.
struct Counts([Vec<u16>; WINDOW]);

impl<'a> Sample<'a> {
    pub(super) fn of(log: &'a [u8]) -> Self {
        let log = &log[..log.len().min(MOST_BYTES)];
        let data = if log.len() < FEW_BYTES {
            Cow::Owned([log, ORDINARY].concat())
        } else {
            Cow::Borrowed(log)
        };
        let mut counts = [1_u32; 256];
        for &byte in data.iter() {
            counts[usize::from(byte)] += 1;
        }
        let sum = (data.len() + counts.len()) as f32;
        Sample {
            frequency: counts.map(|count| count as f32 / sum),
            plain: Counts::of(&data, fold_case),
            digits: Counts::of(&data, fold_digits),
            data,
        }
    }

    /// Returns the best window of a literal, by where it begins, and the share of places that hold it.
    ///
    /// Windows without a digit's mask are preferred: they are looked up by their hash.
    pub(super) fn window(&self, literal: &Literal) -> (usize, f32) {
        let last = literal.len().saturating_sub(WINDOW);
        let masks = |at: usize| &literal.masks()[at..literal.len().min(at + WINDOW)];
        let any_certain = (0..=last).any(|at| !masks(at).contains(&DIGIT));
        (0..=last)
            .filter(|&at| !any_certain || !masks(at).contains(&DIGIT))
            .map(|at| (at, self.rate(literal, at)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 1.0))
    }

    /// Returns the windows of a literal that are about as good as the best, with the share of places that hold each.
    pub(super) fn windows(&self, literal: &Literal) -> Vec<(usize, f32)> {
        let (best, rate) = self.window(literal);
        let masks = |at: usize| &literal.masks()[at..literal.len().min(at + WINDOW)];
        let certain = |at: usize| !masks(at).contains(&DIGIT);
        (0..=literal.len().saturating_sub(WINDOW))
            .filter(|&at| certain(at) == certain(best))
            .map(|at| (at, self.rate(literal, at)))
            .filter(|&(_, found)| found <= rate + ABOUT_AS_RARE)
            .collect()
    }

    /// Returns the share of places that hold the literal's window at `at`.
    ///
    /// Windows that do not occur at all are still ranked, by their single bytes.
    fn rate(&self, literal: &Literal, at: usize) -> f32 {
        let end = literal.len().min(at + WINDOW);
        let (bytes, masks) = (&literal.bytes()[at..end], &literal.masks()[at..end]);
        let met = if masks.contains(&DIGIT) {
            self.digits.count(bytes, fold_digits)
        } else {
            self.plain.count(bytes, fold_case)
        };
        let apart: f32 = bytes
            .iter()
            .zip(masks)
            .map(|(&byte, &mask)| self.share(byte, mask))
            .product();
        (met as f32 + 0.02) / self.data.len() as f32 + 1e-3 * apart
    }

    fn share(&self, byte: u8, mask: u8) -> f32 {
        let of = |byte: u8| self.frequency[usize::from(byte)];
        match mask {
            EITHER_CASE => of(byte) + of(byte.to_ascii_lowercase()),
            DIGIT => self.frequency[usize::from(b'0')..=usize::from(b'9')]
                .iter()
                .sum(),
            _ => of(byte),
        }
    }
}

impl Counts {
    fn of(data: &[u8], fold: fn(u8) -> u8) -> Self {
        let mut tables = [8, 16, SLOTS, SLOTS].map(|bits| vec![0_u16; 1 << bits]);
        let mut window = 0_u32;
        for (met, &byte) in data.iter().enumerate() {
            window = window << 8 | u32::from(fold(byte));
            for (length, table) in (1..=WINDOW.min(met + 1)).zip(&mut tables) {
                let count = &mut table[slot(window, length)];
                *count = count.saturating_add(1);
            }
        }
        Counts(tables)
    }

    fn count(&self, bytes: &[u8], fold: fn(u8) -> u8) -> u32 {
        let window = bytes
            .iter()
            .fold(0, |window, &byte| window << 8 | u32::from(fold(byte)));
        match bytes.len() {
            0 => u32::MAX,
            length => self.0[length - 1][slot(window, length)].into(),
        }
    }
}

/// Returns where the last `length` bytes of a window are counted.
#[inline]
fn slot(window: u32, length: usize) -> usize {
    match length {
        1 | 2 => (window & (0xFFFF >> (8 * (2 - length)))) as usize,
        _ => {
            let bytes = window & (u32::MAX >> (8 * (WINDOW - length)));
            (bytes.wrapping_mul(0x9E37_79B1) >> (32 - SLOTS)) as usize
        }
    }
}

fn fold_case(byte: u8) -> u8 {
    byte.to_ascii_lowercase()
}

fn fold_digits(byte: u8) -> u8 {
    if byte & DIGIT == b'0' {
        b'0'
    } else {
        fold_case(byte)
    }
}

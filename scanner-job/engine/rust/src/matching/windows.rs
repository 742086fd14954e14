//! The windows of up to four bytes by which literals are found: which are taken, and a filter of them.

use std::collections::{BTreeSet, HashMap};

use super::sample::Sample;
use crate::literals::Literal;
use crate::teddy::{Fingerprint, WINDOW};

/// Slots of the table of windows, as a power of 2.
pub(super) const SLOTS: u32 = 12;
/// Slots of the filter, as a power of 2; a multiple of those of the table.
const FILTER: u32 = 15;

/// Returns where the window of each literal is, so that few different windows do for all.
///
/// Of a literal's windows that are about as rare as its rarest, that is taken which most literals have.
pub(super) fn windows(literals: &[Literal], sample: &Sample<'_>) -> Vec<usize> {
    let choices: Vec<Vec<Choice>> = literals
        .iter()
        .map(|literal| Choice::all(literal, sample))
        .collect();
    let mut uses: HashMap<Fingerprint, usize> = HashMap::new();
    for choice in &choices {
        let prints: BTreeSet<_> = choice.iter().map(|choice| choice.fingerprint).collect();
        prints
            .into_iter()
            .for_each(|print| *uses.entry(print).or_default() += 1);
    }
    let better = |a: &&Choice, b: &&Choice| {
        let by_uses = uses[&a.fingerprint].cmp(&uses[&b.fingerprint]);
        by_uses
            .then(b.rate.total_cmp(&a.rate))
            .then(a.fingerprint.cmp(&b.fingerprint))
    };
    choices
        .iter()
        .map(|all| all.iter().max_by(better).map_or(0, |choice| choice.offset))
        .collect()
}

/// A window that a literal may be found by.
struct Choice {
    offset: usize,
    fingerprint: Fingerprint,
    /// The share of places that hold it.
    rate: f32,
}

impl Choice {
    fn all(literal: &Literal, sample: &Sample<'_>) -> Vec<Choice> {
        let windows = sample.windows(literal).into_iter();
        let choice = |(offset, rate)| Choice {
            offset,
            fingerprint: fingerprint_of(literal, offset),
            rate,
        };
        windows.map(choice).collect()
    }
}

/// Returns the window of a literal that begins at `offset`.
pub(super) fn fingerprint_of(literal: &Literal, offset: usize) -> Fingerprint {
    let mut fingerprint = Fingerprint {
        bytes: [0; WINDOW],
        masks: [0; WINDOW],
    };
    for place in 0..WINDOW.min(literal.len() - offset) {
        fingerprint.bytes[place] = literal.bytes()[offset + place];
        fingerprint.masks[place] = literal.masks()[offset + place];
    }
    fingerprint
}

/// Which windows may be of a literal: nearly all candidates are not.
pub(super) struct Filter {
    /// A bit for each slot that has a literal's window.
    windows: Vec<u64>,
    /// A bit for each two bytes with which a window begins that is not looked up by its hash.
    pairs: Vec<u64>,
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            windows: vec![0; (1 << FILTER) / 64],
            pairs: vec![0; (1 << 16) / 64],
        }
    }
}

impl Filter {
    pub(super) fn add_window(&mut self, window: u32) {
        let slot = slot(window);
        self.windows[slot / 64] |= 1 << (slot % 64);
    }

    pub(super) fn add_pairs(&mut self, fingerprint: &Fingerprint) {
        let [first, second, ..] = fingerprint.bytes;
        for pair in 0..=u16::MAX {
            let [one, two] = pair.to_le_bytes();
            if one & fingerprint.masks[0] == first && two & fingerprint.masks[1] == second {
                self.pairs[usize::from(pair) / 64] |= 1 << (pair % 64);
            }
        }
    }

    #[inline(always)]
    pub(super) fn passes(&self, window: u32) -> bool {
        let (slot, pair) = (slot(window), usize::from(window as u16));
        (self.windows[slot / 64] >> (slot % 64) | self.pairs[pair / 64] >> (pair % 64)) & 1 == 1
    }
}

/// Returns the slot of a window, the same for letters in either case.
#[inline(always)]
pub(super) fn hash(window: u32) -> usize {
    slot(window) >> (FILTER - SLOTS)
}

/// Returns the slot of a window in the filter, likewise.
#[inline(always)]
fn slot(window: u32) -> usize {
    ((window | 0x2020_2020).wrapping_mul(0x9E37_79B1) >> (32 - FILTER)) as usize
}

//! Finds every place in a block that holds one of a plan's literals.

use std::ops::Range;

use super::sample::Sample;
use super::windows::{Filter, SLOTS, fingerprint_of, hash, windows};
use crate::literals::{DIGIT, Literal};
use crate::teddy::{Fingerprint, Instructions, Teddy};

/// As much of the sample as decides how many groups of buckets there are.
const TRIED_BYTES: usize = 64 << 10;
/// What a candidate costs that is none, in cycles.
const CANDIDATE_CYCLES: f32 = 12.0;

pub(super) struct Finder {
    teddy: Teddy,
    literals: Vec<Literal>,
    /// By the hash of a window: letters in either case have the same.
    by_window: Chains,
    /// By the first byte of the window: of literals that are shorter than a window, or have a digit's mask in it.
    by_byte: Chains,
    filter: Filter,
    /// The literals that start a line: the first line of a block has no newline in front.
    starting_lines: Vec<u32>,
}

/// Where a literal's window is, to be compared before the rest.
#[derive(Clone, Copy)]
struct Entry {
    window: u32,
    mask: u32,
    literal: u32,
    /// The window's place in the literal.
    offset: u32,
}

/// Lists of entries, one behind the other.
struct Chains {
    ends: Vec<u32>,
    entries: Vec<Entry>,
}

/// How much there was to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    /// Places that had to be looked at.
    pub candidates: u64,
    /// Places that held a literal.
    pub hits: u64,
}

impl Finder {
    pub(super) fn new(
        literals: Vec<Literal>,
        sample: &Sample<'_>,
        instructions: Instructions,
    ) -> Self {
        let mut by_window = vec![Vec::new(); 1 << SLOTS];
        let mut by_byte = vec![Vec::new(); 256];
        let mut fingerprints = Vec::with_capacity(literals.len());
        let mut filter = Filter::default();
        let offsets = windows(&literals, sample);
        for ((number, literal), offset) in literals.iter().enumerate().zip(offsets) {
            let fingerprint = fingerprint_of(literal, offset);
            let entry = Entry {
                window: u32::from_le_bytes(fingerprint.bytes),
                mask: u32::from_le_bytes(fingerprint.masks),
                literal: number as u32,
                offset: offset as u32,
            };
            if fingerprint
                .masks
                .iter()
                .any(|&mask| mask == DIGIT || mask == 0)
            {
                filter.add_pairs(&fingerprint);
                let [mask, wanted] = [fingerprint.masks[0], fingerprint.bytes[0]];
                let bytes = (0..=255).filter(|byte| byte & mask == wanted);
                bytes.for_each(|byte: u8| by_byte[usize::from(byte)].push(entry));
            } else {
                filter.add_window(entry.window);
                by_window[hash(entry.window)].push(entry);
            }
            fingerprints.push(fingerprint);
        }
        Finder {
            teddy: fastest(&fingerprints, sample, instructions),
            starting_lines: (0..literals.len() as u32)
                .filter(|&number| literals[number as usize].starts_line())
                .collect(),
            literals,
            filter,
            by_window: Chains::of(&by_window),
            by_byte: Chains::of(&by_byte),
        }
    }

    /// Calls `hit` with the number of a literal and where it is, for all places that hold one, in ascending order of
    /// their lines. A literal that starts a line is where the line starts.
    #[inline]
    pub(super) fn find(&self, block: &[u8], mut hit: impl FnMut(u32, Range<usize>)) -> Work {
        let mut work = Work::default();
        if self.literals.is_empty() {
            return work;
        }
        for &number in &self.starting_lines {
            let literal = &self.literals[number as usize];
            if literal.begins_first_line(block) {
                work.hits += 1;
                hit(number, 0..literal.len() - 1);
            }
        }
        self.teddy.find(block, |place, window| {
            work.candidates += 1;
            if !self.filter.passes(window) {
                return;
            }
            let chains = [
                self.by_window.get(hash(window)),
                self.by_byte.get(usize::from(window as u8)),
            ];
            for entry in chains.into_iter().flatten() {
                if window & entry.mask != entry.window || place < entry.offset as usize {
                    continue;
                }
                let literal = &self.literals[entry.literal as usize];
                let start = place - entry.offset as usize;
                if literal.begins(&block[start..]) {
                    work.hits += 1;
                    hit(
                        entry.literal,
                        start + usize::from(literal.starts_line())..start + literal.len(),
                    );
                }
            }
        });
        work
    }

    pub(super) fn groups(&self) -> usize {
        self.teddy.groups()
    }
}

impl Chains {
    fn of(lists: &[Vec<Entry>]) -> Self {
        let mut chains = Chains {
            ends: Vec::with_capacity(lists.len() + 1),
            entries: Vec::new(),
        };
        chains.ends.push(0);
        for list in lists {
            chains.entries.extend(list);
            chains.ends.push(chains.entries.len() as u32);
        }
        chains
    }

    #[inline(always)]
    fn get(&self, slot: usize) -> &[Entry] {
        &self.entries[self.ends[slot] as usize..self.ends[slot + 1] as usize]
    }
}

/// Returns the searcher that takes the least time for the sample.
fn fastest(fingerprints: &[Fingerprint], sample: &Sample<'_>, instructions: Instructions) -> Teddy {
    let mut distinct = fingerprints.to_vec();
    distinct.sort();
    distinct.dedup();
    let (most, group_cycles) = instructions.groups();
    let choices: Vec<usize> = (1..=most)
        .rev()
        .filter(|&groups| groups == 1 || distinct.len() > (groups - 1) * 8)
        .collect();
    let tried = &sample.data[..sample.data.len().min(TRIED_BYTES)];
    let cycles = |teddy: &Teddy| {
        let mut candidates = 0_u32;
        teddy.find(tried, |_, _| candidates += 1);
        let share = candidates as f32 / tried.len().max(1) as f32;
        teddy.groups() as f32 * group_cycles + share * 32.0 * CANDIDATE_CYCLES
    };
    let mut all = Teddy::choices(&distinct, &choices, &sample.frequency, instructions)
        .into_iter()
        .map(|teddy| (cycles(&teddy), teddy))
        .collect::<Vec<_>>();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.swap_remove(0).1
}

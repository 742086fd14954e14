//! What is found in one block.

use super::Counting;
use crate::clock;
use crate::matching::Hit;

/// The matching lines of one block, with the rules that they count for and the time that they tell.
#[derive(Default)]
pub struct Found {
    lines: u64,
    matched: Vec<Line>,
    rules: Vec<u32>,
}

struct Line {
    start: u32,
    end: u32,
    rules_end: u32,
    second: Option<i64>,
}

/// A matching line.
pub struct Matched<'a> {
    /// Where it starts in the block.
    pub start: usize,
    /// Where it ends in the block, before its newline.
    pub end: usize,
    /// The second that it tells.
    pub second: Option<i64>,
    /// The rules that it counts for.
    pub rules: &'a [u32],
}

impl Found {
    /// Makes it of the hits in a block, which are ordered by line.
    ///
    /// `reference` is a second that the log is not newer than, see [`clock::second_of`].
    pub fn new(block: &[u8], hits: &[Hit], rules: &[Counting], reference: i64) -> Self {
        let mut found = Found {
            lines: count_lines(block),
            ..Found::default()
        };
        for line in hits.chunk_by(|one, next| one.start == next.start) {
            found.take(block, line, rules, reference);
        }
        found
    }

    fn take(&mut self, block: &[u8], hits: &[Hit], rules: &[Counting], reference: i64) {
        let before = self.rules.len();
        let counts = hits.iter().filter_map(|hit| {
            let other = rules.get(hit.rule as usize)?.excluded_by;
            let excluded = other.is_some_and(|other| hits.iter().any(|hit| hit.rule == other));
            (!excluded).then_some(hit.rule)
        });
        self.rules.extend(counts);
        if self.rules.len() > before {
            let (start, end) = (hits[0].start, hits[0].end);
            self.matched.push(Line {
                start,
                end,
                rules_end: u32::try_from(self.rules.len()).expect("a block has fewer hits"),
                second: clock::second_of(&block[start as usize..end as usize], reference),
            });
        }
    }

    /// Returns how many lines the block has.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Yields the matching lines in their order.
    pub fn matched(&self) -> impl Iterator<Item = Matched<'_>> {
        let mut rules_start = 0;
        self.matched.iter().map(move |line| {
            let rules = &self.rules[rules_start..line.rules_end as usize];
            rules_start = line.rules_end as usize;
            Matched {
                start: line.start as usize,
                end: line.end as usize,
                second: line.second,
                rules,
            }
        })
    }
}

/// Returns how many lines some bytes have; what follows the last newline is one too.
fn count_lines(data: &[u8]) -> u64 {
    let newlines = memchr::memchr_iter(b'\n', data).count() as u64;
    newlines + u64::from(data.last().is_some_and(|byte| *byte != b'\n'))
}

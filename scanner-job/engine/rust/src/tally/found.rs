//! What is found in one block.

use crate::clock;
use crate::matching::Hit;
use crate::pieces::Places;

/// The matching lines of one block, with the rules that they count for and their times.
#[derive(Default)]
pub struct Found {
    lines: u64,
    matched: Vec<Line>,
    rules: Vec<u32>,
}

struct Line {
    start: u32,
    end: u32,
    /// Where its rules begin and end.
    rules: (u32, u32),
    second: Option<i64>,
}

/// A matching line.
pub struct Matched<'a> {
    /// Where it starts in the block.
    pub start: usize,
    /// Where it ends in the block, before its newline.
    pub end: usize,
    /// Its time, in seconds since the epoch.
    pub second: Option<i64>,
    /// The rules that it counts for.
    pub rules: &'a [u32],
}

impl Found {
    /// Begins with a block of so many lines; what is found in it is yet to be added.
    pub fn of(lines: u64) -> Self {
        Found {
            lines,
            ..Found::default()
        }
    }

    /// Adds the hits in the next part of the block, which starts at `start`. Their places are within that part, and
    /// they are ordered by line. `places` are those of the block.
    ///
    /// `reference` is a second that the log is not newer than, see [`clock::second_of`].
    pub fn add(&mut self, part: &[u8], start: usize, hits: &[Hit], reference: i64, places: Places) {
        for line in hits.chunk_by(|one, next| one.start == next.start) {
            let (from, to) = (line[0].start as usize, line[0].end as usize);
            let rules = self.counted(line);
            let known = places.second(start + from);
            self.matched.push(Line {
                start: (start + from) as u32,
                end: (start + to) as u32,
                rules,
                second: known.or_else(|| clock::second_of(&part[from..to], reference)),
            });
        }
    }

    /// Notes the rules that a line counts for and returns where they are.
    ///
    /// They are those of the line before if they are the same: a block of lines that are all alike, each of which a
    /// hundred rules match, would take hundreds of megabytes.
    fn counted(&mut self, hits: &[Hit]) -> (u32, u32) {
        let before = self.rules.len();
        self.rules.extend(hits.iter().map(|hit| hit.rule));
        let last = self.matched.last().map(|line| line.rules);
        let same = last.filter(|&(start, end)| {
            self.rules[start as usize..end as usize] == self.rules[before..]
        });
        if let Some(same) = same {
            self.rules.truncate(before);
            return same;
        }
        let place = |place: usize| u32::try_from(place).expect("a block has fewer hits");
        (place(before), place(self.rules.len()))
    }

    /// Returns how many lines the block has.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Yields the matching lines in their order.
    pub fn matched(&self) -> impl Iterator<Item = Matched<'_>> {
        self.matched.iter().map(|line| Matched {
            start: line.start as usize,
            end: line.end as usize,
            second: line.second,
            rules: &self.rules[line.rules.0 as usize..line.rules.1 as usize],
        })
    }
}

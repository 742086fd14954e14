//! What the lines that rules match add up to.
//!
//! [`Found`] is what is found in one block: it needs nothing of the blocks before, so that several threads can make it.
//! [`Tally`] adds up what was found, block by block in the order of the log. So neither the cut into blocks
//! nor the number of threads changes a result.

mod found;
mod histogram;
mod lines;
mod samples;

use std::sync::Arc;

use crate::pieces::Places;
pub use found::Found;
pub use histogram::{Bin, Histogram};
pub use lines::KeptLines;
use samples::Samples;
pub use samples::{Around, Sample, Sampling};

/// How many severities there are.
pub const SEVERITIES: usize = 4;

/// A set of severities: a bit for each, the mildest is bit 0.
pub type Severities = u8;

/// How the lines of a rule count.
#[derive(Clone, Copy, Debug)]
pub struct Counting {
    /// The rank of the rule's severity, below [`SEVERITIES`]; 0 is the mildest.
    pub severity: u8,
    /// From which of its lines on a rule finds something; those before are counted for the rule alone.
    pub threshold: u64,
}

/// Lines in the order of the log.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// The lines; the last may lack its newline.
    pub data: &'a [u8],
    /// Where they come from.
    pub places: Places<'a>,
}

/// Counts of everything that was taken so far.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Lines of each rule.
    pub by_rule: Vec<u64>,
    /// Lines with at least one rule of a severity that has reached its threshold.
    pub by_severity: [u64; SEVERITIES],
    /// Lines with at least one such rule.
    pub matched: u64,
    /// All lines.
    pub lines: u64,
    /// For each expression the lines that were given up, so that whether they match is unknown.
    pub gave_up: Vec<u64>,
}

impl Counts {
    fn add(&mut self, severities: Severities) {
        self.matched += 1;
        for (severity, lines) in self.by_severity.iter_mut().enumerate() {
            *lines += u64::from(severities >> severity & 1);
        }
    }
}

/// Returns where in a line a rule matches.
pub type Locate<'a> = &'a mut dyn FnMut(u32, &[u8]) -> usize;

/// Counts lines and chooses samples.
pub struct Tally {
    rules: Vec<Counting>,
    counts: Counts,
    histogram: Histogram,
    samples: Samples,
}

impl Tally {
    /// Prepares for rules, which have the first places among `expressions`.
    pub fn new(rules: Vec<Counting>, expressions: usize, sampling: Sampling) -> Self {
        Tally {
            counts: Counts {
                by_rule: vec![0; rules.len()],
                gave_up: vec![0; expressions],
                ..Counts::default()
            },
            histogram: Histogram::default(),
            samples: Samples::new(sampling),
            rules,
        }
    }

    /// Begins another input: lines are numbered from 1 again.
    pub fn begin(&mut self, key: Option<Arc<str>>) {
        self.samples.begin(key);
    }

    /// Takes the next block and what was found in it.
    ///
    /// `locate` returns where in a line that a rule matches the match shows.
    pub fn add(&mut self, block: Block, found: &Found, locate: Locate) {
        let mut samples = self.samples.within(block, locate);
        for line in found.matched() {
            let mut severities: Severities = 0;
            for &rule in line.rules {
                let counting = self.rules[rule as usize];
                let lines = &mut self.counts.by_rule[rule as usize];
                *lines += 1;
                if *lines >= counting.threshold {
                    severities |= 1 << counting.severity;
                    let nth = *lines - counting.threshold.max(1) + 1;
                    samples.offer(rule, nth, line.start, line.end);
                }
            }
            if severities != 0 {
                self.counts.add(severities);
                if let Some(second) = line.second {
                    self.histogram.add(second, severities);
                }
            }
        }
        samples.end(found.lines());
        self.counts.lines += found.lines();
    }

    /// Notes that lines of an expression were given up.
    pub fn give_up(&mut self, expression: usize, lines: u64) {
        self.counts.gave_up[expression] += lines;
    }

    /// Ends the last input.
    pub fn finish(&mut self) {
        self.samples.finish();
    }

    /// Returns what was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the times of matching lines.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// Returns the samples that are complete, in the order of the log, and forgets them.
    pub fn take_samples(&mut self) -> Vec<Sample> {
        self.samples.take()
    }
}

#[cfg(test)]
mod tests;

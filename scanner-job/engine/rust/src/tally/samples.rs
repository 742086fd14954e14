//! Sample lines: which ones, and what stands around them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use super::lines::KeptLines;
use super::{Block, Locate};

/// Of the lines after a sample only so many may be as long as a line that is kept: a stack trace is long and narrow.
const LONG_LINES_AFTER: usize = 12;

/// So many bytes are looked at to locate matches, one after the other: a hundred rules may match a thousand lines of a
/// megabyte each.
const MOST_LOCATED: usize = 256 << 20;

/// Which lines are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampling {
    /// So many first lines of each rule are samples; after those, each power of two is one.
    pub samples: u64,
    /// So many first lines of each rule are kept without the lines around.
    pub findings: u64,
    /// Lines kept before each sample.
    pub before: usize,
    /// Lines kept after each sample.
    pub after: usize,
    /// Bytes kept of each line.
    pub line_bytes: usize,
}

/// A line that a rule matches.
#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    /// The rule's place.
    pub rule: u32,
    /// Which of the rule's lines it is, from 1; lines below the rule's threshold do not count.
    pub nth: u64,
    /// Its number in its input, from 1.
    pub number: u64,
    /// Where it starts in its input, in bytes.
    pub offset: u64,
    /// Which input it is of.
    pub key: Option<Arc<str>>,
    /// The line without its newline, or the part of it around the match.
    pub text: Arc<[u8]>,
    /// Where in the line the text starts, and where in the text the match shows.
    pub start: usize,
    pub shown: usize,
    /// The lines around it, unless it is only a finding.
    pub around: Option<Around>,
}

/// The lines around a sample.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Those before it, in their order.
    pub before: Vec<Vec<u8>>,
    /// Those after it.
    pub after: KeptLines,
}

impl Around {
    fn is_complete(&self, sampling: Sampling) -> bool {
        self.after.count() >= sampling.after
            || self.after.bytes() >= LONG_LINES_AFTER * sampling.line_bytes
    }

    /// Adds lines after the sample, as many as there may be.
    fn follow<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>, sampling: Sampling) {
        for line in lines {
            if self.is_complete(sampling) {
                return;
            }
            self.after.push(cut(line, sampling.line_bytes));
        }
    }
}

/// Makes samples. The lines around one may be in other blocks of its input.
pub(super) struct Samples {
    sampling: Sampling,
    key: Option<Arc<str>>,
    /// Those that are complete.
    ready: Vec<Sample>,
    /// The others, and those that are behind one of the others in the log.
    waiting: VecDeque<Sample>,
    /// The last lines of the blocks before.
    earlier: VecDeque<Vec<u8>>,
    lines_before: u64,
    /// Bytes of the lines in which matches were located.
    located: usize,
}

impl Samples {
    pub(super) fn new(sampling: Sampling) -> Self {
        Samples {
            sampling,
            key: None,
            ready: Vec::new(),
            waiting: VecDeque::new(),
            earlier: VecDeque::new(),
            lines_before: 0,
            located: 0,
        }
    }

    /// Begins another input.
    pub(super) fn begin(&mut self, key: Option<Arc<str>>) {
        self.finish();
        self.key = key;
        self.earlier.clear();
        self.lines_before = 0;
    }

    /// Ends an input: no more lines come after its samples.
    pub(super) fn finish(&mut self) {
        self.ready.extend(self.waiting.drain(..));
    }

    /// Returns the samples that are complete, in the order of the log, and forgets them.
    pub(super) fn take(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.ready)
    }

    /// Goes on with the next block of the input.
    pub(super) fn within<'a>(
        &'a mut self,
        block: Block<'a>,
        locate: Locate<'a>,
    ) -> WithinBlock<'a> {
        if !self.waiting.is_empty() {
            self.complete(block.data);
        }
        WithinBlock {
            samples: self,
            block,
            locate,
            counted: (0, 0),
            text: None,
        }
    }

    /// Gives the first lines of a block to samples that wait for them.
    fn complete(&mut self, data: &[u8]) {
        let head: Vec<&[u8]> = Lines { data, at: 0 }.take(self.sampling.after).collect();
        for around in self.waiting.iter_mut().filter_map(|s| s.around.as_mut()) {
            around.follow(head.iter().copied(), self.sampling);
        }
    }

    /// Moves what is complete to `ready`, as far as nothing before it waits.
    fn settle(&mut self) {
        let sampling = self.sampling;
        let complete = |sample: &Sample| match &sample.around {
            Some(around) => around.is_complete(sampling),
            None => true,
        };
        while self.waiting.front().is_some_and(complete) {
            self.ready.extend(self.waiting.pop_front());
        }
    }
}

/// One block, whose matching lines are offered in their order.
pub(super) struct WithinBlock<'a> {
    samples: &'a mut Samples,
    block: Block<'a>,
    locate: Locate<'a>,
    /// A place in the block, and how many newlines are before it.
    counted: (usize, u64),
    /// The text of the last sample, and where it is: several rules may match one line.
    text: Option<(Range<usize>, Arc<[u8]>)>,
}

impl WithinBlock<'_> {
    /// Takes a line that a rule matches, if it is one to keep.
    pub(super) fn offer(&mut self, rule: u32, nth: u64, start: usize, end: usize) {
        let sampling = self.samples.sampling;
        let sampled = nth <= sampling.samples || nth.is_power_of_two();
        if !sampled && nth > sampling.findings {
            return;
        }
        let shown = self.locate(rule, &self.block.data[start..end]);
        let part = part_around(&self.block.data[start..end], shown, sampling.line_bytes);
        let sample = Sample {
            rule,
            nth,
            number: self.number(start),
            offset: self.block.places.offset(start),
            key: self.samples.key.clone(),
            text: self.text(start + part.start..start + part.end),
            start: part.start,
            shown: shown - part.start,
            around: sampled.then(|| self.around(start, end)),
        };
        self.samples.waiting.push_back(sample);
    }

    /// Ends the block, which has so many lines.
    pub(super) fn end(self, lines: u64) {
        let (samples, data) = (self.samples, self.block.data);
        samples.lines_before += lines;
        let keep = samples.sampling.before;
        if keep > 0 {
            let mut last = last_lines(data, data.len(), keep, samples.sampling.line_bytes);
            samples.earlier.extend(last.drain(..));
            let surplus = samples.earlier.len().saturating_sub(keep);
            samples.earlier.drain(..surplus);
        }
        samples.settle();
    }

    /// Returns where a rule matches in a line; its start once too much was looked at.
    fn locate(&mut self, rule: u32, line: &[u8]) -> usize {
        self.samples.located += line.len();
        if self.samples.located > MOST_LOCATED {
            return 0;
        }
        (self.locate)(rule, line)
    }

    fn number(&mut self, start: usize) -> u64 {
        let (from, newlines) = self.counted;
        let more = memchr_iter(b'\n', &self.block.data[from..start]).count() as u64;
        self.counted = (start, newlines + more);
        self.samples.lines_before + self.counted.1 + 1
    }

    fn text(&mut self, part: Range<usize>) -> Arc<[u8]> {
        match &self.text {
            Some((known, text)) if *known == part => text.clone(),
            _ => {
                let text: Arc<[u8]> = self.block.data[part.clone()].into();
                self.text = Some((part, text.clone()));
                text
            }
        }
    }

    fn around(&self, start: usize, end: usize) -> Around {
        let data = self.block.data;
        let next = memchr(b'\n', &data[end..]).map_or(data.len(), |distance| end + distance + 1);
        let mut around = Around {
            before: self.before(start),
            after: KeptLines::default(),
        };
        around.follow(Lines { data, at: next }, self.samples.sampling);
        around
    }

    fn before(&self, start: usize) -> Vec<Vec<u8>> {
        let Sampling {
            before, line_bytes, ..
        } = self.samples.sampling;
        let mut lines = last_lines(self.block.data, start, before, line_bytes);
        let earlier = &self.samples.earlier;
        let missing = (before - lines.len()).min(earlier.len());
        let from = earlier.len() - missing;
        lines.splice(0..0, earlier.range(from..).cloned());
        lines
    }
}

/// The lines of a block from a place on, without what ends them.
struct Lines<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.data.get(self.at..).filter(|rest| !rest.is_empty())?;
        match memchr(b'\n', rest) {
            Some(length) => {
                self.at += length + 1;
                Some(without_carriage_return(&rest[..length]))
            }
            None => {
                self.at = self.data.len();
                Some(rest)
            }
        }
    }
}

/// Returns up to so many lines that end before the line at `start`, in their order.
fn last_lines(data: &[u8], start: usize, count: usize, line_bytes: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut end = start;
    while end > 0 && found.len() < count {
        // What follows the last newline of a block is a line too.
        let text_end = if data[end - 1] == b'\n' { end - 1 } else { end };
        let begin = memrchr(b'\n', &data[..text_end]).map_or(0, |newline| newline + 1);
        let line = &data[begin..text_end];
        let line = if text_end < end {
            without_carriage_return(line)
        } else {
            line
        };
        found.push(cut(line, line_bytes).to_vec());
        end = begin;
    }
    found.reverse();
    found
}

fn without_carriage_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns the part of a line, of so many bytes at most, that a place in it is three quarters into.
fn part_around(line: &[u8], place: usize, bytes: usize) -> Range<usize> {
    let last = line.len().saturating_sub(bytes);
    let mut start = place.saturating_sub(bytes - bytes / 4).min(last);
    // Not within a character of UTF-8, which has four bytes at most.
    let whole = (start..line.len().min(start + 4)).find(|at| line[*at] & 0xc0 != 0x80);
    if start > 0 {
        start = whole.filter(|at| *at <= place).unwrap_or(start);
    }
    start..line.len().min(start + bytes)
}

fn cut(line: &[u8], bytes: usize) -> &[u8] {
    &line[..line.len().min(bytes)]
}

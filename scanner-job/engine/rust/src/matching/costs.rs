//! What each rule adds to the time of a scan.
//!
//! Slow rules are reported to their authors, also in the status of a policy, where two checks of the same rules must
//! agree. So nothing is timed: the steps of a scan are counted for each rule on a sample of a log, and weighted by the
//! time of a step. The weights are medians of runs of the example `scan` on one core of 2.5 GHz. The steps follow from
//! the sample alone: how often the rule's literals occur, and how far automata run from there.

use std::ops::Range;

use memchr::memrchr;

use super::lines::{Line, Lines};
use super::plan::{Confirm, Owner};
use super::sample::ORDINARY;
use super::scan::{MOST_TRIES, is_name};
use super::scratch::RuleState;
use super::{Plan, RuleSet, Scratch};

/// As much of a log as is looked at.
const MOST_BYTES: usize = 64 << 10;
/// Nanoseconds to look at a place that holds a rule's literal.
const PLACE: f64 = 12.0;
/// Nanoseconds for each line, to begin an automaton's run.
const RUN: f64 = 15.0;
/// Nanoseconds for PCRE2 to begin with a line, and for each byte of it.
const VERIFY: (f64, f64) = (150.0, 1.5);
/// The same to read a JSON record.
const READ: (f64, f64) = (60.0, 1.2);

impl RuleSet {
    /// Returns for each rule about how many seconds of CPU time it adds to the scan of 1 GB of a log like `log`, a
    /// piece of it, with the literals that were chosen for it; of ordinary lines of services where that is empty.
    pub fn costs(&self, plan: &Plan, log: &[u8]) -> Vec<f64> {
        let mut scratch = self.scratch();
        scratch.begin_block(plan);
        let mut counting = Counting {
            rules: self,
            plan,
            scratch: &mut scratch,
            block: whole_lines(if log.is_empty() { ORDINARY } else { log }),
            line: Line::default(),
            nanoseconds: vec![0.0; self.rules.len()],
        };
        counting.count();
        let bytes = counting.block.len().max(1) as f64;
        let costs = counting.nanoseconds.iter();
        costs.map(|nanoseconds| nanoseconds / bytes).collect()
    }
}

/// A scan that counts steps: that of [`RuleSet::scan`], step by step.
struct Counting<'a> {
    rules: &'a RuleSet,
    plan: &'a Plan,
    scratch: &'a mut Scratch,
    block: &'a [u8],
    /// The line of the last literal.
    line: Line,
    nanoseconds: Vec<f64>,
}

impl Counting<'_> {
    fn count(&mut self) {
        let (plan, block) = (self.plan, self.block);
        plan.finder
            .find(block, |literal, place| self.found(literal, place));
        for line in Lines::of(block) {
            self.line = line;
            for &rule in &plan.every_line {
                self.run(rule as usize, 0);
            }
        }
    }

    fn found(&mut self, literal: u32, place: Range<usize>) {
        if place.start >= self.line.next {
            let start = memrchr(b'\n', &self.block[..place.start]).map_or(0, |n| n + 1);
            self.line = Line::holding(self.block, start, place.start);
        }
        if place.end > self.line.end {
            return;
        }
        let (begin, end) = self.plan.owned[literal as usize];
        for &Owner { rule, confirm } in &self.plan.owners[begin as usize..end as usize] {
            let rule = rule as usize;
            self.nanoseconds[rule] += PLACE;
            if self.state(rule).settled == self.mark() {
                continue;
            }
            let settled = match confirm {
                Confirm::Nothing => {
                    self.confirm(rule);
                    true
                }
                Confirm::Field(condition) if self.rejects(rule, condition, place.clone()) => false,
                Confirm::FromHere => self.try_from(rule, place.start - self.line.start),
                Confirm::Field(_) | Confirm::Line => {
                    self.run(rule, 0);
                    true
                }
            };
            if settled {
                self.state(rule).settled = self.mark();
            }
        }
    }

    /// Returns whether the value behind a name settles that it is not what the rule looks for.
    fn rejects(&mut self, rule: usize, condition: u32, name: Range<usize>) -> bool {
        let value = &self.block[name.end..self.line.end];
        let fields = &mut self.scratch.fields;
        is_name(&self.block[name]) && self.rules.conditions.reject(rule, condition, value, fields)
    }

    /// Counts a try from a literal on, where matches begin; returns whether the line is settled by it.
    fn try_from(&mut self, rule: usize, at: usize) -> bool {
        let mark = self.mark();
        let state = self.state(rule);
        if state.tried_in != mark {
            (state.tried_in, state.tries) = (mark, 0);
        }
        state.tries += 1;
        let tries = state.tries;
        let line = &self.block[self.line.start..self.line.end];
        match self.rules.rules[rule].automaton.walk_at(line, at) {
            Some(walk) if tries <= MOST_TRIES => {
                self.add(rule, walk.nanoseconds, walk.matched);
                walk.matched
            }
            _ => {
                self.run(rule, at);
                true
            }
        }
    }

    /// Counts a run of a rule's automaton over the line from a place on.
    fn run(&mut self, rule: usize, from: usize) {
        let line = &self.block[self.line.start..self.line.end];
        let cache = &mut self.scratch.states[rule].cache;
        let walk = self.rules.rules[rule].automaton.walk(line, from, cache);
        self.add(rule, walk.nanoseconds, walk.matched);
    }

    fn add(&mut self, rule: usize, nanoseconds: f64, matched: bool) {
        self.nanoseconds[rule] += RUN + nanoseconds;
        if matched {
            self.confirm(rule);
        }
    }

    /// Counts what else has to be done with a line that a rule's automaton matches.
    fn confirm(&mut self, rule: usize) {
        let (line, compiled) = (
            &self.block[self.line.start..self.line.end],
            &self.rules.rules[rule],
        );
        for ((begin, byte), needed) in [
            (VERIFY, compiled.pcre.is_some()),
            (READ, compiled.conditional),
        ] {
            if needed {
                self.nanoseconds[rule] += begin + byte * line.len() as f64;
            }
        }
        self.exclude(rule);
    }

    /// Counts the run of what may take the line away from a rule that matches it.
    fn exclude(&mut self, rule: usize) {
        let other = self.rules.rules[rule]
            .excluded_by
            .map(|other| other as usize);
        if let Some(other) =
            other.filter(|other| self.scratch.states[*other].settled != self.mark())
        {
            self.state(other).settled = self.mark();
            self.run(other, 0);
        }
    }

    fn state(&mut self, rule: usize) -> &mut RuleState {
        &mut self.scratch.states[rule]
    }

    fn mark(&self) -> u32 {
        self.line.start as u32 + 1
    }
}

fn whole_lines(data: &[u8]) -> &[u8] {
    let data = &data[..data.len().min(MOST_BYTES)];
    let end = memrchr(b'\n', data).map_or(data.len(), |newline| newline + 1);
    &data[..end]
}

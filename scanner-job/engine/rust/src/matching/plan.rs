//! The literals to search for in a log.
//!
//! A rule often has several sets of literals of which each match holds one: `ERROR.*timeout after \d+ ms` has one for each
//! of its words. One set suffices. The best is that with the fewest places in the log, each weighted by the cost of
//! confirming the rule there. No fixed order of bytes can rank them, as that of the memchr crate does for any data: in one
//! log every line says ERROR, in another none. So the sets are ranked on a sample of the log itself, by counts of four
//! bytes in a row ([`sample`](super::sample)), and again when the log no longer resembles it. ripgrep ranks by length
//! and by a table of byte frequencies instead (regex-syntax, `hir::literal`; memchr, `packedpair::HeuristicFrequencyRank`).
//!
//! The choice decides the speed, never the result: whichever set is searched for, every match holds one of its literals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::finder::{Finder, Work};
use super::ruleset::Rule;
use super::sample::Sample;
use super::{RuleSet, Scratch};
use crate::literals::{Literal, LiteralSet};
use crate::teddy::Instructions;

/// A set that is met at a larger share of places costs more than running the rule's automaton over every line.
const TOO_FREQUENT: f32 = 0.02;
/// What a literal costs by being looked for at all, as a share of places that hold one.
const PER_LITERAL: f32 = 2e-6;

/// The choice of literals for one kind of log. It does not change: threads share it.
pub struct Plan {
    pub(super) finder: Finder,
    /// By literal, the rules that it belongs to: a range of `owners`.
    pub(super) owned: Vec<(u32, u32)>,
    pub(super) owners: Vec<Owner>,
    /// The rules without a literal that is rare enough.
    pub(super) every_line: Vec<u32>,
    /// The work that a byte of the sample takes.
    expected: f32,
    pub(super) number: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub rule: u32,
    pub confirm: Confirm,
}

/// What is left to do for a rule where one of its literals was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Confirm {
    /// Nothing: the line matches.
    Nothing,
    /// To run the automaton from the literal on, where matches begin.
    FromHere,
    /// To look at the value, if it is the name of the field of this condition, and then to do the same.
    Field(u32),
    /// To run the automaton over the line.
    Line,
}

impl RuleSet {
    /// Chooses what to look for in a log like `sample`, a piece of it (256 KiB are plenty, less or none will do).
    pub fn calibrate(&self, sample: &[u8]) -> Plan {
        self.calibrate_for(sample, Instructions::available()[0])
    }

    pub(super) fn calibrate_for(&self, sample: &[u8], instructions: Instructions) -> Plan {
        let sample = Sample::of(sample);
        let chosen = self
            .rules
            .iter()
            .map(|rule| rule.choose(&sample).map(|(_, set)| set));
        let mut plan = Plan::new(&chosen.collect::<Vec<_>>(), &sample, instructions);
        plan.every_line
            .retain(|rule| !self.rules[*rule as usize].excludes);
        plan
    }
}

impl Rule {
    /// Returns the cheapest set and its cost, as a share of places; nothing if every line has to be looked at.
    pub(super) fn choose(&self, sample: &Sample<'_>) -> Option<(f32, &LiteralSet)> {
        let cost = |set: &LiteralSet| {
            let met: f32 = set
                .literals
                .iter()
                .map(|literal| sample.window(literal).1)
                .sum();
            met * self.confirm_cost(set) + set.literals.len() as f32 * PER_LITERAL
        };
        self.literals
            .iter()
            .filter(|_| !self.excludes)
            .map(|set| (cost(set), set))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(cost, _)| *cost < TOO_FREQUENT)
    }

    /// What it costs to confirm a place, compared to one another.
    fn confirm_cost(&self, set: &LiteralSet) -> f32 {
        let automaton = match Confirm::of(set) {
            Confirm::Field(_) => return 1.0,
            Confirm::Nothing => 0.3,
            Confirm::FromHere if self.automaton.matches_at_places() => 0.6,
            _ => 2.5,
        };
        let verified = f32::from(self.pcre.is_some()) + f32::from(self.conditional);
        automaton + 2.0 * verified
    }
}

impl Confirm {
    fn of(set: &LiteralSet) -> Self {
        match (set.whole, set.prefix, set.field) {
            (true, _, _) => Confirm::Nothing,
            (_, true, _) => Confirm::FromHere,
            (_, _, Some(condition)) => Confirm::Field(condition),
            _ => Confirm::Line,
        }
    }
}

impl Plan {
    pub(super) fn new(
        chosen: &[Option<&LiteralSet>],
        sample: &Sample<'_>,
        instructions: Instructions,
    ) -> Self {
        static PLANS: AtomicU64 = AtomicU64::new(1);
        let mut by_literal: BTreeMap<&Literal, Vec<Owner>> = BTreeMap::new();
        let mut every_line = Vec::new();
        for (rule, set) in (0..).zip(chosen) {
            let Some(set) = set else {
                every_line.push(rule);
                continue;
            };
            let confirm = Confirm::of(set);
            for literal in &set.literals {
                by_literal
                    .entry(literal)
                    .or_default()
                    .push(Owner { rule, confirm });
            }
        }
        let (mut owned, mut owners) = (Vec::new(), Vec::new());
        for list in by_literal.values() {
            let begin = owners.len() as u32;
            owners.extend(list);
            owned.push((begin, owners.len() as u32));
        }
        let literals = by_literal.into_keys().cloned().collect();
        let finder = Finder::new(literals, sample, instructions);
        let work = finder.find(&sample.data, |_, _| {});
        Plan {
            expected: rate(work, sample.data.len() as u64),
            finder,
            owned,
            owners,
            every_line,
            number: PLANS.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns whether the log has become so different from the sample that choosing again is worth the time, by what
    /// `scratch` has scanned with this plan.
    pub fn is_outdated(&self, scratch: &Scratch) -> bool {
        let seen = &scratch.seen;
        seen.plan == self.number && seen.bytes >= seen.min_bytes && {
            rate(seen.work, seen.bytes) > 2.0 * self.expected + 0.01
        }
    }

    /// Returns the literals and the rules that look at every line, for people who want to know why a set is slow.
    pub fn describe(&self) -> String {
        format!(
            "{} literals in {} groups of buckets, {:.4} places a byte to look at, {} rules on every line",
            self.owned.len(),
            self.finder.groups(),
            self.expected,
            self.every_line.len()
        )
    }
}

/// Work for a byte: a hit is about twice the work of a candidate.
fn rate(work: Work, bytes: u64) -> f32 {
    (work.candidates + 2 * work.hits) as f32 / bytes.max(1) as f32
}

//! What a thread needs to scan.

use regex_automata::meta;

use super::allowance::Allowance;
use super::finder::Work;
use super::lanes::Run;
use super::{Plan, RuleSet};
use crate::conditions::Evaluation;

/// A log that changes is given this many bytes before another choice of literals, twice as many each time: choosing
/// takes as long as scanning some of them.
const FIRST_MIN_BYTES: u64 = 8 << 20;

/// The memory of one thread that scans with a set, kept from block to block.
pub struct Scratch {
    pub(super) states: Vec<RuleState>,
    pub(super) seen: Seen,
    /// Lines that wait for rules to be run over them.
    pub(super) waiting: Vec<Run>,
    gave_up: Vec<u64>,
    pub(super) allowance: Allowance,
    pub(super) fields: Evaluation,
}

/// What is known of one rule.
#[derive(Default)]
pub(super) struct RuleState {
    /// The memory of a lazy automaton.
    pub cache: Option<meta::Cache>,
    /// The line that is settled for the rule: its start in the block, plus 1.
    pub settled: u32,
    /// The line in which matches were tried from literals on, likewise, and how many.
    pub tried_in: u32,
    pub tries: u32,
}

/// What was scanned with one plan.
#[derive(Default)]
pub(super) struct Seen {
    pub plan: u64,
    pub bytes: u64,
    pub work: Work,
    pub min_bytes: u64,
}

impl RuleSet {
    /// Returns the memory for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            states: self.rules.iter().map(|_| RuleState::default()).collect(),
            seen: Seen::default(),
            waiting: Vec::new(),
            gave_up: vec![0; self.rules.len()],
            allowance: Allowance::new(&self.limits, self.rules.len()),
            fields: Evaluation::default(),
        }
    }
}

impl Scratch {
    /// Returns for each rule how many lines PCRE2 gave up, so that whether they match is unknown: each took too many
    /// steps, or came after the rule had taken too much time and was retired.
    ///
    /// PCRE2 counts its steps from each place of a line on its own. So that a long line does not take minutes, lines of
    /// more than 4 KiB have an eighth of the steps for each place, and longer ones less.
    pub fn gave_up(&self) -> &[u64] {
        &self.gave_up
    }

    pub(super) fn give_up(&mut self, rule: usize) {
        self.gave_up[rule] += 1;
    }

    pub(super) fn begin_block(&mut self, plan: &Plan) {
        self.allowance.begin_block();
        self.fields.begin_block();
        for state in &mut self.states {
            state.settled = 0;
            state.tried_in = 0;
        }
        if self.seen.plan != plan.number {
            self.seen = Seen {
                plan: plan.number,
                min_bytes: FIRST_MIN_BYTES.max(2 * self.seen.min_bytes),
                ..Seen::default()
            };
        }
    }

    pub(super) fn end_block(&mut self, bytes: usize, work: Work) {
        self.allowance.end_block(bytes);
        self.seen.bytes += bytes as u64;
        self.seen.work.candidates += work.candidates;
        self.seen.work.hits += work.hits;
    }
}

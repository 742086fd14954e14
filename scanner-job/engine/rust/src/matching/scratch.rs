//! What a thread needs to scan.

use regex_automata::meta;

use super::RuleSet;

/// The memory of one thread that scans with a set, kept from block to block.
pub struct Scratch {
    pub(super) states: Vec<RuleState>,
    gave_up: Vec<u64>,
}

/// What is known of one rule.
#[derive(Default)]
pub(super) struct RuleState {
    pub cache: Option<meta::Cache>,
}

impl RuleSet {
    /// Returns the memory for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            states: self.rules.iter().map(|_| RuleState::default()).collect(),
            gave_up: vec![0; self.rules.len()],
        }
    }
}

impl Scratch {
    /// Returns for each rule how many lines reached its limit of PCRE2's steps, so that whether they match is unknown.
    pub fn gave_up(&self) -> &[u64] {
        &self.gave_up
    }
}

impl Scratch {
    pub(super) fn give_up(&mut self, rule: usize) {
        self.gave_up[rule] += 1;
    }
}

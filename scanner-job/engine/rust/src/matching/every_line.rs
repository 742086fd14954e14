//! Rules without a literal, matched against each line.
//!
//! Those are the rules without any literal (`\w{40}`), and in each log those whose literals are too frequent there: past
//! some frequency, to find and to confirm each place costs more than one run over the line (`TOO_FREQUENT` in `plan`).
//!
//! Each has an automaton of its own. One automaton for all of them would read each line once, but it has too many states
//! to be dense, and as a lazy DFA it takes 8 ns a byte, where a dense one takes 1 ns for each rule: with fewer than eight
//! such rules, their own automata are faster. Time is linear in the line in any case.

use super::lines::Lines;
use super::{Hit, RuleSet, Scratch};

impl RuleSet {
    pub(super) fn scan_every_line(
        &self,
        rules: &[u32],
        scratch: &mut Scratch,
        block: &[u8],
        hits: &mut Vec<Hit>,
    ) {
        if rules.is_empty() {
            return;
        }
        for line in Lines::of(block) {
            for &rule in rules {
                let hit = Hit {
                    rule,
                    start: line.start as u32,
                    end: line.end as u32,
                };
                if self.matches(hit, block, scratch) {
                    hits.push(hit);
                }
            }
        }
    }

    /// Returns whether a hit is one.
    #[inline]
    pub(super) fn matches(&self, hit: Hit, block: &[u8], scratch: &mut Scratch) -> bool {
        let number = hit.rule as usize;
        let rule = &self.rules[number];
        let line = &block[hit.start as usize..hit.end as usize];
        if line.is_empty() {
            // Blocks of nothing but newlines are lines by the million.
            return rule.matches_empty;
        }
        let cache = &mut scratch.states[number].cache;
        rule.automaton.is_match(line, 0, cache) && self.confirms(number, line, hit.start, scratch)
    }
}

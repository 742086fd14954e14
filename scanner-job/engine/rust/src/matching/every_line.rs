//! Rules without a literal, matched against each line.
//!
//! Each has an automaton of its own. One automaton for all of them would do each line once, but such an automaton has
//! too many states to be dense, and as a lazy one it took 8 ns a byte where a dense one takes 1 ns for each rule.

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
        for line in Lines::of(block) {
            for &rule in rules {
                if self.matches(rule as usize, &block[line.start..line.end], scratch) {
                    hits.push(Hit {
                        rule,
                        start: line.start as u32,
                        end: line.end as u32,
                    });
                }
            }
        }
    }

    #[inline]
    fn matches(&self, number: usize, line: &[u8], scratch: &mut Scratch) -> bool {
        let rule = &self.rules[number];
        if line.is_empty() {
            // Blocks of nothing but newlines are lines by the million.
            return rule.matches_empty;
        }
        let cache = &mut scratch.states[number].cache;
        rule.automaton.is_match(line, 0, cache) && self.pcre_agrees(number, line, scratch)
    }
}

//! Rules without a literal, matched against each line.

use super::lines::Lines;
use super::{Hit, RuleSet, Scratch};

impl RuleSet {
    pub(super) fn scan_every_line(&self, scratch: &mut Scratch, block: &[u8], hits: &mut Vec<Hit>) {
        for line in Lines::of(block) {
            for number in 0..self.rules.len() {
                if self.confirm(number, &block[line.start..line.end], scratch) {
                    hits.push(Hit {
                        rule: number as u32,
                        start: line.start as u32,
                        end: line.end as u32,
                    });
                }
            }
        }
    }

    /// Returns whether a rule matches a line.
    fn confirm(&self, number: usize, line: &[u8], scratch: &mut Scratch) -> bool {
        let rule = &self.rules[number];
        if line.is_empty() {
            return rule.matches_empty;
        }
        if !rule
            .automaton
            .is_match(line, 0, &mut scratch.states[number].cache)
        {
            return false;
        }
        match &rule.pcre {
            None => true,
            Some(matcher) => matcher.is_match(line).unwrap_or_else(|_| {
                scratch.give_up(number);
                false
            }),
        }
    }
}

//! Lines taken away from rules.
//!
//! A rule's `exclude` is matched against the lines that the rule matches, not against the whole log: what it looks for is
//! often on every line (`INFO`), while the rule's own lines are few.

use super::{Hit, RuleSet, Scratch};

impl RuleSet {
    /// Removes the hits from `first` on whose lines another rule takes away.
    pub(super) fn exclude(
        &self,
        first: usize,
        scratch: &mut Scratch,
        block: &[u8],
        hits: &mut Vec<Hit>,
    ) {
        let mut kept = first;
        for at in first..hits.len() {
            let hit = hits[at];
            let other = self.rules[hit.rule as usize].excluded_by;
            let excluded = |rule| self.excludes(Hit { rule, ..hit }, block, scratch);
            if !other.is_some_and(excluded) {
                hits[kept] = hit;
                kept += 1;
            }
        }
        hits.truncate(kept);
    }

    /// Returns whether a rule takes a line away. The answer is kept: rules may share what takes lines away from them.
    fn excludes(&self, hit: Hit, block: &[u8], scratch: &mut Scratch) -> bool {
        let rule = hit.rule as usize;
        if scratch.states[rule].settled != hit.start + 1 {
            scratch.states[rule].excludes = self.matches(hit, block, scratch);
            scratch.states[rule].settled = hit.start + 1;
        }
        scratch.states[rule].excludes
    }
}

//! Lines taken away from rules.
//!
//! A rule's `exclude` is matched against the lines that the rule matches, not against the whole log: what it looks for is
//! often on every line (`INFO`), while the rule's own lines are few. It waits for the end of a block, so that its
//! automaton runs over some of these lines at a time.

use super::lanes::{Run, walk_all};
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
        let mut runs = std::mem::take(&mut scratch.waiting);
        // Rules may share what takes lines away from them: each line is asked once.
        for hit in &hits[first..] {
            let other = self.rules[hit.rule as usize].excluded_by;
            runs.extend(other.map(|rule| Run::new(rule, hit.start, hit.end)));
        }
        runs.sort_by_key(|run| (run.rule, run.line.start));
        runs.dedup_by_key(|run| (run.rule, run.line.start));
        self.run_all(&mut runs, scratch, block);
        runs.retain(|run| run.matched);
        if !runs.is_empty() {
            let excludes = |rule, hit: &Hit| {
                let key = (rule, hit.start);
                runs.binary_search_by_key(&key, |run| (run.rule, run.line.start))
                    .is_ok()
            };
            let mut kept = first;
            for at in first..hits.len() {
                let hit = hits[at];
                let other = self.rules[hit.rule as usize].excluded_by;
                if !other.is_some_and(|rule| excludes(rule, &hit)) {
                    hits[kept] = hit;
                    kept += 1;
                }
            }
            hits.truncate(kept);
        }
        runs.clear();
        scratch.waiting = runs;
    }

    /// Sets for each run, those of a rule one behind the other, whether the rule matches its line.
    pub(super) fn run_all(&self, runs: &mut [Run], scratch: &mut Scratch, block: &[u8]) {
        for runs in runs.chunk_by_mut(|a, b| a.rule == b.rule) {
            let rule = runs[0].rule;
            if let Some(dfa) = self.rules[rule as usize].alone() {
                walk_all(dfa, runs, block);
                continue;
            }
            for run in runs {
                let (start, end) = (run.line.start, run.line.end);
                run.matched = self.matches(Hit { rule, start, end }, block, scratch);
            }
        }
    }
}

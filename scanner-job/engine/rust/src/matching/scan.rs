//! A block of lines matched.

use std::ops::Range;
use std::time::Instant;

use memchr::memrchr;

use super::lanes::Run;
use super::lines::Line;
use super::plan::{Confirm, Owner};
use super::{Hit, Plan, RuleSet, Scratch};

/// Matches of a rule that are tried from its literals on in one line. Each may run to the end of the line: after these,
/// the automaton runs over the rest of the line once, so that the time stays linear in the line.
pub(super) const MOST_TRIES: u32 = 4;

impl RuleSet {
    /// Appends to `hits` each line of `block` that a rule matches, once for each such rule, by line and then by rule.
    ///
    /// `block` holds whole lines; the last may lack its newline. `plan` and `scratch` are of this set.
    ///
    /// # Panics
    /// If `block` is 4 GiB or larger.
    pub fn scan(&self, plan: &Plan, scratch: &mut Scratch, block: &[u8], hits: &mut Vec<Hit>) {
        assert!(
            u32::try_from(block.len()).is_ok(),
            "a block is smaller than 4 GiB"
        );
        scratch.begin_block(plan);
        let first = hits.len();
        let mut pass = Pass {
            rules: self,
            plan,
            scratch,
            block,
            line: Line::default(),
            line_hits: first,
            hits,
        };
        let work = plan
            .finder
            .find(block, |literal, place| pass.found(literal, place));
        pass.end_line();
        let in_order = hits.len();
        self.run_waiting(scratch, block, hits);
        self.scan_every_line(&plan.every_line, scratch, block, hits);
        if hits.len() > in_order {
            hits[first..].sort_by_key(|hit| (hit.start, hit.rule));
        }
        self.exclude(first, scratch, block, hits);
        scratch.end_block(block.len(), work);
    }

    /// Runs rules over the lines that wait for them, and appends those that match.
    fn run_waiting(&self, scratch: &mut Scratch, block: &[u8], hits: &mut Vec<Hit>) {
        let mut runs = std::mem::take(&mut scratch.waiting);
        runs.sort_by_key(|run| run.rule);
        self.run_all(&mut runs, scratch, block);
        hits.extend(runs.iter().filter(|run| run.matched).map(|run| Hit {
            rule: run.rule,
            start: run.line.start,
            end: run.line.end,
        }));
        runs.clear();
        scratch.waiting = runs;
    }

    /// Returns whether the fields of a line and PCRE2, if the rule needs them, agree that the line matches.
    #[inline]
    pub(super) fn confirms(
        &self,
        number: usize,
        line: &[u8],
        start: u32,
        scratch: &mut Scratch,
    ) -> bool {
        let rule = &self.rules[number];
        let fields = &mut scratch.fields;
        (!rule.conditional || self.conditions.hold(number, line, start, fields))
            && self.pcre_confirms(number, line, scratch)
    }

    #[inline]
    fn pcre_confirms(&self, rule: usize, line: &[u8], scratch: &mut Scratch) -> bool {
        let Some(verifier) = &self.rules[rule].pcre else {
            return true;
        };
        if scratch.allowance.is_retired(rule) {
            scratch.give_up(rule);
            return false;
        }
        let begin = Instant::now();
        let answer = verifier.is_match(line);
        scratch.allowance.spend(rule, begin.elapsed());
        answer.unwrap_or_else(|_| {
            scratch.give_up(rule);
            false
        })
    }
}

/// Returns whether a literal is how the name of a field ends, and not an escape that may be in one.
#[inline(always)]
pub(super) fn is_name(literal: &[u8]) -> bool {
    literal.ends_with(b"\"") && !literal.starts_with(b"\\")
}

/// The pass over a block that starts from literals.
struct Pass<'a> {
    rules: &'a RuleSet,
    plan: &'a Plan,
    scratch: &'a mut Scratch,
    block: &'a [u8],
    /// The line of the last literal.
    line: Line,
    /// Where its hits begin.
    line_hits: usize,
    hits: &'a mut Vec<Hit>,
}

impl Pass<'_> {
    #[inline(always)]
    fn found(&mut self, literal: u32, place: Range<usize>) {
        if place.start >= self.line.next {
            self.end_line();
            let after = self.line.next;
            let start =
                memrchr(b'\n', &self.block[after..place.start]).map_or(after, |n| after + n + 1);
            self.line = Line::holding(self.block, start, place.start);
        }
        // A literal with a carriage return may lie in the end of the line, which is not part of it.
        if place.end > self.line.end {
            return;
        }
        let (begin, end) = self.plan.owned[literal as usize];
        for &owner in &self.plan.owners[begin as usize..end as usize] {
            if self.scratch.states[owner.rule as usize].settled != self.line.start as u32 + 1 {
                self.confirm(owner, place.clone());
            }
        }
    }

    /// Puts the hits of the line that ends into the order of the rules.
    #[inline(always)]
    fn end_line(&mut self) {
        if self.hits.len() > self.line_hits + 1 {
            self.hits[self.line_hits..].sort_unstable_by_key(|hit| hit.rule);
        }
        self.line_hits = self.hits.len();
    }

    #[inline(always)]
    fn confirm(&mut self, owner: Owner, place: Range<usize>) {
        let rule = owner.rule as usize;
        let line = &self.block[self.line.start..self.line.end];
        let start = self.line.start as u32;
        let matched = match owner.confirm {
            Confirm::Nothing => true,
            Confirm::FromHere => match self.matches_from(rule, line, place.start - self.line.start)
            {
                Some(matched) => matched,
                None => return,
            },
            Confirm::Field(condition) if self.rejects(rule, condition, place) => return,
            Confirm::Line if self.rules.rules[rule].alone().is_some() => {
                self.scratch.states[rule].settled = start + 1;
                let run = Run::new(owner.rule, start, self.line.end as u32);
                self.scratch.waiting.push(run);
                return;
            }
            Confirm::Field(_) | Confirm::Line => {
                let cache = &mut self.scratch.states[rule].cache;
                self.rules.rules[rule].automaton.is_match(line, 0, cache)
            }
        };
        self.scratch.states[rule].settled = start + 1;
        if matched && self.rules.confirms(rule, line, start, self.scratch) {
            self.hits.push(Hit {
                rule: owner.rule,
                start,
                end: self.line.end as u32,
            });
        }
    }

    /// Returns whether what is behind the name of a field shows that a condition is not fulfilled by it.
    #[inline(always)]
    fn rejects(&mut self, rule: usize, condition: u32, name: Range<usize>) -> bool {
        let value = &self.block[name.end..self.line.end];
        let fields = &mut self.scratch.fields;
        is_name(&self.block[name]) && self.rules.conditions.reject(rule, condition, value, fields)
    }

    /// Returns whether a rule matches from `at` on, where one of its literals is; nothing if a match may begin behind.
    #[inline(always)]
    fn matches_from(&mut self, rule: usize, line: &[u8], at: usize) -> Option<bool> {
        let state = &mut self.scratch.states[rule];
        let automaton = &self.rules.rules[rule].automaton;
        if state.tried_in != self.line.start as u32 + 1 {
            state.tried_in = self.line.start as u32 + 1;
            state.tries = 0;
        }
        if state.tries < MOST_TRIES {
            state.tries += 1;
            match automaton.is_match_at(line, at) {
                Some(true) => return Some(true),
                Some(false) => return None,
                None => {}
            }
        }
        Some(automaton.is_match(line, at, &mut state.cache))
    }
}

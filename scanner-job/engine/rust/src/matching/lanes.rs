//! Many runs of one dense DFA, some at a time.
//!
//! A run waits for the memory at each byte: where the next state is depends on the last one. Four runs that have nothing
//! to do with each other wait together. They are of one DFA, so that its tables' addresses stay in registers.

use std::ops::Range;

use regex_automata::dfa::Automaton as _;
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};

use super::automaton::Dense;

const LANES: usize = 4;

/// A rule to be run over a line.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub rule: u32,
    /// Where the line is in the block.
    pub line: Range<u32>,
    /// Whether the rule matches it, once that is known.
    pub matched: bool,
}

impl Run {
    pub(super) fn new(rule: u32, start: u32, end: u32) -> Self {
        Run {
            rule,
            line: start..end,
            matched: false,
        }
    }

    /// Returns the line.
    pub(super) fn line<'a>(&self, block: &'a [u8]) -> &'a [u8] {
        &block[self.line.start as usize..self.line.end as usize]
    }
}

#[derive(Clone, Copy)]
struct Lane<'a> {
    /// The place of the run.
    run: usize,
    /// What is left of its line.
    rest: &'a [u8],
    state: StateID,
}

/// Sets for each run whether `dfa` matches somewhere in its line.
pub(super) fn walk_all(dfa: &Dense, runs: &mut [Run], block: &[u8]) {
    let mut begun = 0;
    let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(LANES);
    loop {
        while lanes.len() < LANES && begun < runs.len() {
            lanes.extend(Lane::start(dfa, begun, runs[begun].line(block)));
            begun += 1;
        }
        match &mut lanes[..] {
            [] => return,
            [a, b, c, d] => step(dfa, [a, b, c, d]),
            few => few.iter_mut().for_each(|lane| step(dfa, [lane])),
        }
        lanes.retain(|lane| {
            let answer = lane.answer(dfa);
            runs[lane.run].matched = answer == Some(true);
            answer.is_none()
        });
    }
}

/// Goes on until the DFA has an answer for one of the lines, or one ends.
#[inline(always)]
fn step<const N: usize>(dfa: &Dense, lanes: [&mut Lane<'_>; N]) {
    let steps = lanes.iter().map(|lane| lane.rest.len()).min().unwrap_or(0);
    let lines: [&[u8]; N] = std::array::from_fn(|n| &lanes[n].rest[..steps]);
    let mut states: [StateID; N] = std::array::from_fn(|n| lanes[n].state);
    let mut done = 0;
    while done < steps {
        let mut special = false;
        for n in 0..N {
            states[n] = dfa.next_state(states[n], lines[n][done]);
            special |= dfa.is_special_state(states[n]);
        }
        done += 1;
        if special && states.iter().any(|&state| is_final(dfa, state)) {
            break;
        }
    }
    for (lane, state) in lanes.into_iter().zip(states) {
        lane.state = state;
        lane.rest = &lane.rest[done..];
    }
}

fn is_final(dfa: &Dense, state: StateID) -> bool {
    dfa.is_match_state(state) || dfa.is_dead_state(state)
}

impl<'a> Lane<'a> {
    /// Begins a run; none where the DFA cannot, which does not happen with those that are built here.
    fn start(dfa: &Dense, run: usize, line: &'a [u8]) -> Option<Self> {
        let input = Input::new(line).anchored(Anchored::No);
        let state = dfa.start_state_forward(&input).ok()?;
        Some(Lane {
            run,
            rest: line,
            state,
        })
    }

    /// Returns whether the DFA matches, once that is settled.
    #[inline]
    fn answer(&self, dfa: &Dense) -> Option<bool> {
        if is_final(dfa, self.state) {
            return Some(dfa.is_match_state(self.state));
        }
        let at_end = || dfa.is_match_state(dfa.next_eoi_state(self.state));
        self.rest.is_empty().then(at_end)
    }
}

#[cfg(test)]
mod tests {
    use super::{Run, walk_all};
    use crate::matching::tests::compile;
    use crate::testing::Random;

    #[test]
    fn lines_walked_together_are_matched_as_each_is_alone() {
        let patterns = ["a+b$", "^(?:ab|ba)*$", "^aab", "b{3}|^$", r"\bab\b"];
        let set = compile(&patterns);
        let mut random = Random::new(7);
        for round in 0..400 {
            let mut block = Vec::new();
            let mut runs = Vec::new();
            for _ in 0..random.below(12) {
                let start = block.len() as u32;
                let length = random.below(9);
                block.extend((0..length).map(|_| b"aabb "[random.below(5)]));
                runs.push(Run::new(0, start, block.len() as u32));
            }
            let (rule, pattern) = (&set.rules[round % 5], patterns[round % 5]);
            walk_all(rule.alone().unwrap(), &mut runs, &block);
            let judge = pcre2::bytes::Regex::new(pattern).unwrap();
            for run in runs {
                let line = run.line(&block);
                assert_eq!(
                    run.matched,
                    judge.is_match(line).unwrap(),
                    "{pattern} {line:?}"
                );
            }
        }
    }
}

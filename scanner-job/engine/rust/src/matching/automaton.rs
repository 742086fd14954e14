//! One rule's automaton: a dense DFA where that is small, a lazy one otherwise.
//!
//! Both take time linear in the line, whatever the line holds. The dense one costs about 1 ns a byte and no memory
//! while scanning; the lazy one is nearly as fast until its cache is full of states, and bounded in memory always.

use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::{Anchored, Input, meta};

/// Nanoseconds for each byte of a line: of a dense DFA, of one in a state that only few bytes leave, which are searched
/// for by vectors, and of a lazy DFA that finds its states in its cache.
const DENSE_BYTE: f64 = 1.2;
const SKIPPED_BYTE: f64 = 0.2;
const LAZY_BYTE: f64 = 5.0;

pub(super) struct Automaton {
    /// Finds a match anywhere in a line.
    pub(super) anywhere: Anywhere,
    /// Finds a match that begins at a given place, where `anywhere` cannot. For `z[a-z]{20}` it needs 22 states; a
    /// dense DFA that finds it anywhere would need a million, one for each set of places where a match may have begun.
    pub(super) at_place: Option<Dense>,
}

pub(super) type Dense = dense::DFA<Vec<u32>>;

/// What a run over a line finds and costs.
pub(super) struct Walk {
    pub matched: bool,
    pub nanoseconds: f64,
}

pub(super) enum Anywhere {
    /// It also finds matches that begin at a given place.
    Dense(Box<Dense>),
    Lazy(Box<meta::Regex>),
}

impl Automaton {
    /// Returns whether the rule matches in `line` at `from` or behind it.
    #[inline]
    pub(super) fn is_match(
        &self,
        line: &[u8],
        from: usize,
        cache: &mut Option<meta::Cache>,
    ) -> bool {
        let input = Input::new(line).range(from..).earliest(true);
        match &self.anywhere {
            Anywhere::Dense(dfa) => dense_is_match(dfa, &input),
            Anywhere::Lazy(regex) => {
                let cache = cache.get_or_insert_with(|| regex.create_cache());
                regex.search_half_with(cache, &input).is_some()
            }
        }
    }

    /// Returns whether the rule matches with a match that begins at `at`, or `None` where only
    /// [`is_match`](Self::is_match) can decide.
    #[inline]
    pub(super) fn is_match_at(&self, line: &[u8], at: usize) -> Option<bool> {
        let input = Input::new(line)
            .range(at..)
            .earliest(true)
            .anchored(Anchored::Yes);
        Some(dense_is_match(self.anchored_dfa()?, &input))
    }

    /// Returns the DFA that finds matches from a given place on, if there is one.
    #[inline]
    fn anchored_dfa(&self) -> Option<&Dense> {
        match &self.anywhere {
            Anywhere::Dense(dfa) => Some(dfa),
            Anywhere::Lazy(_) => self.at_place.as_ref(),
        }
    }

    /// Returns what [`is_match`](Self::is_match) finds and what it costs.
    pub(super) fn walk(&self, line: &[u8], from: usize, cache: &mut Option<meta::Cache>) -> Walk {
        match &self.anywhere {
            Anywhere::Dense(dfa) => walk_dense(dfa, &Input::new(line).range(from..)),
            Anywhere::Lazy(_) => Walk {
                matched: self.is_match(line, from, cache),
                nanoseconds: LAZY_BYTE * (line.len() - from) as f64,
            },
        }
    }

    /// Returns what [`is_match_at`](Self::is_match_at) finds and what it costs, or `None` where it cannot decide.
    pub(super) fn walk_at(&self, line: &[u8], at: usize) -> Option<Walk> {
        let dfa = self.anchored_dfa()?;
        let input = Input::new(line).range(at..).anchored(Anchored::Yes);
        Some(walk_dense(dfa, &input))
    }

    /// Returns whether [`is_match_at`](Self::is_match_at) can decide.
    pub(super) fn matches_at_places(&self) -> bool {
        self.anchored_dfa().is_some()
    }

    pub(super) fn memory_usage(&self) -> usize {
        let anywhere = match &self.anywhere {
            Anywhere::Dense(dfa) => dfa.memory_usage(),
            Anywhere::Lazy(regex) => regex.memory_usage(),
        };
        anywhere + self.at_place.as_ref().map_or(0, dense::DFA::memory_usage)
    }
}

/// Does what [`dense_is_match`] does, and adds up what the bytes take.
fn walk_dense(dfa: &Dense, input: &Input<'_>) -> Walk {
    let mut nanoseconds = 0.0;
    let end = |matched, nanoseconds| Walk {
        matched,
        nanoseconds,
    };
    let Ok(mut state) = dfa.start_state_forward(input) else {
        return end(false, nanoseconds);
    };
    for &byte in &input.haystack()[input.start()..input.end()] {
        nanoseconds += if dfa.is_accel_state(state) {
            SKIPPED_BYTE
        } else {
            DENSE_BYTE
        };
        state = dfa.next_state(state, byte);
        if dfa.is_match_state(state) || dfa.is_dead_state(state) {
            return end(dfa.is_match_state(state), nanoseconds);
        }
    }
    end(dfa.is_match_state(dfa.next_eoi_state(state)), nanoseconds)
}

#[inline]
fn dense_is_match(dfa: &Dense, input: &Input<'_>) -> bool {
    // A dense DFA fails only at its quit bytes, or in a way of anchoring that it was not built for:
    // ours know no such bytes and were built for both ways.
    matches!(dfa.try_search_fwd(input), Ok(Some(_)))
}

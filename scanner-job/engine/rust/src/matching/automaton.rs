//! One rule's automaton: a dense DFA where that is small, a lazy one otherwise.
//!
//! Both take time linear in the line, whatever the line holds. The dense one costs about 1 ns a byte and no memory
//! while scanning; the lazy one is nearly as fast until its cache is full of states, and bounded in memory always.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::hir::Hir;

use super::Limits;

/// NFAs with more states than this are not tried as dense DFAs: nearly all such would end at the limit of bytes, after
/// up to a quarter of a second of trying. `(?i)error.{0,200}timeout` has about 850.
const MOST_DENSE_STATES: usize = 2_000;
/// Bytes of a lazy DFA's states: more is not faster, and with less it would do little but forget them.
const LAZY_CACHE: std::ops::RangeInclusive<usize> = (128 << 10)..=(2 << 20);
/// Nanoseconds for each byte of a line: of a dense DFA, of one in a state that only few bytes leave, which are searched
/// for by vectors, and of a lazy DFA that finds its states in its cache.
const DENSE_BYTE: f64 = 1.2;
const SKIPPED_BYTE: f64 = 0.2;
const LAZY_BYTE: f64 = 5.0;

pub(super) struct Automaton {
    /// Finds a match anywhere in a line.
    anywhere: Anywhere,
    /// Finds a match that begins at a given place, where `anywhere` cannot. For `z[a-z]{20}` it needs 22 states; a
    /// dense DFA that finds it anywhere would need a million, one for each set of places where a match may have begun.
    at_place: Option<Dense>,
}

type Dense = dense::DFA<Vec<u32>>;

/// What a run over a line takes.
pub(super) struct Walk {
    pub matched: bool,
    pub nanoseconds: f64,
}

enum Anywhere {
    /// It also finds matches that begin at a given place.
    Dense(Box<Dense>),
    Lazy(Box<meta::Regex>),
}

/// What is left of a set's limits while its rules are compiled.
pub(super) struct Budget {
    limits: Limits,
    bytes: usize,
    dense_bytes: usize,
    /// Bytes of dense DFAs that may still be built in vain: each such attempt takes as long as it takes to fill them.
    vain_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Budget {
            limits: *limits,
            bytes: limits.set_bytes,
            dense_bytes: limits.dense_set_bytes,
            vain_bytes: limits.dense_set_bytes,
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            format!(
                "the rules together need more than {} KiB; remove rules or repetitions",
                self.limits.set_bytes >> 10
            )
        })?;
        Ok(())
    }

    fn build_dense(&mut self, nfa: &NFA, kind: StartKind) -> Result<Option<Dense>, String> {
        let limit = self.limits.dense_bytes.min(self.dense_bytes);
        // Unicode's word boundaries need more than a byte of context, which no DFA has.
        let hopeless =
            nfa.states().len() > MOST_DENSE_STATES || nfa.look_set_any().contains_word_unicode();
        if hopeless || limit > self.vain_bytes {
            return Ok(None);
        }
        let config = dense::Config::new()
            .start_kind(kind)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(limit))
            .determinize_size_limit(Some(limit * 2));
        let Ok(dfa) = dense::Builder::new().configure(config).build_from_nfa(nfa) else {
            self.vain_bytes -= limit;
            return Ok(None);
        };
        self.take(dfa.memory_usage())?;
        self.dense_bytes -= dfa.memory_usage();
        Ok(Some(dfa))
    }
}

/// An automaton of which the lazy part is still to be built: how much memory that gets depends on how many there are.
pub(super) enum Draft {
    Ready(Automaton),
    Lazy { hir: Hir, at_place: Option<Dense> },
}

impl Draft {
    /// Builds what is dense of a rule's automaton, or tells why the rule is too large. `from_places`: it will be asked
    /// for matches that begin at given places.
    pub(super) fn build(hir: Hir, from_places: bool, budget: &mut Budget) -> Result<Self, String> {
        let nfa = build_nfa(&hir, &budget.limits)?;
        let kind = if from_places {
            StartKind::Both
        } else {
            StartKind::Unanchored
        };
        if let Some(dfa) = budget.build_dense(&nfa, kind)? {
            return Ok(Draft::Ready(Automaton {
                anywhere: Anywhere::Dense(Box::new(dfa)),
                at_place: None,
            }));
        }
        let at_place = if from_places {
            budget.build_dense(&nfa, StartKind::Anchored)?
        } else {
            None
        };
        Ok(Draft::Lazy { hir, at_place })
    }

    pub(super) fn is_lazy(&self) -> bool {
        matches!(self, Draft::Lazy { .. })
    }

    /// Completes the automaton; `lazy` is how many lazy ones the set has.
    pub(super) fn finish(self, lazy: usize, budget: &mut Budget) -> Result<Automaton, String> {
        match self {
            Draft::Ready(automaton) => Ok(automaton),
            Draft::Lazy { hir, at_place } => {
                let regex = build_lazy(&hir, lazy, &budget.limits)?;
                budget.take(regex.memory_usage())?;
                Ok(Automaton {
                    anywhere: Anywhere::Lazy(Box::new(regex)),
                    at_place,
                })
            }
        }
    }
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
    /// [`is_match`](Self::is_match) can tell.
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

    /// Returns what [`is_match`](Self::is_match) finds and what it takes.
    pub(super) fn walk(&self, line: &[u8], from: usize, cache: &mut Option<meta::Cache>) -> Walk {
        match &self.anywhere {
            Anywhere::Dense(dfa) => walk_dense(dfa, &Input::new(line).range(from..)),
            Anywhere::Lazy(_) => Walk {
                matched: self.is_match(line, from, cache),
                nanoseconds: LAZY_BYTE * (line.len() - from) as f64,
            },
        }
    }

    /// Returns what [`is_match_at`](Self::is_match_at) finds and what it takes, or `None` where it cannot tell.
    pub(super) fn walk_at(&self, line: &[u8], at: usize) -> Option<Walk> {
        let dfa = self.anchored_dfa()?;
        let input = Input::new(line).range(at..).anchored(Anchored::Yes);
        Some(walk_dense(dfa, &input))
    }

    /// Returns whether [`is_match_at`](Self::is_match_at) can tell.
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
    // A dense DFA fails only at bytes that it was told to quit at, or in a way of anchoring that it was not built for:
    // ours know no such bytes and were built for both ways.
    matches!(dfa.try_search_fwd(input), Ok(Some(_)))
}

fn build_nfa(hir: &Hir, limits: &Limits) -> Result<NFA, String> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(limits.rule_bytes));
    thompson::Compiler::new()
        .configure(config)
        .build_from_hir(hir)
        .map_err(|_| too_large(limits))
}

fn build_lazy(hir: &Hir, lazy: usize, limits: &Limits) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        // With no captures at all it would find nothing that it does not find by a DFA, and say so to nobody.
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(limits.rule_bytes))
        .hybrid_cache_capacity(lazy_cache(lazy, limits))
        .dfa(false)
        .onepass(false);
    meta::Builder::new()
        .configure(config)
        .build_from_hir(hir)
        .map_err(|_| too_large(limits))
}

/// Returns the bytes of states that each of so many lazy DFAs may keep.
fn lazy_cache(lazy: usize, limits: &Limits) -> usize {
    (limits.lazy_bytes / lazy.max(1)).clamp(*LAZY_CACHE.start(), *LAZY_CACHE.end())
}

fn too_large(limits: &Limits) -> String {
    format!(
        "needs an automaton of more than {} KiB; use smaller repetitions",
        limits.rule_bytes >> 10
    )
}

#[cfg(test)]
mod tests {
    use super::{Anywhere, Automaton, Budget, Draft, lazy_cache};
    use crate::dialect::{self, Options};
    use crate::matching::Limits;

    fn build(pattern: &str) -> Result<Automaton, String> {
        let hir = dialect::parse(pattern, Options::default()).unwrap().hir;
        let mut budget = Budget::new(&Limits::default());
        Draft::build(hir, true, &mut budget)?.finish(1, &mut budget)
    }

    #[test]
    fn a_rule_that_is_too_large_for_a_dense_dfa_is_matched_all_the_same() {
        let automaton = build("z[a-z]{20}").unwrap();
        let line = b"z- zabcdefghijklmnopqrst";
        assert!(matches!(automaton.anywhere, Anywhere::Lazy(_)));
        assert!(automaton.is_match(line, 0, &mut None));
        assert_eq!(automaton.is_match_at(line, 3), Some(true));
        assert_eq!(automaton.is_match_at(line, 0), Some(false));
        assert!(!automaton.is_match(line, 4, &mut None));
    }

    #[test]
    fn a_rule_that_is_too_large_is_refused() {
        let error = build(r"(\w{99}){999}").err().unwrap();
        assert!(
            error.starts_with("needs an automaton of more than 4096 KiB"),
            "{error}"
        );
    }

    #[test]
    fn lazy_automata_share_their_memory() {
        let bytes = |lazy| lazy_cache(lazy, &Limits::default());
        assert_eq!(
            [bytes(1), bytes(8), bytes(16), bytes(1000)],
            [2 << 20, 2 << 20, 1 << 20, 128 << 10]
        );
    }
}

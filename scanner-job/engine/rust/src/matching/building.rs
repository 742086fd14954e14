//! Automata built within the limits of a set.
//!
//! A dense DFA of a rule can have exponentially many states (`[ab]*a[ab]{14}c`), and each attempt costs time by the bytes
//! that it fills before it fails. So attempts are bounded for each rule and, together, for the set. A rule whose dense DFA
//! is too large gets a lazy one, whose states are built while lines are read, in a cache of bounded size.

use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{MatchKind, meta};
use regex_syntax::hir::Hir;

use super::Limits;
use super::automaton::{Anywhere, Automaton, Dense};

/// NFAs with more states than this are not tried as dense DFAs: nearly all such would end at the limit of bytes, after
/// up to a quarter of a second of trying. `(?i)error.{0,200}timeout` has about 850.
const MOST_DENSE_STATES: usize = 2_000;
/// Bytes of a lazy DFA's states: more is not faster, and with less it would do little but rebuild them.
const LAZY_CACHE: std::ops::RangeInclusive<usize> = (128 << 10)..=(2 << 20);

/// What is left of a set's limits while its rules are compiled.
pub(super) struct Budget {
    limits: Limits,
    bytes: usize,
    dense_bytes: usize,
    /// Bytes that attempts at dense DFAs may still fill before they fail: an attempt costs time by the bytes it fills.
    failed_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Budget {
            limits: *limits,
            bytes: limits.set_bytes,
            dense_bytes: limits.dense_set_bytes,
            failed_bytes: limits.dense_set_bytes,
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), String> {
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
        if hopeless || limit > self.failed_bytes {
            return Ok(None);
        }
        let config = dense::Config::new()
            .start_kind(kind)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(limit))
            .determinize_size_limit(Some(limit * 2));
        let Ok(dfa) = dense::Builder::new().configure(config).build_from_nfa(nfa) else {
            self.failed_bytes -= limit;
            return Ok(None);
        };
        self.spend(dfa.memory_usage())?;
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
    /// Builds what is dense of a rule's automaton, or returns why the rule is too large. `from_places`: it will be asked
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
                budget.spend(regex.memory_usage())?;
                Ok(Automaton {
                    anywhere: Anywhere::Lazy(Box::new(regex)),
                    at_place,
                })
            }
        }
    }
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

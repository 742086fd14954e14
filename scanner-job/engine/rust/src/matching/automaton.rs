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

pub(super) enum Automaton {
    Dense(dense::DFA<Vec<u32>>),
    Lazy(Box<meta::Regex>),
}

/// What is left of a set's limits while its rules are compiled.
pub(super) struct Budget {
    limits: Limits,
    bytes: usize,
    dense_bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Budget {
            limits: *limits,
            bytes: limits.set_bytes,
            dense_bytes: limits.dense_set_bytes,
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
}

impl Automaton {
    /// Builds a rule's automaton, or tells why the rule is too large.
    pub(super) fn build(hir: &Hir, budget: &mut Budget) -> Result<Self, String> {
        let nfa = build_nfa(hir, &budget.limits)?;
        if let Some(dfa) = build_dense(&nfa, budget) {
            budget.take(dfa.memory_usage())?;
            budget.dense_bytes -= dfa.memory_usage();
            return Ok(Automaton::Dense(dfa));
        }
        let lazy = build_lazy(hir, &budget.limits)?;
        budget.take(lazy.memory_usage())?;
        Ok(Automaton::Lazy(Box::new(lazy)))
    }

    /// Returns whether the rule matches in `line` at `from` or behind it.
    #[inline]
    pub(super) fn is_match(
        &self,
        line: &[u8],
        from: usize,
        cache: &mut Option<meta::Cache>,
    ) -> bool {
        let input = Input::new(line).range(from..).earliest(true);
        match self {
            Automaton::Dense(dfa) => dense_is_match(dfa, &input),
            Automaton::Lazy(regex) => {
                let cache = cache.get_or_insert_with(|| regex.create_cache());
                regex.search_half_with(cache, &input).is_some()
            }
        }
    }

    /// Returns whether the rule matches with a match that begins at `at`, or `None` where only
    /// [`is_match`](Self::is_match) can tell.
    #[inline]
    pub(super) fn is_match_at(&self, line: &[u8], at: usize) -> Option<bool> {
        let Automaton::Dense(dfa) = self else {
            return None;
        };
        let input = Input::new(line)
            .range(at..)
            .earliest(true)
            .anchored(Anchored::Yes);
        Some(dense_is_match(dfa, &input))
    }

    pub(super) fn is_dense(&self) -> bool {
        matches!(self, Automaton::Dense(_))
    }

    pub(super) fn memory_usage(&self) -> usize {
        match self {
            Automaton::Dense(dfa) => dfa.memory_usage(),
            Automaton::Lazy(regex) => regex.memory_usage(),
        }
    }
}

#[inline]
fn dense_is_match(dfa: &dense::DFA<Vec<u32>>, input: &Input<'_>) -> bool {
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

fn build_dense(nfa: &NFA, budget: &Budget) -> Option<dense::DFA<Vec<u32>>> {
    // Unicode's word boundaries need more than a byte of context, which no DFA has.
    if nfa.states().len() > MOST_DENSE_STATES || nfa.look_set_any().contains_word_unicode() {
        return None;
    }
    let limit = budget.limits.dense_bytes.min(budget.dense_bytes);
    let config = dense::Config::new()
        .start_kind(StartKind::Both)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(limit))
        .determinize_size_limit(Some(limit * 2));
    dense::Builder::new()
        .configure(config)
        .build_from_nfa(nfa)
        .ok()
}

fn build_lazy(hir: &Hir, limits: &Limits) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(limits.rule_bytes))
        .hybrid_cache_capacity(limits.lazy_bytes / 8)
        .dfa(false)
        .onepass(false);
    meta::Builder::new()
        .configure(config)
        .build_from_hir(hir)
        .map_err(|_| too_large(limits))
}

fn too_large(limits: &Limits) -> String {
    format!(
        "needs an automaton of more than {} KiB; use smaller repetitions",
        limits.rule_bytes >> 10
    )
}

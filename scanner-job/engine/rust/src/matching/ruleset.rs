//! Rules read and compiled.

use super::automaton::Automaton;
use super::building::{Budget, Draft};
use super::verifier::Verifier;
use super::{Limits, RuleError, RuleSource};
use crate::dialect::{self, Confirm};
use crate::literals::{LiteralSet, required_sets};

/// A compiled set of rules. It does not change: threads share it.
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) limits: Limits,
}

pub(super) struct Rule {
    /// Matches the lines that the rule matches, or some more if `pcre` decides.
    pub automaton: Automaton,
    pub pcre: Option<Verifier>,
    pub excluded_by: Option<u32>,
    /// Whether it only takes lines away from other rules.
    pub excludes: bool,
    /// What to choose from; empty if the rule has no literal.
    pub literals: Vec<LiteralSet>,
    /// Whether the rule matches an empty line.
    pub matches_empty: bool,
}

impl RuleSet {
    /// Compiles rules; the error names the rule that is refused.
    pub fn compile(sources: &[RuleSource], limits: &Limits) -> Result<RuleSet, RuleError> {
        let mut budget = Budget::new(limits);
        let refused = |source: &RuleSource, message| RuleError {
            rule: source.name.clone(),
            message,
        };
        let mut drafts = Vec::with_capacity(sources.len());
        for source in sources {
            let draft = RuleDraft::build(source, limits, &mut budget);
            drafts.push(draft.map_err(|message| refused(source, message))?);
        }
        let lazy = drafts
            .iter()
            .filter(|draft| draft.automaton.is_lazy())
            .count();
        let mut rules = Vec::with_capacity(sources.len());
        for (source, draft) in sources.iter().zip(drafts) {
            let rule = draft.finish(lazy, &mut budget);
            rules.push(rule.map_err(|message| refused(source, message))?);
        }
        for source in sources {
            if let Some(other) = source.excluded_by {
                rules[other as usize].excludes = true;
            }
        }
        Ok(RuleSet {
            rules,
            limits: *limits,
        })
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Returns whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the bytes of all automata.
    pub fn memory_usage(&self) -> usize {
        self.rules
            .iter()
            .map(|rule| rule.automaton.memory_usage())
            .sum()
    }
}

/// A rule whose automaton is not complete.
struct RuleDraft {
    automaton: Draft,
    pcre: Option<Verifier>,
    excluded_by: Option<u32>,
    literals: Vec<LiteralSet>,
}

impl RuleDraft {
    fn build(source: &RuleSource, limits: &Limits, budget: &mut Budget) -> Result<Self, String> {
        let parsed =
            dialect::parse(&source.pattern, source.options).map_err(|refusal| refusal.message)?;
        let literals = required_sets(&parsed.hir);
        let from_places = literals.iter().any(|set| set.prefix && !set.whole);
        let pcre = match parsed.confirm {
            Confirm::Exact => None,
            Confirm::Pcre(pattern) => Some(Verifier::new(
                pattern,
                source.options,
                limits.pcre_match_limit,
            )?),
        };
        Ok(RuleDraft {
            automaton: Draft::build(parsed.hir, from_places, budget)?,
            pcre,
            excluded_by: source.excluded_by,
            literals,
        })
    }

    fn finish(self, lazy: usize, budget: &mut Budget) -> Result<Rule, String> {
        let automaton = self.automaton.finish(lazy, budget)?;
        let pcre = self.pcre;
        let agrees = || {
            pcre.as_ref()
                .is_none_or(|verifier| verifier.is_match(b"").unwrap_or(false))
        };
        Ok(Rule {
            matches_empty: automaton.is_match(b"", 0, &mut None) && agrees(),
            automaton,
            literals: self.literals,
            pcre,
            excluded_by: self.excluded_by,
            excludes: false,
        })
    }
}

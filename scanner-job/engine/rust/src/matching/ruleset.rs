//! Rules read and compiled.

use super::automaton::{Anywhere, Automaton, Dense};
use super::building::{Budget, Draft};
use super::verifier::Verifier;
use super::{Limits, RuleError, RuleSource};
use crate::conditions::{Condition, Conditions, sets_of};
use crate::dialect::{self, Confirm};
use crate::literals::{LiteralSet, required_sets};

/// A compiled set of rules. It does not change: threads share it.
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) conditions: Conditions,
    pub(super) limits: Limits,
}

pub(super) struct Rule {
    /// Matches the lines that the rule matches, or some more if `pcre` decides.
    pub automaton: Automaton,
    pub pcre: Option<Verifier>,
    /// Whether the fields of a line decide, too.
    pub conditional: bool,
    pub excluded_by: Option<u32>,
    /// Whether it only takes lines away from other rules.
    pub excludes: bool,
    /// What to choose from; empty if the rule has no literal.
    pub literals: Vec<LiteralSet>,
    /// Whether the rule matches an empty line.
    pub matches_empty: bool,
}

impl Rule {
    /// Returns the dense DFA that decides alone whether a line matches, if there is one.
    #[inline]
    pub(super) fn alone(&self) -> Option<&Dense> {
        match &self.automaton.anywhere {
            Anywhere::Dense(dfa) if self.pcre.is_none() && !self.conditional => Some(dfa),
            _ => None,
        }
    }
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
        let mut conditions = Conditions::default();
        for source in sources {
            let draft = RuleDraft::build(source, limits, &mut budget, &mut conditions);
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
            conditions,
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
    conditional: bool,
    excluded_by: Option<u32>,
    literals: Vec<LiteralSet>,
}

impl RuleDraft {
    fn build(
        source: &RuleSource,
        limits: &Limits,
        budget: &mut Budget,
        conditions: &mut Conditions,
    ) -> Result<Self, String> {
        let parsed =
            dialect::parse(&source.pattern, source.options).map_err(|refusal| refusal.message)?;
        let mut literals = required_sets(&parsed.hir);
        literals.extend(add_conditions(source, conditions)?);
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
            conditional: !source.fields.is_empty(),
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
            // An empty line is not JSON.
            matches_empty: !self.conditional && automaton.is_match(b"", 0, &mut None) && agrees(),
            automaton,
            literals: self.literals,
            pcre,
            conditional: self.conditional,
            excluded_by: self.excluded_by,
            excludes: false,
        })
    }
}

/// Adds the conditions of a rule; returns the literals that they require.
fn add_conditions(
    source: &RuleSource,
    conditions: &mut Conditions,
) -> Result<Vec<LiteralSet>, String> {
    let parsed = source.fields.iter().map(Condition::parse);
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let fields = source.fields.iter().zip(&parsed).zip(0..);
    let sets = fields
        .flat_map(|((field, condition), place)| sets_of(field, condition, place))
        .collect();
    conditions.add(&source.fields, parsed);
    Ok(sets)
}

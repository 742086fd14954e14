//! Where in its line a rule matches: asked only for the lines that are shown.

use std::time::Instant;

use regex_automata::dfa::Automaton as _;
use regex_automata::{Input, meta};

use super::automaton::{Anywhere, Automaton};
use super::{RuleSet, Scratch};

impl RuleSet {
    /// Returns where in a line the first match of a rule ends, or at least shows; the line's start if it has none.
    pub fn locate(&self, rule: usize, line: &[u8], scratch: &mut Scratch) -> usize {
        if let Some(verifier) = &self.rules[rule].pcre
            && !scratch.allowance.is_retired(rule)
        {
            let begin = Instant::now();
            let found = verifier.find(line);
            scratch.allowance.spend(rule, begin.elapsed());
            if let Ok(Some(end)) = found {
                return end;
            }
        }
        let cache = &mut scratch.states[rule].cache;
        self.rules[rule]
            .automaton
            .end_of_match(line, cache)
            .unwrap_or(0)
    }
}

impl Automaton {
    /// Returns the first place of a line behind which it is known that the rule matches.
    fn end_of_match(&self, line: &[u8], cache: &mut Option<meta::Cache>) -> Option<usize> {
        let input = Input::new(line).earliest(true);
        let found = match &self.anywhere {
            Anywhere::Dense(dfa) => dfa.try_search_fwd(&input).ok()?,
            Anywhere::Lazy(regex) => {
                let cache = cache.get_or_insert_with(|| regex.create_cache());
                regex.search_half_with(cache, &input)
            }
        };
        found.map(|half| half.offset())
    }
}

//! The sets of literals of one rule, of which the log decides between a few good ones.

use super::{Literal, LiteralSet};

/// Sets kept for a rule, the best by [`score`].
const MOST_SETS: usize = 32;

#[derive(Default)]
pub(super) struct Sets(Vec<LiteralSet>);

impl Sets {
    pub(super) fn add(&mut self, literals: Vec<Literal>, prefix: bool, whole: bool) {
        let unusable = |literal: &Literal| {
            // Every line holds a newline in front, and none inside.
            literal.is_empty() || literal.bytes() == b"\n" || literal.bytes()[1..].contains(&b'\n')
        };
        if !literals.is_empty() && !literals.iter().any(unusable) {
            self.keep(LiteralSet {
                literals,
                prefix,
                whole,
                field: None,
            });
        }
    }

    pub(super) fn all(self) -> Vec<LiteralSet> {
        self.0
    }

    fn keep(&mut self, set: LiteralSet) {
        self.0.push(set);
        if self.0.len() > MOST_SETS {
            let worst =
                (0..self.0.len()).min_by(|&a, &b| score(&self.0[a]).total_cmp(&score(&self.0[b])));
            self.0.swap_remove(worst.unwrap_or(0));
        }
    }

    pub(super) fn best(self) -> Option<LiteralSet> {
        self.0
            .into_iter()
            .max_by(|a, b| score(a).total_cmp(&score(b)))
    }
}

/// How good a set is without a log to look at: long literals and few of them.
fn score(set: &LiteralSet) -> f64 {
    let shortest = set
        .literals
        .iter()
        .map(Literal::len)
        .min()
        .unwrap_or(0)
        .min(8);
    shortest as f64 - (set.literals.len() as f64).log2() * 0.5
}

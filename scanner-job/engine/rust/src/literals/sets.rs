//! The sets of literals of one rule, of which the log decides between a few good ones.

use super::{DIGIT, Literal, LiteralSet};

/// Sets kept for a rule, the best by [`score`].
const MOST_SETS: usize = 32;
/// A digit's length, by that of another byte.
const DIGIT_LENGTH: f64 = 0.25;

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
                literals: shortest(literals, prefix),
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

/// Returns a set without the literals that hold another of the set: whoever looks for that finds them, too. In a set of
/// prefixes they must begin with it, as matches are tried from where it is.
fn shortest(literals: Vec<Literal>, prefix: bool) -> Vec<Literal> {
    let mut kept: Vec<Literal> = Vec::with_capacity(literals.len());
    let mut by_length: Vec<&Literal> = literals.iter().collect();
    by_length.sort_by_key(|literal| literal.len());
    for literal in by_length {
        let holds = |other: &Literal| {
            let last = if prefix {
                0
            } else {
                literal.len() - other.len()
            };
            (0..=last).any(|at| literal.implies(other, at))
        };
        if !kept.iter().any(holds) {
            kept.push(literal.clone());
        }
    }
    kept.sort();
    kept
}

/// How good a set is without a log to look at: long literals and few of them.
fn score(set: &LiteralSet) -> f64 {
    let lengths = set.literals.iter().map(length);
    lengths.fold(8.0, f64::min) - (set.literals.len() as f64).log2() * 0.5
}

/// Returns the length of a literal. Digits count for less: logs are full of numbers.
fn length(literal: &Literal) -> f64 {
    let masks = literal.masks().iter();
    masks
        .map(|&mask| if mask == DIGIT { DIGIT_LENGTH } else { 1.0 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::required_sets;
    use crate::dialect::{self, Options};

    fn literals(pattern: &str, prefix: bool) -> Vec<String> {
        let hir = dialect::parse(pattern, Options::default()).unwrap().hir;
        let mut sets = required_sets(&hir);
        sets.retain(|set| set.prefix == prefix);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let literals = sets[0].literals.iter();
        literals.map(|literal| text(literal.bytes())).collect()
    }

    #[test]
    fn what_holds_another_literal_of_its_set_is_not_looked_for() {
        assert_eq!(
            literals(r"\d*(?:at error|error|ERROR)=", false),
            ["ERROR=", "error="]
        );
        assert_eq!(
            literals("(?i)(?:warning|warn|arn) ", true),
            ["ARN ", "WARN ", "WARNING "]
        );
        assert_eq!(literals("warning|warn|arn", true), ["arn", "warn"]);
    }

    #[test]
    fn of_an_alternative_the_word_is_looked_for_and_not_a_number() {
        let found = literals(r"xox-[0-9]{10,13}-[a-z]+|hooks\.example/[a-z]+", true);
        assert!(
            found.iter().any(|literal| literal.starts_with("xox-")),
            "{found:?}"
        );
    }
}

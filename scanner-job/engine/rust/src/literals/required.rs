//! The walk over a rule's HIR that finds its literals.
//!
//! For each part it computes the strings that the part matches, if those are few, or else the strings that its matches
//! begin and end with. A sequence joins the end of one part to the start of the next: `time(d )?out after \d+` yields
//! `timeout after `, `timed out after ` with a digit behind. Wherever a join ends, because the strings become unknown
//! or too many, the strings so far are a set: each match holds one of them. An alternation requires one set of each of
//! its alternatives, an optional part requires none.
//!
//! This is the analysis of Cox, "Regular Expression Matching with a Trigram Index" (2012), `exact`, `prefix`, `suffix`
//! and `match`, with two differences. All sets are kept, as the log decides which is rare. And a string has masks for
//! letter case and digits, so that `(?i)` does not multiply the strings.

use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::sets::Sets;
use super::{Literal, LiteralSet, classes};

/// The most literals of one set that come of joining parts.
const MOST_JOINED: usize = 48;
/// The most literals of one set that come of alternatives.
const MOST_ALTERNATIVES: usize = 256;
/// The most literals at an end of a part that are joined to its neighbour's.
const MOST_AT_AN_END: usize = 4;
/// Longer literals are no rarer.
const LONGEST: usize = 32;
/// How often a repeated part is written out.
const MOST_REPEATED: u32 = 8;

/// Returns all sets worth choosing from; none if the rule has no literal.
pub(crate) fn required_sets(hir: &Hir) -> Vec<LiteralSet> {
    let mut sets = Sets::default();
    if let Strings::All { literals, exact } = walk(hir, true, &mut sets) {
        sets.add(literals, true, exact);
    }
    sets.all()
}

/// What a part of a rule matches.
enum Strings {
    /// One of these, and each of these if `exact`; otherwise only some, because of a mask that matches too much or of an assertion.
    All { literals: Vec<Literal>, exact: bool },
    /// What begins with one of these and ends with one of those.
    Between {
        first: Vec<Literal>,
        last: Vec<Literal>,
    },
}

impl Strings {
    fn unknown() -> Self {
        Strings::Between {
            first: nothing(),
            last: nothing(),
        }
    }

    fn exactly(bytes: &[u8]) -> Self {
        Strings::All {
            literals: vec![Literal::exactly(bytes)],
            exact: true,
        }
    }

    fn at_start(&self) -> &[Literal] {
        match self {
            Strings::All { literals, .. } => literals,
            Strings::Between { first, .. } => first,
        }
    }

    fn at_end(&self) -> &[Literal] {
        match self {
            Strings::All { literals, .. } => literals,
            Strings::Between { last, .. } => last,
        }
    }
}

/// Returns what `hir` matches and adds the sets that it requires. `start`: its matches begin where the rule's do.
fn walk(hir: &Hir, start: bool, sets: &mut Sets) -> Strings {
    match hir.kind() {
        HirKind::Empty => Strings::exactly(b""),
        HirKind::Look(look) => Strings::All {
            literals: match look {
                Look::Start | Look::StartLF => vec![Literal::exactly(b"\n")],
                _ => nothing(),
            },
            exact: false,
        },
        // A line holds no newline: nothing to look for.
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Strings::unknown(),
        HirKind::Literal(literal) => Strings::exactly(&literal.0),
        HirKind::Class(class) => match classes::literals_of(class) {
            Some((literals, exact)) => Strings::All { literals, exact },
            None => Strings::unknown(),
        },
        HirKind::Capture(capture) => walk(&capture.sub, start, sets),
        HirKind::Repetition(repetition) => repeated(repetition, start, sets),
        HirKind::Alternation(parts) => alternatives(parts, start, sets),
        HirKind::Concat(parts) => joined(parts, start, sets),
    }
}

fn repeated(repetition: &Repetition, start: bool, sets: &mut Sets) -> Strings {
    if repetition.min == 0 {
        // What is inside is not required.
        return match (
            walk(&repetition.sub, start, &mut Sets::default()),
            repetition.max,
        ) {
            (
                Strings::All {
                    mut literals,
                    exact,
                },
                Some(1),
            ) if literals.len() < 2 * MOST_AT_AN_END => {
                literals.push(Literal::default());
                Strings::All { literals, exact }
            }
            _ => Strings::unknown(),
        };
    }
    match walk(&repetition.sub, start, sets) {
        Strings::All { literals, exact } => {
            let times = repetition.min.min(MOST_REPEATED);
            let all = (1..times).try_fold(literals.clone(), |all, _| join(&all, &literals));
            if let (Some(literals), true) = (&all, repetition.max == Some(times)) {
                let literals = literals.clone();
                return Strings::All { literals, exact };
            }
            let ends = all.unwrap_or(literals);
            sets.add(ends.clone(), start, false);
            between(&ends, &ends)
        }
        Strings::Between { first, last } => Strings::Between { first, last },
    }
}

fn alternatives(parts: &[Hir], start: bool, sets: &mut Sets) -> Strings {
    let (mut all, mut all_exact) = (Some(Vec::new()), true);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let mut required = Some((Vec::new(), start));
    for part in parts {
        let mut inner = Sets::default();
        let strings = walk(part, start, &mut inner);
        first.extend_from_slice(strings.at_start());
        last.extend_from_slice(strings.at_end());
        match strings {
            Strings::All { literals, exact } => {
                all_exact &= exact;
                inner.add(literals.clone(), start, false);
                if let Some(all) = &mut all {
                    all.extend(literals);
                }
            }
            Strings::Between { .. } => all = None,
        }
        required = required
            .zip(inner.best())
            .map(|((mut literals, prefix), best)| {
                literals.extend(best.literals);
                (literals, prefix && best.prefix)
            });
    }
    if let Some(literals) = all
        .map(without_doubles)
        .filter(|all| all.len() <= MOST_JOINED)
    {
        return Strings::All {
            literals,
            exact: all_exact,
        };
    }
    if let Some((literals, prefix)) = required {
        let literals = without_doubles(literals);
        if literals.len() <= MOST_ALTERNATIVES {
            sets.add(literals, prefix, false);
        }
    }
    between(&without_doubles(first), &without_doubles(last))
}

fn joined(parts: &[Hir], start: bool, sets: &mut Sets) -> Strings {
    let mut run = nothing();
    let (mut run_starts, mut exact) = (start, true);
    // What the whole begins with, once that is settled.
    let mut first: Option<Vec<Literal>> = None;
    for part in parts {
        let part_starts = run_starts && run.iter().all(Literal::is_empty);
        let strings = walk(part, part_starts, sets);
        let longer = join(&run, strings.at_start());
        if let (
            Strings::All {
                exact: part_exact, ..
            },
            Some(longer),
        ) = (&strings, &longer)
        {
            run = longer.clone();
            exact &= part_exact;
            continue;
        }
        let finished = longer.unwrap_or(run);
        first.get_or_insert_with(|| finished.clone());
        sets.add(finished, run_starts, false);
        run = strings.at_end().to_vec();
        run_starts = false;
    }
    let Some(first) = first else {
        return Strings::All {
            literals: run,
            exact,
        };
    };
    sets.add(run.clone(), false, false);
    between(&first, &run)
}

fn between(first: &[Literal], last: &[Literal]) -> Strings {
    let few = |literals: &[Literal]| match literals.len() {
        1..=MOST_AT_AN_END => literals.to_vec(),
        _ => nothing(),
    };
    Strings::Between {
        first: few(first),
        last: few(last),
    }
}

/// The empty literal, which says nothing of what is there.
fn nothing() -> Vec<Literal> {
    vec![Literal::default()]
}

/// Returns each of `left` followed by each of `right`, unless those are too many or too long.
fn join(left: &[Literal], right: &[Literal]) -> Option<Vec<Literal>> {
    if let [only] = left
        && only.is_empty()
    {
        return Some(right.to_vec());
    }
    if left.len() * right.len() > MOST_JOINED {
        return None;
    }
    let all: Vec<Literal> = left
        .iter()
        .flat_map(|l| right.iter().map(move |r| l.then(r)))
        .collect();
    all.iter()
        .all(|literal| literal.len() <= LONGEST)
        .then_some(all)
}

fn without_doubles(mut literals: Vec<Literal>) -> Vec<Literal> {
    literals.sort();
    literals.dedup();
    literals
}

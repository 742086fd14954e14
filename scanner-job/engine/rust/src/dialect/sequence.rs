//! What follows one another, and how assertions in it are loosened.
//!
//! An expression that is not regular is loosened: it becomes a regular one that matches at least the same lines, and
//! PCRE2 decides about each line that matches. So each step may only add lines, never remove one:
//!
//! - a negative assertion only excludes matches, and `\K` only moves their start: both are dropped;
//! - a backreference or a recursion matches some text: it becomes any text;
//! - possessive and atomic parts match less than greedy ones: they become greedy;
//! - of a condition, either alternative may apply: it becomes an alternation;
//! - a positive assertion restricts the text that follows or precedes, which a sequence cannot express in general. It is
//!   dropped too, with the exceptions below, since its words are often the only ones to search for: of
//!   `^(?=.*ERROR)(?=.*timeout)` nothing would be left.
//!
//! Exact are only a lookbehind with nothing before it and a lookahead with nothing after it: whether a line matches does
//! not depend on where the match ends (pcre2pattern(3), "Assertions").

use regex_syntax::hir::{Hir, HirKind};

/// What one item of a sequence is to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Item,
    /// A place such as `^`, or a part that was dropped: matches no bytes.
    Place,
    /// `(?=...)`, with what it holds.
    Ahead,
    /// `(?<=...)`, with what it holds.
    Behind,
}

#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub hir: Hir,
    pub role: Role,
    /// About how many states an automaton has for it.
    pub size: usize,
}

impl Piece {
    pub fn item(hir: Hir) -> Self {
        let size = match hir.kind() {
            HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
                1 + class.ranges().len() / 8
            }
            _ => 1,
        };
        Self {
            hir,
            role: Role::Item,
            size,
        }
    }

    pub fn place(hir: Hir) -> Self {
        Self {
            hir,
            role: Role::Place,
            size: 1,
        }
    }
}

/// The sequence within a group, and whether it is the rule's own: without the assertions, where it has some.
pub(super) fn inner(pieces: Vec<Piece>) -> (Hir, bool) {
    let exact = pieces.iter().all(|piece| !is_assertion(piece));
    (
        concat(pieces.into_iter().filter(|piece| !is_assertion(piece))),
        exact,
    )
}

/// The sequence of a whole rule, and whether it is the rule's own.
///
/// Where nothing precedes, a lookbehind is as good as its content in front; where nothing follows, a lookahead is as
/// good as its content at the end. Of other lookaheads one can end the sequence in place of what follows it.
pub(super) fn whole(mut pieces: Vec<Piece>) -> (Hir, bool) {
    let mut exact = true;
    if let Some(first) = leading_behind(&pieces) {
        let piece = pieces.remove(first);
        pieces.insert(
            0,
            Piece {
                role: Role::Item,
                ..piece
            },
        );
    }
    if let Some(last) = trailing_ahead(&pieces) {
        let piece = pieces.remove(last);
        pieces.push(Piece {
            role: Role::Item,
            ..piece
        });
    }
    if pieces.iter().any(is_assertion) {
        exact = false;
        if let Some(chosen) = best_ahead(&pieces) {
            pieces.truncate(chosen + 1);
            pieces[chosen].role = Role::Item;
        }
    }
    (inner(pieces).0, exact)
}

fn is_assertion(piece: &Piece) -> bool {
    matches!(piece.role, Role::Ahead | Role::Behind)
}

fn concat(pieces: impl Iterator<Item = Piece>) -> Hir {
    Hir::concat(pieces.map(|piece| piece.hir).collect())
}

fn leading_behind(pieces: &[Piece]) -> Option<usize> {
    let first = pieces
        .iter()
        .position(|piece| !matches!(piece.role, Role::Place | Role::Ahead))?;
    (pieces[first].role == Role::Behind).then_some(first)
}

fn trailing_ahead(pieces: &[Piece]) -> Option<usize> {
    let last = pieces
        .iter()
        .rposition(|piece| !matches!(piece.role, Role::Place | Role::Behind))?;
    (pieces[last].role == Role::Ahead).then_some(last)
}

/// The lookahead whose content has a longer word than the sequence itself and the other lookaheads.
fn best_ahead(pieces: &[Piece]) -> Option<usize> {
    let plain = longest(
        pieces
            .iter()
            .filter(|piece| !is_assertion(piece))
            .map(|piece| &piece.hir),
    );
    let aheads = pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| piece.role == Role::Ahead);
    let (best, length) = aheads
        .map(|(index, piece)| (index, longest([&piece.hir])))
        .max_by_key(|(_, length)| *length)?;
    (length > plain).then_some(best)
}

/// The length of the longest word that a sequence must contain.
fn longest<'h>(sequence: impl IntoIterator<Item = &'h Hir>) -> usize {
    let (mut best, mut run) = (0, 0);
    for hir in sequence {
        match hir.kind() {
            HirKind::Literal(literal) => run += literal.0.len(),
            HirKind::Class(class) if class.maximum_len() == Some(1) && narrow(class) => run += 1,
            kind => {
                run = 0;
                best = best.max(within(kind));
            }
        }
        best = best.max(run);
    }
    best
}

fn within(kind: &HirKind) -> usize {
    match kind {
        HirKind::Concat(parts) => longest(parts),
        HirKind::Alternation(parts) => parts.iter().map(|part| longest([part])).min().unwrap_or(0),
        HirKind::Repetition(repetition) if repetition.min > 0 => longest([&*repetition.sub]),
        _ => 0,
    }
}

/// Whether a class is a letter in either case.
fn narrow(class: &regex_syntax::hir::Class) -> bool {
    match class {
        regex_syntax::hir::Class::Bytes(class) => {
            class
                .ranges()
                .iter()
                .map(|range| range.len())
                .sum::<usize>()
                <= 2
        }
        regex_syntax::hir::Class::Unicode(class) => {
            class
                .ranges()
                .iter()
                .map(|range| range.len())
                .sum::<usize>()
                <= 2
        }
    }
}

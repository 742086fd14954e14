//! The parser's frame: alternatives, sequences and quantifiers. Atoms, groups, classes and escapes have modules.
//!
//! PCRE2's patterns are read by a parser of their own, and not by that of regex-syntax after a rewrite, because much is
//! accepted by both and means something else: `\<`, `[a&&b]`, `\Z`, `\v`, `{,2}`. A rewrite must know each such
//! construct; what it forgets is counted wrong without a word. A parser refuses what it does not know.
//!
//! The rules are those of pcre2pattern(3) and pcre2syntax(3), in the version of Debian 12's grep (10.42), with the
//! options that `grep -P` sets. Where the manual leaves something open, `grep -P` was asked: the answers are in
//! `tests/dialect/patterns.txt`, which is compared with grep whenever the tests run. After the parser, PCRE2 compiles
//! the pattern too: it knows the limits and the references that this parser does not check.
//!
//! Three things follow from matching one line at a time. `^` and `\A` are the same, so `(?m)` changes nothing; `.` never
//! meets a newline, so `(?s)` changes nothing; and since only whether a line matches counts, lazy and greedy are the
//! same, unless an atomic group or a backreference makes PCRE2 decide.

use regex_syntax::hir::{Hir, Repetition};

use super::cursor::Cursor;
use super::flags::Flags;
use super::quantifier::{self, Quantifier};
use super::sequence::{self, Piece, Role};
use super::{Options, Refusal};

/// States that an expression's automaton may have, about: its repetitions multiplied out.
pub(super) const MAX_SIZE: usize = 100_000;

pub(super) struct Parser<'p> {
    pub cursor: Cursor<'p>,
    pub options: Options,
    pub flags: Flags,
    /// Between `\Q` and `\E`.
    pub quoting: bool,
    pub depth: usize,
    /// Groups with a number that have begun.
    pub groups: usize,
    /// Something was loosened.
    pub loose: bool,
    /// `\S` was read, and `\h` or `\v`.
    pub confusable: (bool, bool),
}

/// One item of a sequence, before its quantifier.
pub(super) struct Item {
    pub piece: Piece,
    pub repeatable: bool,
}

impl From<Piece> for Item {
    fn from(piece: Piece) -> Self {
        Self {
            piece,
            repeatable: true,
        }
    }
}

/// Read a whole expression. False if the result only finds at least the lines that it matches.
pub(super) fn read(pattern: &str, options: Options) -> Result<(Hir, bool), Refusal> {
    let mut parser = Parser {
        cursor: Cursor::new(pattern),
        options,
        flags: Flags::default(),
        quoting: false,
        depth: 0,
        groups: 0,
        loose: false,
        confusable: (false, false),
    };
    let branches = parser.alternatives(false)?;
    if let Some(at) = parser.cursor.peek().map(|_| parser.cursor.at) {
        return Err(Refusal::new(
            at,
            format!("the closing parenthesis at {at} closes no group"),
        ));
    }
    let (hirs, exact): (Vec<_>, Vec<_>) = branches.into_iter().map(sequence::whole).unzip();
    let loose = parser.loose || parser.is_confusable();
    Ok((
        Hir::alternation(hirs),
        !loose && exact.into_iter().all(|exact| exact),
    ))
}

impl Parser<'_> {
    /// PCRE2 treats `\S+` in front of `\h` as possessive, and the other way round, although the bytes A0 and 85
    /// are in both: it finds fewer lines, and so does grep.
    fn is_confusable(&self) -> bool {
        !self.options.unicode && self.confusable == (true, true)
    }

    /// Read alternatives up to a closing parenthesis or the end. With `reset`, `(?|`, each numbers its groups alike.
    pub fn alternatives(&mut self, reset: bool) -> Result<Vec<Vec<Piece>>, Refusal> {
        let first = self.groups;
        let (mut most, mut size, mut branches) = (first, 0, Vec::new());
        loop {
            if reset {
                self.groups = first;
            }
            branches.push(self.sequence(&mut size)?);
            most = most.max(self.groups);
            if !self.cursor.eat("|") {
                break;
            }
        }
        self.groups = most;
        Ok(branches)
    }

    fn sequence(&mut self, size: &mut usize) -> Result<Vec<Piece>, Refusal> {
        let mut pieces = Vec::new();
        loop {
            self.skip()?;
            match self.cursor.peek() {
                None => return Ok(pieces),
                Some(b'|' | b')') if !self.quoting => return Ok(pieces),
                Some(_) => {}
            }
            let at = self.cursor.at;
            let Some(item) = self.item()? else { continue };
            let piece = self.repeated(item)?;
            *size = size.saturating_add(piece.size);
            if *size > MAX_SIZE {
                return Err(Refusal::new(
                    at,
                    format!(
                        "the rule is too large at {at}: its repetitions make more than {MAX_SIZE} states"
                    ),
                ));
            }
            pieces.push(piece);
        }
    }

    /// Step over what counts for nothing: comments, the spaces of `(?x)`, the signs of quoting.
    pub fn skip(&mut self) -> Result<(), Refusal> {
        loop {
            let at = self.cursor.at;
            if self.cursor.eat(r"\E") {
                self.quoting = false;
            } else if self.quoting {
                return Ok(());
            } else if self.cursor.eat(r"\Q") {
                self.quoting = true;
            } else if self.cursor.eat("(?#") {
                if self.cursor.until(b')').is_none() {
                    return Err(Refusal::new(
                        at,
                        format!("the comment at {at} has no closing parenthesis"),
                    ));
                }
            } else if !(self.flags.spaced && self.skip_spaced()) {
                return Ok(());
            }
        }
    }

    fn skip_spaced(&mut self) -> bool {
        let before = self.cursor.at;
        if self.cursor.eat("#") {
            if self.cursor.until(b'\n').is_none() {
                self.cursor.at = self.cursor.source.len();
            }
        } else if self.options.unicode {
            let wide = ["\u{85}", "\u{200e}", "\u{200f}", "\u{2028}", "\u{2029}"];
            while wide.iter().any(|space| self.cursor.eat(space)) {}
        }
        self.cursor
            .take_while(usize::MAX, |byte| matches!(byte, b'\t'..=b'\r' | b' '));
        self.cursor.at > before
    }

    /// Take in the quantifier behind an item, if there is one.
    fn repeated(&mut self, item: Item) -> Result<Piece, Refusal> {
        self.skip()?;
        let at = self.cursor.at;
        let Some(quantifier) = self.quantifier()? else {
            return Ok(item.piece);
        };
        if !item.repeatable {
            return Err(quantifier::stray(at));
        }
        self.skip()?;
        if !self.quoting && !self.cursor.eat("?") && self.cursor.eat("+") {
            self.loose = true;
        }
        Ok(self.repeat(item.piece, quantifier))
    }

    pub fn quantifier(&mut self) -> Result<Option<Quantifier>, Refusal> {
        if self.quoting {
            Ok(None)
        } else {
            quantifier::read(&mut self.cursor)
        }
    }

    fn repeat(&mut self, piece: Piece, Quantifier { min, max }: Quantifier) -> Piece {
        let size = piece
            .size
            .saturating_mul(max.unwrap_or(min).max(1) as usize);
        if piece.role != Role::Item {
            self.loose = true;
            return Piece {
                size,
                ..Piece::place(Hir::empty())
            };
        }
        let sub = Box::new(piece.hir);
        let hir = Hir::repetition(Repetition {
            min,
            max,
            greedy: true,
            sub,
        });
        Piece {
            hir,
            role: Role::Item,
            size,
        }
    }
}

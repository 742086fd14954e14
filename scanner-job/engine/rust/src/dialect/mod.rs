//! Rules as people write them: the syntax of PCRE2, read as `grep -P` of Debian 12 reads it.
//!
//! A rule is about one line without its newline. What automata can hold becomes an expression of `regex-syntax`; what
//! they cannot (lookaround, backreferences, atomic groups, ...) becomes one that matches at least the same lines, for
//! PCRE2 to confirm. What the parser does not know, or what versions of PCRE2 read differently, is refused by name.

mod atom;
mod class;
mod cursor;
mod escape;
mod flags;
mod group;
mod letter;
mod parser;
pub mod pcre;
mod posix;
mod property;
mod quantifier;
mod reference;
mod refusal;
mod sequence;
mod sets;

pub use refusal::Refusal;
use regex_syntax::hir::Hir;

/// Bytes of one expression.
pub const MAX_LENGTH: usize = 60 << 10;

/// How an expression is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// `\d`, `\w`, `\s`, `\b`, `.` and letter case are those of Unicode, not of ASCII.
    pub unicode: bool,
}

/// Whether a line on which `Parsed::hir` is found matches the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// It does.
    Exact,
    /// It may: PCRE2 confirms it with this pattern.
    Pcre(String),
}

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Finds at least the lines that the rule matches. A line is without its newline; bytes may be invalid UTF-8.
    pub hir: Hir,
    pub confirm: Confirm,
}

/// Read an expression.
///
/// # Errors
/// It is not one that a rule can have; the message names the construct and its place in bytes.
pub fn parse(pattern: &str, options: Options) -> Result<Parsed, Refusal> {
    if pattern.len() > MAX_LENGTH {
        return Err(Refusal::new(
            MAX_LENGTH,
            format!(
                "it has {} bytes; a rule has {MAX_LENGTH} at most",
                pattern.len()
            ),
        ));
    }
    let (hir, exact) = parser::read(pattern, options)?;
    pcre::check(pattern, options)?;
    let confirm = if exact {
        Confirm::Exact
    } else {
        Confirm::Pcre(pattern.to_owned())
    };
    Ok(Parsed { hir, confirm })
}

//! Rules compiled into a set, and the set matched against blocks of lines.
//!
//! [`RuleSet::compile`] reads the rules and builds an automaton for each. [`RuleSet::calibrate`] looks at a piece of
//! the log and chooses for each rule the literals to look for. [`RuleSet::scan`] then reports, for a block of whole
//! lines, each line that a rule matches. Which literals are chosen decides the speed, never the result.
//!
//! A line ends before `"\n"`, or before `"\r\n"`: neither is part of what a rule sees, so that `$` matches there. The
//! last line of a block may lack its newline.

mod allowance;
mod automaton;
mod building;
mod costs;
mod every_line;
mod exclusion;
mod finder;
mod lanes;
mod limits;
mod lines;
mod locating;
mod plan;
mod ruleset;
mod sample;
mod scan;
mod scratch;
#[cfg(test)]
mod tests;
mod verifier;
mod windows;

use crate::conditions::Field;
use crate::dialect::Options;

pub use limits::Limits;
pub use plan::Plan;
pub use ruleset::RuleSet;
pub use scratch::Scratch;

/// A rule as its author wrote it.
#[derive(Clone, Debug)]
pub struct RuleSource {
    /// What errors call the rule.
    pub name: String,
    /// PCRE syntax; an empty pattern matches each line.
    pub pattern: String,
    /// How the pattern is read.
    pub options: Options,
    /// What the fields of a line that is a JSON record must be as well. The paths are different.
    pub fields: Vec<Field>,
    /// The place of the rule that takes lines away from this one. That rule has no hits of its own: it is matched against
    /// the lines of the rules that name it, which are few.
    pub excluded_by: Option<u32>,
}

/// A rule that is refused, because its syntax is wrong or because it is too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The rule's name.
    pub rule: String,
    /// What is wrong, for the rule's author.
    pub message: String,
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rule {:?}: {}", self.rule, self.message)
    }
}

impl std::error::Error for RuleError {}

/// A line that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The rule's place in the list that was compiled.
    pub rule: u32,
    /// Where the line starts in the block.
    pub start: u32,
    /// Where the line ends in the block, before its `"\n"` or `"\r\n"`.
    pub end: u32,
}

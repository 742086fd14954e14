//! PCRE2 itself, for the rules that only it can judge.

use std::fmt;

use pcre2::bytes::{Regex, RegexBuilder};

use super::{Options, Refusal};

/// Enough for any match within the limit of steps; PCRE2's own default of 32 KiB is not.
const JIT_STACK: usize = 1 << 20;
/// KiB of heap for one match where there is no JIT.
const HEAP: u32 = 16 << 10;

/// PCRE2 spent its limit on a line without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaveUp {
    /// PCRE2's own words.
    pub reason: String,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for GaveUp {}

/// A rule compiled by PCRE2. Threads may share it.
pub struct Matcher {
    regex: Regex,
}

impl Matcher {
    /// Compile a rule that spends at most `match_limit` of PCRE2's steps on a line.
    ///
    /// # Errors
    /// PCRE2 refuses the pattern.
    pub fn new(pattern: &str, options: Options, match_limit: u32) -> Result<Self, Refusal> {
        // Without its search for where a match may start: that of 10.46's JIT loses matches, as of
        // `Warn.\H{2,}|INFO` in `10:00 INFO` with a byte 0B behind it. Our automata have searched already.
        let limits = format!("(*NO_START_OPT)(*LIMIT_MATCH={match_limit})(*LIMIT_HEAP={HEAP})");
        let regex = builder(options)
            .jit_if_available(true)
            .max_jit_stack_size(Some(JIT_STACK))
            .build(&format!("{limits}{pattern}"))
            .map_err(|error| refusal(&error, limits.len()))?;
        Ok(Self { regex })
    }

    /// Whether the rule is found in a line.
    ///
    /// # Errors
    /// The limit was reached first.
    pub fn is_match(&self, line: &[u8]) -> Result<bool, GaveUp> {
        self.regex.is_match(line).map_err(gave_up)
    }

    /// Returns where the first match in a line ends.
    ///
    /// # Errors
    /// The limit was reached first.
    pub fn find(&self, line: &[u8]) -> Result<Option<usize>, GaveUp> {
        let found = self.regex.find(line).map_err(gave_up)?;
        Ok(found.map(|found| found.end()))
    }
}

fn gave_up(error: pcre2::Error) -> GaveUp {
    GaveUp {
        reason: error.to_string(),
    }
}

/// The version of the PCRE2 within this program, such as `10.46`, as PCRE2 itself reports it: the crate only
/// knows that of the headers it was written for.
#[must_use]
pub fn version() -> String {
    let (major, written_for) = pcre2::version();
    let is = |minor: &u32| {
        let question = format!("^(?(VERSION={major}.{minor})yes|no)");
        let regex = RegexBuilder::new().build(&question);
        regex.is_ok_and(|regex| regex.is_match(b"yes").unwrap_or(false))
    };
    let minor = (written_for..100).find(is).unwrap_or(written_for);
    format!("{major}.{minor}")
}

/// Let PCRE2 check a pattern that the parser has accepted.
pub(super) fn check(pattern: &str, options: Options) -> Result<(), Refusal> {
    match builder(options).build(pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal(&error, 0)),
    }
}

fn builder(options: Options) -> RegexBuilder {
    let mut builder = RegexBuilder::new();
    builder.utf(options.unicode).ucp(options.unicode);
    builder
}

fn refusal(error: &pcre2::Error, prefix: usize) -> Refusal {
    let offset = error.offset().unwrap_or(0).saturating_sub(prefix);
    let text = error.to_string();
    // "PCRE2: error compiling pattern at offset 0: " comes before it.
    let reason = text.splitn(3, ": ").nth(2).unwrap_or(&text);
    Refusal::new(offset, format!("PCRE2 refuses it at {offset}: {reason}"))
}

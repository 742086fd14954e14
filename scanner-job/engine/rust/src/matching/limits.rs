//! What compiled rules may take.

use std::time::Duration;

/// Bounds of a set. The defaults hold a set of 300 ordinary rules many times over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one rule's NFA; a rule that needs more is refused. Repetitions of repetitions get here: `(\w{99}){99}`.
    pub rule_bytes: usize,
    /// Bytes of all automata of a set together, the dense ones included; the rule that exceeds it is refused.
    pub set_bytes: usize,
    /// Bytes of one rule's dense DFA; a rule that needs more is matched by a lazy DFA, built while lines are read.
    pub dense_bytes: usize,
    /// Bytes of all dense DFAs of a set together; the rules after that get lazy ones.
    pub dense_set_bytes: usize,
    /// Bytes that the lazy DFAs of a set share in each [`Scratch`](super::Scratch); each has at most 2 MiB, and at
    /// least 128 KiB however many there are.
    pub lazy_bytes: usize,
    /// Steps that PCRE2 may take from one place of a line; beyond, the line is counted as given up for the rule. Long
    /// lines get fewer, see [`Scratch::gave_up`](super::Scratch::gave_up).
    pub pcre_match_limit: u32,
    /// CPU time that PCRE2 may take in each [`Scratch`](super::Scratch) for all rules together, besides that for each
    /// byte; beyond, the rule that took most is retired.
    pub pcre_time: Duration,
    /// CPU time that PCRE2 may take for each byte that is scanned: a rule that it verifies on every line takes about 3 ns.
    pub pcre_nanoseconds_per_byte: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            rule_bytes: 4 << 20,
            set_bytes: 64 << 20,
            dense_bytes: 256 << 10,
            dense_set_bytes: 8 << 20,
            lazy_bytes: 16 << 20,
            pcre_match_limit: 100_000,
            pcre_time: Duration::from_secs(20),
            pcre_nanoseconds_per_byte: 200,
        }
    }
}

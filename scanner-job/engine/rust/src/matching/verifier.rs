//! PCRE2 as the verifier of a line, with fewer steps for longer lines.
//!
//! PCRE2's limit of steps holds for each place where a match may begin, not for the line: `(x+x+)+y(?!z)` took 6 s for
//! one line of 200 KB and never came near the limit. With an eighth of the steps for lines of more than 4 KiB and a 32nd
//! for more than 64 KiB, the worst line of 64 KiB takes as long as two of 4 KiB, and one of 1 MiB half a minute. A 512th
//! for more than that keeps one of 16 MiB at half a minute too. What people write needs some steps for each byte that it
//! passes, and few bytes. How much time all lines together may take is another limit (`allowance`).

use std::sync::OnceLock;

use crate::dialect::Options;
use crate::dialect::pcre::{GaveUp, Matcher};

/// Lines longer than so many bytes get that part of the steps.
const LONGER: [(usize, u32); 3] = [(1 << 20, 512), (64 << 10, 32), (4 << 10, 8)];

/// A rule compiled by PCRE2. Threads share it.
pub(super) struct Verifier {
    pattern: String,
    options: Options,
    match_limit: u32,
    ordinary: Matcher,
    /// By the places of `LONGER`, compiled when first needed: most logs have no such line.
    longer: [OnceLock<Option<Matcher>>; LONGER.len()],
}

impl Verifier {
    pub(super) fn new(pattern: String, options: Options, match_limit: u32) -> Result<Self, String> {
        Ok(Verifier {
            ordinary: Matcher::new(&pattern, options, match_limit)
                .map_err(|refusal| refusal.message)?,
            longer: Default::default(),
            pattern,
            options,
            match_limit,
        })
    }

    /// Returns whether the rule matches in a line.
    #[inline]
    pub(super) fn is_match(&self, line: &[u8]) -> Result<bool, GaveUp> {
        self.matcher(line).is_match(line)
    }

    /// Returns where the first match in a line ends.
    pub(super) fn find(&self, line: &[u8]) -> Result<Option<usize>, GaveUp> {
        self.matcher(line).find(line)
    }

    #[inline]
    fn matcher(&self, line: &[u8]) -> &Matcher {
        let longer = LONGER.iter().position(|(bytes, _)| line.len() > *bytes);
        longer
            .and_then(|place| self.longer(place))
            .unwrap_or(&self.ordinary)
    }

    fn longer(&self, place: usize) -> Option<&Matcher> {
        let steps = (self.match_limit / LONGER[place].1).max(1);
        self.longer[place]
            .get_or_init(|| Matcher::new(&self.pattern, self.options, steps).ok())
            .as_ref()
    }
}

//! A rule as the engine would use it, without the engine.

use logscan_engine::dialect::pcre::{GaveUp, Matcher};
use logscan_engine::dialect::{self, Confirm, Options, Refusal};
use regex_automata::meta::{Config, Regex};

/// PCRE2's default, and grep's.
const MATCH_LIMIT: u32 = 10_000_000;

pub struct Rule {
    hir: Regex,
    confirm: Option<Matcher>,
}

impl Rule {
    pub fn new(pattern: &str, options: Options) -> Result<Self, Refusal> {
        let parsed = dialect::parse(pattern, options)?;
        let config = Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(64 << 20));
        let hir = Regex::builder()
            .configure(config)
            .build_from_hir(&parsed.hir)
            .unwrap_or_else(|error| panic!("{pattern:?} is parsed, but: {error}"));
        let confirm = match parsed.confirm {
            Confirm::Exact => None,
            Confirm::Pcre(pattern) => {
                let matcher = Matcher::new(&pattern, options, MATCH_LIMIT);
                Some(matcher.expect("parse() has PCRE2 check the pattern"))
            }
        };
        Ok(Self { hir, confirm })
    }

    /// A rule that is not Unicode.
    pub fn bytes(pattern: &str) -> Self {
        let options = Options::default();
        Self::new(pattern, options).unwrap_or_else(|refusal| panic!("{pattern:?}: {refusal}"))
    }

    pub fn is_exact(&self) -> bool {
        self.confirm.is_none()
    }

    pub fn is_match(&self, line: &[u8]) -> Result<bool, GaveUp> {
        match &self.confirm {
            _ if !self.hir.is_match(line) => Ok(false),
            None => Ok(true),
            Some(matcher) => matcher.is_match(line),
        }
    }
}

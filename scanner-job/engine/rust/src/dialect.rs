//! Stand-in for the parser of PCRE's syntax until `w/dialect` is merged: what regex-syntax reads the same way.
use regex_syntax::hir::Hir;

/// How a rule is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `\d \w \b \s` are Unicode's rather than ASCII's.
    pub unicode: bool,
}

/// Who decides whether a line matches.
pub enum Confirm {
    /// The HIR is the rule.
    Exact,
    /// The HIR matches at least the lines of the rule; PCRE2 confirms with this pattern.
    Pcre(String),
}

/// A rule that was read.
pub struct Parsed {
    /// For one line as haystack.
    pub hir: Hir,
    /// Who decides.
    pub confirm: Confirm,
}

/// A rule that cannot be read.
#[derive(Debug)]
pub struct Refusal {
    /// Bytes into the pattern.
    pub offset: usize,
    /// Names the construct.
    pub message: String,
}

/// Reads a rule.
pub fn parse(pattern: &str, options: Options) -> Result<Parsed, Refusal> {
    let parse = |pattern: &str| {
        regex_syntax::ParserBuilder::new()
            .unicode(options.unicode)
            .utf8(false)
            .build()
            .parse(pattern)
    };
    if let Ok(hir) = parse(pattern) {
        return Ok(Parsed {
            hir,
            confirm: Confirm::Exact,
        });
    }
    pcre::Matcher::new(pattern, options, 1).map_err(|message| Refusal { offset: 0, message })?;
    let hir = parse("").map_err(|error| Refusal {
        offset: 0,
        message: error.to_string(),
    })?;
    Ok(Parsed {
        hir,
        confirm: Confirm::Pcre(pattern.to_owned()),
    })
}

/// PCRE2.
pub mod pcre {
    /// A compiled pattern.
    pub struct Matcher(pcre2::bytes::Regex);

    /// The match limit was reached.
    #[derive(Debug)]
    pub struct GaveUp;

    impl Matcher {
        /// Compiles.
        pub fn new(
            pattern: &str,
            options: super::Options,
            match_limit: u32,
        ) -> Result<Self, String> {
            pcre2::bytes::RegexBuilder::new()
                .ucp(options.unicode)
                .jit_if_available(true)
                .build(&format!("(*LIMIT_MATCH={match_limit}){pattern}"))
                .map(Matcher)
                .map_err(|error| error.to_string())
        }

        /// Whether it matches in the line.
        pub fn is_match(&self, line: &[u8]) -> Result<bool, GaveUp> {
            self.0.is_match(line).map_err(|_| GaveUp)
        }
    }
}

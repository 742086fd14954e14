//! Tokens of well-known services, which have a form of their own. `tokens.tsv` is generated, see its first line.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use super::{compiled, skip};

/// One row of the table. An expression is compiled when a line first has one of its keywords.
pub(super) struct Token {
    expression: &'static str,
    compiled: OnceLock<Regex>,
}

struct Tokens {
    tokens: Vec<Token>,
    keywords: Regex,
    /// Which token each keyword belongs to.
    owners: Vec<usize>,
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let (mut tokens, mut words, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (keywords, expression) in rows() {
        owners.extend(keywords.split(',').map(|_| tokens.len()));
        words.extend(keywords.split(',').map(regex_syntax::escape));
        tokens.push(Token {
            expression,
            compiled: OnceLock::new(),
        });
    }
    let syntax = syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(true);
    let all = Config::new().match_kind(MatchKind::All);
    let keywords = Regex::builder()
        .syntax(syntax)
        .configure(all)
        .build_many(&words)
        .expect("they are words");
    Tokens {
        tokens,
        keywords,
        owners,
    }
});

/// Returns keywords and expression of each row of the table.
pub(super) fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("tokens.tsv").lines();
    let rows = lines.filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut fields = row.splitn(3, '\t').skip(1);
        let two = fields.next().zip(fields.next());
        two.expect("a row has three fields")
    })
}

/// Returns the tokens of which a line has a keyword.
pub(super) fn in_line(line: &str) -> Vec<&'static Token> {
    let mut found = PatternSet::new(TOKENS.owners.len());
    let keywords = &TOKENS.keywords;
    keywords.which_overlapping_matches(&Input::new(line), &mut found);
    let mut owners: Vec<usize> = found
        .iter()
        .map(|word| TOKENS.owners[word.as_usize()])
        .collect();
    owners.dedup();
    owners
        .into_iter()
        .map(|owner| &TOKENS.tokens[owner])
        .collect()
}

/// Returns where the next such token is, from a place on, to the end of its word: half a secret is one too.
pub(super) fn find(token: &Token, text: &str, at: usize) -> Option<Range<usize>> {
    let expression = token.compiled.get_or_init(|| compiled(token.expression));
    let found = expression.find(Input::new(text).range(at..))?;
    let bytes = text.as_bytes();
    let end = skip(bytes, found.end(), bytes.len(), |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    });
    Some(found.start()..end)
}

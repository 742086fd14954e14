//! Secrets taken out of a line before anybody sees it; better a harmless number too many than a password.
//!
//! Whatever the line is, the time is linear in its length: expressions run as automata, and where one would have to
//! try many starts (`values`, `emails`, `cards`) a bounded walk takes its place.

mod cards;
mod emails;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

const MASK: &str = "***";

/// Expressions whose only group is a secret. They know ASCII alone; what they exclude is ASCII too, so that a match
/// never ends within a character.
const EXPRESSIONS: [&str; 6] = [
    // A private key: everything after its marker.
    "-----BEGIN [A-Z ]*PRIVATE KEY-----([^\n]+)",
    // Access keys of AWS; tokens of well-known services; JSON Web Tokens.
    r"\b((?:AKIA|ASIA)[0-9A-Z]{12,})\b",
    r"\b((?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|npm_)[A-Za-z0-9_-]{10,})",
    r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)",
    // user:password@ in an address.
    r"://[^/\s:@]+:([^/\s@]+)@",
    // Authorization headers and bearer tokens.
    r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/._~=-]{8,})",
];

static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    EXPRESSIONS
        .iter()
        .map(|expression| compiled(expression))
        .collect()
});

/// Returns a line with secrets, addresses and card numbers replaced by `***`.
#[must_use]
pub fn redact(line: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(line);
    for secret in SECRETS.iter() {
        text = masked(text, |text, at| find(secret, text, at));
    }
    text = masked(text, values::find);
    text = masked(text, emails::find);
    masked(text, cards::find)
}

/// Compiles an expression that knows bytes and ASCII only.
fn compiled(expression: &str) -> Regex {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let built = Regex::builder().syntax(syntax).build(expression);
    built.expect("the expressions are constants, and each has a test")
}

/// Returns where the group of an expression is, from a place on.
fn find(secret: &Regex, text: &str, at: usize) -> Option<Range<usize>> {
    let mut groups = secret.create_captures();
    secret.search_captures(&Input::new(text).range(at..), &mut groups);
    groups.get_group(1).map(|span| span.range())
}

/// Returns a text with each range that is found, from left to right, replaced by the mask.
fn masked(text: Cow<'_, str>, find: impl Fn(&str, usize) -> Option<Range<usize>>) -> Cow<'_, str> {
    let (mut kept, mut out) = (0, String::new());
    while let Some(found) = find(&text, kept) {
        out.push_str(&text[kept..found.start]);
        out.push_str(MASK);
        kept = found.end;
    }
    if kept == 0 {
        return text;
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// Returns whether a byte is part of a word; those beyond ASCII are.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

//! Secrets taken out of a line before anybody sees it; better a harmless number too many than a password.
//!
//! Whatever the line is, the time is linear in its length: expressions run as automata, and where one would have to
//! try many starts (`values`, `urls`, `emails`, `cards`) a bounded walk takes its place.

mod cards;
mod emails;
mod expressions;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;
mod values;

use std::borrow::Cow;
use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

const MASK: &str = "***";

/// Returns a line with secrets, addresses and card numbers replaced by `***`.
#[must_use]
pub fn redact(line: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(line);
    for token in tokens::in_line(line) {
        text = masked(text, |text, at| tokens::find(token, text, at));
    }
    for secret in expressions::all() {
        text = masked(text, |text, at| secret.find(text, at));
    }
    text = masked(text, urls::find);
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

/// Returns the place behind at most so many bytes of a kind.
fn skip(bytes: &[u8], at: usize, most: usize, kind: impl Fn(u8) -> bool) -> usize {
    let run = bytes[at..].iter().take(most);
    at + run.take_while(|&&byte| kind(byte)).count()
}

/// Returns whether a value is none: it was masked, or says where the secret comes from, as `${DB_PASSWORD}` does.
fn is_placeholder(value: &str) -> bool {
    let all = |bytes: &[u8]| value.bytes().all(|byte| bytes.contains(&byte));
    let begins = ["[", "<", "${", "$(", "{{", "%{", "%s", "%v", "%d", "%q"];
    all(b"*")
        || value.len() > 2 && all(b"xX")
        || all(b".")
        || begins.iter().any(|begin| value.starts_with(begin))
}

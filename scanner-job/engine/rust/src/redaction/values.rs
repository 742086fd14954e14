//! Values whose name says that they are secret: `password=x`, `token: "x"`, `\"api_key\": \"x\"`, `--password x`,
//! `[password] => x`, `<password>x</password>`, `PASSWORD 'x'`.

use std::ops::Range;
use std::sync::LazyLock;

use regex_automata::Input;
use regex_automata::meta::Regex;

use super::{compiled, is_placeholder, is_word, skip};

const REST_OF_NAME: usize = 40;
const SPACES: usize = 8;
const ESCAPES: usize = 8;
const MORE_WORDS: usize = 8;
const MOST_TEXT: usize = 256;

static NAMES: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        "(?i)passw(?:or)?[dt]|passphrase|pass|pwd|secret data|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|identified by|credential",
    )
});

/// The rest of a name of which the value is no secret: `token_type=Bearer`, `max_tokens=4096`, `secretName: db`.
const ABOUT: [&str; 26] = [
    "type",
    "name",
    "names",
    "count",
    "counts",
    "limit",
    "ttl",
    "expiry",
    "expires",
    "expires_in",
    "length",
    "len",
    "policy",
    "url",
    "uri",
    "endpoint",
    "file",
    "path",
    "age",
    "usage",
    "size",
    "used",
    "ref",
    "keyref",
    "hint",
    "id",
];

/// What a program says of a password instead of writing one.
const WORDS: [&str; 40] = [
    "null",
    "none",
    "nil",
    "true",
    "false",
    "undefined",
    "empty",
    "missing",
    "required",
    "redacted",
    "hidden",
    "filtered",
    "masked",
    "must",
    "should",
    "shall",
    "is",
    "was",
    "are",
    "has",
    "cannot",
    "can't",
    "may",
    "not",
    "no",
    "too",
    "for",
    "invalid",
    "incorrect",
    "wrong",
    "expired",
    "changed",
    "reset",
    "and",
    "or",
    "the",
    "needs",
    "field",
    "password",
    "authentication",
];

/// Returns where the next such value is, from a place on.
pub(super) fn find(text: &str, mut at: usize) -> Option<Range<usize>> {
    while let Some(name) = NAMES.find(Input::new(text).range(at..)) {
        let value = value_of(text, name.range());
        if let Some(value) = value.filter(|value| value.start >= at) {
            return Some(value);
        }
        at = name.start() + 1;
    }
    None
}

/// Returns the value of a name, if it has one that is secret.
fn value_of(text: &str, name: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let word = &bytes[name.clone()];
    let end = skip(bytes, name.end, REST_OF_NAME, |byte| {
        is_word(byte) || byte == b'.' || byte == b'-'
    });
    let rest = text.get(name.end..end)?;
    let before = name.start.checked_sub(1).map(|at| bytes[at]);
    let within = [before, rest.bytes().next()]
        .into_iter()
        .flatten()
        .any(|byte| byte.is_ascii_alphanumeric());
    if word.eq_ignore_ascii_case(b"pass") && within {
        return None; // bypass, passenger
    }
    let about = rest
        .trim_start_matches(['_', '-', '.'])
        .to_ascii_lowercase();
    if ABOUT.contains(&about.as_str()) || after_unexpected(&bytes[..name.start]) {
        return None;
    }
    let (start, separator) = value_start(bytes, name.start, end)?;
    let value = extent(bytes, start, separator)?;
    let bare = text[value.clone()].trim_matches(['"', '\'', '\\']);
    (!is_harmless(bare, word, rest, separator)).then_some(value)
}

/// How name and value are joined.
#[derive(Clone, Copy, PartialEq)]
enum Separator {
    Sign,
    ColonAndSpace,
    Space,
    Tag,
}

/// Returns where a value starts, and what is in front of it.
fn value_start(bytes: &[u8], name: usize, end: usize) -> Option<(usize, Separator)> {
    let mut at = skip(bytes, end, ESCAPES, |byte| b"\\\"']".contains(&byte));
    if bytes.get(at) == Some(&b'>') {
        return Some((at + 1, Separator::Tag));
    }
    let spaces = at;
    at = skip(bytes, at, SPACES, |byte| byte.is_ascii_whitespace());
    if bytes[at..].starts_with(b"=>")
        || bytes[at..].starts_with(b"->")
        || bytes[at..].starts_with(b":=")
    {
        let start = skip(bytes, at + 2, SPACES, |byte| byte.is_ascii_whitespace());
        return Some((start, Separator::Sign));
    }
    if let Some(sign @ (b'=' | b':')) = bytes.get(at) {
        let start = skip(bytes, at + 1, SPACES, |byte| byte.is_ascii_whitespace());
        let colon = *sign == b':' && start > at + 1;
        return Some((
            start,
            if colon {
                Separator::ColonAndSpace
            } else {
                Separator::Sign
            },
        ));
    }
    let sql = [&b"passw"[..], b"ident"].iter().any(|begin| {
        bytes[name..end]
            .get(..5)
            .is_some_and(|word| word.eq_ignore_ascii_case(begin))
    });
    let quoted = sql && matches!(bytes.get(at), Some(b'"' | b'\''));
    let flag = is_flag(&bytes[name.saturating_sub(REST_OF_NAME)..name]);
    let plain = bytes
        .get(at)
        .is_some_and(|&byte| byte != b'-' && !b"|<>&".contains(&byte));
    (at > spaces && (quoted || flag && plain)).then_some((at, Separator::Space))
}

/// Returns whether what is in front of a name makes it a flag of a command: `--db-password x`, `-token x`.
fn is_flag(before: &[u8]) -> bool {
    let word = before
        .iter()
        .rev()
        .take_while(|byte| !byte.is_ascii_whitespace());
    word.last() == Some(&b'-')
}

/// Returns how far a value goes: to the quote that ends it, or to what ends a word.
fn extent(bytes: &[u8], start: usize, separator: Separator) -> Option<Range<usize>> {
    if separator == Separator::Tag {
        let end = skip(bytes, start, MOST_TEXT, |byte| byte != b'<');
        return (end > start && bytes.get(end) == Some(&b'<')).then_some(start..end);
    }
    let open = skip(bytes, start, ESCAPES, |byte| byte == b'\\');
    if let Some(&quote @ (b'"' | b'\'')) = bytes.get(open) {
        return Some(start..quote_end(bytes, open, quote, open - start));
    }
    let is_value = |byte: u8| !byte.is_ascii_whitespace() && !b",;&}]\"'<>".contains(&byte);
    let mut end = skip(bytes, start, bytes.len(), is_value);
    if separator == Separator::ColonAndSpace {
        end = words_end(bytes, end);
    }
    (end > start).then_some(start..end)
}

/// Returns the place behind the quote that ends a value, which was opened behind so many backslashes.
fn quote_end(bytes: &[u8], open: usize, quote: u8, escapes: usize) -> usize {
    let (mut at, mut run) = (open + 1, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let even = escapes == 0 && run % 2 == 0;
        if byte == quote && (even || escapes > 0 && run == escapes) {
            return at;
        }
        run = if byte == b'\\' { run + 1 } else { 0 };
    }
    bytes.len()
}

/// Returns where a passphrase of several words ends, if words are all that is left of the line.
fn words_end(bytes: &[u8], end: usize) -> usize {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b' ';
    let rest = &bytes[end..];
    if rest.len() > MOST_TEXT {
        return end;
    }
    let words = rest.iter().filter(|&&byte| byte == b' ').count();
    if words <= MORE_WORDS && rest.iter().all(|&byte| plain(byte)) {
        return bytes.len();
    }
    end
}

fn is_harmless(value: &str, word: &[u8], rest: &str, separator: Separator) -> bool {
    let token = word.eq_ignore_ascii_case(b"token");
    let number = value.bytes().all(|byte| byte.is_ascii_digit());
    let first = value.split([' ', ',']).next().unwrap_or_default();
    let said = WORDS.iter().any(|known| first.eq_ignore_ascii_case(known));
    let folder = word.eq_ignore_ascii_case(b"pwd") && value.starts_with(['/', '~']);
    let punctuation = !value.bytes().any(is_word);
    let plural = rest.to_ascii_lowercase().starts_with('s');
    said && separator != Separator::Space
        || folder
        || punctuation
        || is_placeholder(value)
        || number && (token || plural) && value.len() < 9
}

/// Returns whether what is in front of a name makes it one of a parser: `Unexpected token: x`.
fn after_unexpected(before: &[u8]) -> bool {
    let length = before.len().min(11);
    before[before.len() - length..].eq_ignore_ascii_case(b"unexpected ")
}

//! Values whose name says that they are secret: `password=x`, `token: "x"`, `"api_key": 'x'`.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memchr;
use regex_automata::Input;
use regex_automata::meta::Regex;

use super::{compiled, is_word};

const REST_OF_NAME: usize = 40;
const SPACES: usize = 8;

static NAMES: LazyLock<Regex> = LazyLock::new(|| {
    compiled("(?i)passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key|credential")
});

/// Returns where the next such value is, from a place on.
pub(super) fn find(text: &str, mut at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    while let Some(name) = NAMES.find(Input::new(text).range(at..)) {
        if let Some(value) = value_after(bytes, name.end()) {
            return Some(value);
        }
        at = name.start() + 1;
    }
    None
}

fn value_after(bytes: &[u8], name: usize) -> Option<Range<usize>> {
    let mut at = skip(bytes, name, REST_OF_NAME, |byte| {
        is_word(byte) || byte == b'.' || byte == b'-'
    });
    at += usize::from(matches!(bytes.get(at), Some(b'"' | b'\'')));
    at = skip(bytes, at, SPACES, |byte| byte.is_ascii_whitespace());
    if !matches!(bytes.get(at), Some(b'=' | b':')) {
        return None;
    }
    let start = skip(bytes, at + 1, SPACES, |byte| byte.is_ascii_whitespace());
    let end = match bytes.get(start)? {
        quote @ (b'"' | b'\'') => {
            let inside = &bytes[start + 1..];
            memchr(*quote, inside).map_or(bytes.len(), |length| start + length + 2)
        }
        _ => skip(bytes, start, bytes.len(), |byte| {
            !byte.is_ascii_whitespace() && !b",;&}]".contains(&byte)
        }),
    };
    (end > start).then_some(start..end)
}

/// Returns the place behind at most so many bytes of a kind.
fn skip(bytes: &[u8], at: usize, most: usize, kind: impl Fn(u8) -> bool) -> usize {
    let run = bytes[at..].iter().take(most);
    at + run.take_while(|&&byte| kind(byte)).count()
}

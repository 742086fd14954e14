//! What a record that fulfils a condition must hold, as it may be written.
//!
//! JSON may write any character of a string as an escape, so each set also has what the escapes of its characters begin
//! with: `"error"`, or the escape of a letter. Only those are looked for: `\u003c` and `\u0026`, which many programs
//! write, are no escapes of a letter.

use super::Field;
use super::texts::{Condition, Test};
use crate::literals::{DIGIT, EITHER_CASE, Literal, LiteralSet};

/// Longer literals are no rarer.
const LONGEST: usize = 32;

/// Returns sets of literals, of each of which a record that fulfils the condition holds at least one.
///
/// `place` is that of the condition in its rule.
pub(crate) fn sets_of(field: &Field, condition: &Condition, place: u32) -> Vec<LiteralSet> {
    if condition.allows_absence() {
        return Vec::new();
    }
    let name = name_literals(&field.path);
    let values = condition.any.iter().map(value_literals);
    let values = values.collect::<Option<Vec<_>>>().map(|all| all.concat());
    let set = |mut literals: Vec<Literal>, field| {
        literals.sort();
        literals.dedup();
        LiteralSet {
            literals,
            prefix: false,
            whole: false,
            field,
        }
    };
    let name = name.map(|literals| set(literals, Some(place)));
    let values = values.filter(|all| !all.is_empty());
    name.into_iter()
        .chain(values.map(|literals| set(literals, None)))
        .collect()
}

/// Returns literals of the last name of a path: whatever the names before it are, it ends in that.
fn name_literals(path: &str) -> Option<Vec<Literal>> {
    let name = path.rsplit('.').next().unwrap_or_default();
    let before = if name.len() == path.len() { "\"" } else { "" };
    literals_of(name.as_bytes(), before, "\"", false)
}

/// Returns literals of a value that passes a test; nothing if it may be written in too many ways.
fn value_literals(test: &Test) -> Option<Vec<Literal>> {
    match test {
        // Those are also written without quotes.
        Test::Text(text) if matches!(&text[..], b"true" | b"false") => {
            literals_of(text, "", "", true)
        }
        Test::Text(text) if matches!(&text[..], b"nan" | b"infinity" | b"-infinity") => {
            literals_of(text, "", "", true)
        }
        Test::Text(text) => literals_of(text, "\"", "\"", true),
        Test::Empty | Test::Number(_) | Test::Within(_) => None,
    }
}

/// Returns the literal of the longest part of a text that is written as it is or with escapes for each character, and
/// those of such escapes.
fn literals_of(text: &[u8], before: &str, behind: &str, either_case: bool) -> Option<Vec<Literal>> {
    let plain = text
        .split(|byte| !is_plain(*byte))
        .max_by_key(|part| part.len())?;
    if plain.is_empty() {
        return None;
    }
    let masked = |byte: u8| match either_case && byte.is_ascii_alphabetic() {
        true => (byte, EITHER_CASE),
        false => (byte, 0xFF),
    };
    let quotes = |quote: &str| match plain.len() == text.len() {
        true => quote.bytes().map(|byte| (byte, 0xFF)).collect(),
        false => Vec::new(),
    };
    let parts = quotes(before)
        .into_iter()
        .chain(plain.iter().map(|byte| masked(*byte)))
        .chain(quotes(behind));
    let mut all = vec![Literal::of(parts.take(LONGEST))];
    for byte in plain {
        all.push(escape_of(*byte));
        if either_case {
            all.push(escape_of(byte.to_ascii_uppercase()));
            all.push(escape_of(byte.to_ascii_lowercase()));
        }
    }
    Some(all)
}

/// Returns whether a byte is a character that is written as it is or as `\u00..`, and in no other way.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !b"\"\\/".contains(&byte)
}

/// Returns what the escape of a character begins with.
fn escape_of(byte: u8) -> Literal {
    let hexadecimal = format!("{byte:02x}");
    let [high, low] = [hexadecimal.as_bytes()[0], hexadecimal.as_bytes()[1]];
    let begin = br"\u00".iter().chain([&high]).map(|byte| (*byte, 0xFF));
    match byte {
        b'0'..=b'9' => Literal::of(begin.chain([(b'0', DIGIT)])),
        _ if byte.is_ascii_alphabetic() => Literal::of(begin),
        _ if low.is_ascii_digit() => Literal::of(begin.chain([(low, 0xFF)])),
        _ => Literal::of(begin.chain([(low, EITHER_CASE)])),
    }
}

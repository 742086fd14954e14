//! Numbers of payment cards: 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), single separators between them.

use std::ops::Range;

use super::is_word;

const DIGITS: Range<usize> = 13..20;

/// Returns where the next card number is, from a place on.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + found;
        let inside = start > 0 && is_joined(bytes[start - 1]);
        match (!inside).then(|| number_end(bytes, start)).flatten() {
            Some(end) if passes(&bytes[start..end]) => return Some(start..end),
            Some(end) => at = end,
            None => at = start + 1,
        }
    }
    None
}

/// Returns where the longest number of the right length ends.
fn number_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut digits, mut end) = (start, 0, None);
    while digits < DIGITS.end - 1 && bytes.get(at).is_some_and(u8::is_ascii_digit) {
        (at, digits) = (at + 1, digits + 1);
        let joined = bytes.get(at).is_some_and(|&byte| is_joined(byte));
        if DIGITS.contains(&digits) && !joined {
            end = Some(at);
        }
        at += usize::from(matches!(bytes.get(at), Some(b' ' | b'-')));
    }
    end
}

fn passes(number: &[u8]) -> bool {
    let digits = number.iter().rev().filter(|byte| byte.is_ascii_digit());
    let sum = digits.enumerate().map(|(place, &digit)| {
        let value = u32::from(digit - b'0') * (1 + place as u32 % 2);
        value - 9 * u32::from(value > 9)
    });
    sum.sum::<u32>().is_multiple_of(10)
}

fn is_joined(byte: u8) -> bool {
    is_word(byte) || byte == b'.' || byte == b'-'
}

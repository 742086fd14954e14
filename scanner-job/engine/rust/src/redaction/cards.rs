//! Numbers of payment cards: of a known issuer, of its length, and with the right check digit (ISO/IEC 7812-1). Numbers
//! of which each tenth passes the check, such as times and ids, are none by their beginning or their length.

use std::ops::Range;

use super::is_word;

const MOST_DIGITS: usize = 19;
/// Where a number may be divided: after four digits each, or as American Express and Diners Club do.
const FOURS: [usize; 3] = [4, 8, 12];
const UNEVEN: [usize; 2] = [4, 10];

/// Returns where the next card number is, from a place on.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + found;
        let end = number_end(bytes, start);
        let inside = start > 0 && is_joined(bytes, start - 1, true);
        let number = &bytes[start..end];
        if !inside && !is_joined(bytes, end, false) && is_card(number) {
            return Some(start..end);
        }
        at = end;
    }
    None
}

/// Returns where a run of digits ends, with single separators between them.
fn number_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
        let separated = matches!(bytes.get(at), Some(b' ' | b'-' | b'.'));
        let more = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let groups = at - start;
        at += usize::from(separated && more && groups <= MOST_DIGITS);
    }
    at
}

fn is_card(number: &[u8]) -> bool {
    if !(14..=MOST_DIGITS + 4).contains(&number.len()) {
        return false;
    }
    let digits: Vec<u8> = number
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .copied()
        .collect();
    let mut breaks = Vec::new();
    for (place, byte) in number.iter().enumerate() {
        if !byte.is_ascii_digit() {
            breaks.push(place - breaks.len());
        }
    }
    let even = breaks == FOURS || digits.len() > 16 && breaks == [4, 8, 12, 16];
    let uneven = breaks == UNEVEN && digits.len() < 16;
    (breaks.is_empty() || even || uneven) && is_issued(&digits) && passes(&digits)
}

/// Returns whether an issuer gives out numbers with this beginning and length (their identification numbers).
fn is_issued(digits: &[u8]) -> bool {
    let length = digits.len();
    if !(14..=MOST_DIGITS).contains(&length) {
        return false;
    }
    let first = |count: usize| {
        digits[..count]
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    match (first(4), length) {
        (4000..=4999, 16 | 19) => true,                        // Visa
        (5100..=5599 | 2221..=2720, 16) => true,               // Mastercard
        (3400..=3499 | 3700..=3799, 15) => true,               // American Express
        (6011 | 6440..=6599, 16..=19) => true,                 // Discover
        (3528..=3589, 16..=19) => true,                        // JCB
        (3000..=3059 | 3600..=3699 | 3800..=3999, 14) => true, // Diners Club
        (6200..=6299, 16..=19) => true,                        // UnionPay
        _ => false,
    }
}

fn passes(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().map(|(place, &digit)| {
        let value = u32::from(digit - b'0') * (1 + place as u32 % 2);
        value - 9 * u32::from(value > 9)
    });
    sum.sum::<u32>().is_multiple_of(10)
}

/// Returns whether what is next to a number makes it a part of something else; a sentence may end behind it.
fn is_joined(bytes: &[u8], at: usize, before: bool) -> bool {
    let Some(&byte) = bytes.get(at) else {
        return false;
    };
    let beyond = if before {
        at.checked_sub(1)
    } else {
        Some(at + 1)
    };
    let next = beyond.and_then(|place| bytes.get(place));
    is_word(byte) || b".-".contains(&byte) && next.is_some_and(|&byte| is_word(byte))
}

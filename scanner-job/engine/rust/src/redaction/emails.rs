//! E-mail addresses, found by their `@`.

use std::ops::Range;

use memchr::memchr_iter;

use super::is_word;

const LOCAL: usize = 64; // RFC 5321, 4.5.3.1
const DOMAIN: usize = 253;
const TOP: Range<usize> = 2..25; // letters of a top-level domain

/// Returns where the next address is, from a place on.
pub(super) fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    memchr_iter(b'@', &bytes[at..]).find_map(|found| {
        let sign = at + found;
        let local = bytes[at..sign].iter().rev().take(LOCAL);
        let length = local.take_while(|&&byte| is_local(byte)).count();
        let end = domain_end(bytes, sign + 1)?;
        (length > 0).then_some(sign - length..end)
    })
}

/// Returns where the domain that starts at a place ends: behind its last label that may be a top-level domain.
fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let run = bytes[start..].iter().take(DOMAIN);
    let end = start + run.take_while(|&&byte| is_domain(byte)).count();
    let dots = (start + 1..end).rev().filter(|&place| bytes[place] == b'.');
    dots.into_iter().find_map(|dot| {
        let rest = bytes[dot + 1..].iter();
        let letters = rest.take_while(|byte| byte.is_ascii_alphabetic()).count();
        let end = dot + 1 + letters;
        let whole = !bytes.get(end).is_some_and(|&byte| is_word(byte));
        (TOP.contains(&letters) && whole).then_some(end)
    })
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte)
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

//! E-mail addresses, found by their `@`, or `%40` in a URL.

use std::ops::Range;

use memchr::memchr2_iter;

use super::is_word;

const LOCAL: usize = 64; // RFC 5321, 4.5.3.1
const DOMAIN: usize = 253;
const TOP: Range<usize> = 2..25; // letters of a top-level domain

/// Returns where the next address is, from a place on.
pub(super) fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    memchr2_iter(b'@', b'%', &bytes[at..]).find_map(|found| {
        let sign = at + found;
        let length = sign_length(&bytes[sign..])?;
        let local = bytes[at..sign].iter().rev().take(LOCAL);
        let name = local.take_while(|&&byte| is_local(byte)).count();
        let end = domain_end(bytes, sign + length)?;
        let person = name > 0 && !is_remote(&bytes[sign - name..sign], &bytes[end..]);
        person.then_some(sign - name..end)
    })
}

/// Returns how long the sign is that stands between name and domain.
fn sign_length(bytes: &[u8]) -> Option<usize> {
    let encoded = bytes.starts_with(b"%40");
    (bytes[0] == b'@' || encoded).then_some(if encoded { 3 } else { 1 })
}

/// Returns whether a name and what follows its domain are those of a repository, `git@github.com:org/repo`.
fn is_remote(name: &[u8], rest: &[u8]) -> bool {
    name == b"git" && rest.first() == Some(&b':')
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
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' || !byte.is_ascii()
}

//! Passwords in addresses: `scheme://user:password@host`, where the password may have an `@` or a `/` of its own, and
//! `scheme://token@host`.

use std::ops::Range;

use memchr::memmem;

use super::{is_placeholder, skip};

const USER: usize = 256;
const AUTHORITY: usize = 512;
const TOKEN: usize = 16; // shorter names without a password are people

/// Returns where the next such password is, from a place on.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = memmem::find(&bytes[at..], b"://") {
        at += found + 3;
        if let Some(range) = secret_at(bytes, at)
            && !is_placeholder(&text[range.clone()])
        {
            return Some(range);
        }
    }
    None
}

fn secret_at(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let user = skip(bytes, start, USER, |byte| {
        is_part(byte) && !b":@/?#".contains(&byte)
    });
    match bytes.get(user)? {
        b'@' => (user - start >= TOKEN).then_some(start..user),
        b':' => password_at(bytes, user + 1),
        _ => None,
    }
}

/// Returns the password that starts at a place; a port is none.
fn password_at(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = &bytes[start..skip(bytes, start, AUTHORITY, is_part)];
    let path = rest.iter().position(|byte| b"/?#".contains(byte));
    let authority = &rest[..path.unwrap_or(rest.len())];
    if let Some(end) = authority.iter().rposition(|&byte| byte == b'@') {
        return (end > 0).then_some(start..start + end);
    }
    if authority.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let end = rest.iter().position(|&byte| byte == b'@')?;
    Some(start..start + end)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'<>`\\".contains(&byte) || !byte.is_ascii()
}

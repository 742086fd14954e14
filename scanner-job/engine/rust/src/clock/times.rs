//! The time of day.

use super::cursor::Cursor;

/// Reads `HH:MM:SS` with a fraction or none, also `HHMMSS`, `HH.MM.SS` and `HH:MM:SS AM`, and returns the seconds since
/// midnight.
///
/// `HH:MM` is read if minutes suffice: only a date with a year before it tells that from other numbers.
pub(super) fn time(rest: &mut Cursor, minutes_suffice: bool) -> Option<i64> {
    let (hour, minute, second) = match usual(rest) {
        Some(read) => read,
        None => unusual(rest, minutes_suffice)?,
    };
    fraction(rest);
    let hour = match half(rest) {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(later) => hour % 12 + later,
        None => hour,
    };
    let exists = hour < 24 && minute < 60 && second <= 60;
    exists.then_some(hour * 3600 + minute * 60 + second)
}

/// `10:00:00`
fn usual(rest: &mut Cursor) -> Option<(i64, i64, i64)> {
    let [_, _, b':', _, _, b':', _, _, ..] = rest.0 else {
        return None;
    };
    let mut end = *rest;
    let hour = end.number(2)?;
    end.skip(1);
    let minute = end.number(2)?;
    end.skip(1);
    let second = end.number(2)?;
    if end.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = end;
    Some((hour, minute, second))
}

fn unusual(rest: &mut Cursor, minutes_suffice: bool) -> Option<(i64, i64, i64)> {
    match rest.digits() {
        1 | 2 => separated(rest, minutes_suffice),
        digits @ (6 | 9) => {
            let read = (rest.number(2)?, rest.number(2)?, rest.number(2)?);
            rest.skip(digits - 6);
            Some(read)
        }
        _ => None,
    }
}

fn separated(rest: &mut Cursor, minutes_suffice: bool) -> Option<(i64, i64, i64)> {
    let hour = rest.short()?;
    let separator = rest.one_of(b":.")?;
    if separator == b'.' && rest.digits() != 2 {
        return None;
    }
    let minute = rest.short()?;
    let mut end = *rest;
    if end.one_of(&[separator]).is_some()
        && let Some(second) = end.short()
    {
        *rest = end;
        return Some((hour, minute, second));
    }
    let only_minutes =
        minutes_suffice && separator == b':' && rest.peek() != Some(b':') && rest.ended();
    only_minutes.then_some((hour, minute, 0))
}

/// Reads `.123`, `,123` or `:123`.
fn fraction(rest: &mut Cursor) {
    if let [b'.' | b',' | b':', digit, ..] = rest.0
        && digit.is_ascii_digit()
    {
        rest.skip(1);
        rest.skip(rest.digits());
    }
}

/// Reads ` AM` or ` PM`, and returns the hours that it adds.
fn half(rest: &mut Cursor) -> Option<i64> {
    let mut end = *rest;
    match end.0 {
        [b' ', b'A' | b'a' | b'P' | b'p', ..] => end.skip(1),
        [b'A' | b'a' | b'P' | b'p', ..] => {}
        _ => end.text("\u{202f}".as_bytes())?, // a narrow blank, of newer Java and .NET
    }
    let letter = end.one_of(b"AaPp")?;
    end.one_of(b".");
    end.one_of(b"Mm")?;
    if !end.ended() {
        return None;
    }
    *rest = end;
    Some(if letter.eq_ignore_ascii_case(&b'p') {
        12
    } else {
        0
    })
}

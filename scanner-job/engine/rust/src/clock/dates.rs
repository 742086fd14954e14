//! A date with the time behind it.

use super::Reading;
use super::calendar::{DAY, days, full_year, last_possible, latest, month};
use super::cursor::Cursor;
use super::orders::{Parts, month_and_day};
use super::times::time;
use super::zones::{Zone, zone, zone_before};

/// What stands between a date and its time.
const BETWEEN: [&[u8]; 22] = [
    b" time=\"",
    b"\" time=\"",
    b" time=",
    b"\",\"",
    b"\"\t\"",
    b"\" \"",
    b", ",
    b" - ",
    b" | ",
    b" at ",
    b"  ",
    b"::",
    b" ",
    b"T",
    b"t",
    b"\t",
    b"_",
    b"-",
    b":",
    b",",
    b"|",
    b".",
];
const YEARS: std::ops::Range<i64> = 1970..2100;
/// Forms that other numbers look like are read only behind so many bytes: `[E 261124 10:00:00 `.
const MOST_BEFORE: usize = 4;
/// Ends of the names of files that have a date in them.
const EXTENSIONS: [&[u8]; 11] = [
    b".log", b".txt", b".out", b".err", b".json", b".csv", b".gz", b".zst", b".bz2", b".xz",
    b".zip",
];
const LONGEST_NAME: usize = 64;

/// What a date is.
enum Date {
    Days(i64),
    /// A month and a day of it.
    Yearless(i64, i64),
    /// Numbers whose order depends on what stands around them.
    Parts(Parts),
    /// The same without a year.
    Pair([i64; 2], u8),
}

/// Reads the date and the time that begin with a digit or with the name of a month, and stand behind `before`.
pub(super) fn read(rest: Cursor, before: &[u8], reference: i64) -> Option<Reading> {
    iso(rest).or_else(|| any(rest, before, reference))
}

/// `2026-11-24T10:00:00Z`, by far the most frequent.
fn iso(mut rest: Cursor) -> Option<Reading> {
    let year = rest.number(4)?;
    let separator = rest.one_of(b"-/")?;
    let month = rest.number(2)?;
    rest.one_of(&[separator])?;
    let days = days(year, month, rest.number(2)?)?;
    rest.one_of(b"T ")?;
    let seconds = days * DAY + time(&mut rest, false)?;
    let zone = zone(&mut rest);
    (!in_name(rest)).then(|| zone.utc(seconds))
}

fn any(mut rest: Cursor, before: &[u8], reference: i64) -> Option<Reading> {
    let date = date(&mut rest, before)?;
    let gap = rest.0;
    if rest.digits() == 0 {
        rest.any_text(&BETWEEN)?;
    }
    let with_year = matches!(date, Date::Days(_) | Date::Parts(_));
    let time = time(&mut rest, with_year)?;
    let mut ahead = zone(&mut rest);
    let year = match date {
        Date::Yearless(..) => year_behind(&mut rest, before, ahead),
        _ => None,
    };
    if ahead == Zone::Absent {
        ahead = match year {
            Some(_) => zone(&mut rest),
            None => zone_before(before),
        };
    }
    if in_name(rest) {
        return None;
    }
    let Reading::Second(time) = ahead.utc(time) else {
        return Some(Reading::Unknown);
    };
    let found = match date {
        Date::Days(days) => Some(days * DAY + time),
        Date::Yearless(month, day) => Some(match year {
            Some(year) => days(year, month, day)? * DAY + time,
            None => latest(month, day, time, reference)?,
        }),
        Date::Pair(numbers, separator) => month_and_day(numbers, separator, gap)
            .and_then(|(month, day)| latest(month, day, time, reference)),
        Date::Parts(parts) => parts
            .days(gap, rest.0, last_possible(reference))
            .map(|days| days * DAY + time),
    };
    Some(found.map_or(Reading::Unknown, Reading::Second))
}

fn date(rest: &mut Cursor, before: &[u8]) -> Option<Date> {
    match rest.digits() {
        0 => month_first(rest),
        1 | 2 => day_first(rest, before),
        4 => year_first(rest),
        6 if before.len() <= MOST_BEFORE => {
            let year = full_year(rest.number(2)?);
            Some(Date::Days(days(year, rest.number(2)?, rest.number(2)?)?))
        }
        digits if digits == 8 || (digits == 14 || digits == 17) && is_alone(*rest, before) => {
            let year = rest.number(4)?;
            Some(Date::Days(days(year, rest.number(2)?, rest.number(2)?)?))
        }
        _ => None,
    }
}

/// Whether a number that may also be an identifier is a time: it begins the line, or a zone follows.
fn is_alone(mut rest: Cursor, before: &[u8]) -> bool {
    rest.skip(rest.digits());
    let ended = rest
        .peek()
        .is_none_or(|byte| b" \t.,;|])\"".contains(&byte));
    (before.len() <= 1 && ended) || rest.peek() == Some(b'Z')
}

/// `2026-11-24`, `2026/1/5`, `2026.11.24`, `2026 Nov 24`, `2026-328`
fn year_first(rest: &mut Cursor) -> Option<Date> {
    let year = rest.number(4)?;
    let separator = rest.one_of(b"-/.: ")?;
    if separator == b'-' && rest.digits() == 3 {
        let day = rest.number(3).filter(|day| (1..=366).contains(day))?;
        return Some(Date::Days(days(year, 1, 1)? + day - 1));
    }
    let month = match rest.digits() {
        0 => month(rest)?,
        _ if separator == b' ' => return None,
        _ => rest.short()?,
    };
    rest.one_of(&[separator])?;
    rest.text(b" ");
    Some(Date::Days(days(year, month, rest.short()?)?))
}

/// `Nov 24`, `Nov  5`, `Nov 24 2026`, `November 24, 2026`
fn month_first(rest: &mut Cursor) -> Option<Date> {
    let month = month(rest)?;
    let separator = rest.one_of(b" -/")?;
    rest.text(b" ");
    let day = rest.short()?;
    let mut end = *rest;
    end.text(b",");
    if end.one_of(&[separator]).is_some()
        && let Some(year) = year(&mut end).or_else(|| short_year(&mut end, separator))
    {
        *rest = end;
        return Some(Date::Days(days(year, month, day)?));
    }
    Some(Date::Yearless(month, day))
}

/// `24/Nov/2026`, `24-Nov-26`, `24 Nov`, `11/24/2026`, `24.11.26`, `11-24`
fn day_first(rest: &mut Cursor, before: &[u8]) -> Option<Date> {
    let first = rest.short()?;
    let separator = rest.one_of(b"/-. ")?;
    if rest.digits() == 0 {
        return named_month(rest, first, separator);
    }
    let second = rest.short().filter(|_| separator != b' ')?;
    let mut end = *rest;
    if end.one_of(&[separator]).is_none() {
        let near = before.len() <= MOST_BEFORE;
        return near.then_some(Date::Pair([first, second], separator));
    }
    let third = year(&mut end).or_else(|| two_digits(&mut end))?;
    *rest = end;
    Some(Date::Parts(Parts {
        numbers: [first, second, third],
        separator,
    }))
}

/// Reads what follows a day: a month's name, and a year unless the time comes next.
fn named_month(rest: &mut Cursor, day: i64, separator: u8) -> Option<Date> {
    let month = month(rest)?;
    let mut end = *rest;
    end.text(b",");
    end.one_of(&[separator])?;
    let found = year(&mut end).or_else(|| short_year(&mut end, separator));
    let Some(year) = found else {
        return (separator == b' ').then_some(Date::Yearless(month, day));
    };
    *rest = end;
    Some(Date::Days(days(year, month, day)?))
}

/// Reads a year of four digits.
fn year(rest: &mut Cursor) -> Option<i64> {
    let mut end = *rest;
    let year = end.number(4).filter(|year| YEARS.contains(year))?;
    if !end.ended() && end.peek() != Some(b'T') {
        return None;
    }
    *rest = end;
    Some(year)
}

/// Reads a year of two digits; behind a blank they may be the hour.
fn short_year(rest: &mut Cursor, separator: u8) -> Option<i64> {
    let year = two_digits(rest).filter(|_| separator != b' ');
    year.map(full_year)
}

fn two_digits(rest: &mut Cursor) -> Option<i64> {
    (rest.digits() == 2).then(|| rest.number(2)).flatten()
}

/// Reads the year behind a time, as in `Tue Nov 24 10:00:00 CET 2026`.
///
/// Any number may follow a time: it is a year behind a zone, before a bracket, or if a weekday stands before the date.
fn year_behind(rest: &mut Cursor, before: &[u8], zone: Zone) -> Option<i64> {
    let mut end = *rest;
    end.text(b" ")?;
    let year = year(&mut end)?;
    if zone == Zone::Absent && end.peek() != Some(b']') && !ends_in_weekday(before) {
        return None;
    }
    *rest = end;
    Some(year)
}

fn ends_in_weekday(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b",").unwrap_or(before);
    let days: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    days.iter().any(|day| before.ends_with(day))
}

/// Whether the time is part of the name of a file.
fn in_name(rest: Cursor) -> bool {
    match rest.peek() {
        Some(b'.' | b'_' | b'-' | b'/') => {}
        Some(byte) => return byte.is_ascii_digit(),
        None => return false,
    }
    let token = rest.0.iter().take(LONGEST_NAME);
    let length = token.take_while(|byte| !b" \t:\"'".contains(byte)).count();
    let token = &rest.0[..length];
    let ends = |extension: &&[u8]| {
        token
            .windows(extension.len())
            .any(|part| part == *extension)
    };
    EXTENSIONS.iter().any(ends)
}

//! Seconds since the epoch, and thousandths, millionths and billionths.

use super::Reading;
use super::calendar::{DAY, days};
use super::cursor::Cursor;
use super::fields::may_be_time;

const SECONDS: std::ops::Range<i64> = 1_000_000_000..4_102_444_800; // 2001 to 2099
const DIGITS_OF_SECONDS: usize = 10;
const MOST_COLUMNS: usize = 5;
/// A name, with what stands between it and its value, is no longer.
const LONGEST_NAME: usize = 48;

/// Reads a number that is known to be a time.
pub(super) fn seconds(mut rest: Cursor) -> Option<Reading> {
    let digits = rest.digits();
    if ![DIGITS_OF_SECONDS, 13, 16, 19].contains(&digits) {
        return None;
    }
    let second = rest.number(DIGITS_OF_SECONDS)?;
    rest.skip(digits - DIGITS_OF_SECONDS);
    (SECONDS.contains(&second) && rest.ended()).then_some(Reading::Second(second))
}

/// Reads a number such as `1.795514400123E9`, as Java writes it.
pub(super) fn floating(mut rest: Cursor) -> Option<Reading> {
    let number = rest.run(|byte| byte.is_ascii_digit() || b".eE+".contains(&byte));
    let exponent = number.iter().position(|byte| b"eE".contains(byte))?;
    if exponent > LONGEST_NAME {
        return None;
    }
    let value: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let scales = [1.0, 1e3, 1e6, 1e9];
    let seconds = scales.into_iter().map(|scale| value / scale);
    let second = seconds.map(|second| second as i64);
    second
        .into_iter()
        .find(|second| SECONDS.contains(second))
        .map(Reading::Second)
}

/// Reads a label as daemontools writes it: 24 hexadecimal digits, of which the first 16 are 2^62 and 10 more than the
/// seconds since the epoch.
pub(super) fn tai64n(rest: Cursor) -> Option<Reading> {
    let label = rest.0.get(..24)?;
    let text = std::str::from_utf8(&label[..16]).ok()?;
    let second = i64::from_str_radix(text, 16).ok()? - (1 << 62) - 10;
    let whole = label.iter().all(u8::is_ascii_hexdigit) && SECONDS.contains(&second);
    whole.then_some(Reading::Second(second))
}

/// Reads a number that is a time by where it stands: at the start of the line, behind the name of a time, or before
/// another time.
pub(super) fn read(rest: Cursor, before: &[u8]) -> Option<Reading> {
    let found = seconds(rest)?;
    let known = is_first(rest, before)
        || is_named(before)
        || is_column(rest, before)
        || precedes_another(rest);
    known.then_some(found)
}

fn is_first(mut rest: Cursor, before: &[u8]) -> bool {
    rest.skip(rest.digits());
    let ended = rest
        .peek()
        .is_none_or(|byte| b" \t.,:;|])>\"\r\n".contains(&byte));
    ended && !before.iter().any(u8::is_ascii_alphanumeric)
}

/// Whether the number is one of the first columns of a line that begins with a number, such as that of a process or an
/// event: `134681 node-246 unix.hw state_change 1077804742 1 `.
fn is_column(mut rest: Cursor, before: &[u8]) -> bool {
    rest.skip(rest.digits());
    if rest.text(b".").is_some() {
        rest.skip(rest.digits());
    }
    let starts = before.first().is_some_and(u8::is_ascii_digit) && before.ends_with(b" ");
    let mut columns = before.split(|byte| *byte == b' ');
    let first = columns
        .next()
        .is_some_and(|id| id.iter().all(u8::is_ascii_digit));
    starts && first && rest.peek() == Some(b' ') && columns.count() <= MOST_COLUMNS
}

/// Whether a name such as `ts` stands before the number: `ts=`, `"ts": `, `audit(`.
fn is_named(before: &[u8]) -> bool {
    if before.ends_with(b"audit(") {
        return true;
    }
    let before = &before[before.len().saturating_sub(LONGEST_NAME)..];
    let Some((b'=' | b':' | b'>', name)) = without_quotes(before).split_last() else {
        return false;
    };
    let name = without_quotes(name);
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@.-$".contains(byte);
    let start = name.iter().rposition(|byte| !of_name(byte));
    may_be_time(&name[start.map_or(0, |place| place + 1)..]).is_some()
}

fn without_quotes(text: &[u8]) -> &[u8] {
    let last = text.iter().rposition(|byte| !b"\"' \\".contains(byte));
    &text[..last.map_or(0, |place| place + 1)]
}

/// Whether a number precedes another one like it, as the start does the end in a flow log of a VPC, or its own date.
fn precedes_another(mut rest: Cursor) -> bool {
    let Some(start) = rest.number(DIGITS_OF_SECONDS) else {
        return false;
    };
    if rest.text(b" ").is_none() {
        return false;
    }
    match rest.digits() {
        DIGITS_OF_SECONDS => match seconds(rest) {
            Some(Reading::Second(end)) => (start..start + DAY).contains(&end),
            _ => false,
        },
        4 => date(rest).is_some_and(|days| (days * DAY - start).abs() <= 2 * DAY),
        _ => false,
    }
}

/// `2005.06.03`
fn date(mut rest: Cursor) -> Option<i64> {
    let year = rest.number(4)?;
    rest.one_of(b".-/")?;
    let month = rest.number(2)?;
    rest.one_of(b".-/")?;
    days(year, month, rest.number(2)?)
}

//! Days, months and years.

use super::cursor::Cursor;

pub(super) const DAY: i64 = 86_400;
const DAYS_TO_1970: i64 = 719_162; // from 0001-01-01
const LAST_SECOND: i64 = 253_402_300_799; // 9999-12-31T23:59:59
const YEARS_BACK: i64 = 9; // the 29th of February may be far back
const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

/// Returns the days from the epoch to a date, if there is such a date and it is not before the epoch.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = i64::from((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    let index = usize::try_from(month - 1).ok().filter(|n| *n < 12)?;
    let length = LENGTHS[index] + if month == 2 { leap } else { 0 };
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    let whole_years = past * 365 + past / 4 - past / 100 + past / 400 - DAYS_TO_1970;
    Some(whole_years + BEFORE[index] + if month > 2 { leap } else { 0 } + day - 1)
}

/// Returns the last second that a log can have: a day after a reference.
pub(super) fn last_possible(reference: i64) -> i64 {
    reference.clamp(0, LAST_SECOND) + DAY
}

/// Returns the latest second with a month, day and time that a log can have.
pub(super) fn latest(month: i64, day: i64, time: i64, reference: i64) -> Option<i64> {
    let most = last_possible(reference);
    let mut year = 1970 + most.div_euclid(DAY) * 400 / 146_097;
    if days(year, 1, 1).is_some_and(|first| first * DAY > most) {
        year -= 1;
    }
    (year - YEARS_BACK + 1..=year)
        .rev()
        .filter_map(|year| Some(days(year, month, day)? * DAY + time))
        .find(|second| *second <= most)
}

/// Returns the year that two digits stand for.
pub(super) fn full_year(two_digits: i64) -> i64 {
    two_digits + if two_digits < 70 { 2000 } else { 1900 }
}

/// Reads the English name of a month, whole or its first three letters, in any case, with or without a period.
pub(super) fn month(rest: &mut Cursor) -> Option<i64> {
    let start = rest.0.first_chunk::<3>()?.map(|b| b.to_ascii_lowercase());
    let index = MONTHS.iter().position(|name| name[..3] == start)?;
    let mut end = *rest;
    let name = end.run(|byte| byte.is_ascii_alphabetic());
    let whole = MONTHS[index].eq_ignore_ascii_case(name) || name.eq_ignore_ascii_case(b"sept");
    if name.len() > 3 && !whole {
        return None;
    }
    *rest = end;
    rest.text(b".");
    i64::try_from(index + 1).ok()
}

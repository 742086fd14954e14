//! Dates of numbers alone, whose order differs from country to country.

use super::calendar::{DAY, days, full_year};
use super::cursor::Cursor;

/// Of several dates, one within so many days is more likely than one of years ago.
const RECENT: i64 = 366 * DAY;
const LEVELS: [&[u8]; 7] = [
    b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR", b"FATAL", b"SEVERE",
];

/// Which part of a date comes first; the others follow as people then order them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Year,
    Month,
    Day,
}

/// Three numbers that are a date, as they are written.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub numbers: [i64; 3],
    pub separator: u8,
}

impl Parts {
    /// Returns the days from the epoch to the date; nothing if its order cannot be known.
    ///
    /// An order counts if there is such a date, and it is not later than `last` unless all are. Where several count, the text
    /// around the time may be that of a program that is known: `gap` begins behind the date, `behind` behind the time.
    pub(super) fn days(&self, gap: &[u8], behind: &[u8], last: i64) -> Option<i64> {
        use First::{Day, Month, Year};
        let whole_year = self.numbers[2] > 99;
        let orders: &[First] = match (self.separator, whole_year) {
            (b'.', true) => &[Day],
            (b'/', true) if gap.starts_with(b"-") => &[Month], // Suricata
            (_, true) => &[Month, Day],
            _ => &[Year, Month, Day],
        };
        let mut found: Vec<(First, i64)> = Vec::new();
        for &first in orders {
            let days = self.starting_with(first);
            if let Some(days) = days.filter(|days| found.iter().all(|(_, other)| other != days)) {
                found.push((first, days));
            }
        }
        let past = |found: &(First, i64)| found.1 * DAY <= last;
        if found.iter().any(past) {
            found.retain(past);
        }
        let log4j = level_behind(behind); // of Spark and Hadoop, which write the year first
        let by_program = found.iter().find(|(first, days)| {
            let recent = || last - days * DAY < RECENT;
            *first == Year && log4j.is_some_and(|of_class| of_class || recent())
        });
        match (found.as_slice(), by_program) {
            ([(_, only)], _) | (_, Some((_, only))) => Some(*only),
            _ => None,
        }
    }

    fn starting_with(&self, first: First) -> Option<i64> {
        let [a, b, c] = self.numbers;
        let year = |year| if year > 99 { year } else { full_year(year) };
        match first {
            First::Year => days(year(a), b, c),
            First::Month => days(year(c), a, b),
            First::Day => days(year(c), b, a),
        }
    }
}

/// Returns the month and the day that two numbers are, if their order is known.
pub(super) fn month_and_day(numbers: [i64; 2], separator: u8, gap: &[u8]) -> Option<(i64, i64)> {
    let [a, b] = numbers;
    // Android writes `11-24 10:00:00`, Snort `11/24-10:00:00`.
    let month_first = separator == b'-' || (separator == b'/' && gap.starts_with(b"-"));
    let months = 1..=12;
    match (months.contains(&a), months.contains(&b)) {
        _ if month_first || a == b => Some((a, b)),
        (true, false) => Some((a, b)),
        (false, true) => Some((b, a)),
        _ => None,
    }
}

/// Returns whether a level that log4j writes comes next, and then, whether the name of a class follows it.
fn level_behind(text: &[u8]) -> Option<bool> {
    let mut rest = Cursor(text);
    rest.text(b" ")?;
    rest.any_text(&LEVELS)?;
    let gap = rest.run(|byte| byte == b' ').len();
    let class = rest.run(|byte| byte.is_ascii_alphanumeric() || b".$_".contains(&byte));
    (gap > 0).then(|| !class.is_empty() && rest.peek() == Some(b':'))
}

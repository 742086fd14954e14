//! The time in a line of a log.
//!
//! Known forms, the first one in the line counts:
//!
//! - ISO 8601 and its kin: `2026-11-24T10:00:00.123Z`, `2026-11-24 10:00:00,123 +0100`, `2026/11/24 10:00:00`;
//! - the access logs of Apache httpd and nginx: `24/Nov/2026:10:00:00 +0000`;
//! - syslog (RFC 3164): `Nov 24 10:00:00` and klog: `I1124 10:00:00.000000`, at the start of the line, without a year;
//! - seconds or milliseconds since the epoch, at the start of the line or as the value of a JSON field whose name ends
//!   in `ts`, `time`, `timestamp` or `date`.
//!
//! It is looked for in the first 128 bytes, in JSON in the first 4096. No zone means UTC.

const HEAD_BYTES: usize = 128;
const JSON_HEAD_BYTES: usize = 4096;
const DAY: i64 = 86_400;
const DAYS_TO_1970: i64 = 719_162; // from 0001-01-01
const EPOCH_SECONDS: std::ops::Range<i64> = 1_000_000_000..4_102_444_800; // 2001 to 2099
const LAST_SECOND: i64 = 253_402_300_799; // 9999-12-31T23:59:59
const YEARS_BACK: i64 = 9; // the 29th of February may be far back
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const TIME_FIELDS: [&[u8]; 6] = [
    b"ts\"",
    b"time\"",
    b"Time\"",
    b"timestamp\"",
    b"Timestamp\"",
    b"date\"",
];

/// Returns the time in a line, in seconds since the epoch.
///
/// `reference` is a second that the log is not newer than by more than a day: it gives the year where there is none.
pub fn second_of(line: &[u8], reference: i64) -> Option<i64> {
    without_year(line, reference).or_else(|| at_numbers(line))
}

fn without_year(line: &[u8], reference: i64) -> Option<i64> {
    match line.first()? {
        b'I' | b'W' | b'E' | b'F' => {
            klog(Cursor(&line[1..]), reference).or_else(|| syslog(Cursor(line), reference))
        }
        _ => syslog(Cursor(line), reference),
    }
}

/// Tries each number of the line's head.
fn at_numbers(line: &[u8]) -> Option<i64> {
    let json = line.first() == Some(&b'{');
    let head = line
        .len()
        .min(if json { JSON_HEAD_BYTES } else { HEAD_BYTES });
    let mut at = 0;
    while at < head {
        if !line[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let digits = line[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let rest = Cursor(&line[at..]);
        let found = match digits {
            4 => iso(rest),
            2 => access_log(rest),
            _ if at == 0 || (json && ends_in_time_field(&line[..at])) => epoch(rest, digits),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        at += digits;
    }
    None
}

/// `2026-11-24T10:00:00`, `2026/11/24 10:00:00`
fn iso(mut rest: Cursor) -> Option<i64> {
    let year = rest.number(4)?;
    let separator = rest.one_of(b"-/")?;
    let month = rest.number(2)?;
    rest.one_of(&[separator])?;
    let day = rest.number(2)?;
    rest.one_of(b"T _")?;
    rest.zoned_time(days(year, month, day)?)
}

/// `24/Nov/2026:10:00:00 +0000`
fn access_log(mut rest: Cursor) -> Option<i64> {
    let day = rest.number(2)?;
    rest.one_of(b"/")?;
    let month = rest.month()?;
    rest.one_of(b"/")?;
    let year = rest.number(4)?;
    rest.one_of(b":")?;
    rest.zoned_time(days(year, month, day)?)
}

/// `Nov 24 10:00:00`, after a priority such as `<13>` or none
fn syslog(mut rest: Cursor, reference: i64) -> Option<i64> {
    if rest.one_of(b"<").is_some() {
        rest.skip_digits();
        rest.one_of(b">")?;
    }
    let month = rest.month()?;
    rest.one_of(b" ")?;
    let padded = rest.one_of(b" ").is_some();
    let day = rest.number(if padded { 1 } else { 2 })?;
    rest.one_of(b" ")?;
    latest(month, day, rest.time()?, reference)
}

/// `1124 10:00:00.000000`, behind the letter of the severity
fn klog(mut rest: Cursor, reference: i64) -> Option<i64> {
    let month = rest.number(2)?;
    let day = rest.number(2)?;
    rest.one_of(b" ")?;
    latest(month, day, rest.time()?, reference)
}

/// Ten digits of seconds or thirteen of milliseconds since the epoch.
fn epoch(mut rest: Cursor, digits: usize) -> Option<i64> {
    if digits != 10 && digits != 13 {
        return None;
    }
    let second = rest.number(10)?;
    EPOCH_SECONDS.contains(&second).then_some(second)
}

/// Whether what stands before a number is a JSON field's name that ends in `ts`, `time`, `timestamp` or `date`.
fn ends_in_time_field(before: &[u8]) -> bool {
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let Some(name) = before.strip_suffix(b":") else {
        return false;
    };
    let name = name.strip_suffix(b" ").unwrap_or(name);
    TIME_FIELDS.iter().any(|end| name.ends_with(end))
}

/// Returns the latest second with a month, day and time that is not more than a day after a reference.
fn latest(month: i64, day: i64, time: i64, reference: i64) -> Option<i64> {
    let most = reference.clamp(0, LAST_SECOND) + DAY;
    let mut year = 1970 + most.div_euclid(DAY) * 400 / 146_097;
    if days(year, 1, 1).is_some_and(|first| first * DAY > most) {
        year -= 1;
    }
    (year - YEARS_BACK + 1..=year)
        .rev()
        .filter_map(|year| Some(days(year, month, day)? * DAY + time))
        .find(|second| *second <= most)
}

/// Returns the days from the epoch to a date, if there is such a date and it is not before the epoch.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
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

/// What is left of a line.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes one byte of a set.
    fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !set.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    /// Takes exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (taken, rest) = self.0.split_at_checked(digits)?;
        let value = taken.iter().try_fold(0, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + i64::from(byte - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    fn month(&mut self) -> Option<i64> {
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        let index = MONTHS.iter().position(|month| *month == name)?;
        self.0 = rest;
        i64::try_from(index + 1).ok()
    }

    fn skip_digits(&mut self) {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        self.0 = &self.0[digits.count()..];
    }

    /// Takes `HH:MM:SS` and a fraction, and returns the seconds since midnight.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.one_of(b":")?;
        let minute = self.number(2)?;
        self.one_of(b":")?;
        let second = self.number(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        if let [b'.' | b',', digit, ..] = self.0
            && digit.is_ascii_digit()
        {
            self.0 = &self.0[1..];
            self.skip_digits();
        }
        Some(hour * 3600 + minute * 60 + second)
    }

    fn zoned_time(&mut self, days: i64) -> Option<i64> {
        let time = self.time()?;
        Some(days * DAY + time - self.zone().unwrap_or(0))
    }

    /// Returns the seconds that a zone such as `+0530` or ` -08:00` is ahead.
    fn zone(mut self) -> Option<i64> {
        self.one_of(b" ");
        let sign = self.one_of(b"+-")?;
        let hours = self.number(2)?;
        self.one_of(b":");
        let minutes = self.number(2)?;
        let followed_by_digit = self.0.first().is_some_and(u8::is_ascii_digit);
        if hours > 14 || minutes > 59 || followed_by_digit {
            return None;
        }
        let ahead = hours * 3600 + minutes * 60;
        Some(if sign == b'-' { -ahead } else { ahead })
    }
}

#[cfg(test)]
mod tests {
    use super::second_of;

    const REFERENCE: i64 = 1_795_564_800; // 2026-11-25T00:00:00Z
    const NOON: i64 = 1_795_521_605; // 2026-11-24T12:00:05Z

    #[test]
    fn reads_each_form() {
        for line in [
            "2026-11-24T12:00:05Z x",
            "2026-11-24 04:00:05.1 -0800 x",
            "2026/11/24 12:00:05 [error] 1#1: x",
            "<34>Nov 24 12:00:05 host x",
            "I1124 12:00:05.000001       1 x.go:7] x",
            "1.2.3.4 - - [24/Nov/2026:13:00:05 +0100] \"GET /\"",
            "1795521605123 x",
            "{\"level\":\"error\",\"ts\":1795521605.1,\"msg\":\"x\"}",
            "2026-13-24T12:00:05 is none, 2026-11-24T12:00:05 is one",
        ] {
            assert_eq!(second_of(line.as_bytes(), REFERENCE), Some(NOON), "{line}");
        }
    }

    #[test]
    fn takes_nothing_else_for_a_time() {
        for line in [
            "",
            "2026-02-30T12:00:00Z",
            "at 1795521605",
            "I1324 12:00:05.0 x",
            "I",
        ] {
            assert_eq!(second_of(line.as_bytes(), REFERENCE), None, "{line}");
        }
    }

    #[test]
    fn survives_any_reference() {
        for reference in [i64::MIN, -86_400, 0, i64::MAX] {
            second_of(b"Feb 29 12:00:05 x", reference);
        }
    }
}

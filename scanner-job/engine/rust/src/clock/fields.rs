//! The times in the fields of a record that is JSON.

use memchr::memchr2;

use super::Reading;
use super::calendar::{DAY, days};
use super::cursor::Cursor;
use super::{dates, numbers, times};

/// So much of a record is looked at.
const HEAD_BYTES: usize = 16 * 1024;
const LONGEST_NAME: usize = 40;
/// Ends of names that say how a time is written.
const UNITS: [&[u8]; 21] = [
    b"unixnano",
    b"nanos",
    b"nano",
    b"micros",
    b"millis",
    b"epoch",
    b"_iso8601",
    b"_seconds",
    b"_unix",
    b"_local",
    b"_utc",
    b"_sec",
    b"_ms",
    b"_us",
    b"_ns",
    b"_s",
    b"local",
    b"utc",
    b"unix",
    b"ms",
    b"ns",
];
/// Names that the record's time has.
const TIMES: [&[u8]; 24] = [
    b"@timestamp",
    b"timestamp",
    b"time",
    b"@time",
    b"_time",
    b"ts",
    b"@ts",
    b"_ts",
    b"@t",
    b"t",
    b"datetime",
    b"date",
    b"eventtime",
    b"event_time",
    b"event_timestamp",
    b"logtime",
    b"log_time",
    b"asctime",
    b"instant",
    b"published",
    b"__realtime_timestamp",
    b"_source_realtime_timestamp",
    b"epochsecond",
    b"$date",
];
const ENDS: [&[u8]; 3] = [b"time", b"timestamp", b"date"];
/// Names of other times.
const OTHERS: [&[u8]; 8] = [
    b"start",
    b"start_at",
    b"created",
    b"created_at",
    b"dt",
    b"rt",
    b"msec",
    b"millis",
];
/// Parts of names of times that are not the record's.
const NOT_ITS_OWN: [&[u8]; 14] = [
    b"expir",
    b"until",
    b"after",
    b"before",
    b"valid",
    b"modif",
    b"deadline",
    b"birth",
    b"next",
    b"timeout",
    b"duration",
    b"schedul",
    b"due",
    b"retry",
];

/// How a field that may hold the time of its record is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// As records call their own time.
    Time,
    /// As any time may be called.
    SomeTime,
}

/// Reads the time of a record from its fields.
///
/// Fields of the record itself come before those of inner objects, and what records call their own time before others.
pub(super) fn read(record: &[u8], reference: i64) -> Option<Reading> {
    let mut search = Search {
        reference,
        depth: 0,
        inherited: None,
        found: None,
        day: None,
        clock: None,
    };
    search.through(&record[..record.len().min(HEAD_BYTES)]);
    search.found.map(|(_, reading)| reading)
}

/// How good a field is: the least is the best.
type Place = (bool, Named, u32);

struct Search {
    reference: i64,
    /// How many brackets are open.
    depth: u32,
    /// The depth of the fields of an object that is a time itself: `"t":{"$date":"2026-11-24T10:00:00Z"}`.
    inherited: Option<u32>,
    found: Option<(Place, Reading)>,
    /// A day and a time of day in fields of their own.
    day: Option<i64>,
    clock: Option<i64>,
}

impl Search {
    fn through(&mut self, record: &[u8]) {
        let mut at = 0;
        while let Some(byte) = record.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    let Some(length) = string_length(&record[at..]) else {
                        return;
                    };
                    let name = &record[at..at + length];
                    at += length + 1;
                    let mut value = Cursor(&record[at..]);
                    blanks(&mut value);
                    if value.text(b":").is_none() {
                        continue;
                    }
                    blanks(&mut value);
                    at = record.len() - value.0.len();
                    if self.field(name, value) {
                        return;
                    }
                    if value.text(b"\"").is_some() {
                        let Some(length) = string_length(value.0) else {
                            return;
                        };
                        at += length + 2;
                    }
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.inherited = self.inherited.filter(|depth| *depth <= self.depth);
                }
                _ => {}
            }
        }
    }

    /// Looks at a field, and returns whether no better one can follow.
    fn field(&mut self, name: &[u8], value: Cursor) -> bool {
        let Some(named) = may_be_time(name) else {
            return false;
        };
        let inherits = self.inherited == Some(self.depth);
        let (named, depth) = match inherits {
            true => (Named::Time, 1),
            false => (named, self.depth),
        };
        let place = (depth > 1, named, depth);
        if value.peek() == Some(b'{') && depth == 1 && named == Named::Time {
            self.inherited = Some(self.depth + 1);
        }
        let reading = reading(value, self.reference).or_else(|| self.divided(value));
        if let Some(reading) = reading
            && self.found.is_none_or(|(best, _)| place < best)
        {
            self.found = Some((place, reading));
        }
        matches!(self.found, Some(((false, Named::Time, _), _)))
    }

    /// Reads a day or a time of day, and returns their time if the other one came before.
    fn divided(&mut self, value: Cursor) -> Option<Reading> {
        let mut rest = value;
        rest.text(b"\"")?;
        let mut day = rest;
        self.day = date_alone(&mut day).or(self.day);
        let clock = times::time(&mut rest, false);
        self.clock = clock.filter(|_| rest.peek() == Some(b'"')).or(self.clock);
        Some(Reading::Second(self.day? * DAY + self.clock?))
    }
}

/// `2026-11-24"`
fn date_alone(rest: &mut Cursor) -> Option<i64> {
    let year = rest.number(4)?;
    let separator = rest.one_of(b"-/")?;
    let month = rest.number(2)?;
    rest.one_of(&[separator])?;
    let days = days(year, month, rest.number(2)?)?;
    rest.text(b"\"")?;
    Some(days)
}

/// Reads the value of a field: a number, or a string that begins with a time.
fn reading(value: Cursor, reference: i64) -> Option<Reading> {
    let mut text = value;
    if text.text(b"\"").is_none() {
        return numbers::seconds(value).or_else(|| numbers::floating(value));
    }
    // As .NET writes it: "\/Date(1795514400123)\/"
    if text.any_text(&[b"/Date(", b"\\/Date("]).is_some() {
        return numbers::seconds(text);
    }
    text.text(b"[");
    let weekday = text.run(|byte| byte.is_ascii_alphabetic());
    if text.any_text(&[b", ", b" "]).is_none() {
        text.0 = &value.0[1..];
    }
    dates::read(text, weekday, reference).or_else(|| {
        let mut end = text;
        let found = numbers::seconds(text)?;
        end.run(|byte| byte.is_ascii_digit() || byte == b'.');
        (end.peek() == Some(b'"')).then_some(found)
    })
}

/// Returns whether a name is one of a time, and of which.
pub(super) fn may_be_time(name: &[u8]) -> Option<Named> {
    let mut lower = [0; LONGEST_NAME];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let bare = UNITS.iter().find_map(|unit| lower.strip_suffix(*unit));
    let known = |names: &[&[u8]]| {
        names.contains(&&*lower) || bare.is_some_and(|bare| names.contains(&bare))
    };
    if known(&TIMES) {
        return Some(Named::Time);
    }
    let ends = |name: &[u8]| ENDS.iter().any(|end| name.ends_with(end));
    let part = |start: u8| start.is_ascii_punctuation();
    let short = match name {
        [.., start, b't', b's'] => part(*start),
        [.., b'T', b's'] | [.., b'A', b't'] => true,
        [.., start, b'a', b't'] => part(*start),
        _ => false,
    };
    let some = short || ends(lower) || bare.is_some_and(ends) || known(&OTHERS);
    let own = || {
        !NOT_ITS_OWN
            .iter()
            .any(|part| memchr::memmem::find(lower, part).is_some())
    };
    (some && own()).then_some(Named::SomeTime)
}

/// Returns how long a string is that begins here, without its quotes.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

fn blanks(rest: &mut Cursor) {
    rest.run(|byte| byte.is_ascii_whitespace());
}

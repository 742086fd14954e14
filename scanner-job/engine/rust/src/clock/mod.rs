//! The time in a line of a log.
//!
//! In a record that is JSON, the fields that hold times come first ([`fields`]), whatever stands before them. In any
//! other line, the first time counts:
//!
//! - a date with a time ([`dates`]): ISO 8601 and its kin, those of access logs, syslog, `ctime`, RFC 5322 and many
//!   programs;
//! - klog and glog, at the start of the line;
//! - seconds since the epoch, or thousandths, millionths and billionths, where something shows that a number is a time
//!   ([`numbers`]), and the labels of daemontools.
//!
//! What may mean several times is not read: a zone that several regions call the same, a day and a month that can be
//! swapped. A date in the name of a file is no time, nor is one in the future if another follows. No zone means UTC.

mod calendar;
mod cursor;
mod dates;
mod fields;
mod numbers;
mod orders;
#[cfg(test)]
mod tests;
mod times;
mod zones;

use calendar::{last_possible, latest};
use cursor::Cursor;

/// So much of a line is looked at.
const HEAD_BYTES: usize = 1024;
/// Letters that klog, glog and their kin begin a line with.
const LEVELS: &[u8] = b"IWEFDV";

/// What was read where a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The seconds since the epoch.
    Second(i64),
    /// There is a time that may mean several.
    Unknown,
}

/// Returns the time in a line, in seconds since the epoch.
///
/// `reference` is a second that the log is not newer than by more than a day: it gives the year where there is none.
pub fn second_of(line: &[u8], reference: i64) -> Option<i64> {
    let start = line.trim_ascii_start();
    let found = match start.first()? {
        byte if LEVELS.contains(byte) => klog(Cursor(&start[1..]), reference),
        b'@' => numbers::tai64n(Cursor(&start[1..])),
        b'{' | b'[' | b',' => fields::read(start, reference),
        _ => None,
    };
    match found.or_else(|| first(start, reference))? {
        Reading::Second(second) => Some(second),
        Reading::Unknown => None,
    }
}

/// Reads the first time of a line, or the first one that is not in the future.
fn first(line: &[u8], reference: i64) -> Option<Reading> {
    let last = last_possible(reference);
    let mut future = None;
    let mut at = 0;
    while at < line.len().min(HEAD_BYTES) {
        let byte = line[at];
        if !byte.is_ascii_digit() && !b"JFMASOND".contains(&byte) {
            at += 1;
            continue;
        }
        let (before, rest) = line.split_at(at);
        if begins_here(before) {
            let cursor = Cursor(rest);
            match dates::read(cursor, before, reference).or_else(|| numbers::read(cursor, before)) {
                found @ Some(Reading::Second(second)) if second > last => {
                    future = future.or(found);
                }
                found @ Some(_) => return found,
                None => {}
            }
        }
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric());
        at += word.count();
    }
    future
}

/// Whether a time may begin behind this: it is no part of a word, a name or a number.
fn begins_here(before: &[u8]) -> bool {
    let Some((last, start)) = before.split_last() else {
        return true;
    };
    match last {
        b'_' | b'/' | b'%' => false,
        b'-' => {
            let dashes = start.iter().rev().take_while(|byte| **byte == b'-');
            let start = &start[..start.len() - dashes.count()];
            !start
                .last()
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._/".contains(byte))
        }
        b'.' => start.last().is_none_or(u8::is_ascii_whitespace), // of Cisco, where the clock is not set
        b'n' | b't' => start.ends_with(b"\\"),
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// `1124 10:00:00.000000` of klog, `20261124 10:00:00.000000` of glog, behind the letter of the severity.
fn klog(mut rest: Cursor, reference: i64) -> Option<Reading> {
    if rest.digits() == 8 {
        return dates::read(rest, b"", reference);
    }
    // Abseil, before it knows the zone.
    if rest.text(b"0000 00:00:").is_some() {
        return numbers::seconds(rest);
    }
    let month = rest.number(2)?;
    let day = rest.number(2)?;
    rest.one_of(b" ")?;
    let time = times::time(&mut rest, false)?;
    latest(month, day, time, reference).map(Reading::Second)
}

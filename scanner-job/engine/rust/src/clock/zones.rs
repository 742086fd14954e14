//! The zone behind a time.

use super::Reading;
use super::cursor::Cursor;

/// What names of the tz database begin with; their offset depends on the date.
const REGIONS: [&[u8]; 16] = [
    b"Africa/",
    b"America/",
    b"Antarctica/",
    b"Arctic/",
    b"Asia/",
    b"Atlantic/",
    b"Australia/",
    b"Brazil/",
    b"Canada/",
    b"Chile/",
    b"Etc/",
    b"Europe/",
    b"Indian/",
    b"Mexico/",
    b"Pacific/",
    b"US/",
];

/// What stands before a zone that is a field of its own.
const NAMES: [&[u8]; 4] = [b" timezone=\"", b"\" timezone=\"", b" tz=\"", b"\" tz=\""];

/// What a time's zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// There is none.
    Absent,
    /// It is so many seconds ahead of UTC.
    Ahead(i64),
    /// There is one, and it does not say how far it is ahead.
    Unknown,
}

impl Zone {
    /// Returns the second in UTC of one in this zone. Without a zone it is UTC.
    pub(super) fn utc(self, second: i64) -> Reading {
        match self {
            Zone::Absent => Reading::Second(second),
            Zone::Ahead(ahead) => Reading::Second(second - ahead),
            Zone::Unknown => Reading::Unknown,
        }
    }
}

/// Reads a zone such as `Z`, `+0530`, ` -08:00`, ` CET`, ` GMT+0100` or ` Europe/Berlin`.
pub(super) fn zone(rest: &mut Cursor) -> Zone {
    let mut end = *rest;
    match end.0 {
        [b' ', b'+' | b'-' | b'A'..=b'Z', ..] => end.skip(1),
        [b' ' | b'"', b't' | b' ', ..] => {
            end.any_text(&NAMES);
        }
        _ => {}
    }
    let found = match end.peek() {
        Some(b'+' | b'-') => offset(&mut end).map_or(Zone::Absent, Zone::Ahead),
        Some(byte) if byte.is_ascii_uppercase() => named(&mut end),
        _ => Zone::Absent,
    };
    if found != Zone::Absent {
        *rest = end;
    }
    found
}

/// Reads a zone before a date: `[PDT `.
pub(super) fn zone_before(before: &[u8]) -> Zone {
    let Some(before) = before.strip_suffix(b" ") else {
        return Zone::Absent;
    };
    let letters = before.iter().rev().take_while(|b| b.is_ascii_alphabetic());
    abbreviated(&before[before.len() - letters.count()..])
}

/// `+0530`, `-08:00`, `+01`, or `+060` in minutes.
fn offset(rest: &mut Cursor) -> Option<i64> {
    let sign = rest.one_of(b"+-")?;
    let minutes = match rest.digits() {
        4 => rest.number(2)? * 60 + minutes(rest)?,
        3 => rest.number(3)?,
        2 => {
            let hours = rest.number(2)? * 60;
            let mut end = *rest;
            match end.text(b":").and_then(|()| minutes(&mut end)) {
                Some(minutes) if end.ended() => {
                    *rest = end;
                    hours + minutes
                }
                _ => hours,
            }
        }
        _ => return None,
    };
    if minutes > 14 * 60 || !rest.ended() {
        return None;
    }
    Some(if sign == b'-' { -minutes } else { minutes } * 60)
}

fn minutes(rest: &mut Cursor) -> Option<i64> {
    rest.number(2).filter(|minutes| *minutes < 60)
}

fn named(rest: &mut Cursor) -> Zone {
    let start = *rest;
    let name = rest.run(|byte| byte.is_ascii_alphabetic());
    if rest.peek() == Some(b'/') {
        return region(start);
    }
    if !rest.ended() {
        return Zone::Absent;
    }
    match abbreviated(name) {
        Zone::Ahead(0) => Zone::Ahead(after_utc(rest).unwrap_or(0)),
        zone => zone,
    }
}

/// Returns the zone that a name of the tz database stands for: its offset depends on the date.
fn region(mut rest: Cursor) -> Zone {
    let mut end = rest;
    if end.any_text(&[b"Etc/UTC", b"Etc/GMT"]).is_some() {
        let more = end.peek().is_some_and(|byte| b"+-0".contains(&byte));
        return if more { Zone::Unknown } else { Zone::Ahead(0) };
    }
    match rest.any_text(&REGIONS) {
        Some(()) => Zone::Unknown,
        None => Zone::Absent,
    }
}

/// Returns the zone of an abbreviation.
///
/// Those of the tz database and of RFC 5322 are known, and some that Java writes, unless several zones share one. PST is
/// that of RFC 5322, though Manila has one too, and CDT likewise, though Havana has one.
fn abbreviated(name: &[u8]) -> Zone {
    match name {
        b"HST" => Zone::Ahead(-600 * 60),
        b"AKST" | b"HDT" => Zone::Ahead(-540 * 60),
        b"PST" | b"AKDT" => Zone::Ahead(-480 * 60),
        b"MST" | b"PDT" => Zone::Ahead(-420 * 60),
        b"MDT" => Zone::Ahead(-360 * 60),
        b"EST" | b"CDT" => Zone::Ahead(-300 * 60),
        b"AST" | b"EDT" => Zone::Ahead(-240 * 60),
        b"NST" => Zone::Ahead(-210 * 60),
        b"BRT" | b"ADT" => Zone::Ahead(-180 * 60),
        b"NDT" => Zone::Ahead(-150 * 60),
        b"UTC" | b"GMT" | b"UT" | b"Z" | b"WET" => Zone::Ahead(0),
        b"WEST" | b"BST" | b"CET" | b"MET" | b"MEZ" | b"WAT" => Zone::Ahead(60 * 60),
        b"CEST" | b"MEST" | b"MESZ" | b"EET" | b"CAT" | b"SAST" => Zone::Ahead(120 * 60),
        b"EEST" | b"EAT" | b"IDT" | b"MSK" => Zone::Ahead(180 * 60),
        b"PKT" => Zone::Ahead(300 * 60),
        b"NPT" => Zone::Ahead(345 * 60),
        b"ICT" | b"WIB" => Zone::Ahead(420 * 60),
        b"AWST" | b"HKT" | b"MYT" | b"PHT" | b"SGT" | b"WITA" => Zone::Ahead(480 * 60),
        b"JST" | b"KST" | b"WIT" => Zone::Ahead(540 * 60),
        b"ACST" => Zone::Ahead(570 * 60),
        b"AEST" | b"ChST" => Zone::Ahead(600 * 60),
        b"ACDT" => Zone::Ahead(630 * 60),
        b"AEDT" => Zone::Ahead(660 * 60),
        b"NZST" => Zone::Ahead(720 * 60),
        b"NZDT" => Zone::Ahead(780 * 60),
        b"CST" | b"IST" | b"SST" | b"AMT" | b"GST" | b"WST" | b"ECT" | b"BDT" => Zone::Unknown,
        _ => Zone::Absent,
    }
}

/// Reads how far a zone is ahead of the one before: `+0100` of `GMT+0100`, `+2` of `UTC+2`.
fn after_utc(rest: &mut Cursor) -> Option<i64> {
    let mut end = *rest;
    if let Some(seconds) = offset(&mut end) {
        *rest = end;
        return Some(seconds);
    }
    let sign = rest.one_of(b"+-")?;
    let hours = rest.number(1)?;
    let ahead = if sign == b'-' { -hours } else { hours } * 3600;
    rest.ended().then_some(ahead)
}

//! The lines of programs, taken out of what container runtimes write around them.

use super::containers::Read;
use super::converting::{Converted, Messages, push_line};
use super::decoding::Place;
use super::fields::line_of;
use super::lines::{Line, Lines};
use super::records::Origin;
use crate::clock;

/// Lines with what a container runtime writes around them.
pub(super) struct Containers {
    lines: Lines,
    entries: Entries,
}

struct Entries {
    read: Read,
    /// Whether texts are written as JSON strings.
    escaped: bool,
    /// The lines of standard output and standard error whose end has not come yet.
    open: [Option<Open>; 2],
    text: Vec<u8>,
    times: Times,
}

struct Open {
    text: Vec<u8>,
    origin: Origin,
    cut: bool,
}

impl Containers {
    pub(super) fn new(lines: Lines, read: Read, escaped: bool) -> Self {
        let entries = Entries {
            read,
            escaped,
            open: [None, None],
            text: Vec::new(),
            times: Times::default(),
        };
        Containers { lines, entries }
    }
}

impl Converted for Containers {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        let entries = &mut self.entries;
        let each = &mut |line: Line| entries.push(&line, messages);
        self.lines.push(text, place, each);
    }

    fn finish(&mut self, messages: &mut Messages) {
        let entries = &mut self.entries;
        self.lines.finish(&mut |line| entries.push(&line, messages));
        for open in entries.open.iter_mut().filter_map(Option::take) {
            messages.push(&open.text, open.origin, open.cut);
        }
    }
}

impl Entries {
    fn push(&mut self, line: &Line, messages: &mut Messages) {
        let Some(entry) = (self.read)(line.text) else {
            return push_line(messages, line);
        };
        let mut text = entry.text;
        if self.escaped {
            let end = if entry.partial { "" } else { r"\n" };
            text = &entry.text[..entry.text.len() - end.len()];
            if memchr::memchr(b'\\', text).is_some() {
                text = line_of(entry.text, &mut self.text);
            }
        }
        let origin = Origin {
            offset: line.offset,
            second: self.times.second_of(entry.time, messages.reference),
        };
        let open = &mut self.open[usize::from(entry.error)];
        if open.is_none() && !entry.partial {
            return messages.push(text, origin, line.cut);
        }
        let limit = messages.records.limit();
        let whole = open.get_or_insert_with(|| Open {
            text: Vec::new(),
            origin,
            cut: false,
        });
        let room = limit - whole.text.len();
        whole.text.extend_from_slice(&text[..text.len().min(room)]);
        whole.cut |= line.cut || text.len() > room;
        if !entry.partial
            && let Some(whole) = open.take()
        {
            messages.push(&whole.text, whole.origin, whole.cut);
        }
    }
}

/// Reads times in UTC, most of which are in the minute of the time before.
#[derive(Default)]
struct Times {
    /// `2026-11-24T10:00:`
    minute: [u8; Times::MINUTE],
    /// When it begins.
    start: i64,
}

impl Times {
    const MINUTE: usize = 17;

    fn second_of(&mut self, time: &[u8], reference: i64) -> Option<i64> {
        let minute = time.first_chunk().filter(|_| time.ends_with(b"Z"));
        let seconds = time.get(Self::MINUTE..Self::MINUTE + 2);
        let (Some(minute), Some([tens @ b'0'..=b'5', ones @ b'0'..=b'9'])) = (minute, seconds)
        else {
            return clock::second_of(time, reference);
        };
        let second = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
        if *minute != self.minute {
            self.start = clock::second_of(time, reference)? - second;
            self.minute = *minute;
        }
        Some(self.start + second)
    }
}

//! systemd's journal as text: `journalctl --output=export`. Its fields are lines, and an empty line ends an entry.

use super::converting::{Converted, Messages};
use super::decoding::Place;
use super::lines::{Line, Lines};
use super::records::Origin;

/// What an export begins with.
pub(super) const START: &[u8] = b"__CURSOR=";
const TIME: &[u8] = b"__REALTIME_TIMESTAMP=";

/// Gives each line the time of its entry.
pub(super) struct Journal {
    lines: Lines,
    second: Option<i64>,
}

impl Journal {
    pub(super) fn new(lines: Lines) -> Self {
        Journal {
            lines,
            second: None,
        }
    }
}

impl Converted for Journal {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        let second = &mut self.second;
        self.lines
            .push(text, place, &mut |line| push_field(messages, second, &line));
    }

    fn finish(&mut self, messages: &mut Messages) {
        let second = &mut self.second;
        self.lines
            .finish(&mut |line| push_field(messages, second, &line));
    }
}

fn push_field(messages: &mut Messages, second: &mut Option<i64>, line: &Line) {
    if let Some(microseconds) = line.text.strip_prefix(TIME) {
        let text = std::str::from_utf8(microseconds).ok();
        *second = text.and_then(|text| Some(text.trim().parse::<i64>().ok()? / 1_000_000));
    } else if line.text.starts_with(START) {
        *second = None;
    }
    let origin = Origin {
        offset: line.offset,
        second: *second,
    };
    messages.push(line.text, origin, line.cut);
}

//! Inputs whose records are not simply lines, converted piece by piece.

use super::containers::{self, Entry, Read};
use super::decoding::{Decoder, Encoding, Place};
use super::detecting::Form;
use super::envelopes::Element;
use super::events::Events;
use super::fields::{Fields, text_of, unescape};
use super::json::{Found, Splitter};
use super::lines::{Line, Lines};
use super::records::{Origin, Records};
use super::{By, Framing};
use crate::clock;
use crate::cutting::Piece;

/// Converts one input.
pub(super) struct Converter {
    encoding: Encoding,
    decoder: Decoder,
    /// Where in the input the next piece begins.
    offset: u64,
    form: Box<dyn Converted>,
    messages: Messages,
}

/// How the records of one form are found.
trait Converted: Send {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages);
    fn finish(&mut self, messages: &mut Messages);
}

impl Converter {
    pub(super) fn new(
        framing: &Framing,
        form: Form,
        encoding: Encoding,
        offset: u64,
        limit: usize,
    ) -> Self {
        let lines = Lines::new(limit);
        let converted: Box<dyn Converted> = match (&framing.by, form) {
            (_, Form::Json) => {
                let cloudwatch = matches!(framing.by, By::CloudWatch);
                Box::new(Splitter::new(limit, cloudwatch))
            }
            (_, Form::Docker) => Box::new(Containers::new(lines, containers::docker, true)),
            (_, Form::Cri) => Box::new(Containers::new(lines, containers::cri, false)),
            (By::Starts(starts), _) => Box::new((lines, Events::new(starts.clone()))),
            _ => Box::new(lines),
        };
        Converter {
            encoding,
            decoder: Decoder::new(encoding),
            offset,
            form: match form {
                Form::CarriageReturns => Box::new(ByReturns(converted)),
                _ => converted,
            },
            messages: Messages {
                field: framing.message_field.clone(),
                reference: framing.reference,
                text: Vec::new(),
                records: Records::new(limit),
            },
        }
    }

    /// Returns how many records were cut.
    pub(super) fn cut(&self) -> u64 {
        self.messages.records.cut()
    }

    /// Takes the next piece and appends the records that it completes.
    pub(super) fn push(&mut self, piece: &[u8], pieces: &mut Vec<Piece>) {
        let (text, bytes) = match self.encoding {
            Encoding::Bytes => (piece, piece.len()),
            _ => self.decoder.push(piece),
        };
        let mut place = Place::new(self.encoding, self.offset);
        self.form.push(text, &mut place, &mut self.messages);
        self.offset += bytes as u64;
        self.messages.records.take(pieces);
    }

    /// Ends the input and appends the last records.
    pub(super) fn finish(&mut self, pieces: &mut Vec<Piece>) {
        let mut place = Place::new(Encoding::Bytes, self.offset);
        self.form
            .push(self.decoder.finish(), &mut place, &mut self.messages);
        self.form.finish(&mut self.messages);
        self.messages.records.take(pieces);
    }
}

/// Takes records, or the texts of a field of theirs.
struct Messages {
    field: Option<Vec<u8>>,
    reference: i64,
    /// The text of the last field.
    text: Vec<u8>,
    records: Records,
}

impl Messages {
    fn push(&mut self, record: &[u8], origin: Origin, cut: bool) {
        let text = self
            .field
            .as_deref()
            .and_then(|field| Fields::text(record, field));
        let Some(text) = text else {
            return self.records.push(record, origin, cut);
        };
        self.text.clear();
        unescape(text, &mut self.text);
        let second = || clock::second_of(record, self.reference);
        let origin = Origin {
            second: origin.second.or_else(second),
            ..origin
        };
        self.records.push(without_newline(&self.text), origin, cut);
    }

    /// Takes an event of CloudWatch Logs: `{"id":"1","timestamp":1795514400000,"message":"text"}`.
    fn push_event(&mut self, event: &Found) {
        let mut message = None;
        let mut origin = Origin {
            offset: event.offset,
            second: None,
        };
        for (name, value) in Fields::of(event.text) {
            match name {
                b"message" => message = text_of(value),
                b"timestamp" => origin.second = milliseconds(value).map(|ms| ms / 1000),
                _ => {}
            }
        }
        let Some(message) = message else {
            return self.push(event.text, origin, event.cut);
        };
        let mut text = Vec::new();
        unescape(message, &mut text);
        self.push(without_newline(&text), origin, event.cut);
    }
}

fn milliseconds(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn without_newline(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

impl Converted for Splitter {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        Splitter::push(self, text, place, &mut |found| push_found(messages, &found));
    }

    fn finish(&mut self, messages: &mut Messages) {
        Splitter::finish(self, &mut |found| push_found(messages, &found));
    }
}

fn push_found(messages: &mut Messages, found: &Found) {
    match found.element {
        Element::LogEvent => messages.push_event(found),
        Element::Record => {
            let origin = Origin {
                offset: found.offset,
                second: None,
            };
            messages.push(found.text, origin, found.cut);
        }
    }
}

impl Converted for Lines {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        Lines::push(self, text, place, &mut |line| push_line(messages, &line));
    }

    fn finish(&mut self, messages: &mut Messages) {
        Lines::finish(self, &mut |line| push_line(messages, &line));
    }
}

fn push_line(messages: &mut Messages, line: &Line) {
    let origin = Origin {
        offset: line.offset,
        second: None,
    };
    messages.push(line.text, origin, line.cut);
}

impl Converted for (Lines, Events) {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        let (lines, events) = self;
        lines.push(text, place, &mut |line| {
            events.push(&line, &mut messages.records)
        });
    }

    fn finish(&mut self, messages: &mut Messages) {
        let (lines, events) = self;
        lines.finish(&mut |line| events.push(&line, &mut messages.records));
        events.finish(&mut messages.records);
    }
}

/// Text whose lines end in carriage returns.
struct ByReturns(Box<dyn Converted>);

impl Converted for ByReturns {
    fn push(&mut self, text: &[u8], place: &mut Place, messages: &mut Messages) {
        let ended = |byte: &u8| if *byte == b'\r' { b'\n' } else { *byte };
        let text: Vec<u8> = text.iter().map(ended).collect();
        self.0.push(&text, place, messages);
    }

    fn finish(&mut self, messages: &mut Messages) {
        self.0.finish(messages);
    }
}

/// Lines with what a container runtime writes around them.
struct Containers {
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
}

struct Open {
    text: Vec<u8>,
    origin: Origin,
    cut: bool,
}

impl Containers {
    fn new(lines: Lines, read: Read, escaped: bool) -> Self {
        let entries = Entries {
            read,
            escaped,
            open: [None, None],
            text: Vec::new(),
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
            self.text.clear();
            unescape(text, &mut self.text);
            text = without_newline(&self.text);
        }
        let open = &mut self.open[usize::from(entry.error)];
        if open.is_none() && !entry.partial {
            return messages.push(text, origin_of(line, &entry, messages.reference), line.cut);
        }
        let limit = messages.records.limit();
        let whole = open.get_or_insert_with(|| Open {
            text: Vec::new(),
            origin: origin_of(line, &entry, messages.reference),
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

fn origin_of(line: &Line, entry: &Entry, reference: i64) -> Origin {
    Origin {
        offset: line.offset,
        second: clock::second_of(entry.time, reference),
    }
}

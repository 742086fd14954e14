//! Inputs whose records are not simply lines, converted piece by piece.

use super::containers;
use super::decoding::{Decoder, Encoding, Place};
use super::detecting::Form;
use super::entries::Containers;
use super::envelopes::Element;
use super::events::Events;
use super::fields::{Fields, line_of, text_of};
use super::journal::Journal;
use super::json::{Found, Splitter};
use super::lines::{Line, Lines};
use super::records::{Origin, Records};
use super::{By, Framing};
use crate::clock;
use crate::pieces::Piece;

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
pub(super) trait Converted: Send {
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
        let converted: Box<dyn Converted> = match form {
            Form::Json => {
                let cloudwatch = matches!(framing.by, By::CloudWatch);
                Box::new(Splitter::new(limit, cloudwatch))
            }
            Form::Docker => Box::new(Containers::new(lines, containers::docker, true)),
            Form::Cri => Box::new(Containers::new(lines, containers::cri, false)),
            Form::Journal => Box::new(Journal::new(lines)),
            Form::Lines | Form::CarriageReturns => Box::new(lines),
        };
        let events = match &framing.by {
            By::Starts(starts) => Some(Events::new(starts.clone())),
            _ => None,
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
                events,
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
        self.messages.finish();
        self.messages.records.take(pieces);
    }
}

/// Takes records, or the texts of a field of theirs.
pub(super) struct Messages {
    field: Option<Vec<u8>>,
    pub reference: i64,
    /// The text of the last field.
    text: Vec<u8>,
    /// Joins lines.
    events: Option<Events>,
    pub records: Records,
}

impl Messages {
    pub(super) fn push(&mut self, record: &[u8], origin: Origin, cut: bool) {
        let text = self
            .field
            .as_deref()
            .and_then(|field| Fields::text(record, field));
        let (events, records) = (&mut self.events, &mut self.records);
        let Some(text) = text else {
            return deliver(events, records, record, origin, cut);
        };
        let second = || clock::second_of(record, self.reference);
        let origin = Origin {
            second: origin.second.or_else(second),
            ..origin
        };
        deliver(events, records, line_of(text, &mut self.text), origin, cut);
    }

    fn finish(&mut self) {
        if let Some(events) = &mut self.events {
            events.finish(&mut self.records);
        }
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
        self.push(line_of(message, &mut text), origin, event.cut);
    }
}

/// Gives a record, or a line of one, to what comes next.
fn deliver(
    events: &mut Option<Events>,
    records: &mut Records,
    text: &[u8],
    origin: Origin,
    cut: bool,
) {
    match events {
        Some(events) => events.push(text, origin, cut, records),
        None => records.push(text, origin, cut),
    }
}

fn milliseconds(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
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

pub(super) fn push_line(messages: &mut Messages, line: &Line) {
    let origin = Origin {
        offset: line.offset,
        second: None,
    };
    messages.push(line.text, origin, line.cut);
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

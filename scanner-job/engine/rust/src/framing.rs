//! From the bytes of an input to its records, one on a line.
//!
//! The lines of a text are its records, and are scanned where they are. Anything else is found by its first bytes and
//! converted first, piece by piece: JSON documents and the envelopes of AWS around them, what container runtimes write
//! around each line, UTF-16 and UTF-32. [`Piece`] keeps where each record came from.

mod containers;
mod converting;
mod decoding;
mod detecting;
mod entries;
mod envelopes;
mod events;
pub(crate) mod fields;
mod holes;
mod journal;
mod json;
mod lines;
mod masks;
mod nesting;
mod records;

use std::sync::Arc;

use crate::cutting::Cutter;
use crate::matching::RuleSet;
use crate::pieces::{Chunk, Piece};
use converting::Converter;
use decoding::Encoding;
use detecting::{Form, HEAD_BYTES, detect};
use holes::{Holes, Part};

/// A hole at the start of an input has at least so many zero bytes; fewer may be a character's.
const FIRST_HOLE_BYTES: usize = 4;

/// How an input is divided into records.
#[derive(Clone, Debug, Default)]
pub struct Framing {
    /// What a record is.
    pub by: By,
    /// The name of a field: of a record that is a JSON object with it, its text is the record.
    pub message_field: Option<Vec<u8>>,
    /// A second that the log is not newer than, see [`crate::clock::second_of`].
    pub reference: i64,
}

/// What a record is.
#[derive(Clone, Default)]
pub enum By {
    /// A line, whatever its bytes: nothing is decoded.
    #[default]
    Bytes,
    /// What the input's first bytes say.
    Content,
    /// A line of text.
    Lines,
    /// A JSON document, or an element of an array of them.
    Json,
    /// An event of CloudWatch Logs, of `logEvents` in a document.
    CloudWatch,
    /// A line that matches an expression, with those behind it up to the next one that does.
    Starts(Arc<RuleSet>),
}

impl std::fmt::Debug for By {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(match self {
            By::Bytes => "Bytes",
            By::Content => "Content",
            By::Lines => "Lines",
            By::Json => "Json",
            By::CloudWatch => "CloudWatch",
            By::Starts(_) => "Starts",
        })
    }
}

/// Divides inputs into records.
pub struct Framer {
    framing: Framing,
    limit: usize,
    state: State,
    cutter: Cutter,
    /// Bytes of the input that came before what `state` has.
    offset: u64,
    /// Records that were cut, without those of the cutter.
    cut: u64,
}

enum State {
    /// The input's first bytes, by which its form will be known.
    Unknown(Vec<u8>),
    /// Lines that are scanned where they are.
    Lines(Holes),
    /// The same, with carriage returns between them, and whether the last byte was one.
    CarriageReturns(bool),
    /// Records that are converted.
    Converted(Box<Converter>),
}

impl Framer {
    /// Prepares for inputs whose records are scanned up to `limit` bytes.
    pub fn new(framing: Framing, limit: usize) -> Self {
        let mut framer = Framer {
            framing,
            limit: limit.max(1),
            state: State::Unknown(Vec::new()),
            cutter: Cutter::new(limit),
            offset: 0,
            cut: 0,
        };
        framer.state = framer.first_state();
        framer
    }

    /// Returns how many records were cut.
    pub fn cut_records(&self) -> u64 {
        let cut = match &self.state {
            State::Converted(converter) => converter.cut(),
            _ => 0,
        };
        self.cutter.cut_records() + self.cut + cut
    }

    /// Takes the next chunk of an input and appends what it completes.
    pub fn push(&mut self, chunk: &Chunk, pieces: &mut Vec<Piece>) {
        let State::Unknown(head) = &mut self.state else {
            return self.take(chunk, 0, pieces);
        };
        let bytes = (**chunk).as_ref();
        if head.is_empty() && bytes.len() >= HEAD_BYTES && bytes[0] != 0 {
            let skip = self.begin(bytes, false);
            return self.take(chunk, skip, pieces);
        }
        head.extend_from_slice(bytes);
        let hole = head.iter().take_while(|byte| **byte == 0).count();
        if hole >= FIRST_HOLE_BYTES || self.offset > 0 {
            head.drain(..hole);
            self.offset += hole as u64;
        }
        if head.len() >= HEAD_BYTES {
            self.take_head(false, pieces);
        }
    }

    /// Ends an input; what is left of it is a record.
    pub fn finish(&mut self, pieces: &mut Vec<Piece>) {
        self.take_head(true, pieces);
        match &mut self.state {
            State::Unknown(_) => {}
            State::Lines(holes) => {
                let cutter = &mut self.cutter;
                holes.finish(|part| cut_part(cutter, part, None, pieces));
            }
            State::CarriageReturns(pending) => {
                if std::mem::take(pending) {
                    let chunk: Chunk = Arc::new(b"\n");
                    self.cutter.push(&chunk, pieces);
                }
            }
            State::Converted(converter) => {
                converter.finish(pieces);
                self.cut += converter.cut();
            }
        }
        self.cutter.finish(pieces);
        self.offset = 0;
        self.state = self.first_state();
    }

    fn first_state(&self) -> State {
        match self.framing.by {
            By::Bytes => State::Lines(Holes::default()),
            _ => State::Unknown(Vec::new()),
        }
    }

    fn take_head(&mut self, whole: bool, pieces: &mut Vec<Piece>) {
        if let State::Unknown(head) = &mut self.state {
            let head = std::mem::take(head);
            let skip = self.begin(&head, whole);
            let chunk: Chunk = Arc::new(head);
            self.take(&chunk, skip, pieces);
        }
    }

    /// Chooses what becomes of an input by its first bytes; returns how many of them are a byte order mark.
    fn begin(&mut self, head: &[u8], whole: bool) -> usize {
        let detected = detect(head, whole);
        let offset = self.offset + detected.skip as u64;
        let form = match (&self.framing.by, detected.form) {
            (By::Bytes | By::Content, form) => form,
            (By::Json | By::CloudWatch, _) => Form::Json,
            (By::Starts(_), form @ (Form::Docker | Form::Cri)) => form,
            (_, Form::CarriageReturns) => Form::CarriageReturns,
            _ => Form::Lines,
        };
        let lines = self.framing.message_field.is_none()
            && detected.encoding == Encoding::Bytes
            && !matches!(self.framing.by, By::Starts(_));
        self.state = match form {
            Form::Lines if lines => {
                let mut holes = Holes::default();
                holes.skip(offset);
                State::Lines(holes)
            }
            Form::CarriageReturns if lines => State::CarriageReturns(false),
            _ => State::Converted(Box::new(Converter::new(
                &self.framing,
                form,
                detected.encoding,
                offset,
                self.limit,
            ))),
        };
        self.cutter.pass(offset);
        detected.skip
    }

    /// Takes a chunk of an input whose form is known, from a place on.
    fn take(&mut self, chunk: &Chunk, start: usize, pieces: &mut Vec<Piece>) {
        let bytes = (**chunk).as_ref();
        let cutter = &mut self.cutter;
        match &mut self.state {
            State::Unknown(_) => {}
            State::Lines(_) if matches!(self.framing.by, By::Bytes) => cutter.push(chunk, pieces),
            State::Lines(holes) => {
                holes.push(bytes, start, |part| {
                    cut_part(cutter, part, Some(chunk), pieces);
                });
            }
            State::CarriageReturns(pending) => {
                let chunk: Chunk = Arc::new(with_newlines(&bytes[start..], pending));
                cutter.push(&chunk, pieces);
            }
            State::Converted(converter) => converter.push(&bytes[start..], pieces),
        }
    }
}

/// Gives a part of a chunk to the cutter.
fn cut_part(cutter: &mut Cutter, part: Part, chunk: Option<&Chunk>, pieces: &mut Vec<Piece>) {
    match (part, chunk) {
        (Part::Text(range), Some(chunk)) => cutter.push_part(chunk, range, pieces),
        (Part::Text(_), None) => {}
        (Part::Zeros(count), _) => {
            let zeros: Chunk = Arc::new(vec![0; count]);
            cutter.push(&zeros, pieces);
        }
        (Part::Hole(bytes), _) => {
            cutter.end_line(pieces);
            cutter.pass(bytes);
        }
    }
}

/// Returns text with newlines for carriage returns that have none behind them.
///
/// `pending` says that the text before ended in one, which is not in it.
fn with_newlines(text: &[u8], pending: &mut bool) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len() + 1);
    if *pending && !text.is_empty() {
        lines.push(if text[0] == b'\n' { b'\r' } else { b'\n' });
        *pending = false;
    }
    let start = lines.len();
    lines.extend_from_slice(text);
    for place in start..lines.len() {
        if lines[place] == b'\r' && lines.get(place + 1) != Some(&b'\n') {
            lines[place] = b'\n';
        }
    }
    if text.last() == Some(&b'\r') {
        lines.pop();
        *pending = true;
    }
    lines
}

#[cfg(test)]
mod tests;

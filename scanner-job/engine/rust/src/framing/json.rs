//! JSON documents cut into records: `{"Records":[{..},{..}]}`, `[{..},{..}]`, `{..}{..}`, each on one line or on many.
//!
//! The elements of an array at the top are records, and those of the array within an envelope that AWS writes; every
//! other document is one. A record that spans lines loses the blanks between its parts; every other one is as it was.
//! What is not JSON is taken line by line, so that nothing is lost.

use super::decoding::Place;
use super::envelopes::{Element, Envelope, Shown, compact};
use super::nesting::{Nesting, Reached};

/// Where in its documents the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between two documents, or two elements of an array.
    Between,
    /// In a document that may be an envelope, before its array.
    Before,
    /// In an envelope, behind its array.
    Behind,
    /// In a record that begins with a bracket.
    Record,
    /// In an element that is no object, or in a line that is not JSON.
    Bare,
}

/// Takes text in pieces of any size.
pub(super) struct Splitter {
    state: State,
    /// What the elements of the array around are, if there is one.
    array: Option<Element>,
    envelope: Envelope,
    /// Whether the array is that of the envelope.
    enveloped: bool,
    nesting: Nesting,
    /// What came of the record, up to the limit.
    record: Vec<u8>,
    limit: usize,
    cut: bool,
    /// Where the record begins.
    offset: u64,
    compacted: Vec<u8>,
    cloudwatch: bool,
}

/// A record, of which only the beginning is there if it was cut.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub text: &'a [u8],
    pub element: Element,
    pub offset: u64,
    pub cut: bool,
}

impl Splitter {
    /// Prepares for records up to a limit. `cloudwatch` says that every `logEvents` is an array of events.
    pub(super) fn new(limit: usize, cloudwatch: bool) -> Self {
        Splitter {
            state: State::Between,
            array: None,
            envelope: Envelope::default(),
            enveloped: false,
            nesting: Nesting::default(),
            record: Vec::new(),
            limit,
            cut: false,
            offset: 0,
            compacted: Vec::new(),
            cloudwatch,
        }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8], place: &mut Place, each: &mut impl FnMut(Found)) {
        let mut at = 0;
        while at < piece.len() {
            at = match self.state {
                State::Between => self.between(piece, at, place),
                State::Before => self.before_array(piece, at, each),
                State::Behind => self.behind_array(piece, at, each),
                State::Record => self.within_record(piece, at, each),
                State::Bare => self.bare(piece, at, each),
            };
        }
    }

    /// Ends the text: what is left of it is a record.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(Found)) {
        if !self.record.trim_ascii().is_empty() {
            self.end_record(each);
        }
        self.reset();
    }

    fn between(&mut self, piece: &[u8], at: usize, place: &mut Place) -> usize {
        // With record separators, as in RFC 7464, and with what a hole was filled with.
        let blank = |byte: &u8| byte.is_ascii_whitespace() || b",}\x1e\0".contains(byte);
        let Some(distance) = piece[at..].iter().position(|byte| !blank(byte)) else {
            return piece.len();
        };
        let at = at + distance;
        self.nesting = Nesting::default();
        match (piece[at], self.array) {
            (b']', _) => {
                self.end_array();
                return at + 1;
            }
            (b'[', None) => {
                self.array = Some(Element::Record);
                return at + 1;
            }
            (b'{', None) => self.state = State::Before,
            (b'{' | b'[', Some(_)) => self.state = State::Record,
            _ => self.state = State::Bare,
        }
        self.offset = place.offset(piece, at);
        self.envelope = match self.state {
            State::Before => Envelope::new(self.cloudwatch, self.offset),
            _ => std::mem::take(&mut self.envelope),
        };
        at
    }

    /// Looks for the array of an envelope.
    fn before_array(&mut self, piece: &[u8], at: usize, each: &mut impl FnMut(Found)) -> usize {
        for (place, byte) in piece.iter().enumerate().skip(at) {
            let shown = self.envelope.push(*byte);
            if shown == Shown::Nothing {
                continue;
            }
            self.nesting = self.envelope.nesting();
            if shown == Shown::Broken {
                return self.broken(piece, at, place, each);
            }
            let end = place + 1;
            self.keep(&piece[at..end]);
            match shown {
                Shown::Array(element) => {
                    self.envelope.keep(std::mem::take(&mut self.record));
                    self.array = Some(element);
                    (self.enveloped, self.cut) = (true, false);
                    self.state = State::Between;
                }
                Shown::End => {
                    self.end_record(each);
                    self.state = State::Between;
                }
                _ => self.state = State::Record,
            }
            return end;
        }
        self.keep(&piece[at..]);
        piece.len()
    }

    /// Gathers what else an envelope holds.
    fn behind_array(&mut self, piece: &[u8], at: usize, each: &mut impl FnMut(Found)) -> usize {
        let length = match self.nesting.walk(&piece[at..]) {
            Reached::Within => {
                self.keep(&piece[at..]);
                return piece.len();
            }
            Reached::Broken(distance) => return self.broken(piece, at, at + distance, each),
            Reached::End(length) => length,
        };
        self.keep(&piece[at..at + length]);
        if let Some(rest) = self.envelope.rest(&self.record) {
            (self.record, self.offset) = (rest, self.envelope.offset);
            self.end_record(each);
        }
        self.reset();
        at + length
    }

    fn within_record(&mut self, piece: &[u8], at: usize, each: &mut impl FnMut(Found)) -> usize {
        let end = match self.nesting.walk(&piece[at..]) {
            Reached::Within => {
                self.keep(&piece[at..]);
                return piece.len();
            }
            Reached::Broken(distance) => return self.broken(piece, at, at + distance, each),
            Reached::End(length) => at + length,
        };
        if self.record.is_empty() && !self.nesting.spread && end - at <= self.limit {
            each(Found {
                text: &piece[at..end],
                element: self.element(),
                offset: self.offset,
                cut: false,
            });
        } else {
            self.keep(&piece[at..end]);
            self.end_record(each);
        }
        self.state = State::Between;
        end
    }

    /// Takes what is no object: in an array up to the next comma, anywhere else up to the end of its line.
    fn bare(&mut self, piece: &[u8], at: usize, each: &mut impl FnMut(Found)) -> usize {
        for (place, byte) in piece.iter().enumerate().skip(at) {
            let in_string = self.nesting.in_string;
            let ends = match byte {
                b'\n' => true,
                b',' | b']' => self.array.is_some() && !in_string,
                _ => false,
            };
            if ends {
                self.keep(&piece[at..place]);
                self.end_record(each);
                self.state = State::Between;
                if in_string {
                    self.reset();
                }
                return place;
            }
            match byte {
                _ if self.nesting.escaped => self.nesting.escaped = false,
                b'"' => self.nesting.in_string = self.array.is_some() && !in_string,
                b'\\' => self.nesting.escaped = in_string,
                _ => {}
            }
        }
        self.keep(&piece[at..]);
        piece.len()
    }

    /// Ends what proved not to be JSON at a newline: a document begins behind it.
    fn broken(
        &mut self,
        piece: &[u8],
        at: usize,
        newline: usize,
        each: &mut impl FnMut(Found),
    ) -> usize {
        self.keep(&piece[at..newline]);
        self.nesting.spread = false;
        self.end_record(each);
        self.reset();
        newline
    }

    fn end_array(&mut self) {
        self.array = None;
        if self.enveloped {
            self.nesting.depth = 1;
            self.enveloped = false;
            self.state = State::Behind;
        }
    }

    fn end_record(&mut self, each: &mut impl FnMut(Found)) {
        let mut text = self.record.trim_ascii_end();
        if self.nesting.spread {
            self.compacted.clear();
            compact(text, &mut self.compacted);
            text = &self.compacted;
        }
        each(Found {
            text,
            element: self.element(),
            offset: self.offset,
            cut: self.cut,
        });
        self.record.clear();
        self.cut = false;
    }

    fn element(&self) -> Element {
        self.array.unwrap_or(Element::Record)
    }

    fn reset(&mut self) {
        self.state = State::Between;
        self.array = None;
        self.enveloped = false;
        self.nesting = Nesting::default();
        self.record.clear();
        self.cut = false;
    }

    /// Keeps bytes of the record, up to the limit.
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit - self.record.len().min(self.limit);
        self.record
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.cut |= bytes.len() > room;
    }
}

//! Documents whose records are in an array: those of CloudTrail, S3, Config and CloudWatch Logs.

use super::nesting::Nesting;

/// Names that an envelope begins with.
const OPENINGS: [&[u8]; 6] = [
    b"Records",
    b"records",
    b"messageType",
    b"owner",
    b"logGroup",
    b"fileVersion",
];
const LONGEST_NAME: usize = 20;
/// So many bytes of a document may stand before its array.
const MOST_BEFORE: usize = 64 * 1024;

/// What a record is an element of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// A record like any other.
    Record,
    /// An event of CloudWatch Logs.
    LogEvent,
}

/// What the next byte of a document shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing yet.
    Nothing,
    /// The array of records begins.
    Array(Element),
    /// The document is no envelope.
    Record,
    /// The document ends.
    End,
    /// It is not JSON.
    Broken,
}

/// A document that may be an envelope, and what was read of it.
#[derive(Default)]
pub(super) struct Envelope {
    /// Whether any document with `logEvents` is one.
    cloudwatch: bool,
    nesting: Nesting,
    bytes: usize,
    /// The last name at the document's own depth.
    name: Vec<u8>,
    name_start: usize,
    /// Whether its colon came.
    named: bool,
    names: usize,
    /// Whether the names are those of an event of CloudWatch Logs, or of a snapshot of Config.
    log_events: bool,
    configuration: bool,
    element: Option<Element>,
    /// What stands before the array's name, and where.
    before: Vec<u8>,
    pub offset: u64,
}

impl Envelope {
    pub(super) fn new(cloudwatch: bool, offset: u64) -> Self {
        Envelope {
            cloudwatch,
            offset,
            ..Envelope::default()
        }
    }

    /// Returns how far into the document its bytes have led.
    pub(super) fn nesting(&self) -> Nesting {
        self.nesting
    }

    /// Takes the next byte, up to the array.
    pub(super) fn push(&mut self, byte: u8) -> Shown {
        self.bytes += 1;
        if self.nesting.in_string {
            return self.within_string(byte);
        }
        match byte {
            b'"' => {
                self.nesting.in_string = true;
                if self.is_name() {
                    self.name.clear();
                    self.name_start = self.bytes - 1;
                }
            }
            b':' if self.nesting.depth == 1 => self.named = true,
            b',' if self.nesting.depth == 1 => self.named = false,
            b'[' if self.nesting.depth == 1 && self.named => {
                if let Some(element) = self.elements() {
                    self.element = Some(element);
                    return Shown::Array(element);
                }
                self.nesting.depth += 1;
            }
            b'{' | b'[' => self.nesting.depth += 1,
            b'}' | b']' => {
                self.nesting.depth = self.nesting.depth.saturating_sub(1);
                if self.nesting.depth == 0 {
                    return Shown::End;
                }
            }
            b'\n' => self.nesting.spread = true,
            _ => {}
        }
        if self.bytes > MOST_BEFORE {
            return Shown::Record;
        }
        Shown::Nothing
    }

    fn within_string(&mut self, byte: u8) -> Shown {
        match byte {
            b'\n' => return Shown::Broken,
            _ if self.nesting.escaped => self.nesting.escaped = false,
            b'\\' => self.nesting.escaped = true,
            b'"' => {
                self.nesting.in_string = false;
                if self.is_name() {
                    return self.end_name();
                }
            }
            _ => {}
        }
        if self.is_name() && self.name.len() <= LONGEST_NAME {
            self.name.push(byte);
        }
        Shown::Nothing
    }

    /// Whether a string here is a name of the document itself.
    fn is_name(&self) -> bool {
        self.nesting.depth == 1 && !self.named
    }

    fn end_name(&mut self) -> Shown {
        self.names += 1;
        let name = &self.name[..];
        self.log_events |= name == b"messageType" || name == b"logGroup";
        self.configuration |= self.names == 1 && name == b"fileVersion";
        if self.names == 1 && !self.cloudwatch && !OPENINGS.contains(&name) {
            return Shown::Record;
        }
        Shown::Nothing
    }

    /// Returns what the elements of an array with the last name are, if they are records.
    fn elements(&self) -> Option<Element> {
        match &self.name[..] {
            b"Records" | b"records" if self.names == 1 => Some(Element::Record),
            b"configurationItems" if self.configuration => Some(Element::Record),
            b"logEvents" if self.log_events || self.cloudwatch => Some(Element::LogEvent),
            _ => None,
        }
    }

    /// Keeps what stands before the array.
    pub(super) fn keep(&mut self, mut before: Vec<u8>) {
        before.truncate(self.name_start);
        self.before = before;
    }

    /// Returns the document without its array, given what stands behind that, or nothing if there is nothing else.
    ///
    /// Around events of CloudWatch Logs there are only the names of their log group and stream.
    pub(super) fn rest(&self, behind: &[u8]) -> Option<Vec<u8>> {
        if self.element == Some(Element::LogEvent) {
            return None;
        }
        let before = self.before.trim_ascii_end();
        let before = before.strip_suffix(b",").unwrap_or(before);
        let behind = behind.trim_ascii_start();
        let behind = match behind.strip_prefix(b",") {
            Some(more) if before == b"{" => more,
            _ => behind,
        };
        let rest = [before, behind].concat();
        let mut compacted = Vec::new();
        compact(&rest, &mut compacted);
        (compacted != b"{}").then_some(compacted)
    }
}

/// Appends a JSON value without the blanks between its parts.
pub(super) fn compact(value: &[u8], compacted: &mut Vec<u8>) {
    let (mut in_string, mut escaped) = (false, false);
    for byte in value {
        if in_string || !byte.is_ascii_whitespace() {
            compacted.push(*byte);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
}

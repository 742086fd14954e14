//! What container runtimes write around each line of a program.

use super::fields::{Fields, text_of};

/// A line of a program, or a part of one, with what its runtime says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The text; Docker's as it is written between quotes.
    pub text: &'a [u8],
    pub time: &'a [u8],
    /// Whether it was written to standard error.
    pub error: bool,
    /// Whether the rest of the line follows in another entry.
    pub partial: bool,
}

/// How a line is read.
pub(super) type Read = fn(&[u8]) -> Option<Entry<'_>>;

/// Reads a line of Docker's driver `json-file`: `{"log":"text\n","stream":"stdout","time":"2026-11-24T10:00:00.1Z"}`.
pub(super) fn docker(line: &[u8]) -> Option<Entry<'_>> {
    let mut entry = Entry {
        text: b"",
        time: b"",
        error: false,
        partial: false,
    };
    let mut fields = Fields::of(line);
    let (name, text) = fields.next()?;
    entry.text = text_of(text).filter(|_| name == b"log")?;
    entry.partial = !ends_in_newline(entry.text);
    let mut stream = false;
    for (name, value) in fields {
        match name {
            b"stream" => {
                stream = true;
                entry.error = value == br#""stderr""#;
            }
            b"time" => entry.time = text_of(value)?,
            _ => {}
        }
    }
    (stream && !entry.time.is_empty()).then_some(entry)
}

/// Whether the last escape of a JSON string is that of a newline.
fn ends_in_newline(text: &[u8]) -> bool {
    let escape = text.strip_suffix(b"n").unwrap_or_default();
    let backslashes = escape.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// Reads a line as the kubelet expects it: `2026-11-24T10:00:00.1Z stdout F text`; `P` is a part.
pub(super) fn cri(line: &[u8]) -> Option<Entry<'_>> {
    let (time, rest) = word(line)?;
    let (stream, rest) = word(rest)?;
    let (tags, text) = word(rest).unwrap_or((rest, b""));
    let tag = tags.split(|byte| *byte == b':').next()?;
    let is_time = time.len() >= 20 && time[4] == b'-' && time[10] == b'T';
    if !is_time || !matches!(stream, b"stdout" | b"stderr") || !matches!(tag, b"F" | b"P") {
        return None;
    }
    Some(Entry {
        text,
        time,
        error: stream == b"stderr",
        partial: tag == b"P",
    })
}

/// Returns what stands before a blank and behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', text)?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{Entry, cri, docker};

    #[test]
    fn an_entry_s_parts_are_found() {
        let line = br#"{"log":"E \"x\"\n","attrs":{"tag":"a"},"stream":"stderr","time":"2026-11-24T10:00:00.1Z"}"#;
        let entry = Entry {
            text: br#"E \"x\"\n"#,
            time: b"2026-11-24T10:00:00.1Z",
            error: true,
            partial: false,
        };
        assert_eq!(docker(line), Some(entry));
        let entry = Entry {
            text: b"a  b ",
            time: b"2026-11-24T10:00:00.123456789+01:00",
            error: false,
            partial: true,
        };
        let line = b"2026-11-24T10:00:00.123456789+01:00 stdout P:x a  b ";
        assert_eq!(cri(line), Some(entry));
        assert_eq!(
            cri(b"2026-11-24T10:00:00Z stderr F").map(|e| e.text),
            Some(&b""[..])
        );
    }

    #[test]
    fn other_lines_are_no_entries() {
        for line in [
            "",
            "{}",
            r#"{"log":"x"}"#,
            r#"{"log":5,"stream":"stdout","time":"2026"}"#,
            r#"{"stream":"stdout","log":"x","time":"2026"}"#,
            "2026-11-24T10:00:00Z stdout",
            "2026-11-24T10:00:00Z stdout X y",
            "2026-11-24T10:00:00Z stdin F y",
            "2026-11-24 stdout F y",
        ] {
            assert_eq!(
                docker(line.as_bytes()).or(cri(line.as_bytes())),
                None,
                "{line}"
            );
        }
    }
}

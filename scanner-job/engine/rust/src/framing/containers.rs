//! What container runtimes write around each line of a program.

use super::fields::{Fields, text_of};

/// `2026-11-24T10:00:00.123456789+01:00`
const LONGEST_TIME: usize = 35;

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
    usual_docker(line).or_else(|| any_docker(line))
}

/// Reads a line that is exactly as Docker writes it, from its end, which takes a quarter of the time.
fn usual_docker(line: &[u8]) -> Option<Entry<'_>> {
    let rest = line.strip_prefix(br#"{"log":""#)?.strip_suffix(br#""}"#)?;
    let quote = memchr::memrchr(b'"', rest)?;
    let time = &rest[quote + 1..];
    let rest = rest[..quote].strip_suffix(br#"","time":"#)?;
    let (text, error) = match rest.strip_suffix(br#"","stream":"stderr"#) {
        Some(text) => (text, true),
        None => (rest.strip_suffix(br#"","stream":"stdout"#)?, false),
    };
    let ended = !text.ends_with(b"\\") && !time.is_empty();
    ended.then(|| Entry {
        text,
        time,
        error,
        partial: !ends_in_newline(text),
    })
}

fn any_docker(line: &[u8]) -> Option<Entry<'_>> {
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
    // Times are short, so that a loop takes less time than a search.
    let longest = line.iter().take(LONGEST_TIME + 1);
    let (time, rest) = line.split_at(longest.take_while(|byte| **byte != b' ').count());
    if time.len() < 20 || time[4] != b'-' || time[10] != b'T' {
        return None;
    }
    let (error, rest) = match rest.strip_prefix(b" stdout ") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix(b" stderr ")?),
    };
    let (partial, rest) = match rest {
        [b'F', rest @ ..] => (false, rest),
        [b'P', rest @ ..] => (true, rest),
        _ => return None,
    };
    let text = match rest {
        [] => rest,
        [b' ', text @ ..] => text,
        // more tags
        [b':', ..] => &rest[rest.iter().position(|byte| *byte == b' ')? + 1..],
        _ => return None,
    };
    Some(Entry {
        text,
        time,
        error,
        partial,
    })
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
        let usual = br#"{"log":"E \"x\"\n","stream":"stderr","time":"2026-11-24T10:00:00.1Z"}"#;
        assert_eq!(docker(usual), Some(entry));
        let backslash = br#"{"log":"E \\","stream":"stdout","time":"2026-11-24T10:00:00.1Z"}"#;
        let found = docker(backslash).map(|entry| (entry.text, entry.partial));
        assert_eq!(found, Some((&br"E \\"[..], true)));
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

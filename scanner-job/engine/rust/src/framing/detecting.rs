//! What an input is, by its first bytes.

use super::containers::{self, Read};
use super::decoding::{Encoding, decode};
use super::envelopes::{Envelope, Shown};
use super::journal;
use super::nesting::{Nesting, Reached};

/// So many bytes are looked at.
pub(super) const HEAD_BYTES: usize = 64 * 1024;
/// By so many bytes UTF-16 without a byte order mark is known.
const PLAIN_BYTES: usize = 512;
/// In text that is mostly Latin, so many in a hundred units of UTF-16 have a zero byte.
const PLAIN_PERCENT: usize = 80;
/// An envelope is known by one of so many lines.
const FIRST_LINES: usize = 3;
const BYTE_ORDER_MARKS: [(&[u8], Encoding); 5] = [
    (b"\xef\xbb\xbf", Encoding::Bytes),
    (b"\xff\xfe\0\0", Encoding::Utf32 { big: false }),
    (b"\0\0\xfe\xff", Encoding::Utf32 { big: true }),
    (b"\xff\xfe", Encoding::Utf16 { big: false }),
    (b"\xfe\xff", Encoding::Utf16 { big: true }),
];

/// How records are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Lines,
    /// Lines that end in a carriage return only.
    CarriageReturns,
    /// JSON documents.
    Json,
    /// What Docker's driver `json-file` writes.
    Docker,
    /// What container runtimes write for the kubelet.
    Cri,
    /// What `journalctl --output=export` writes.
    Journal,
}

/// What is known of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detected {
    pub encoding: Encoding,
    /// Bytes of the byte order mark.
    pub skip: usize,
    pub form: Form,
}

/// Returns what the first bytes of an input say; `whole` if they are all of it.
pub(super) fn detect(head: &[u8], whole: bool) -> Detected {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let (encoding, skip) = encoding_of(head);
    let bytes = &head[skip..];
    let mut text = Vec::new();
    if encoding != Encoding::Bytes {
        decode(encoding, bytes, &mut text);
    }
    let text = if encoding == Encoding::Bytes {
        bytes
    } else {
        &text
    };
    Detected {
        encoding,
        skip,
        form: form_of(text, whole),
    }
}

fn encoding_of(head: &[u8]) -> (Encoding, usize) {
    let marked = BYTE_ORDER_MARKS
        .iter()
        .find(|(mark, _)| head.starts_with(mark));
    if let Some((mark, encoding)) = marked {
        return (*encoding, mark.len());
    }
    let plain = &head[..head.len().min(PLAIN_BYTES)];
    let units = plain.as_chunks::<2>().0;
    let share = |zero: usize| {
        let like_text = |unit: &&[u8; 2]| unit[zero] == 0 && unit[1 - zero] != 0;
        100 * units.iter().filter(like_text).count() >= PLAIN_PERCENT * units.len()
    };
    match units.len() {
        0..4 => (Encoding::Bytes, 0),
        _ if share(1) => (Encoding::Utf16 { big: false }, 0),
        _ if share(0) => (Encoding::Utf16 { big: true }, 0),
        _ => (Encoding::Bytes, 0),
    }
}

fn form_of(text: &[u8], whole: bool) -> Form {
    let start = text.trim_ascii_start();
    let first = |read: Read| {
        text.split(|byte| *byte == b'\n')
            .take(FIRST_LINES)
            .any(|line| read(line).is_some())
    };
    match start.first() {
        Some(b'{') if first(containers::docker) => Form::Docker,
        Some(b'{') if is_spread(start, whole) => Form::Json,
        Some(b'[') if is_array(&start[1..]) => Form::Json,
        Some(b'0'..=b'9') if first(containers::cri) => Form::Cri,
        Some(b'_') if start.starts_with(journal::START) => Form::Journal,
        _ if !text.contains(&b'\n') && has_carriage_return(text) => Form::CarriageReturns,
        _ => Form::Lines,
    }
}

/// Whether what follows a bracket is an object, or another array of objects: many a line of text begins with a bracket.
fn is_array(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.strip_prefix(b"{").is_some_and(is_object)
}

fn is_object(rest: &[u8]) -> bool {
    matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}'))
}

/// Whether documents are anything but one a line: an envelope, one that spans lines, or two on a line.
fn is_spread(text: &[u8], whole: bool) -> bool {
    if !is_object(&text[1..]) {
        return false;
    }
    let mut envelope = Envelope::default();
    let shown = text.iter().map(|byte| envelope.push(*byte));
    if let Some(Shown::Array(_)) = shown.into_iter().find(|shown| *shown != Shown::Nothing) {
        return true;
    }
    let mut nesting = Nesting::default();
    match nesting.walk(text) {
        Reached::Broken(_) => false,
        Reached::Within => nesting.spread,
        Reached::End(end) => {
            let rest = text[end..].trim_ascii_start();
            let blanks = text[end..].len() - rest.len();
            let newline = text[end..end + blanks].contains(&b'\n');
            let next = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            nesting.spread || (!newline && next.starts_with(b"{") && (whole || !next.is_empty()))
        }
    }
}

/// Whether there is one that is not the last byte, behind which a newline may follow.
fn has_carriage_return(text: &[u8]) -> bool {
    memchr::memchr(b'\r', text).is_some_and(|place| place + 1 < text.len())
}

#[cfg(test)]
mod tests {
    use super::{Detected, Encoding, Form, detect};

    #[test]
    fn the_form_is_found_by_content() {
        for (text, form) in [
            ("", Form::Lines),
            ("2026-11-24 10:00:00 ERROR\n", Form::Lines),
            ("[error] x {\"a\": 1}\n", Form::Lines),
            ("[2026-11-24 10:00:00] x\n", Form::Lines),
            ("{main} INFO\n", Form::Lines),
            ("{\"a\":1}\n{\"a\":2}\n", Form::Lines),
            ("{\"a\":1}\r\n{\"a\":2}\r\n", Form::Lines),
            ("{\"a\":1}", Form::Lines),
            ("{\"a\":1,\"Records\":[{}]}\n", Form::Lines),
            ("{\"a\":\"x\ny\"}", Form::Lines),
            ("{\"Records\":[{\"a\":1}]}", Form::Json),
            (" {\n \"Records\" : [\n", Form::Json),
            ("{\"a\":1}{\"a\":2}", Form::Json),
            ("{\"a\":1} {\"a\":2}", Form::Json),
            ("{\n  \"a\": 1\n}\n", Form::Json),
            ("[{\"a\":1}]", Form::Json),
            ("[\n  {\n\"", Form::Json),
            (
                "{\"owner\":\"1\",\"logGroup\":\"g\",\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[",
                Form::Json,
            ),
            ("{\"owner\":\"me\",\"logEvents\":[]}\n", Form::Lines),
            (
                "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T10:00:00Z\"}\n",
                Form::Docker,
            ),
            ("2026-11-24T10:00:00.1Z stdout F x\n", Form::Cri),
            ("2026-11-24T10:00:00.1Z stdout x\n", Form::Lines),
            ("__CURSOR=s=1\nMESSAGE=x\n", Form::Journal),
            ("a\rb\r", Form::CarriageReturns),
            ("a\r", Form::Lines),
            ("a\rb\n", Form::Lines),
        ] {
            assert_eq!(detect(text.as_bytes(), true).form, form, "{text}");
        }
    }

    #[test]
    fn the_encoding_is_found_by_its_mark_or_by_zero_bytes() {
        let text = "{\"Records\":[{}]}";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little = |units: &[u16]| units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let big = |units: &[u16]| units.iter().flat_map(|u| u.to_be_bytes()).collect();
        let mark = [&[0xFEFF], &units[..]].concat();
        let wide = std::iter::once('\u{feff}').chain(text.chars());
        let wide = wide.map(|character| character as u32);
        let cases: [(Vec<u8>, Encoding, usize); 7] = [
            (little(&units), Encoding::Utf16 { big: false }, 0),
            (big(&units), Encoding::Utf16 { big: true }, 0),
            (little(&mark), Encoding::Utf16 { big: false }, 2),
            (big(&mark), Encoding::Utf16 { big: true }, 2),
            (
                wide.clone().flat_map(u32::to_le_bytes).collect(),
                Encoding::Utf32 { big: false },
                4,
            ),
            (
                wide.flat_map(u32::to_be_bytes).collect(),
                Encoding::Utf32 { big: true },
                4,
            ),
            (
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
                Encoding::Bytes,
                3,
            ),
        ];
        for (bytes, encoding, skip) in cases {
            let form = Form::Json;
            let wanted = Detected {
                encoding,
                skip,
                form,
            };
            assert_eq!(detect(&bytes, true), wanted);
        }
    }
}

//! The fields of a JSON object, and the text of a JSON string.

use memchr::memchr2;

/// Yields the fields of an object: each name, as it is written, and each value with its quotes or brackets.
///
/// It ends at what is not JSON.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Returns the fields of what begins with an object; of anything else there are none.
    pub(super) fn of(object: &'a [u8]) -> Self {
        let object = object.trim_ascii_start();
        Fields {
            rest: object.strip_prefix(b"{").unwrap_or_default(),
        }
    }

    /// Returns the text of a field whose value is a string, as it is written between the quotes.
    pub(super) fn text(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
        Fields::of(object)
            .find(|(found, _)| *found == name)
            .and_then(|(_, value)| text_of(value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.trim_ascii_start();
        let start = start.strip_prefix(b",").unwrap_or(start);
        let start = start.trim_ascii_start();
        let name = text_of(&start[..string_end(start)?])?;
        let rest = start[name.len() + 2..].trim_ascii_start();
        let value = rest.strip_prefix(b":")?.trim_ascii_start();
        let end = value_end(value)?;
        self.rest = &value[end..];
        Some((name, value[..end].trim_ascii_end()))
    }
}

/// Returns what stands between a string's quotes.
pub(super) fn text_of(string: &[u8]) -> Option<&[u8]> {
    string.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// Returns where a string ends, behind its second quote.
fn string_end(string: &[u8]) -> Option<usize> {
    if string.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', string.get(at..)?)?;
        if string[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn value_end(value: &[u8]) -> Option<usize> {
    match value.first()? {
        b'"' => string_end(value),
        b'{' | b'[' => {
            let mut depth = 0_u32;
            let mut at = 0;
            loop {
                match value.get(at)? {
                    b'"' => {
                        at += string_end(&value[at..])?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => value.iter().position(|byte| b",}]".contains(byte)),
    }
}

/// Returns the text that a JSON string stands for as one line: it may end in a newline, and has blanks for others.
pub(super) fn line_of<'a>(string: &[u8], text: &'a mut Vec<u8>) -> &'a [u8] {
    text.clear();
    unescape(string, text);
    let length = text.len() - usize::from(text.ends_with(b"\n"));
    let mut at = 0;
    while let Some(distance) = memchr::memchr(b'\n', &text[at..length]) {
        text[at + distance] = b' ';
        at += distance + 1;
    }
    &text[..length]
}

/// Appends the text that a JSON string stands for. What is no escape is taken as it is.
pub(crate) fn unescape(string: &[u8], text: &mut Vec<u8>) {
    let mut rest = string;
    while let Some(place) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..place]);
        rest = &rest[place..];
        let plain = match rest.get(1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') => {
                rest = &rest[unescape_unit(rest, text)..];
                continue;
            }
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            _ => {
                text.push(b'\\');
                rest = &rest[1..];
                continue;
            }
        };
        text.push(plain);
        rest = &rest[2..];
    }
    text.extend_from_slice(rest);
}

/// Appends the character of `\u1b2c`, or of two of them, and returns how many bytes it is written with.
fn unescape_unit(escape: &[u8], text: &mut Vec<u8>) -> usize {
    let Some(first) = unit(escape) else {
        text.push(b'\\');
        return 1;
    };
    let second = unit(&escape[6..]);
    let units = [first, second.unwrap_or_default()];
    let mut characters = char::decode_utf16(units);
    let (character, length) = match characters.next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    };
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    length
}

fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::{Fields, unescape};

    #[test]
    fn fields_are_found_at_their_own_depth() {
        let object = br#" {"a" : {"b":["}"]}, "n":-1.5 ,"b":"x\"}", "c":[], "d":null}"#;
        let found: Vec<(&[u8], &[u8])> = Fields::of(object).collect();
        let wanted: [(&[u8], &[u8]); 5] = [
            (b"a", br#"{"b":["}"]}"#),
            (b"n", b"-1.5"),
            (b"b", br#""x\"}""#),
            (b"c", b"[]"),
            (b"d", b"null"),
        ];
        assert_eq!(found, wanted);
        assert_eq!(Fields::text(object, b"b"), Some(&br#"x\"}"#[..]));
        assert_eq!(Fields::text(object, b"n"), None);
    }

    #[test]
    fn what_is_not_json_has_fields_up_to_there() {
        for text in [
            "",
            "{",
            "[1]",
            "x",
            r#"{"a"#,
            r#"{"a\"#,
            r#"{"a":"#,
            r#"{"a":{"#,
            r#"{"a":"\"#,
            "{}",
            "{,",
        ] {
            assert_eq!(Fields::of(text.as_bytes()).count(), 0, "{text}");
        }
        assert_eq!(Fields::of(br#"{"a":1,"b"}"#).count(), 1);
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        for (escaped, wanted) in [
            (r#"a\tb\n\"\\\/"#, "a\tb\n\"\\/"),
            (r"\u001b[31mERROR", "\u{1b}[31mERROR"),
            (r"\u00e4\ud83d\ude00\u20AC", "ä😀€"),
            (r"\ud83dx \ude00", "\u{fffd}x \u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\x \u12 \u12g4 \", r"\x \u12 \u12g4 \"),
        ] {
            let mut text = Vec::new();
            unescape(escaped.as_bytes(), &mut text);
            assert_eq!(String::from_utf8_lossy(&text), wanted, "{escaped}");
        }
    }
}

//! The escape sequences of terminals: colours and the like, which hide a word from a rule with `\b` or `^`.

use std::sync::Arc;

use memchr::{memchr, memchr_iter, memmem};

use crate::pieces::{Mark, Piece};

const ESCAPE: u8 = 0x1B;
/// How JSON writes it, without the last digit, which is in either case.
const WRITTEN: &[u8] = br"\u001";
/// So many bytes are looked at together, each with a counter of one byte.
const LANES: usize = 64;

/// Returns how many lines some bytes have, and whether there is an escape among them. What follows the last newline is a
/// line too.
pub(crate) fn look(data: &[u8]) -> (u64, bool) {
    let (newlines, escapes) = count(data);
    let unended = data.last().is_some_and(|byte| *byte != b'\n');
    let written = || is_json(data) && find_written(data).is_some();
    (newlines + u64::from(unended), escapes || written())
}

/// Whether the first line is JSON: then the others are too, and escapes may be written.
fn is_json(data: &[u8]) -> bool {
    data.first() == Some(&b'{')
}

#[cfg(target_arch = "x86_64")]
fn count(data: &[u8]) -> (u64, bool) {
    #[target_feature(enable = "avx2")]
    fn by_avx2(data: &[u8]) -> (u64, bool) {
        count_lanes(data)
    }
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { by_avx2(data) };
    }
    count_lanes(data)
}

#[cfg(not(target_arch = "x86_64"))]
fn count(data: &[u8]) -> (u64, bool) {
    count_lanes(data)
}

/// Counts in a form that compilers make vector instructions of: a quarter of the time that two searches take.
#[inline(always)]
fn count_lanes(data: &[u8]) -> (u64, bool) {
    let mut newlines = 0;
    let mut escapes = [0_u8; LANES];
    let (steps, rest) = data.as_chunks::<LANES>();
    for steps in steps.chunks(usize::from(u8::MAX)) {
        let mut counters = [0_u8; LANES];
        for step in steps {
            for lane in 0..LANES {
                counters[lane] += u8::from(step[lane] == b'\n');
                escapes[lane] |= u8::from(step[lane] == ESCAPE);
            }
        }
        newlines += counters
            .iter()
            .map(|counter| u64::from(*counter))
            .sum::<u64>();
    }
    newlines += rest.iter().filter(|byte| **byte == b'\n').count() as u64;
    (newlines, escapes.contains(&1) || rest.contains(&ESCAPE))
}

/// Returns the lines of a piece without escape sequences.
pub(crate) fn without_sequences(piece: &Piece) -> Piece {
    let (data, places) = (piece.data(), piece.places());
    let mut text = Vec::with_capacity(data.len());
    let mut marks = Vec::new();
    let ends = memchr_iter(b'\n', data).map(|newline| newline + 1);
    let json = is_json(data);
    let mut start = 0;
    for end in ends.chain([data.len()]) {
        if start < end {
            marks.push(Mark {
                start: u32::try_from(text.len()).expect("a piece is small"),
                offset: places.offset(start),
                second: places.mark(start).and_then(|mark| mark.second),
            });
            strip(&data[start..end], json, &mut text);
        }
        start = end;
    }
    Piece::of_records(Arc::new(text), marks)
}

/// Appends a line without its escape sequences; `json` says that escapes may be written as in JSON.
fn strip(line: &[u8], json: bool, text: &mut Vec<u8>) {
    let mut rest = line;
    while let Some((start, escape)) = next_escape(rest, json) {
        // The sequence begins with the last byte of its escape.
        let length = sequence(&rest[start + escape - 1..]).map_or(0, |length| length + escape - 1);
        let kept = if length == 0 { escape } else { 0 };
        text.extend_from_slice(&rest[..start + kept]);
        rest = &rest[start + length.max(escape)..];
    }
    text.extend_from_slice(rest);
}

/// Returns where an escape is, and how many bytes it is written with.
fn next_escape(text: &[u8], json: bool) -> Option<(usize, usize)> {
    let raw = memchr(ESCAPE, text);
    let before = &text[..raw.unwrap_or(text.len())];
    let written = if json { find_written(before) } else { None };
    let written = written.map(|place| (place, WRITTEN.len() + 1));
    written.or_else(|| raw.map(|place| (place, 1)))
}

/// Returns where JSON has an escape: `\u001b` behind no other backslash.
fn find_written(text: &[u8]) -> Option<usize> {
    memmem::find_iter(text, WRITTEN).find(|place| {
        let backslashes = text[..*place].iter().rev().take_while(|b| **b == b'\\');
        matches!(text.get(place + WRITTEN.len()), Some(b'b' | b'B')) && backslashes.count() % 2 == 0
    })
}

/// Returns the length of the sequence (ECMA-48) that begins with an escape, if one does.
fn sequence(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        // a control sequence, such as that of a colour: parameters, a blank in a few, and a final byte
        b'[' => {
            let parameters = 2 + text[2..]
                .iter()
                .position(|byte| !(0x30..0x40).contains(byte))?;
            let end = parameters + usize::from(text[parameters] == b' ');
            let ended = text
                .get(end)
                .is_some_and(|byte| (0x40..0x7F).contains(byte));
            ended.then_some(end + 1)
        }
        // a string, such as that of a link
        b']' => {
            let end = 2 + text[2..].iter().position(|byte| *byte < 0x20)?;
            match text[end..] {
                [7, ..] => Some(end + 1),
                [ESCAPE, b'\\', ..] => Some(end + 2),
                _ => None,
            }
        }
        // a character set
        b'(' | b')' => text
            .get(2)
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(|_| 3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{look, without_sequences};
    use crate::cutting::Cutter;
    use crate::pieces::Chunk;
    use crate::testing::Random;

    #[test]
    fn sequences_are_taken_out_and_lines_keep_their_places() {
        let lines = [
            ("\u{1b}[31mERROR\u{1b}[0m x", "ERROR x"),
            ("a\u{1b}[1;38;5;196mb\u{1b}[K", "ab"),
            ("\u{1b}]8;;https://a.b\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}(B\u{1b}[mx", "x"),
            (
                "\u{1b} \u{1b}[ \u{1b}[1\u{e4}\u{1b}]8 \u{1b}",
                "\u{1b} \u{1b}[ \u{1b}[1\u{e4}\u{1b}]8 \u{1b}",
            ),
            ("", ""),
            ("\u{1b}[", "\u{1b}["),
        ];
        let text: Vec<String> = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
        let chunk: Chunk = Arc::new(text.concat());
        let mut pieces = Vec::new();
        Cutter::new(1000).push(&chunk, &mut pieces);
        let piece = without_sequences(&pieces[0]);
        let (mut start, mut offset) = (0, 0);
        for (line, wanted) in lines {
            assert_eq!(
                &piece.data()[start..start + wanted.len()],
                wanted.as_bytes()
            );
            assert_eq!(piece.places().offset(start), offset, "{wanted}");
            start += wanted.len() + 1;
            offset += line.len() as u64 + 1;
        }
        assert_eq!(start, piece.data().len());
    }

    #[test]
    fn sequences_that_json_writes_are_taken_out_of_json() {
        for (line, wanted) in [
            (
                r#"{"level":"\u001b[31merror\u001B[0m"}"#,
                r#"{"level":"error"}"#,
            ),
            (
                r#"{"a":"\\u001b[31m \u001b \u001b[","b":"\\\u001b[1mx"}"#,
                r#"{"a":"\\u001b[31m \u001b \u001b[","b":"\\x"}"#,
            ),
            (r#"not JSON: \u001b[31m"#, r#"not JSON: \u001b[31m"#),
        ] {
            let chunk: Chunk = Arc::new(format!("{line}\n"));
            let mut pieces = Vec::new();
            Cutter::new(1000).push(&chunk, &mut pieces);
            assert_eq!(look(pieces[0].data()).1, line != wanted);
            let piece = without_sequences(&pieces[0]);
            assert_eq!(String::from_utf8_lossy(piece.data()), format!("{wanted}\n"));
        }
    }

    #[test]
    fn lines_and_escapes_are_seen_wherever_they_are() {
        let mut random = Random::new(3);
        for _ in 0..500 {
            let length = random.below(1000);
            let any = random.pick(b"\x1b\nx");
            let text: Vec<u8> = (0..length)
                .map(|_| random.pick(&[b'a', b'\n', any]))
                .collect();
            let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            assert_eq!(look(&text), (lines, text.contains(&0x1b)));
        }
    }
}

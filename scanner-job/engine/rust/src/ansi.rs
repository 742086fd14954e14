//! The escape sequences of terminals: colours and the like, which hide a word from a rule with `\b` or `^`.

use memchr::{memchr, memchr_iter};

use crate::cutting::{Mark, Piece};

const ESCAPE: u8 = 0x1B;
/// So many bytes are counted in counters of one byte.
const STEP: usize = 192;

/// Returns how many lines some bytes have, and whether there is an escape among them. What follows the last newline is a
/// line too.
pub(crate) fn look(data: &[u8]) -> (u64, bool) {
    let mut newlines = 0;
    let mut escapes = 0;
    let mut count = |step: &[u8]| {
        let mut counted = 0_u8;
        for byte in step {
            counted += u8::from(*byte == b'\n');
            escapes |= u8::from(*byte == ESCAPE);
        }
        newlines += u64::from(counted);
    };
    let steps = data.chunks_exact(STEP);
    let rest = steps.remainder();
    steps.for_each(&mut count);
    count(rest);
    let unended = data.last().is_some_and(|byte| *byte != b'\n');
    (newlines + u64::from(unended), escapes != 0)
}

/// Returns the lines of a piece without escape sequences.
pub(crate) fn without_sequences(piece: &Piece) -> Piece {
    let (data, places) = (piece.data(), piece.places());
    let mut text = Vec::with_capacity(data.len());
    let mut marks = Vec::new();
    let ends = memchr_iter(b'\n', data).map(|newline| newline + 1);
    let mut start = 0;
    for end in ends.chain([data.len()]) {
        if start < end {
            marks.push(Mark {
                start: u32::try_from(text.len()).expect("a piece is small"),
                offset: places.offset(start),
                second: places.mark(start).and_then(|mark| mark.second),
            });
            strip(&data[start..end], &mut text);
        }
        start = end;
    }
    Piece::of_records(text, marks)
}

/// Appends a line without its escape sequences.
fn strip(line: &[u8], text: &mut Vec<u8>) {
    let mut rest = line;
    while let Some(place) = memchr(ESCAPE, rest) {
        text.extend_from_slice(&rest[..place]);
        rest = &rest[place..];
        let length = sequence(rest).unwrap_or(0);
        if length == 0 {
            text.push(ESCAPE);
        }
        rest = &rest[length.max(1)..];
    }
    text.extend_from_slice(rest);
}

/// Returns the length of the sequence (ECMA-48) that begins with an escape, if one does.
fn sequence(text: &[u8]) -> Option<usize> {
    match text.get(1)? {
        // a control sequence, such as that of a colour: parameters and a final byte
        b'[' => {
            let end = 2 + text[2..]
                .iter()
                .position(|byte| !(0x20..0x40).contains(byte))?;
            (0x40..0x7F).contains(&text[end]).then_some(end + 1)
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
    use crate::cutting::{Chunk, Cutter};
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

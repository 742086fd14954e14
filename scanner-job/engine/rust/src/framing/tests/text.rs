use std::sync::Arc;

use super::super::{By, Framer};
use super::{check, check_content, framing, records};
use crate::dialect::Options;
use crate::matching::{Limits, RuleSet, RuleSource};
use crate::pieces::Chunk;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn other_encodings_are_decoded() {
    let lines = "a ä\r\n😀 ERROR\n\nlast";
    let wanted = [
        (2, None, "a ä\r"),
        (12, None, "😀 ERROR"),
        (30, None, ""),
        (32, None, "last"),
    ];
    check(
        &framing(By::Content),
        &utf16(&format!("\u{feff}{lines}")),
        &wanted,
    );
    check(
        &framing(By::Lines),
        &utf16(&format!("\u{feff}{lines}")),
        &wanted,
    );
    let big: Vec<u8> = "x ERROR\n😀\n"
        .chars()
        .flat_map(|character| (character as u32).to_be_bytes())
        .collect();
    let big = [b"\0\0\xfe\xff", &big[..]].concat();
    check(
        &framing(By::Content),
        &big,
        &[(4, None, "x ERROR"), (36, None, "😀")],
    );
    let json = utf16("{\"Records\":[{\"a\":\"ä\"},{\"b\":2}]}");
    check(
        &framing(By::Content),
        &json,
        &[(24, None, "{\"a\":\"ä\"}"), (44, None, "{\"b\":2}")],
    );
}

#[test]
fn halves_of_characters_become_replacements() {
    let mut input = utf16("\u{feff}plain\n");
    input.extend([
        0x00, 0xD8, b'a', 0, b'\n', 0, 0x00, 0xDC, b'\n', 0, 0x3D, 0xD8, b'x',
    ]);
    check(
        &framing(By::Content),
        &input,
        &[
            (2, None, "plain"),
            (14, None, "\u{fffd}a"),
            (20, None, "\u{fffd}"),
            (24, None, "\u{fffd}"),
        ],
    );
}

#[test]
fn marks_holes_and_carriage_returns_hide_no_line() {
    check_content("\u{feff}a\nb", &[(3, None, "a"), (5, None, "b")]);
    check_content(
        "a\rb\r\rc",
        &[
            (0, None, "a"),
            (2, None, "b"),
            (4, None, ""),
            (5, None, "c"),
        ],
    );
    check_content("a\rb\r", &[(0, None, "a"), (2, None, "b")]);
    let zeros = "\0".repeat(1500);
    check_content(
        &format!("{zeros}a\nb{zeros}c\n{zeros}"),
        &[(1500, None, "a"), (1502, None, "b"), (3003, None, "c")],
    );
    let document = format!("{zeros}{{\"Records\":[{{}}]}}");
    check_content(&document, &[(1512, None, "{}")]);
}

#[test]
fn lines_of_bytes_are_left_alone() {
    let input = "\u{feff}{\"Records\":[{}]}\r\0\n";
    let wanted = &input[..input.len() - 1];
    check(&framing(By::Bytes), input.as_bytes(), &[(0, None, wanted)]);
    check_content("", &[]);
}

#[test]
fn lines_are_joined_up_to_the_next_start() {
    let source = RuleSource {
        name: "start".to_owned(),
        pattern: r"^\d{4}-".to_owned(),
        options: Options::default(),
        fields: Vec::new(),
        excluded_by: None,
    };
    let starts = RuleSet::compile(&[source], &Limits::default()).expect("it is valid");
    let starts = Arc::new(starts);
    check(
        &framing(By::Starts(starts.clone())),
        b"rest\n of it\n2026-1 a\n\tat b\n\n2026-2 c\n2026-3 d\nlast",
        &[
            (0, None, "rest  of it"),
            (12, None, "2026-1 a \tat b "),
            (28, None, "2026-2 c"),
            (37, None, "2026-3 d last"),
        ],
    );
    check(
        &framing(By::Starts(starts)),
        b"2026-11-24T12:00:05.1Z stderr F 2026-1 a\n2026-11-24T12:00:06.1Z stderr F \tat b\n",
        &[(0, Some(1_795_521_605), "2026-1 a \tat b")],
    );
}

#[test]
fn a_record_over_the_limit_is_cut_and_the_next_is_whole() {
    let long = "x".repeat(300);
    for (input, wanted) in [
        (
            format!("{{\"Records\":[{{\"a\":\"{long}\"}},{{\"b\":1}}]}}"),
            vec![12, 321],
        ),
        (format!("{{\"a\":\"{long}\"}}{{\"b\":1}}"), vec![0, 308]),
        (format!("[{{\"a\":1}},\"{long}\"]"), vec![1, 9]),
    ] {
        let framing = framing(By::Json);
        for size in [1, 7, 64, 5000] {
            let (found, cut) = records(&framing, input.as_bytes(), size, 100);
            let offsets: Vec<u64> = found.iter().map(|(offset, ..)| *offset).collect();
            assert_eq!(
                (offsets, cut),
                (wanted.clone(), 1),
                "{input} in pieces of {size}"
            );
            assert!(found.iter().all(|(.., text)| text.len() <= 100));
        }
    }
}

#[test]
fn an_endless_record_takes_bounded_memory() {
    for start in [
        "{\"Records\":[{\"a\":\"",
        "[{",
        "{\"a\":[",
        "2026-11-24T12:00:05.1Z stdout F ",
        "",
    ] {
        let mut framer = Framer::new(framing(By::Content), 1000);
        let mut pieces = Vec::new();
        let chunk: Chunk = Arc::new(start);
        framer.push(&chunk, &mut pieces);
        let chunk: Chunk = Arc::new(vec![b'x'; 1000]);
        for _ in 0..2000 {
            framer.push(&chunk, &mut pieces);
        }
        framer.finish(&mut pieces);
        let kept: usize = pieces.iter().map(|piece| piece.data().len()).sum();
        assert!(kept <= 1001 && framer.cut_records() == 1, "{start}: {kept}");
    }
}

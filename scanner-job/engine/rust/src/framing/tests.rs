use std::sync::Arc;

use super::{By, Framer, Framing};
use crate::cutting::Chunk;
use crate::dialect::Options;
use crate::matching::{Limits, RuleSet, RuleSource};

/// A record with its place and the time that is known of it.
type Record = (u64, Option<i64>, Vec<u8>);

fn framing(by: By) -> Framing {
    Framing {
        by,
        ..Framing::default()
    }
}

/// Returns the records of an input that comes in pieces, and how many were cut.
fn records(framing: &Framing, input: &[u8], size: usize, limit: usize) -> (Vec<Record>, u64) {
    let mut framer = Framer::new(framing.clone(), limit);
    let mut pieces = Vec::new();
    for part in input.chunks(size) {
        let chunk: Chunk = Arc::new(part.to_vec());
        framer.push(&chunk, &mut pieces);
    }
    framer.finish(&mut pieces);
    let mut found = Vec::new();
    for piece in &pieces {
        let mut start = 0;
        for line in piece.data().split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let places = piece.places();
            found.push((places.offset(start), places.second(start), text.to_vec()));
            start += line.len();
        }
    }
    (found, framer.cut_records())
}

/// Checks the records of an input in pieces of any size.
fn check(framing: &Framing, input: &[u8], wanted: &[(u64, Option<i64>, &str)]) {
    let wanted: Vec<Record> = wanted
        .iter()
        .map(|(offset, second, text)| (*offset, *second, text.as_bytes().to_vec()))
        .collect();
    for size in (1..=input.len().min(70)).chain([input.len().max(1)]) {
        let (found, cut) = records(framing, input, size, 1000);
        let shown = String::from_utf8_lossy(input);
        assert_eq!(found, wanted, "{shown} in pieces of {size}");
        assert_eq!(cut, 0);
    }
}

fn check_content(input: &str, wanted: &[(u64, Option<i64>, &str)]) {
    check(&framing(By::Content), input.as_bytes(), wanted);
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn elements_of_documents_are_records() {
    check_content(
        r#"{"Records":[{"a":"]}"},{"b":[{}]} , {"c":"\"{"}]}{"Records":[]} {"Records":[{"d":1}]}"#,
        &[
            (12, None, r#"{"a":"]}"}"#),
            (23, None, r#"{"b":[{}]}"#),
            (36, None, r#"{"c":"\"{"}"#),
            (76, None, r#"{"d":1}"#),
        ],
    );
    check_content(
        "[{\"a\":1},\n[1, 2],\n\"x,]\\\"\", 7 ,{\"b\": 2}]\n",
        &[
            (1, None, "{\"a\":1}"),
            (10, None, "[1, 2]"),
            (18, None, "\"x,]\\\"\""),
            (27, None, "7"),
            (30, None, "{\"b\": 2}"),
        ],
    );
}

#[test]
fn documents_are_records() {
    check_content(
        "{\"a\": 1}{\"b\":\"\\\\\"}\n{\"c\":3}",
        &[
            (0, None, "{\"a\": 1}"),
            (8, None, "{\"b\":\"\\\\\"}"),
            (19, None, "{\"c\":3}"),
        ],
    );
    check_content(
        "{\n  \"a\": [\n    1,\n    \"x  y\"\n  ]\n}\n{\n}\n",
        &[(0, None, "{\"a\":[1,\"x  y\"]}"), (35, None, "{}")],
    );
}

#[test]
fn what_stands_beside_the_records_is_one() {
    check_content(
        r#"{"fileVersion":"1.0","configurationItems":[{"a":1}],"more": {"b":[]}}{"Records":[{}],"c":2}"#,
        &[
            (43, None, r#"{"a":1}"#),
            (0, None, r#"{"fileVersion":"1.0","more":{"b":[]}}"#),
            (81, None, "{}"),
            (69, None, r#"{"c":2}"#),
        ],
    );
}

#[test]
fn what_is_not_json_is_taken_by_lines() {
    check_content(
        "{\"a\":1}{\"b\":2}x {\n\n{\"c\":\"d\nERROR \"e\n{\"Records\":[{\"f\":\"\n]}{\"g\":1}",
        &[
            (0, None, "{\"a\":1}"),
            (7, None, "{\"b\":2}"),
            (14, None, "x {"),
            (19, None, "{\"c\":\"d"),
            (27, None, "ERROR \"e"),
            (48, None, "{\"f\":\""),
            (57, None, "{\"g\":1}"),
        ],
    );
}

#[test]
fn events_of_cloudwatch_logs_are_their_messages() {
    let input = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1795521605123,"message":"ERROR \"x\"\n\tat y\n"},{"id":"2","timestamp":1795521606000,"message":"ok"}]}"#;
    let wanted = [
        (114, Some(1_795_521_605), "ERROR \"x\" \tat y"),
        (185, Some(1_795_521_606), "ok"),
    ];
    check_content(input, &wanted);
    let other = r#"{"logEvents":[{"message":"a"},{"text":"b"}]}"#;
    let wanted = [(14, None, "a"), (30, None, r#"{"text":"b"}"#)];
    check(&framing(By::CloudWatch), other.as_bytes(), &wanted);
    check_content(other, &[(0, None, other)]);
}

#[test]
fn lines_of_containers_are_what_their_programs_wrote() {
    check_content(
        "{\"log\":\"ERROR \\u001b[31mx\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T12:00:05Z\"}\n\
         {\"log\":\"one \",\"stream\":\"stdout\",\"time\":\"2026-11-24T12:00:05Z\"}\n\
         {\"log\":\"other\\r\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-24T12:00:06Z\"}\n\
         not an entry\n\
         {\"log\":\"two\\\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T12:00:07Z\"}\n\
         {\"log\":\" three\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T12:00:07Z\"}\n\
         {\"log\":\"last\",\"stream\":\"stdout\",\"time\":\"2026-11-24T12:00:08Z\"}\n",
        &[
            (0, Some(1_795_521_605), "ERROR \u{1b}[31mx"),
            (141, Some(1_795_521_606), "other\r"),
            (209, None, "not an entry"),
            (78, Some(1_795_521_605), "one two\\n three"),
            (354, Some(1_795_521_608), "last"),
        ],
    );
    check_content(
        "2026-11-24T12:00:05.1Z stderr P one \n2026-11-24T12:00:05.1Z stdout F x\n\
         2026-11-24T12:00:06.1Z stderr F two\n2026-11-24T12:00:06.1Z stdout F \n",
        &[
            (37, Some(1_795_521_605), "x"),
            (0, Some(1_795_521_605), "one two"),
            (107, Some(1_795_521_606), ""),
        ],
    );
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
fn a_field_of_a_record_is_the_record() {
    let framing = Framing {
        message_field: Some(b"log".to_vec()),
        ..framing(By::Content)
    };
    let input =
        "{\"time\":\"2026-11-24T12:00:05Z\",\"log\":\"E \\\"x\\\"\\n\"}\n{\"log\":5}\nplain\n";
    let wanted = [
        (0, Some(1_795_521_605), "E \"x\""),
        (50, None, "{\"log\":5}"),
        (60, None, "plain"),
    ];
    check(&framing, input.as_bytes(), &wanted);
    check(
        &framing,
        b"[{\"log\":\"a\"},{\"b\":1}]",
        &[(1, None, "a"), (13, None, "{\"b\":1}")],
    );
}

#[test]
fn lines_are_joined_up_to_the_next_start() {
    let source = RuleSource {
        name: "start".to_owned(),
        pattern: r"^\d{4}-".to_owned(),
        options: Options::default(),
        excluded_by: None,
    };
    let starts = RuleSet::compile(&[source], &Limits::default()).expect("it is valid");
    check(
        &framing(By::Starts(Arc::new(starts))),
        b"rest\n of it\n2026-1 a\n\tat b\n\n2026-2 c\n2026-3 d\nlast",
        &[
            (0, None, "rest  of it"),
            (12, None, "2026-1 a \tat b "),
            (28, None, "2026-2 c"),
            (37, None, "2026-3 d last"),
        ],
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

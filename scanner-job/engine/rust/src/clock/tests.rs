use super::second_of;

const REFERENCE: i64 = 1_795_564_800; // 2026-11-25T00:00:00Z
const NOON: i64 = 1_795_521_605; // 2026-11-24T12:00:05Z

#[test]
fn reads_each_form() {
    for line in [
        "2026-11-24T12:00:05Z x",
        "2026-11-24 04:00:05.1 -0800 x",
        "2026/11/24 12:00:05 [error] 1#1: x",
        "<34>Nov 24 12:00:05 host x",
        "I1124 12:00:05.000001       1 x.go:7] x",
        "1.2.3.4 - - [24/Nov/2026:13:00:05 +0100] \"GET /\"",
        "1795521605123 x",
        "{\"level\":\"error\",\"ts\":1795521605.1,\"msg\":\"x\"}",
        "2026-13-24T12:00:05 is none, 2026-11-24T12:00:05 is one",
        "app.log.1.2025-05-16_13:53:08 2026-11-24 13:00:05 CET x",
        "{\"msg\":\"until 2026-01-01T00:00:00Z\",\"time\":\"2026-11-24T12:00:05Z\"}",
    ] {
        assert_eq!(second_of(line.as_bytes(), REFERENCE), Some(NOON), "{line}");
    }
}

#[test]
fn reads_nothing_else_as_a_time() {
    for line in [
        "",
        "2026-02-30T12:00:00Z",
        "at 1795521605",
        "I1324 12:00:05.0 x",
        "I",
        "2026-11-24 12:00:05 CST x, since 2026-01-01T00:00:00Z",
        "04/11/2026 12:00:05 x",
    ] {
        assert_eq!(second_of(line.as_bytes(), REFERENCE), None, "{line}");
    }
}

#[test]
fn survives_any_reference_and_any_line() {
    let lines: [&[u8]; 8] = [
        b"Feb 29 12:00:05 x",
        b"1/2/03 12:00:05 x",
        b"{\"time\":1.7e999999999999999999999999999,\"ts\":\"",
        b"{\"\\",
        b"{\"time\":{\"time\":",
        b"2026-11-24T12:00:05 GMT+",
        b"9999-12-31T23:59:59-1400",
        b"Nov 24 12:00:05 ",
    ];
    for reference in [i64::MIN, -86_400, 0, i64::MAX] {
        for line in lines {
            for end in 0..=line.len() {
                second_of(&line[..end], reference);
            }
        }
    }
}

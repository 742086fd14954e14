use super::super::{By, Framing};
use super::{check, check_content, framing};

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

//! Conditions on records: what a value, a path and JSON are, and input that is made to take long.

use std::time::{Duration, Instant};

use super::{Condition, Conditions, Evaluation, Field};

fn field((path, values): &(&str, &[&str])) -> Field {
    Field {
        path: (*path).to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

/// Returns whether a record fulfils conditions.
fn holds(fields: &[(&str, &[&str])], record: &[u8]) -> bool {
    let fields: Vec<Field> = fields.iter().map(field).collect();
    let parsed = fields.iter().map(|field| Condition::parse(field).unwrap());
    let mut conditions = Conditions::default();
    conditions.add(&fields, parsed.collect());
    conditions.hold(0, record, 0, &mut Evaluation::default())
}

fn check(fields: &[(&str, &[&str])], fulfil: &[&str], fail: &[&str]) {
    for record in fulfil {
        assert!(holds(fields, record.as_bytes()), "{fields:?} {record}");
    }
    for record in fail {
        assert!(!holds(fields, record.as_bytes()), "{fields:?} {record}");
    }
}

#[test]
fn texts_are_equal_in_either_case() {
    check(
        &[("level", &["error", "FATAL"])],
        &[
            r#"{"level":"error"}"#,
            r#" { "x" : [ 1 ] , "level" : "Fatal" } "#,
            r#"{"l\u0065vel":"\u0065RR\u004fR"}"#,
            r#"{"level":"info","level":"error"}"#,
            r#"{"level":["info","error"]}"#,
            r#"[{"level":"info"},{"level":"error"}]"#,
        ],
        &[
            r#"{"level":"errors"}"#,
            r#"{"level":" error"}"#,
            r#"{"Level":"error"}"#,
            r#"{"x":{"level":"error"}}"#,
            r#"{"level":{"error":"error"}}"#,
            r#"{"level":[["error"]]}"#,
            r#"{"level":null}"#,
            r#"["level","error"]"#,
            r#""error""#,
            "{}",
        ],
    );
}

#[test]
fn numbers_are_equal_however_they_are_written() {
    check(
        &[("status", &["500"])],
        &[
            r#"{"status":500}"#,
            r#"{"status":"500"}"#,
            r#"{"status":5e2}"#,
            r#"{"status":500.0}"#,
        ],
        &[
            r#"{"status":5000}"#,
            r#"{"status":"0500"}"#,
            r#"{"status":" 500"}"#,
            r#"{"status":true}"#,
        ],
    );
    check(
        &[("id", &["12345678901234567890"])],
        &[r#"{"id":12345678901234567890}"#],
        &[r#"{"id":12345678901234567891}"#],
    );
    check(
        &[("status", &[">=500 <600", "404"])],
        &[
            r#"{"status":500}"#,
            r#"{"status":"599.9"}"#,
            r#"{"status":404}"#,
            r#"{"status":[200,503]}"#,
        ],
        &[
            r#"{"status":600}"#,
            r#"{"status":[499,600]}"#,
            r#"{"status":"x"}"#,
            r#"{"status":null}"#,
            "{}",
        ],
    );
}

#[test]
fn words_of_json_are_texts() {
    check(
        &[("mfa", &["true"])],
        &[r#"{"mfa":true}"#, r#"{"mfa":"True"}"#],
        &[r#"{"mfa":false}"#, r#"{"mfa":1}"#],
    );
    check(
        &[("n", &["nan", "-infinity"])],
        &[r#"{"n":NaN}"#, r#"{"n":-Infinity}"#],
        &[r#"{"n":Infinity}"#, r#"{"n":nan}"#],
    );
}

#[test]
fn no_value_is_like_an_empty_text() {
    let (absent, there) = (
        ["{}", r#"{"a":null}"#, r#"{"a":""}"#, r#"{"a":[]}"#],
        [
            r#"{"a":0}"#,
            r#"{"a":false}"#,
            r#"{"a":{}}"#,
            r#"{"a":["x"]}"#,
        ],
    );
    for values in [&["="][..], &[""]] {
        check(&[("a", values)], &absent, &there);
    }
    check(&[("a", &["!="])], &there, &absent);
}

#[test]
fn what_must_not_be_is_no_value_of_the_field() {
    check(
        &[("a", &["!=x", "!=7"])],
        &["{}", r#"{"a":"y"}"#, r#"{"a":["y",8]}"#, r#"{"a":{}}"#],
        &[r#"{"a":"X"}"#, r#"{"a":7.0}"#, r#"{"a":["y","x"]}"#],
    );
    check(
        &[("a", &[">=400", "!=404"])],
        &[r#"{"a":500}"#],
        &[r#"{"a":404}"#, "{}", r#"{"a":200}"#],
    );
}

#[test]
fn a_path_is_a_name_with_dots_or_leads_through_objects() {
    check(
        &[("log.level.name", &["x"])],
        &[
            r#"{"log.level.name":"x"}"#,
            r#"{"log":{"level":{"name":"x"}}}"#,
            r#"{"log":{"level.name":"x"}}"#,
            r#"{"log.level":{"name":"x"}}"#,
            r#"{"log":[{"level":7},{"level":[{"name":["x"]}]}]}"#,
            r#"{"log":{"level":{"name":"y"}},"log.level.name":"x"}"#,
        ],
        &[
            r#"{"log":{"level":"x"}}"#,
            r#"{"level":{"name":"x"}}"#,
            r#"{"log":{"x":{"level":{"name":"x"}}}}"#,
            r#"{"log":[[{"level":{"name":"x"}}]]}"#,
        ],
    );
}

#[test]
fn all_conditions_of_a_rule_must_be_fulfilled() {
    check(
        &[("a", &["x"]), ("a.b", &["y"]), ("c", &["!=z"])],
        &[r#"{"a":["x",{"b":"y"}]}"#, r#"{"a":"x","a.b":"y","c":"y"}"#],
        &[
            r#"{"a":"x"}"#,
            r#"{"a.b":"y"}"#,
            r#"{"a":"x","a.b":"y","c":"z"}"#,
        ],
    );
}

#[test]
fn what_is_not_json_fulfils_nothing() {
    for record in [
        "",
        "a",
        r#"{"a":1"#,
        r#"{"a":1}}"#,
        r#"{"a":1} x"#,
        r#"{"a":1}{"a":1}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":1,"b":[1,]}"#,
        r#"{"a":1,"b":{"c"}}"#,
        r#"{"a":1,"b":[}]}"#,
        r#"{"a":1,"b":{]}"#,
        r#"{"a":1,"b":01}"#,
        r#"{"a":1,"b":"\x"}"#,
        r#"{"a":1,"b":"\u12g4"}"#,
        r#"{"a":1,"b":tru}"#,
        r#"{"a":1,b:1}"#,
        r#"{'a':1}"#,
        r#"{"a":1,"b"="c"}"#,
        r#"x {"a":1}"#,
    ] {
        for values in [&["1"][..], &["!=2"], &["="]] {
            assert!(!holds(&[("a", values)], record.as_bytes()), "{record}");
        }
    }
}

#[test]
fn strings_may_hold_any_bytes() {
    assert!(holds(
        &[("a", &["1"])],
        b"{\"b\":\"\xff\x00\x01\t\",\"a\":1}"
    ));
    assert!(holds(
        &[("\u{fc}", &["\u{e4}"])],
        "{\"\\u00fc\":\"ä\"}".as_bytes()
    ));
}

/// Returns whether a large record fulfils a condition.
fn large(record: &[u8]) -> bool {
    let begin = Instant::now();
    let answer = holds(&[("a.b.c", &["x"]), ("b", &["!=y"])], record);
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
    answer
}

#[test]
fn hostile_records_take_linear_time() {
    const SIZE: usize = 4 << 20;
    let found = br#""a":{"b":{"c":"x"}}}"#;
    let nested = |open: &str, close: &str| {
        let mut record = br#"{"deep":"#.to_vec();
        record.extend(open.repeat(SIZE).bytes());
        record.extend(b"1");
        record.extend(close.repeat(SIZE).bytes());
        record.push(b',');
        [record, found.to_vec()].concat()
    };
    assert!(large(&nested("[", "]")));
    assert!(large(&nested(r#"{"a":"#, "}")));
    assert!(!large(&nested("[", "")));
    assert!(!large(&nested("[", "}")));
    for part in [
        r#""a":{"b":[[["#,
        r#""a":[{"b":["#,
        r#""a":"#,
        r#""a.b.c":"y","#,
        r#""a.b":{"c":["#,
        r#""\u0061":["#,
        r"\\",
        r#"\""#,
        "\"",
    ] {
        let record = [b"{", part.repeat(SIZE / part.len()).as_bytes()].concat();
        assert!(!large(&record), "{part}");
    }
    let same = [b"{", r#""a.b":"y","#.repeat(SIZE / 10).as_bytes(), found].concat();
    assert!(large(&same));
}

//! Which single byte an expression takes, as people know it from the rules they have.

use crate::rule::Rule;

#[test]
fn one_byte() {
    let cases: &[(&str, u8, bool)] = &[
        (r"\s", b' ', true),
        (r"\s", 0x0b, true),
        (r"[^a]", b'b', true),
        (r"[^a]", b'a', false),
        (r"[^a]", 0xff, true),
        (r"\W", b'-', true),
        (r"\W", 0xe9, true),
        (r"\S", b'x', true),
        (r"[\s,]", b',', true),
        (r"[\W\d]", b'5', true),
        (r"[]a]", b']', true),
        (r"[^]a]", b']', false),
        (r"[a-c-]", b'-', true),
        (r"[\x41-\x43]", b'B', true),
        (r"[\x00-\x1f]", b'\t', true),
        (r"[[:digit:]_]", b'7', true),
        (r"[[:^digit:]]", b'7', false),
        (r"[\]\\]", b'\\', true),
        (r"[\-a]", b'-', true),
        (r"[a&&b]", b'&', true),
        (r"[a&&b]", b'b', true),
        (r"[+--]", b',', true),
        (r"[a~~b]", b'~', true),
        (r"[[a]", b'[', true),
        (r"\h", b'\t', true),
        (r"\h", 0xa0, true),
        (r"\v", b'\r', true),
        (r"\v", 0x85, true),
        (r"\V", b'x', true),
        (r"\N", b'x', true),
        (r"\R", 0x0c, true),
        (r"\.", b'x', false),
        (r"\<", b'<', true),
        (r"\Q.\E", b'.', true),
        (r"[\Q.\E]", b'.', true),
        (r"[\Q.\E]", b'Q', false),
        (r"\x2e", b'.', true),
        (r"\o{56}", b'.', true),
        (r"\056", b'.', true),
        (r"\e", 0x1b, true),
        (r"\cA", 0x01, true),
        (r"\t", b'\t', true),
        (r"(?i)a", b'A', true),
        (r"(?i)[^a]", b'A', false),
        (r"(?i)[^[:upper:]]", b'a', false),
        ("(?x) [ a ] # a comment\n", b' ', true),
        ("(?xx) [ a ] # a comment\n", b' ', false),
        ("(?x)\n  a  # over several\n  | b # lines\n", b'b', true),
        (r"\p{Lu}", b'A', true),
        (r"\P{Lu}", b'A', false),
        (r"\p{L}", 0xe9, true),
    ];
    for (pattern, byte, expected) in cases {
        let rule = Rule::bytes(&format!("^(?:{pattern})$"));
        let found = rule.is_match(&[*byte]);
        assert_eq!(found, Ok(*expected), "{pattern:?} on {byte:02x}");
    }
}

//! Where lines begin and end.

use super::matched;

fn lines(pattern: &str, block: &str) -> Vec<String> {
    matched(&[pattern], block)
        .into_iter()
        .map(|(_, line)| line)
        .collect()
}

#[test]
fn the_first_line_has_no_newline_in_front() {
    assert_eq!(
        lines("^ERROR", "ERROR a\nERROR b\n ERROR c\n"),
        ["ERROR a", "ERROR b"]
    );
    assert_eq!(lines("^ERROR$", "ERROR"), ["ERROR"]);
    assert_eq!(lines("^E$", "E\nE"), ["E", "E"]);
}

#[test]
fn a_carriage_return_before_the_newline_is_no_part_of_the_line() {
    assert_eq!(
        lines("ERROR$", "ERROR\r\nERROR \r\nERROR\n"),
        ["ERROR", "ERROR"]
    );
    assert_eq!(lines(r"ERROR\r", "ERROR\r\nERROR\r\r\n"), ["ERROR\r"]);
    assert_eq!(lines(r"ERROR\s", "ERROR\r\nERROR \r\n"), ["ERROR "]);
    assert_eq!(lines(r"\rERROR", "\rERROR\r\n"), ["\rERROR"]);
}

#[test]
fn a_carriage_return_at_the_end_of_the_log_is_part_of_the_line() {
    assert_eq!(lines(r"ERROR\r$", "ERROR\r"), ["ERROR\r"]);
}

#[test]
fn matches_do_not_cross_lines() {
    assert_eq!(lines("a[^b]*c", "a\nc\nadc\n"), ["adc"]);
    assert_eq!(lines(r"a\s+c", "a\nc\na\r\nc\n"), [""; 0]);
}

#[test]
fn rules_that_match_nothing_at_all_match_every_line() {
    for pattern in ["$", "^", "", "x*", "ERROR|$", r"\z", "(?:ERROR)?"] {
        assert_eq!(
            lines(pattern, "a\n\nb\r\n\r\nc"),
            ["a", "", "b", "", "c"],
            "{pattern}"
        );
    }
    assert_eq!(lines("^$", "a\n\nb\r\n\r\nc"), ["", ""]);
    assert_eq!(lines(r"\B", "a\n\n-\n"), ["", "-"]);
}

#[test]
fn each_line_is_a_hit_once_for_each_rule_by_line_and_then_by_rule() {
    let hits = matched(&["b.*b", r"\d", "a", "b"], "bb ab\nx1\nba bb 2\n");
    let rules: Vec<u32> = hits.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, [0, 2, 3, 1, 0, 1, 2, 3]);
}

#[test]
fn an_empty_block_has_no_line() {
    assert_eq!(matched(&["", "^$", "a"], ""), []);
}

//! What rules cost: estimated from a log, the same for the same log.

use super::compile;

/// Returns the seconds for 1 GB of a log.
fn cost(pattern: &str, log: &str) -> f64 {
    let cost = costs(&[pattern], log)[0];
    assert_eq!(cost, costs(&[pattern], log)[0]);
    cost
}

fn costs(patterns: &[&str], log: &str) -> Vec<f64> {
    let set = compile(patterns);
    set.costs(&set.calibrate(log.as_bytes()), log.as_bytes())
}

#[test]
fn rules_without_a_rare_literal_are_slow() {
    for pattern in [
        r"\b\w{64,128}\b",
        r"(?<!x)\w{40}",
        r"o.*[eo].{99}x",
        r"(\w+) \1 \1",
        " .*[ae].*[0-9]{12}",
    ] {
        assert!(cost(pattern, "") > 0.5, "{pattern}: {}", cost(pattern, ""));
    }
    for pattern in [
        "ERROR",
        "a word (?=b)",
        r"panic: \w+",
        r"(?i)time(?:d )?out after \d+",
    ] {
        assert!(cost(pattern, "") < 0.2, "{pattern}: {}", cost(pattern, ""));
    }
}

#[test]
fn the_log_decides_which_literals_are_frequent() {
    let line = "2026-11-24 10:00:00 order accepted, nothing else to say about it or its customer\n";
    let (with, without) = (
        line.repeat(900),
        line.replace("order", "basket").repeat(900),
    );
    for pattern in [r"order .*\d{9}", r"order (?!accepted)"] {
        assert!(
            cost(pattern, &with) > 20.0 * cost(pattern, &without),
            "{pattern}"
        );
    }
}

#[test]
fn a_rule_costs_the_same_among_others() {
    let alone = cost(r"order .*\d{9}", "");
    let among = costs(&[r"\d+ ms", r"order .*\d{9}", "x"], "")[1];
    assert_eq!(alone, among);
}

//! The set against its rules alone.

mod agreement;
mod borders;
mod changes;
mod costs;
mod fields;
mod hostile;

use super::{Hit, Limits, Plan, RuleSet, RuleSource, Scratch};
use crate::dialect::Options;

fn sources(patterns: &[impl AsRef<str>]) -> Vec<RuleSource> {
    let source = |pattern: &str| RuleSource {
        name: pattern.to_owned(),
        pattern: pattern.to_owned(),
        options: Options::default(),
        fields: Vec::new(),
        excluded_by: None,
    };
    patterns
        .iter()
        .map(|pattern| source(pattern.as_ref()))
        .collect()
}

pub(super) fn compile(patterns: &[impl AsRef<str>]) -> RuleSet {
    RuleSet::compile(&sources(patterns), &Limits::default()).unwrap()
}

/// Returns whether PCRE2 alone finds a pattern in a line.
fn matched_by(pattern: &str, line: &str) -> bool {
    let regex = pcre2::bytes::Regex::new(pattern).unwrap();
    regex.is_match(line.as_bytes()).unwrap()
}

fn scan(set: &RuleSet, plan: &Plan, scratch: &mut Scratch, block: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    set.scan(plan, scratch, block, &mut hits);
    hits
}

/// Returns the lines that are matched, with the number of the rule.
fn matched(patterns: &[&str], block: &str) -> Vec<(u32, String)> {
    let set = compile(patterns);
    scan(
        &set,
        &set.calibrate(b""),
        &mut set.scratch(),
        block.as_bytes(),
    )
    .into_iter()
    .map(|hit| {
        (
            hit.rule,
            block[hit.start as usize..hit.end as usize].to_owned(),
        )
    })
    .collect()
}

#[test]
fn an_exclude_takes_lines_away_and_has_no_hits() {
    // Without a literal, with a literal that most lines have, and confirmed by PCRE2.
    for exclude in [r"^\w b", "b", r"b(?! b)"] {
        let mut sources = sources(&["a", exclude, "b", r"\w"]);
        sources[0].excluded_by = Some(1);
        let set = RuleSet::compile(&sources, &Limits::default()).unwrap();
        let block = b"a\na b\nb\n\na b";
        let hits = scan(&set, &set.calibrate(block), &mut set.scratch(), block);
        let found: Vec<_> = hits.iter().map(|hit| (hit.start, hit.rule)).collect();
        let expected = [
            (0, 0),
            (0, 3),
            (2, 2),
            (2, 3),
            (6, 2),
            (6, 3),
            (9, 2),
            (9, 3),
        ];
        assert_eq!(found, expected, "{exclude}");
    }
}

#[test]
fn an_exclude_costs_only_where_its_rule_matches() {
    let mut sources = sources(&["ERROR", "INFO"]);
    sources[0].excluded_by = Some(1);
    let set = RuleSet::compile(&sources, &Limits::default()).unwrap();
    let cost = |log: &str| {
        let costs = set.costs(&set.calibrate(log.as_bytes()), log.as_bytes());
        costs.iter().sum::<f64>()
    };
    let quiet = "INFO a request was answered in 7 ms\n".repeat(100);
    assert!(cost(&quiet) < 0.01, "{}", cost(&quiet));
    let noisy = "ERROR as INFO: a request was not answered\n".repeat(100);
    assert!(cost(&noisy) > 0.5, "{}", cost(&noisy));
}

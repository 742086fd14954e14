//! Random rules on random lines: the set must report what PCRE2 alone finds, line by line, whatever the instructions,
//! the choice of literals and the cut of the blocks.

use pcre2::bytes::{Regex, RegexBuilder};

use super::{RuleSet, compile, scan};
use crate::literals::LiteralSet;
use crate::matching::sample::Sample;
use crate::matching::{Hit, Plan};
use crate::teddy::Instructions;
use crate::testing::Random;

const WORDS: [&str; 24] = [
    "ERROR",
    "error",
    "Error",
    "WARN",
    "INFO",
    "timeout",
    "time",
    "out",
    "connection",
    "refused",
    "reset",
    "[main]",
    "id=5f2b",
    "10.1.2.3",
    "user",
    "users",
    "us",
    "kube",
    "a",
    "aa",
    "aaa",
    "4711",
    "\u{fc}ber",
    "-",
];
const GAPS: [&str; 9] = [" ", " ", " ", "  ", ": ", ":", ", ", "=", "\t"];
const JOINTS: [&str; 16] = [
    ".*", ".*:\\s*", "\\s+", " ", "[^,]*", "\\b.*\\b", ".{0,20}", "", "\\W+", ":? ?", "[:=]",
    ".*?", "(?: |, )", "(?=.)", "\\S*\\s", "(?<!x)",
];
const ENDS: [&str; 8] = ["", "", "", "$", "\\b", "\\s*$", "+", "\\d*$"];
const BEGINS: [&str; 8] = ["", "", "", "^", "\\b", "(?i)", "^.*", "(?:^|\\s)"];

fn line(random: &mut Random) -> String {
    let mut line = String::new();
    for _ in 0..random.below(12) {
        line += random.pick(&WORDS);
        line += random.pick(&GAPS);
    }
    line
}

fn text(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.below(60) {
        text += &line(random);
        text += random.pick(&["\n", "\n", "\n", "\r\n", "\r\r\n", "\n\n"]);
    }
    text += &line(random);
    let mut bytes = text.into_bytes();
    // Some bytes that are no text.
    for _ in 0..bytes.len() / 200 {
        let at = random.below(bytes.len());
        bytes[at] = random.pick(&[0, 0x80, 0xFF, b'\r']);
    }
    bytes
}

/// Returns a word as an expression: as it is, shortened, with digits or letters generalised, repeated, or alternatives.
fn part(random: &mut Random) -> String {
    let word = random.pick(&WORDS);
    let escaped: String = word
        .chars()
        .flat_map(|c| "[].".contains(c).then_some('\\').into_iter().chain([c]))
        .collect();
    match random.below(9) {
        0 => escaped.replace(|c: char| c.is_ascii_digit(), "\\d"),
        1 => format!(
            "(?:{escaped}|{})",
            random.pick(&["out", "x", "user", "reset", ""])
        ),
        2 => format!("(?i:{escaped})"),
        3 => format!(
            "(?:{escaped}){}",
            random.pick(&["?", "+", "*", "{2}", "{1,3}"])
        ),
        4 => word
            .chars()
            .take(2)
            .filter(char::is_ascii_alphanumeric)
            .collect(),
        5 => (random.pick(&[
            "\\w+",
            "\\d{2,}",
            "[a-z]+",
            "[Ee]",
            "\\d{1,3}(?:\\.\\d{1,3}){3}",
            "(a+)\\1",
        ]))
        .to_owned(),
        _ => escaped,
    }
}

fn pattern(random: &mut Random) -> String {
    let mut pattern = random.pick(&BEGINS).to_owned() + &part(random);
    for _ in 0..random.below(3) {
        pattern += random.pick(&JOINTS);
        pattern += &part(random);
    }
    pattern += random.pick(&ENDS);
    if random.below(8) == 0 {
        pattern = format!("{pattern}|{}", part(random));
    }
    pattern
}

/// What PCRE2 finds, by lines cut in the plainest way.
fn verifier(rules: &[Regex], text: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(|&byte| byte == b'\n') {
        let line = piece
            .strip_suffix(b"\n")
            .map_or(piece, |line| line.strip_suffix(b"\r").unwrap_or(line));
        for (rule, regex) in (0..).zip(rules) {
            if regex.is_match(line).unwrap() {
                hits.push(Hit {
                    rule,
                    start: start as u32,
                    end: (start + line.len()) as u32,
                });
            }
        }
        start += piece.len();
    }
    hits
}

/// Scans in blocks cut behind random lines.
fn in_blocks(set: &RuleSet, plan: &Plan, text: &[u8], random: &mut Random) -> Vec<Hit> {
    let (mut scratch, mut hits, mut start) = (set.scratch(), Vec::new(), 0);
    for (end, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        if random.below(4) == 0 {
            hits.extend(shifted(
                scan(set, plan, &mut scratch, &text[start..=end]),
                start,
            ));
            start = end + 1;
        }
    }
    hits.extend(shifted(
        scan(set, plan, &mut scratch, &text[start..]),
        start,
    ));
    hits
}

fn shifted(hits: Vec<Hit>, by: usize) -> impl Iterator<Item = Hit> {
    hits.into_iter().map(move |hit| Hit {
        start: hit.start + by as u32,
        end: hit.end + by as u32,
        ..hit
    })
}

/// Returns a choice of literals by chance: any set of a rule, or none.
fn any_plan(set: &RuleSet, random: &mut Random, instructions: Instructions) -> Plan {
    let chosen: Vec<Option<&LiteralSet>> = set
        .rules
        .iter()
        .map(|rule| rule.literals.get(random.below(rule.literals.len() + 1)))
        .collect();
    let sample = line(random);
    Plan::new(&chosen, &Sample::of(sample.as_bytes()), instructions)
}

fn check(patterns: &[String], random: &mut Random) {
    let set = compile(patterns);
    let verifies: Vec<Regex> = patterns
        .iter()
        .map(|p| RegexBuilder::new().build(p).unwrap())
        .collect();
    for _ in 0..3 {
        let text = text(random);
        let expected = verifier(&verifies, &text);
        for instructions in Instructions::available() {
            let plans = [
                set.calibrate_for(&text, instructions),
                set.calibrate_for(b"", instructions),
                any_plan(&set, random, instructions),
                any_plan(&set, random, instructions),
            ];
            for plan in plans {
                let found = in_blocks(&set, &plan, &text, random);
                assert_same(&expected, &found, patterns, &text);
            }
        }
    }
}

fn assert_same(expected: &[Hit], found: &[Hit], patterns: &[String], text: &[u8]) {
    let describe = |hit: &Hit| {
        let line = String::from_utf8_lossy(&text[hit.start as usize..hit.end as usize]);
        format!(
            "{:?} on {line:?} at {}",
            patterns[hit.rule as usize], hit.start
        )
    };
    if let Some(lost) = expected.iter().find(|hit| !found.contains(hit)) {
        panic!("lost {}", describe(lost));
    }
    if let Some(wrong) = found.iter().find(|hit| !expected.contains(hit)) {
        panic!("wrong {}", describe(wrong));
    }
    assert_eq!(expected, found, "in the wrong order, or more than once");
}

#[test]
fn a_rule_alone() {
    let mut random = Random::new(11);
    for _ in 0..400 {
        check(&[pattern(&mut random)], &mut random);
    }
}

#[test]
fn a_set_of_rules() {
    let mut random = Random::new(12);
    for _ in 0..25 {
        let patterns: Vec<String> = (0..1 + random.below(60))
            .map(|_| pattern(&mut random))
            .collect();
        check(&patterns, &mut random);
    }
}

//! Odd and random rules on odd and random lines: the lines that `LC_ALL=C grep -a -P` prints are ours.

use logscan_engine::dialect::Options;

use crate::grep::{Answer, Grep};
use crate::random::{Random, from_environment, line, rule, soup};
use crate::rule::Rule;

/// One a line, as grep gets them.
const PATTERNS: &str = include_str!("patterns.txt");
/// One a line, in the escapes of `<[u8]>::escape_ascii`.
const LINES: &str = include_str!("lines.txt");

/// Parts of our refusals of what grep takes, in docs/rules.md one by one.
const REFUSED_BY_US: [&str; 13] = [
    "can never match: rules are matched line by line",
    "matches nothing within a line",
    "read differently by versions of PCRE2",
    "has a letter beyond ASCII",
    "has no digits: write \\x00",
    "a verb (*...)",
    "a callout (?C...)",
    "the condition of the group",
    "has no meaning in a character class",
    "begins or ends with a set of characters",
    "only a Unicode rule has",
    "groups deep",
    "the rule is too large",
];

/// What grep refuses and we take: the newer PCRE2 has them.
const REFUSED_BY_GREP: [&str; 1] = ["lookbehind assertion is not fixed length"];

fn judge() -> Option<Grep> {
    let found = Grep::is_there();
    if !found {
        println!("skipped: this machine's grep has no -P");
    }
    found.then(|| Grep::over(&lines()))
}

fn lines() -> Vec<Vec<u8>> {
    let mut random = Random(from_environment("LOGSCAN_SEED", 4));
    let odd = LINES.lines().map(unescaped);
    odd.chain((0..200).map(|_| line(&mut random))).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut line = Vec::new();
    while let Some(byte) = bytes.next() {
        line.push(match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'x') => {
                    let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                    let digits = std::str::from_utf8(&digits).expect("hexadecimal digits");
                    u8::from_str_radix(digits, 16).expect("hexadecimal digits")
                }
                other => other.expect("something behind the backslash"),
            },
            (byte, false) => byte,
        });
    }
    line
}

/// Compare one rule. The answer is what differs.
fn difference(grep: &Grep, pattern: &str, lines: &[Vec<u8>]) -> Option<String> {
    let ours = Rule::new(pattern, Options::default());
    match (ours, grep.answer(pattern)) {
        (_, Answer::GaveUp) | (Err(_), Answer::Refused(_)) => None,
        (Err(refusal), Answer::Lines(_)) => {
            let intended = REFUSED_BY_US
                .iter()
                .any(|text| refusal.message.contains(text));
            (!intended).then(|| format!("{pattern:?}: grep takes it, but: {refusal}"))
        }
        (Ok(_), Answer::Refused(reason)) => {
            let intended = REFUSED_BY_GREP.iter().any(|text| reason.contains(text));
            (!intended).then(|| format!("{pattern:?} is taken, but grep: {reason}"))
        }
        (Ok(rule), Answer::Lines(expected)) => {
            let found = |(index, line): (usize, &Vec<u8>)| {
                let found = rule.is_match(line).unwrap_or_else(|gave_up| {
                    panic!("{pattern:?} on line {index}: {gave_up}, but grep did not")
                });
                found.then_some(index)
            };
            let found: Vec<usize> = lines.iter().enumerate().filter_map(found).collect();
            if found == expected || is_error_of_grep(grep, pattern, &found) {
                return None;
            }
            let wrong = (0..lines.len()).find(|i| found.contains(i) != expected.contains(i))?;
            let line = lines[wrong].escape_ascii();
            Some(format!(
                "{pattern:?} finds {} lines, grep {}; first \"{line}\"",
                found.len(),
                expected.len()
            ))
        }
    }
}

/// Whether grep errs. Its PCRE2's search for where a match may start finds too few lines for `(?:b|(?=a)){0}`, and too
/// many for `(?>[^,]*|(?:a|))\N`; without that search it finds ours.
fn is_error_of_grep(grep: &Grep, pattern: &str, found: &[usize]) -> bool {
    let answer = grep.answer(&format!("(*NO_START_OPT){pattern}"));
    matches!(answer, Answer::Lines(lines) if lines == found)
}

fn compare(patterns: impl Iterator<Item = String>) {
    let Some(grep) = judge() else { return };
    let lines = lines();
    let differences: Vec<String> = patterns
        .filter_map(|pattern| difference(&grep, &pattern, &lines))
        .collect();
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn odd_rules() {
    assert!(PATTERNS.lines().count() > 500);
    compare(PATTERNS.lines().map(str::to_owned));
}

#[test]
fn random_rules() {
    let mut random = Random(from_environment("LOGSCAN_SEED", 14));
    let count = from_environment("LOGSCAN_RULES", 1_000);
    compare((0..count).map(|_| rule(&mut random)));
}

#[test]
fn random_signs() {
    let mut random = Random(from_environment("LOGSCAN_SEED", 14));
    let count = from_environment("LOGSCAN_RULES", 1_000);
    compare((0..count).map(|_| soup(&mut random)));
}

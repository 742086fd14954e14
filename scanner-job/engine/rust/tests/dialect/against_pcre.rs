//! Random rules on random lines: what we find, PCRE2 finds.
//!
//! `LOGSCAN_SEED` and `LOGSCAN_RULES` choose others, and more of them.

use logscan_engine::dialect::pcre::Matcher;
use logscan_engine::dialect::{Options, pcre};

use crate::random::{Random, from_environment, line, rule};
use crate::rule::Rule;

/// Of PCRE2's steps on a line: the random rules that need more are few, and slow.
const MATCH_LIMIT: u32 = 100_000;

/// What we refuse by intention although PCRE2 takes it.
const INTENDED: [&str; 8] = [
    "read differently by versions of PCRE2",
    "matches nothing within a line",
    "would split a character",
    "only a Unicode rule has",
    "has a letter beyond ASCII",
    "has no meaning in a character class",
    "can never match: rules are matched line by line",
    "begins or ends with a set of characters",
];

#[derive(Default)]
struct Tally {
    exact: usize,
    confirmed: usize,
    refused: usize,
    matches: usize,
}

#[test]
fn bytes() {
    compare(Options { unicode: false });
}

#[test]
fn unicode() {
    compare(Options { unicode: true });
}

fn compare(options: Options) {
    let mut random = Random(from_environment("LOGSCAN_SEED", 14));
    let mut lines: Vec<Vec<u8>> = (0..400).map(|_| line(&mut random)).collect();
    if options.unicode {
        // On others PCRE2 does not look again behind a broken character for a rule that begins with `.*`.
        lines.retain(|line| std::str::from_utf8(line).is_ok());
    }
    let mut tally = Tally::default();
    for _ in 0..from_environment("LOGSCAN_RULES", 10_000) {
        let pattern = rule(&mut random);
        one(&pattern, options, &lines, &mut random, &mut tally);
    }
    println!(
        "PCRE2 {}: {} rules exact, {} confirmed, {} refused; {} matches",
        pcre::version(),
        tally.exact,
        tally.confirmed,
        tally.refused,
        tally.matches
    );
    assert!(tally.exact > tally.refused && tally.confirmed > tally.refused / 10);
}

fn one(pattern: &str, options: Options, lines: &[Vec<u8>], random: &mut Random, tally: &mut Tally) {
    let judge = Matcher::new(pattern, options, MATCH_LIMIT);
    let ours = match Rule::new(pattern, options) {
        Ok(ours) => ours,
        Err(refusal) => {
            let intended = INTENDED.iter().any(|text| refusal.message.contains(text));
            assert!(judge.is_err() || intended, "{pattern:?}: {refusal}");
            tally.refused += 1;
            return;
        }
    };
    let judge = judge.expect("parse() has PCRE2 check the pattern");
    tally.exact += usize::from(ours.is_exact());
    tally.confirmed += usize::from(!ours.is_exact());
    for _ in 0..30 {
        let line = &lines[random.below(lines.len())];
        let (Ok(found), Ok(expected)) = (ours.is_match(line), judge.is_match(line)) else {
            continue;
        };
        assert_eq!(found, expected, "{pattern:?} on {}", line.escape_ascii());
        tally.matches += usize::from(found);
    }
}

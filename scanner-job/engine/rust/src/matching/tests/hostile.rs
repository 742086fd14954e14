//! Input and rules that are made to take long. Where time were the square of the size, these would not end.

use std::time::{Duration, Instant};

use super::{compile, scan, sources};
use crate::matching::{Limits, RuleSet};

const SIZE: usize = 2 << 20;

fn scan_all(patterns: &[String], block: &[u8]) -> (usize, u64) {
    let set = compile(patterns);
    let mut scratch = set.scratch();
    let begin = Instant::now();
    let hits = scan(&set, &set.calibrate(b""), &mut scratch, block);
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
    (hits.len(), scratch.gave_up().iter().sum())
}

#[test]
fn a_long_line_where_every_place_may_begin_a_match() {
    let endings = (0..20).map(|n| format!("aaaa[^b]*b{n}"));
    let patterns: Vec<String> = endings
        .chain((0..20).map(|n| format!("(?i)aaa.*A{{5}}.*c{n}")))
        .collect();
    assert_eq!(scan_all(&patterns, &vec![b'a'; SIZE]).0, 0);
}

#[test]
fn a_long_line_where_every_place_is_a_word_of_many_rules() {
    let patterns: Vec<String> = (0..100)
        .map(|n| format!(r"ab(?:ab)*\d{n}|bababa$"))
        .collect();
    let line = b"ab".repeat(SIZE / 2);
    assert_eq!(scan_all(&patterns, &line).0, 0);
}

#[test]
fn nothing_but_newlines() {
    let patterns: Vec<String> = (0..20).map(|n| format!(r"^\s{{0,{n}}}$|\w\W{n}")).collect();
    assert_eq!(scan_all(&patterns, &vec![b'\n'; SIZE]).0, 20 * SIZE);
}

#[test]
fn lazy_automata_that_need_ever_new_states() {
    let patterns = [
        r"[ab]*a[ab]{200}c".to_owned(),
        r"a.{300}b.{300}c".to_owned(),
    ];
    let mut random = crate::testing::Random::new(5);
    let line: Vec<u8> = (0..SIZE / 4).map(|_| b"ab"[random.below(2)]).collect();
    assert_eq!(scan_all(&patterns, &line).0, 0);
}

#[test]
fn a_line_that_pcre_gives_up_is_counted_for_its_rule() {
    let patterns = [r"(x+x+)+y(?!z)".to_owned(), "x".to_owned()];
    let lines = format!("xxy\n{}yz\n", "x".repeat(40));
    assert_eq!(scan_all(&patterns, lines.as_bytes()), (3, 1));
}

#[test]
fn a_line_where_pcre_takes_many_steps_from_every_place_is_given_up() {
    let patterns = [r"(x+x+)+y(?!z)".to_owned()];
    let word = "x".repeat(15) + "yz ";
    let lines = format!("{word}\n{}\n", word.repeat(64 << 10 >> 4));
    assert_eq!(scan_all(&patterns, lines.as_bytes()), (0, 1));
}

#[test]
fn three_hundred_rules_that_are_hard_to_compile() {
    let hard = [
        r"\w{1,1000}x",
        r".{1,500}foo.{1,500}bar",
        r"(a|b){1,500}c",
        r"(?i)error.{0,200}(?:timeout|refused)",
        r"[ab]*a[ab]{14}c",
    ];
    let patterns: Vec<String> = (0..300)
        .map(|n| format!("{}{n}", hard[n % hard.len()]))
        .collect();
    let begin = Instant::now();
    let compiled = RuleSet::compile(&sources(&patterns), &Limits::default());
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
    if let Err(error) = compiled {
        assert!(error.message.contains("KiB"), "{error}");
    }
}

#[test]
fn repetitions_within_repetitions_are_refused_by_name_or_compiled_soon() {
    for depth in [5, 20, 60] {
        let pattern = format!("{}x{}", "(?:".repeat(depth), "+y)+".repeat(depth));
        let begin = Instant::now();
        let _ = RuleSet::compile(&sources(&[&pattern]), &Limits::default());
        assert!(begin.elapsed() < Duration::from_secs(10), "{pattern}");
    }
    let error = RuleSet::compile(&sources(&["a", r"(?:\w{99}){999}"]), &Limits::default())
        .err()
        .unwrap();
    assert_eq!(error.rule, r"(?:\w{99}){999}");
}

/// Returns how many lines of each rule match and are given up, where PCRE2 has so little time.
fn verified_within(time: Duration, patterns: &[&str], lines: &str) -> (Vec<usize>, Vec<u64>) {
    let limits = Limits {
        pcre_time: time,
        pcre_nanoseconds_per_byte: 0,
        ..Limits::default()
    };
    let set = RuleSet::compile(&sources(patterns), &limits).unwrap();
    let mut scratch = set.scratch();
    let hits = scan(&set, &set.calibrate(b""), &mut scratch, lines.as_bytes());
    let of = |rule| hits.iter().filter(|hit| hit.rule as usize == rule).count();
    (
        (0..patterns.len()).map(of).collect(),
        scratch.gave_up().to_vec(),
    )
}

#[test]
fn a_rule_that_is_slow_over_and_over_is_retired_and_the_others_are_exact() {
    const LINES: usize = 100_000;
    // Below the limit of steps for each line, a minute for all of them.
    let line = format!("quick and quick {}yz\n", "x".repeat(14));
    let patterns = [r"(x+x+)+y(?!z)", r"(quick) and \1", "quick"];
    let (matched, gave_up) =
        verified_within(Duration::from_millis(300), &patterns, &line.repeat(LINES));
    assert_eq!(matched, [0, LINES, LINES]);
    assert!(gave_up[0] > LINES as u64 / 2, "{gave_up:?}");
    assert_eq!(gave_up[1..], [0, 0]);
}

#[test]
fn a_line_of_many_megabytes_takes_no_longer_than_one_of_one() {
    let line = "xxxxxxxxxxxxxyz ".repeat((8 << 20) >> 4);
    assert_eq!(
        scan_all(&["(x+x+)+y(?!z)".to_owned()], line.as_bytes()),
        (0, 1)
    );
}

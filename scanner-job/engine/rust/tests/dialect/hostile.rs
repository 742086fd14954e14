//! Rules made to hurt: refused by name or taken, in little time, memory and stack.

use std::thread;
use std::time::{Duration, Instant};

use logscan_engine::dialect::pcre::Matcher;
use logscan_engine::dialect::{Confirm, Options, parse};

/// Less than any thread has that may read rules; a build without optimisation needs the most.
const STACK: usize = 1 << 20;
/// In a build without optimisation, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// MiB that this process, with all its tests, may have resident at most.
#[cfg(target_os = "linux")]
const MEMORY: usize = 512;

/// Read a rule on a small stack, and have PCRE2 compile what it has to confirm. The answer is the refusal.
fn read(pattern: String, unicode: bool) -> Option<String> {
    let start = pattern.chars().take(40).collect::<String>();
    let began = Instant::now();
    let read = move || {
        let options = Options { unicode };
        match parse(&pattern, options) {
            Err(refusal) => Some(refusal.message),
            Ok(parsed) => {
                if let Confirm::Pcre(pattern) = parsed.confirm {
                    Matcher::new(&pattern, options, 1_000).expect("parse() has PCRE2 check it");
                }
                None
            }
        }
    };
    let thread = thread::Builder::new()
        .stack_size(STACK)
        .spawn(read)
        .expect("a thread");
    let refusal = thread.join().expect("no panic");
    let took = began.elapsed();
    assert!(
        took < PATIENCE,
        "{start:?} (unicode: {unicode}) took {took:?}"
    );
    refusal
}

#[test]
fn too_much_is_refused_by_name() {
    let nested = |open: &str| open.repeat(60_000 / open.len());
    let deep = [
        "(", "(?:", "(?=", "(?<!", "(?|", "(?>", "(?i:", "(?<n>", "(?(?=", "(?(1)", "((?#c)",
    ];
    for open in deep {
        let refusal = read(nested(open), false).expect(open);
        assert!(refusal.contains("groups deep"), "{open:?}: {refusal}");
    }
    let large = [
        "(a{1000}){1000}".to_owned(),
        "((a{1,1000}){1,1000}){1,1000}".to_owned(),
        "(?!((a{1,1000}){1,1000}){1,1000})x".to_owned(),
        "(?:(?:(?:(?:a{9}){99}){999}){9999}){9999}".to_owned(),
        ".{65535}.{65535}".to_owned(),
        "(?<!a{1,200})".repeat(4_000),
    ];
    for pattern in large {
        let refusal = read(pattern, false).expect("too large");
        assert!(refusal.contains("the rule is too large at"), "{refusal}");
    }
    let refusal = read("a".repeat(100_000), false).expect("too long");
    assert_eq!(refusal, "it has 100000 bytes; a rule has 61440 at most");
    for pattern in [
        "a".repeat(60_000),
        "ab|".repeat(20_000),
        "[a-z]".repeat(12_000),
        "(a)".repeat(20_000),
    ] {
        let refusal = read(pattern, false).expect("too large for PCRE2");
        assert!(
            refusal.contains("regular expression is too large"),
            "{refusal}"
        );
    }
    let refusal = read(format!("[{}]", r"\W\S".repeat(15_000)), true).expect("too large");
    assert_eq!(refusal, "the character class at 0 is too large");
}

#[test]
fn long_rules_of_any_kind_end() {
    let parts = [
        "(?=a)",
        "(?<=a)",
        "(?!a)",
        r"\w",
        r"\p{L}",
        r"\P{Greek}",
        "(?i)",
        "(?x)#",
        "x*",
        "x*?",
        "x*+",
        r"\1",
        "(?R)",
        "(?1)",
        "[:",
        "[[:",
        "[a:[:",
        r"\Q",
        r"\E",
        r"\Q\E",
        "(?#)",
        "(?<a",
        "{1,",
        "{",
        "a{1,2",
        "()",
        "(?i)é",
        r"\p{",
        r"\x{",
        r"\g{",
        "(?P<",
        "[^]",
        r"\N",
        r"\R",
        r"\X",
        "^",
        "$",
        r"\b",
        "|",
        "a|",
        "(|)",
        "(?:a?){0,9}",
        "a{0}",
        "(a{0,9}|b)*",
        "(?(1)a)",
        r"\k<a>",
        "(?|(a)|b)",
        "(?>a)",
    ];
    for part in parts {
        for unicode in [false, true] {
            read(part.repeat(60_000 / part.len()), unicode);
            read(format!("(a){}", part.repeat(59_000 / part.len())), unicode);
        }
    }
    for member in [
        "a-z",
        r"\w",
        r"\p{L}",
        r"\W\S",
        r"\x00-\xff",
        "[:alpha:]",
        "[:^alpha:]",
        r"\Qa\E",
    ] {
        for unicode in [false, true] {
            read(
                format!("(?i)[{}]", member.repeat(59_000 / member.len())),
                unicode,
            );
        }
    }
    #[cfg(target_os = "linux")]
    assert!(peak() < MEMORY, "{} MiB", peak());
}

#[test]
fn the_deepest_rule_is_taken() {
    for (open, close) in [
        ("(", ")"),
        ("(?:a|b", ")*"),
        ("(?=", ")"),
        ("(?>a", ")?"),
        ("(?i:b(?#c)", "){0,1}"),
    ] {
        let pattern = open.repeat(100) + "a" + &close.repeat(100);
        assert_eq!(read(pattern, false), None, "{open}");
        let pattern = open.repeat(101) + "a" + &close.repeat(101);
        assert!(read(pattern, false).is_some_and(|refusal| refusal.contains("groups deep")));
    }
}

/// What this process had resident at most, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    peak.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .expect("a number")
        >> 10
}

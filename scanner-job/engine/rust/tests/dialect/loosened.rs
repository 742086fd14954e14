//! What becomes of rules that automata cannot hold, and which words are left to look for.

use logscan_engine::dialect::pcre::Matcher;
use logscan_engine::dialect::{Confirm, Options, parse, pcre};
use regex_syntax::hir::Hir;

fn parsed(pattern: &str) -> (Hir, bool) {
    let parsed = parse(pattern, Options::default()).expect("a rule");
    (parsed.hir, parsed.confirm == Confirm::Exact)
}

/// What `regex-syntax` makes of an expression without its captures.
fn rust(pattern: &str) -> Hir {
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    parser
        .parse(pattern)
        .expect("an expression in Rust's syntax")
}

#[test]
fn regular_rules_are_exact() {
    for (pattern, same) in [
        ("", ""),
        ("ERROR", "ERROR"),
        (r"\Afoo\z", r"\Afoo\z"),
        ("(?s)a.b", "a.b"),
        ("(?m)^a$", "^a$"),
        ("(?i)aé", "(?i)aé"),
        ("a(?i)b|c", "a[bB]|[cC]"),
        ("a(?i:b)c", "a[bB]c"),
        (r"\<w\>", "<w>"),
        ("a(?<name>b)", "a(?:b)"),
        ("(?|ab|cd)e", "(?:ab|cd)e"),
        (r"a\Kb", "ab"),
        (r"\Ga", r"\Aa"),
        ("(?U)a+b", "a+b"),
        (r"\Qa+\E+", r"a\++"),
        (r"(?x) a b # c", "ab"),
        ("a{,x}", r"a\{,x\}"),
        // In front of all and behind all, an assertion is as good as its content.
        ("(?<=WARN )slow", "WARN slow"),
        ("^(?<=a)b", "a^b"),
        (r"took \d+ ms(?= for)", r"took [0-9]+ ms for"),
        ("(?<=id=)[0-9]+(?= )", "id=[0-9]+ "),
        ("a(?=b)$", "a$b"),
    ] {
        assert_eq!(parsed(pattern), (rust(same), true), "{pattern:?}");
    }
}

#[test]
fn others_keep_their_words() {
    for (pattern, same) in [
        ("ERROR (?!failed)", "ERROR "),
        ("(?<!no )ERROR", "ERROR"),
        ("a(?<=x)b", "ab"),
        ("a(?>b|c)d", "a(?:b|c)d"),
        ("a++b", "a+b"),
        ("(?:a(?=b))+c", "(?:a)+c"),
        ("(?=a)?b", "b"),
        (r"(ab)\1 done", r"ab(?s:.)* done"),
        (r"(?<w>ab) \k<w>", r"ab (?s:.)*"),
        ("a(?R)?b", "a(?:(?s:.)*)?b"),
        (r"(?(DEFINE)(?<n>\d+))id=(?&n)", r"id=(?s:.)*"),
        ("(a)?(?(1)b|c)d", "(?:a)?(?:b|c)d"),
        ("(a)?(?(1)b)d", "(?:a)?(?:b|)d"),
        (r"a\p{Greek}b", "a(?s:.)b"),
        (r"a\Rb", r"a[\x0b-\r\x85]b"),
        // Of several lookaheads the one with the longest word is kept, in place of what follows it.
        ("^(?=.*ERROR)(?=.*id=)", "^.*ERROR"),
        ("^(?=.*ERROR).*ab", "^.*ERROR"),
        ("^(?=.*a).*ERROR", "^.*ERROR"),
    ] {
        assert_eq!(parsed(pattern), (rust(same), false), "{pattern:?}");
    }
}

#[test]
fn unicode_words_are_for_pcre2_to_judge() {
    let parsed = parse(r"\bä\b", Options { unicode: true }).expect("a rule");
    assert_eq!(parsed.hir, Hir::literal("ä".as_bytes()));
    let Confirm::Pcre(pattern) = parsed.confirm else {
        panic!("not confirmed")
    };
    let matcher = Matcher::new(&pattern, Options { unicode: true }, 1_000).expect("a pattern");
    assert_eq!(matcher.is_match("kein ä.".as_bytes()), Ok(true));
    assert_eq!(matcher.is_match("zäh".as_bytes()), Ok(false));
    assert_eq!(matcher.is_match(b"\xff \xc3\xa4 \xff"), Ok(true));
}

#[test]
fn a_rule_over_its_limit_gives_up() {
    let matcher = Matcher::new(r"(x+x+)+y(?!z)", Options::default(), 10_000).expect("a pattern");
    assert_eq!(matcher.is_match(b"xxy"), Ok(true));
    let gave_up = matcher.is_match(&[b'x'; 60]).expect_err("a limit");
    assert!(gave_up.reason.contains("limit"), "{gave_up}");
    let endless = Matcher::new("(?R)", Options::default(), 10_000).expect("a pattern");
    assert!(endless.is_match(b"a").is_err());
}

#[test]
fn no_match_is_lost_by_the_search_for_its_start() {
    let matcher =
        |pattern, unicode| Matcher::new(pattern, Options { unicode }, 1_000).expect("a pattern");
    assert_eq!(
        matcher(r"Warn.\H{2,}|INFO", false).is_match(b"10:00:00,123 INFO\x0b"),
        Ok(true)
    );
    assert_eq!(
        matcher("<?user.{2,}", true).is_match(b"xuser: bob"),
        Ok(true)
    );
}

#[test]
fn the_bundled_pcre2_is_known() {
    assert_eq!(pcre::version(), "10.46");
}

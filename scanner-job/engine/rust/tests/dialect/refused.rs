//! What a person reads who writes a rule that cannot be.

use logscan_engine::dialect::{Options, parse};

fn refusal(pattern: &str, unicode: bool) -> (usize, String) {
    let refusal = parse(pattern, Options { unicode })
        .err()
        .unwrap_or_else(|| panic!("{pattern:?} is taken"));
    (refusal.offset, refusal.message)
}

#[test]
fn names_the_construct_and_the_place() {
    let cases: &[(&str, usize, &str)] = &[
        ("a\nb", 1, "a newline at 1 can never match"),
        (r"a\nb", 1, "the newline at 1 can never match"),
        (r"a\x0ab", 1, "the newline at 1 can never match"),
        (r"\cJ", 0, "the newline at 0 can never match"),
        ("[abc", 0, "the character class at 0 has no end"),
        (r"[a\", 2, "ends in a backslash"),
        ("[z-a]", 0, "out of order"),
        ("[a--b]", 0, "out of order"),
        ("[\\n]", 0, "matches nothing within a line"),
        (r"[^\s\S]", 0, "matches nothing within a line"),
        ("[ä]", 0, "a letter beyond ASCII"),
        (r"[\x{100}]", 1, "beyond one byte"),
        (r"\x{100}", 0, "beyond one byte"),
        (r"\777", 0, "beyond one byte"),
        (r"\x{g}", 0, "not hexadecimal digits"),
        (r"\o{8}", 0, "not octal digits"),
        (r"\x", 0, r"\x at 0 has no digits"),
        (r"\cé", 0, r"\c at 0"),
        ("[[:wrong:]]", 1, "[:wrong:]"),
        ("[[.a.]]", 1, "the collating element at 1"),
        (
            "[:alpha:]",
            0,
            "the named class at 0 stands outside of brackets",
        ),
        (r"[\w-z]", 0, "begins or ends with a set of characters"),
        (r"[\R]", 1, r"\R at 1 has no meaning in a character class"),
        (r"\p", 0, r"\p or \P at 0"),
        (r"a\X", 1, r"\X at 1 is about characters"),
        (r"(?i)\p{Lu}", 4, "read differently by versions of PCRE2"),
        (
            "a{,2}",
            1,
            "{,2} at 1 is read differently by versions of PCRE2",
        ),
        ("a{ 1,2 }", 1, "{ 1,2 } at 1 is read differently"),
        ("a{2,1}", 1, "the counts of {2,1} at 1 are out of order"),
        ("a{65536}", 1, "has a count over 65535"),
        ("a**", 2, "the quantifier at 2 follows nothing"),
        ("^*", 1, "the quantifier at 1 follows nothing"),
        ("(?i)+", 4, "the quantifier at 4 follows nothing"),
        ("(a", 0, "the group at 0 has no closing parenthesis"),
        ("a)", 1, "the closing parenthesis at 1 closes no group"),
        ("(?#a", 0, "the comment at 0 has no closing parenthesis"),
        ("(?z)", 2, "\"z\" at 2 is no option or kind of group"),
        ("(?i-s-m)", 5, "a hyphen too many"),
        ("(?i", 3, "the options at the end"),
        ("a(*FAIL)", 1, "a verb (*...) at 1"),
        ("(*UTF)a", 0, "a verb (*...) at 0"),
        ("a(?C1)", 1, "a callout (?C...) at 1"),
        ("(?(VERSION>=10)a)", 0, "the condition of the group at 0"),
        ("(?<1>a)", 0, "the name of a group at 0"),
        (r"(a)\g", 3, r"\g at 3"),
        (r"(a)\kx", 3, r"\k at 3"),
        ("(?1x)(a)", 0, "the reference at 0"),
        (r"\u0041", 0, r"\u at 0 has no meaning in PCRE2"),
        (r"\N{U+41}", 0, r"\N{..} at 0"),
        (r"a\", 1, "the backslash at 1 is followed by nothing"),
        (r"\2", 1, "PCRE2 refuses it at 1: reference to non-existent"),
        (
            r"(?<=a+)b",
            0,
            "PCRE2 refuses it at 0: length of lookbehind",
        ),
        (r"(?=a\K)", 0, r"PCRE2 refuses it"),
    ];
    for (pattern, offset, words) in cases {
        let (at, message) = refusal(pattern, false);
        assert!(message.contains(words), "{pattern:?}: {message}");
        assert!(
            at == *offset || message.contains("PCRE2 refuses"),
            "{pattern:?}: {at}"
        );
    }
}

#[test]
fn unicode_rules_have_characters_in_place_of_bytes() {
    for taken in [
        "[ä]",
        r"\x{100}",
        r"[\x{100}-\x{200}]",
        "ä+",
        r"\777",
        r"\X",
    ] {
        assert!(parse(taken, Options { unicode: true }).is_ok(), "{taken:?}");
    }
    for (pattern, words) in [
        (r"\C", "would split a character"),
        (r"\x{d800}", "is no Unicode character"),
        (r"\x{110000}", "is no Unicode character"),
    ] {
        let (_, message) = refusal(pattern, true);
        assert!(message.contains(words), "{pattern:?}: {message}");
    }
}

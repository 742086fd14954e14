mod support;

use logscan_engine::dialect::Options;
use support::Rule;

#[test]
fn smoke() {
    for (p, l, m) in [
        (r"(?<=WARN )slow \w+", "WARN slow x", true),
        (r"(\w+) \g{1} done", "a b b done", true),
        (r"[\Q.\E]x", "ax", false),
        (r"(?i)error[^a-z]", "errorS", false),
        (r"^(?=.*A)(?=.*BB)", "BB A", true),
        (r"[[:<:]]a", "ba", false),
    ] {
        let r = Rule::new(p, Options::default()).unwrap();
        println!("{p} {}", r.is_exact());
        assert_eq!(r.is_match(l.as_bytes()).unwrap(), m, "{p}");
    }
}

//! Rules on fields: whatever literals are looked for, the set reports what reading each record says.

use super::{RuleSet, RuleSource, matched_by, scan, sources};
use crate::conditions::{Condition, Conditions, Evaluation, Field};
use crate::literals::LiteralSet;
use crate::matching::sample::Sample;
use crate::matching::{Hit, Limits, Plan};
use crate::teddy::Instructions;
use crate::testing::Random;

const PATHS: [&str; 6] = ["level", "log.level", "a.b.c", "x/y", "\u{e4}_1-z", "n"];
const VALUES: [&str; 14] = [
    "error",
    "!=error",
    "ERR",
    "true",
    "404",
    ">=400",
    "<5",
    "",
    "!=",
    "0.0.0.0/0",
    "a \"b\" \\c",
    "\u{fc}ber 7_9-k",
    "NaN",
    "a text that is longer than what is looked for of a literal",
];
const WORDS: [&str; 8] = ["true", "null", "404", "4.04e2", "7", "NaN", "[]", "{}"];

fn rule(random: &mut Random) -> RuleSource {
    let mut paths = PATHS.to_vec();
    let fields = (0..1 + random.below(2)).map(|_| Field {
        path: paths.swap_remove(random.below(paths.len())).to_owned(),
        values: (0..1 + random.below(3))
            .map(|_| random.pick(&VALUES).to_owned())
            .collect(),
    });
    RuleSource {
        fields: fields.collect(),
        ..sources(&[random.pick(&["", "", "", "e", "a.*\\d", "(?=.*7)"])]).remove(0)
    }
}

/// Returns a string of JSON, with any of its characters as escapes.
fn string(text: &str, random: &mut Random) -> String {
    let escapes = random.below(6) == 0;
    let mut string = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            '/' if random.below(2) == 0 => string += "\\/",
            _ if escapes && random.below(8) == 0 => {
                let code = u32::from(character);
                string += &match random.below(2) {
                    0 => format!("\\u{code:04x}"),
                    _ => format!("\\u{code:04X}"),
                };
            }
            _ => string.push(character),
        }
    }
    string + "\""
}

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 2 { 5 } else { 8 }) {
        0..3 => {
            let text = random.pick(&VALUES).trim_start_matches("!=");
            let text = match random.below(3) {
                0 => text.to_ascii_uppercase(),
                _ => text.to_owned(),
            };
            string(&text, random)
        }
        3 | 4 => random.pick(&WORDS).to_owned(),
        5 | 6 => object(random, depth + 1),
        _ => {
            let all: Vec<String> = (0..random.below(3))
                .map(|_| value(random, depth + 1))
                .collect();
            format!("[{}]", all.join(random.pick(&[",", ", "])))
        }
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    let names = [
        "level",
        "log",
        "log.level",
        "a",
        "a.b",
        "b",
        "c",
        "b.c",
        "x/y",
        "\u{e4}_1-z",
        "n",
    ];
    let fields: Vec<String> = (0..random.below(4))
        .map(|_| {
            let name = string(random.pick(&names), random);
            format!(
                "{name}{}{}",
                random.pick(&[":", ": ", " : "]),
                value(random, depth)
            )
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn text(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(60) {
        let record = object(random, 0);
        let end = match random.below(12) {
            0 => record.len() / 2,
            _ => record.len(),
        };
        let end = record.ceil_char_boundary(end);
        text += &record[..end];
        text += random.pick(&["\n", "\n", "\r\n", "\n\n"]);
    }
    text
}

/// What reading each line says, of each rule alone.
fn expected(rules: &[RuleSource], text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive('\n') {
        let line = piece.trim_end_matches(['\r', '\n']);
        for (number, rule) in (0..).zip(rules) {
            let parsed = rule
                .fields
                .iter()
                .map(|field| Condition::parse(field).unwrap());
            let mut conditions = Conditions::default();
            conditions.add(&rule.fields, parsed.collect());
            if conditions.hold(0, line.as_bytes(), 0, &mut Evaluation::default())
                && matched_by(&rule.pattern, line)
            {
                hits.push(Hit {
                    rule: number,
                    start,
                    end: start + line.len() as u32,
                });
            }
        }
        start += piece.len() as u32;
    }
    hits
}

#[test]
fn no_choice_of_literals_loses_a_record() {
    let mut random = Random::new(21);
    let mut found = 0;
    for _ in 0..300 {
        let rules: Vec<RuleSource> = (0..1 + random.below(12))
            .map(|_| rule(&mut random))
            .collect();
        let set = RuleSet::compile(&rules, &Limits::default()).unwrap();
        let text = text(&mut random);
        let expected = expected(&rules, &text);
        for instructions in Instructions::available() {
            let chosen: Vec<Option<&LiteralSet>> = set
                .rules
                .iter()
                .map(|rule| rule.literals.get(random.below(rule.literals.len() + 1)))
                .collect();
            let plans = [
                set.calibrate_for(text.as_bytes(), instructions),
                set.calibrate_for(b"", instructions),
                Plan::new(&chosen, &Sample::of(b"x"), instructions),
            ];
            for plan in plans {
                let hits = scan(&set, &plan, &mut set.scratch(), text.as_bytes());
                if let Some(hit) = expected.iter().find(|hit| !hits.contains(hit)) {
                    let line = &text[hit.start as usize..hit.end as usize];
                    panic!("lost {line} of {:?}", rules[hit.rule as usize]);
                }
                assert_eq!(hits, expected);
            }
        }
        found += expected.len();
    }
    assert!(found > 2000, "{found}");
}

#[test]
fn an_exclude_takes_records_away() {
    let mut sources = sources(&["", "healthz"]);
    sources[0].fields = vec![Field {
        path: "level".to_owned(),
        values: vec!["error".to_owned()],
    }];
    sources[0].excluded_by = Some(1);
    let set = RuleSet::compile(&sources, &Limits::default()).unwrap();
    let block = b"{\"level\":\"error\"}\n{\"level\":\"error\",\"path\":\"/healthz\"}\n\nhealthz\n";
    let hits = scan(&set, &set.calibrate(block), &mut set.scratch(), block);
    assert_eq!(hits.iter().map(|hit| hit.start).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_rule_on_a_rare_value_does_not_read_the_records() {
    let mut sources = sources(&["", ""]);
    for (source, value) in sources.iter_mut().zip(["fatal", "info"]) {
        source.fields = vec![Field {
            path: "level".to_owned(),
            values: vec![value.to_owned()],
        }];
    }
    let set = RuleSet::compile(&sources, &Limits::default()).unwrap();
    let log = "{\"level\":\"info\",\"msg\":\"GET /a?b=1\\u0026c=2\",\"ms\":7}\n".repeat(900);
    let costs = set.costs(&set.calibrate(log.as_bytes()), log.as_bytes());
    assert!(costs[0] < 0.01 && costs[1] > 0.5, "{costs:?}");
}

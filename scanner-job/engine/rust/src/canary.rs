//! Rules and lines that engines have gone wrong on, matched when the engine is loaded for a scan.

use crate::dialect::Options;
use crate::matching::{Limits, RuleSet, RuleSource};

/// A rule, and lines of which it matches those that are marked.
struct Case {
    pattern: &'static str,
    lines: &'static [(bool, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        pattern: r"ERROR.*:\s*timeout",
        lines: &[
            (
                true,
                "2026-11-24 10:00:00,123 ERROR [main] com.acme.Db: timeout after 30s",
            ),
            (
                false,
                "2026-11-24 10:00:00,123 ERROR [main] com.acme.Db; timeout after 30s",
            ),
        ],
    },
    Case {
        pattern: r"(?i)error[^a-z]",
        lines: &[(true, "1 Error: x"), (false, "no errors")],
    },
    Case {
        pattern: r"(\w+) \1 done$",
        lines: &[
            (true, "it was all all done\r"),
            (false, "it was all done\r"),
        ],
    },
];

/// Matches the table; the error says which rule the engine gets wrong.
///
/// # Errors
/// The engine is not to be trusted on this machine.
pub fn check() -> Result<(), String> {
    let sources: Vec<RuleSource> = CASES
        .iter()
        .map(|case| RuleSource {
            name: case.pattern.to_owned(),
            pattern: case.pattern.to_owned(),
            options: Options::default(),
        })
        .collect();
    let rules =
        RuleSet::compile(&sources, &Limits::default()).map_err(|error| error.to_string())?;
    let text: String = CASES
        .iter()
        .flat_map(|case| case.lines)
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    let plan = rules.calibrate(text.as_bytes());
    let mut hits = Vec::new();
    rules.scan(&plan, &mut rules.scratch(), text.as_bytes(), &mut hits);
    let mut start = 0;
    for (number, case) in (0..).zip(CASES) {
        for (expected, line) in case.lines {
            let matched = hits
                .iter()
                .any(|hit| (hit.rule, hit.start) == (number, start));
            if matched != *expected {
                return Err(format!(
                    "the engine says {matched} and not {expected} for the rule {:?} and the line {line:?}",
                    case.pattern
                ));
            }
            start += u32::try_from(line.len()).expect("lines of the table are short") + 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_machine_passes() {
        assert_eq!(super::check(), Ok(()));
    }
}

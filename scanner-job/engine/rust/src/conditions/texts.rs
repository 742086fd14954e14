//! Conditions read from what a rule's author wrote.

use super::Field;
use super::decimals::Decimal;

/// A name with more dots would make a tree of paths that is large.
const MOST_PARTS: usize = 16;
/// Numbers of rules have at most so many digits before or behind the point, however they are written.
const MOST_MAGNITUDE: u64 = 1000;

/// What a field's values must be: one of them passes one of `any`, if there are any, and none passes one of `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(super) any: Vec<Test>,
    pub(super) none: Vec<Test>,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Null, the empty text, or no value.
    Empty,
    /// A text, in lower case.
    Text(Vec<u8>),
    Number(Decimal),
    /// Numbers that fulfil all of these.
    Within(Vec<Comparison>),
}

/// A comparison with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    operator: Operator,
    number: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// The operators, those of two characters first.
const OPERATORS: [(&str, Operator); 4] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    (">", Operator::Above),
    ("<", Operator::Below),
];

impl Condition {
    /// Returns the condition on a field, or what is wrong with it.
    pub(crate) fn parse(field: &Field) -> Result<Condition, String> {
        let wrong = |problem: &str| format!("where.{}: {problem}", field.path);
        if field.values.is_empty() {
            return Err(wrong("needs at least one value"));
        }
        if field.path.split('.').count() > MOST_PARTS {
            return Err(wrong(&format!(
                "has more than {MOST_PARTS} names; use the last ones of them in a pattern instead"
            )));
        }
        let mut condition = Condition::default();
        for value in &field.values {
            match value.strip_prefix("!=") {
                Some(text) => condition.none.push(equality(text.trim())),
                None => condition
                    .any
                    .push(test(value).map_err(|problem| wrong(&problem))?),
            }
        }
        Ok(condition)
    }

    /// Returns whether a value is one by which the condition may be fulfilled; `decimal` is memory to reuse.
    pub(super) fn allows(&self, text: &[u8], decimal: &mut Decimal) -> bool {
        let number = decimal.read(text).then_some(&*decimal);
        let passed = |tests: &[Test]| tests.iter().any(|test| test.passes(text, number));
        (self.any.is_empty() || passed(&self.any)) && !passed(&self.none)
    }

    /// Returns whether a record without the field fulfils the condition.
    pub(super) fn allows_absence(&self) -> bool {
        (self.any.is_empty() || self.any.contains(&Test::Empty))
            && !self.none.contains(&Test::Empty)
    }
}

impl Test {
    fn passes(&self, text: &[u8], number: Option<&Decimal>) -> bool {
        match self {
            Test::Empty => text.is_empty(),
            Test::Text(wanted) => text.eq_ignore_ascii_case(wanted),
            Test::Number(wanted) => number == Some(wanted),
            Test::Within(all) => {
                number.is_some_and(|number| all.iter().all(|one| one.holds(number)))
            }
        }
    }
}

impl Comparison {
    pub(super) fn holds(&self, number: &Decimal) -> bool {
        match self.operator {
            Operator::AtLeast => *number >= self.number,
            Operator::AtMost => *number <= self.number,
            Operator::Above => *number > self.number,
            Operator::Below => *number < self.number,
        }
    }
}

fn test(value: &str) -> Result<Test, String> {
    if let Some(text) = value.strip_prefix('=') {
        return Ok(equality(text.trim()));
    }
    if !value.starts_with(['<', '>']) {
        return Ok(equality(value));
    }
    let mut rest = value;
    let mut comparisons = Vec::new();
    while !rest.is_empty() {
        let (comparison, behind) = comparison(rest).ok_or_else(|| {
            format!(
                "{value:?} must compare with numbers, as \">=500\" or \">=500 <600\" do; write \"={value}\" for that text itself"
            )
        })?;
        comparisons.push(comparison);
        rest = behind;
    }
    Ok(Test::Within(comparisons))
}

/// Returns the comparison that a text begins with, and what is behind it.
fn comparison(text: &str) -> Option<(Comparison, &str)> {
    let (sign, operator) = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign))?;
    let text = text[sign.len()..].trim_start();
    let (number, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let number = Decimal::of(number.as_bytes())?;
    let comparison = Comparison {
        operator: *operator,
        number,
    };
    (comparison.number.magnitude() <= MOST_MAGNITUDE).then_some((comparison, rest.trim_start()))
}

fn equality(text: &str) -> Test {
    match Decimal::of(text.as_bytes()) {
        Some(number) if number.magnitude() <= MOST_MAGNITUDE => Test::Number(number),
        _ if text.is_empty() => Test::Empty,
        _ => Test::Text(text.to_ascii_lowercase().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Test};
    use crate::conditions::Field;

    fn parse(values: &[&str]) -> Result<Condition, String> {
        Condition::parse(&Field {
            path: "status".to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        })
    }

    #[test]
    fn operators_are_read() {
        let text = |text: &str| Test::Text(text.as_bytes().to_vec());
        let condition = parse(&["ERROR", "=>=500", "= ", "!= info", "!="]).unwrap();
        assert_eq!(condition.any, [text("error"), text(">=500"), Test::Empty]);
        assert_eq!(condition.none, [text("info"), Test::Empty]);
        assert_eq!(parse(&[">=5 <6"]), parse(&[">= 5.0   < 6e0"]));
    }

    #[test]
    fn what_is_no_condition_is_refused_with_what_to_write() {
        for value in [">=abc", ">", ">=1 2", "<nil>", ">=1 <", "<=>1", ">1e5000"] {
            let message = parse(&[value]).unwrap_err();
            assert!(
                message.starts_with(&format!(
                    "where.status: {value:?} must compare with numbers"
                )),
                "{message}"
            );
            assert!(message.contains(&format!("\"={value}\"")), "{message}");
        }
        assert!(parse(&[]).unwrap_err().contains("at least one value"));
    }

    #[test]
    fn a_path_of_many_names_is_refused() {
        let field = |names: usize| Field {
            path: vec!["a"; names].join("."),
            values: vec!["x".to_owned()],
        };
        assert!(Condition::parse(&field(16)).is_ok());
        assert!(
            Condition::parse(&field(17))
                .unwrap_err()
                .contains("more than 16 names")
        );
    }
}

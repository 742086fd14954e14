//! All conditions of a set of rules, decided together for a record.

use std::collections::HashMap;
use std::ops::Range;

use super::Field;
use super::decimals::Decimal;
use super::paths::Paths;
use super::reader::{Reader, Scalar};
use super::texts::{Comparison, Condition, Test};
use super::visit::{Value, Visit};

/// The conditions of all rules. It does not change: threads share it.
#[derive(Default)]
pub(crate) struct Conditions {
    paths: Paths,
    /// By the place of a path.
    tests: Vec<Tests>,
    /// By rule, which conditions are its own.
    rules: Vec<Range<usize>>,
    all: Vec<Condition>,
}

/// What the values of one path are compared with. A value is looked up, however many rules ask for one.
#[derive(Default)]
struct Tests {
    texts: HashMap<Vec<u8>, Vec<Answer>>,
    longest_text: usize,
    numbers: HashMap<Decimal, Vec<Answer>>,
    within: Vec<(Vec<Comparison>, Answer)>,
    empty: Vec<Answer>,
}

/// What a test that is passed says of a condition.
#[derive(Clone, Copy)]
struct Answer {
    condition: usize,
    /// Whether the condition is fulfilled, or can no longer be.
    fulfils: bool,
}

/// What is known of a record, with the memory to read another.
#[derive(Default)]
pub(crate) struct Evaluation {
    /// Where the record is in its block, plus 1; 0 before the first one.
    record: u32,
    json: bool,
    facts: Facts,
    open: Vec<u64>,
    plain: Vec<u8>,
}

#[derive(Default)]
struct Facts {
    /// By condition.
    fulfilled: Vec<bool>,
    broken: Vec<bool>,
    /// By path, whether it leads to a value.
    present: Vec<bool>,
    lowered: Vec<u8>,
    decimal: Decimal,
}

impl Conditions {
    /// Adds the conditions of the next rule, on fields that are all different.
    pub(crate) fn add(&mut self, fields: &[Field], conditions: Vec<Condition>) {
        let first = self.all.len();
        for (field, condition) in fields.iter().zip(conditions) {
            let path = self.paths.add(&field.path) as usize;
            self.tests.resize_with(self.paths.len(), Tests::default);
            for (tests, fulfils) in [(&condition.any, true), (&condition.none, false)] {
                let answer = Answer {
                    condition: self.all.len(),
                    fulfils,
                };
                for test in tests {
                    self.tests[path].add(test.clone(), answer);
                }
            }
            self.all.push(condition);
        }
        self.rules.push(first..self.all.len());
    }

    /// Returns whether a record fulfils all conditions of a rule. It is read unless it was the last one that was.
    pub(crate) fn hold(
        &self,
        rule: usize,
        record: &[u8],
        start: u32,
        evaluation: &mut Evaluation,
    ) -> bool {
        if evaluation.record != start + 1 {
            self.read(record, evaluation);
            evaluation.record = start + 1;
        }
        let facts = &evaluation.facts;
        let holds = |place: usize| {
            (facts.fulfilled[place] || self.all[place].any.is_empty()) && !facts.broken[place]
        };
        evaluation.json && self.rules[rule].clone().all(holds)
    }

    /// Returns whether what stands behind a string shows, without a look at the rest of the record, that the string is
    /// not the name of a field by which a condition of a rule is fulfilled.
    ///
    /// `condition` is its place in the rule; a record without the field does not fulfil it.
    pub(crate) fn reject(
        &self,
        rule: usize,
        condition: u32,
        behind: &[u8],
        evaluation: &mut Evaluation,
    ) -> bool {
        let mut reader = Reader::new(behind, &mut evaluation.open);
        if !reader.pass(b':') {
            return true;
        }
        let text = match reader.peek() {
            Some(b'[') => return false,
            // Of an object only that it is there is known; names within it are other places.
            Some(b'{') => return !self.condition(rule, condition).any.is_empty(),
            _ => match reader.scalar() {
                None => return true,
                Some(Scalar::Text(text)) if text.escaped => return false,
                Some(Scalar::Text(text)) => text.written,
                Some(Scalar::Number(text) | Scalar::Word(text)) => text,
                Some(Scalar::Null) => b"",
            },
        };
        let decimal = &mut evaluation.facts.decimal;
        !self.condition(rule, condition).allows(text, decimal)
    }

    fn condition(&self, rule: usize, place: u32) -> &Condition {
        &self.all[self.rules[rule].start + place as usize]
    }

    fn read(&self, record: &[u8], evaluation: &mut Evaluation) {
        let Evaluation {
            facts, open, plain, ..
        } = evaluation;
        facts.reset(self.all.len(), self.tests.len());
        let mut visit = Visit {
            paths: &self.paths,
            reader: Reader::new(record, open),
            plain,
            found: |path, value| {
                facts.present[path as usize] = true;
                facts.learn(&self.tests[path as usize], value);
            },
        };
        evaluation.json = visit.record().is_some();
        for (path, tests) in self.tests.iter().enumerate() {
            if !facts.present[path] {
                facts.learn(tests, Value::Empty);
            }
        }
    }
}

impl Evaluation {
    /// Forgets the record: the next one is of another block.
    pub(crate) fn begin_block(&mut self) {
        self.record = 0;
    }
}

impl Tests {
    fn add(&mut self, test: Test, answer: Answer) {
        match test {
            Test::Empty => self.empty.push(answer),
            Test::Text(text) => {
                self.longest_text = self.longest_text.max(text.len());
                self.texts.entry(text).or_default().push(answer);
            }
            Test::Number(number) => self.numbers.entry(number).or_default().push(answer),
            Test::Within(comparisons) => self.within.push((comparisons, answer)),
        }
    }
}

impl Facts {
    fn reset(&mut self, conditions: usize, paths: usize) {
        for (facts, length) in [
            (&mut self.fulfilled, conditions),
            (&mut self.broken, conditions),
            (&mut self.present, paths),
        ] {
            facts.clear();
            facts.resize(length, false);
        }
    }

    /// Notes what a value passes.
    fn learn(&mut self, tests: &Tests, value: Value<'_>) {
        let text = match value {
            Value::Object => return,
            Value::Empty => {
                self.note(&tests.empty);
                return;
            }
            Value::Text(text) => text,
        };
        if text.len() <= tests.longest_text {
            self.lowered.clear();
            self.lowered.extend(text.iter().map(u8::to_ascii_lowercase));
            if let Some(answers) = tests.texts.get(&self.lowered) {
                self.note(answers);
            }
        }
        if tests.numbers.is_empty() && tests.within.is_empty() || !self.decimal.read(text) {
            return;
        }
        if let Some(answers) = tests.numbers.get(&self.decimal) {
            self.note(answers);
        }
        for (comparisons, answer) in &tests.within {
            if comparisons.iter().all(|one| one.holds(&self.decimal)) {
                self.note(&[*answer]);
            }
        }
    }

    fn note(&mut self, answers: &[Answer]) {
        for answer in answers {
            match answer.fulfils {
                true => self.fulfilled[answer.condition] = true,
                false => self.broken[answer.condition] = true,
            }
        }
    }
}

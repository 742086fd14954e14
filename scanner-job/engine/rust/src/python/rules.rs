//! Rules, and what they are compiled to.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;

use super::{InvalidRuleError, guarded};
use crate::conditions::Field;
use crate::dialect::Options;
use crate::matching::{self, Limits, RuleSource};
use crate::scanning::Known;
use crate::tally::{Counting, SEVERITIES};

/// A rule is slow if it adds so many seconds of CPU time to the scan of 1 GB: thirty ordinary rules together take that.
const SLOW_SECONDS: f64 = 0.5;

/// `logscan_engine.Rule`.
#[derive(FromPyObject)]
struct Rule {
    name: String,
    pattern: Option<String>,
    #[pyo3(attribute("where"))]
    fields: Option<BTreeMap<String, Vec<String>>>,
    severity: u8,
    ignore_case: bool,
    unicode: bool,
    exclude: Option<String>,
    threshold: u64,
}

impl Rule {
    fn source(&self, name: String, pattern: &str) -> RuleSource {
        let case = if self.ignore_case { "(?i)" } else { "" };
        RuleSource {
            name,
            pattern: format!("{case}{pattern}"),
            options: Options {
                unicode: self.unicode,
            },
            fields: Vec::new(),
            excluded_by: None,
        }
    }

    /// Returns what the rule finds, or why there is no such thing.
    fn own_source(&self) -> PyResult<RuleSource> {
        let fields = self.fields.iter().flatten().map(|(path, values)| Field {
            path: path.clone(),
            values: values.clone(),
        });
        let source = RuleSource {
            fields: fields.collect(),
            ..self.source(
                self.name.clone(),
                self.pattern.as_deref().unwrap_or_default(),
            )
        };
        if self.pattern.is_none() && source.fields.is_empty() {
            let message = "needs a pattern, fields (where), or both";
            return Err(InvalidRuleError::new_err((self.name.clone(), message)));
        }
        Ok(source)
    }
}

/// Compiled rules.
#[pyclass(frozen, module = "logscan_engine")]
pub(super) struct RuleSet {
    pub matching: Arc<matching::RuleSet>,
    pub counting: Vec<Counting>,
    /// The rules of each expression: first each rule's own, then those that exclude, which rules may share.
    pub rules: Vec<Vec<usize>>,
    /// What the last scan has learned.
    pub known: Known<matching::Plan>,
}

#[pymethods]
impl RuleSet {
    #[new]
    fn new(py: Python<'_>, rules: Vec<Rule>) -> PyResult<Self> {
        guarded(|| py.detach(|| Self::compile(&rules)))
    }

    /// Return the slow rules, by their position, and the seconds that each adds to the scan of 1 GB of an ordinary log.
    fn costs(&self, py: Python<'_>) -> PyResult<Vec<(usize, f64)>> {
        guarded(|| {
            Ok(py.detach(|| {
                let plan = self.matching.calibrate(&[]);
                self.slow(&self.matching.costs(&plan, &[]))
            }))
        })
    }
}

impl RuleSet {
    /// Returns the rules that are worth a word, by what their expressions cost.
    pub(super) fn slow(&self, costs: &[f64]) -> Vec<(usize, f64)> {
        let mut found = BTreeMap::new();
        for (rules, seconds) in self.rules.iter().zip(costs) {
            for rule in rules {
                *found.entry(*rule).or_insert(0.0) += seconds / rules.len() as f64;
            }
        }
        let slow = |(_, seconds): &(usize, f64)| *seconds >= SLOW_SECONDS;
        found.into_iter().filter(slow).collect()
    }

    fn compile(rules: &[Rule]) -> PyResult<Self> {
        let sources = rules.iter().map(Rule::own_source);
        let mut sources: Vec<_> = sources.collect::<PyResult<_>>()?;
        let mut owners: Vec<Vec<usize>> = (0..rules.len()).map(|rule| vec![rule]).collect();
        let mut excludes = BTreeMap::new();
        let mut counting = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            if let Some(exclude) = &rule.exclude {
                let place = *excludes
                    .entry((exclude, rule.ignore_case, rule.unicode))
                    .or_insert(sources.len());
                if place == sources.len() {
                    sources.push(rule.source(format!("{} (exclude)", rule.name), exclude));
                    owners.push(Vec::new());
                }
                sources[number].excluded_by = u32::try_from(place).ok();
                owners[place].push(number);
            }
            counting.push(Counting {
                severity: rule.severity.min(SEVERITIES as u8 - 1),
                threshold: rule.threshold,
            });
        }
        let matching = matching::RuleSet::compile(&sources, &Limits::default())
            .map_err(|error| InvalidRuleError::new_err((error.rule, error.message)))?;
        Ok(RuleSet {
            matching: Arc::new(matching),
            counting,
            rules: owners,
            known: Known::default(),
        })
    }
}

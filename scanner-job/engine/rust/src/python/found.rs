//! Results of a scan as Python objects.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::rules::RuleSet;
use crate::tally::{Bin, KeptLines, SEVERITIES, Sample, Tally};

/// A line that a rule matches.
#[pyclass(frozen, get_all, module = "logscan_engine")]
pub(super) struct Line {
    rule: u32,
    nth: u64,
    number: u64,
    offset: u64,
    key: Option<String>,
    text: Py<PyBytes>,
    start: usize,
    shown: usize,
    before: Option<Vec<Py<PyBytes>>>,
    after: Option<Py<Lines>>,
}

impl Line {
    pub(super) fn new(py: Python<'_>, sample: Sample) -> PyResult<Self> {
        let bytes = |line: Vec<u8>| PyBytes::new(py, &line).unbind();
        let (before, after) = match sample.around {
            Some(around) => (
                Some(around.before.into_iter().map(bytes).collect()),
                Some(Py::new(py, Lines(around.after))?),
            ),
            None => (None, None),
        };
        Ok(Line {
            rule: sample.rule,
            nth: sample.nth,
            number: sample.number,
            offset: sample.offset,
            key: sample.key.map(|key| key.to_string()),
            text: PyBytes::new(py, &sample.text).unbind(),
            start: sample.start,
            shown: sample.shown,
            before,
            after,
        })
    }
}

/// Lines, each of which becomes an object of Python when it is asked for.
#[pyclass(frozen, sequence, module = "logscan_engine")]
pub(super) struct Lines(KeptLines);

#[pymethods]
impl Lines {
    fn __len__(&self) -> usize {
        self.0.count()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, number: usize) -> PyResult<Bound<'py, PyBytes>> {
        let line = self.0.get(number);
        let line = line.ok_or_else(|| PyIndexError::new_err("there are not so many lines"))?;
        Ok(PyBytes::new(py, line))
    }
}

/// Counts of a scan.
#[pyclass(frozen, get_all, module = "logscan_engine")]
pub(super) struct Counts {
    by_rule: Vec<u64>,
    by_severity: [u64; SEVERITIES],
    matched: u64,
    lines: u64,
    incomplete: Vec<usize>,
    span: Option<(i64, i64)>,
    histogram_seconds: i64,
    histogram: Vec<Bin>,
}

impl Counts {
    pub(super) fn new(tally: &Tally, rules: &RuleSet) -> Self {
        let (counts, histogram) = (tally.counts(), tally.histogram());
        let given_up = counts.gave_up.iter().zip(&rules.rules);
        let mut incomplete: Vec<usize> = given_up
            .filter(|(lines, _)| **lines > 0)
            .flat_map(|(_, rules)| rules)
            .copied()
            .collect();
        incomplete.sort_unstable();
        incomplete.dedup();
        Counts {
            by_rule: counts.by_rule.clone(),
            by_severity: counts.by_severity,
            matched: counts.matched,
            lines: counts.lines,
            incomplete,
            span: histogram.span(),
            histogram_seconds: histogram.width(),
            histogram: histogram.bins().to_vec(),
        }
    }
}

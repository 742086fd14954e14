//! A running scan.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::file::LogFile;
use super::found::{Counts, Line};
use super::rules::RuleSet;
use super::{InvalidRuleError, guarded, internal_error};
use crate::dialect::Options;
use crate::framing::{By, Framing};
use crate::matching::{self, Limits, RuleSource};
use crate::pieces::Chunk;
use crate::scanning::{Panicked, Scanner, Settings};
use crate::tally::Sampling;

/// How often a wait is interrupted to handle signals.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Scans one input after the other, in threads of its own.
#[pyclass(module = "logscan_engine")]
pub(super) struct Scan {
    rules: Py<RuleSet>,
    scanner: Scanner<matching::RuleSet>,
}

#[pymethods]
impl Scan {
    #[new]
    #[pyo3(signature = (
        rules, *, threads, reference, max_record_bytes, samples, findings, before, after, line_bytes,
        framing = None, start = None, message_field = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        rules: Py<RuleSet>,
        threads: usize,
        reference: i64,
        max_record_bytes: usize,
        samples: u64,
        findings: u64,
        before: usize,
        after: usize,
        line_bytes: usize,
        framing: Option<&str>,
        start: Option<&str>,
        message_field: Option<&str>,
    ) -> PyResult<Self> {
        let compiled = rules.get();
        let framing = guarded(|| {
            Ok(Framing {
                by: by(framing, start)?,
                message_field: message_field.map(|field| field.as_bytes().to_vec()),
                reference,
            })
        })?;
        let settings = Settings {
            rules: compiled.counting.clone(),
            sampling: Sampling {
                samples,
                findings,
                before,
                after,
                line_bytes,
            },
            framing,
            reference,
            max_record_bytes,
            threads,
        };
        let (matching, known) = (compiled.matching.clone(), compiled.known.clone());
        let scanner = guarded(|| py.detach(|| Ok(Scanner::new(matching, settings, known)?)))?;
        Ok(Scan { rules, scanner })
    }

    /// Start the next input; `key` identifies it.
    fn begin(&mut self, py: Python<'_>, key: Option<&str>) -> PyResult<()> {
        let scanner = &mut self.scanner;
        let key = key.map(Arc::from);
        guarded(|| {
            py.detach(|| scanner.begin(key));
            wait(py, || scanner.wait_for_room(POLL_INTERVAL))
        })
    }

    /// Take the next chunk of the input; wait while the threads have enough to do.
    fn push(&mut self, py: Python<'_>, chunk: PyBackedBytes) -> PyResult<()> {
        let scanner = &mut self.scanner;
        let chunk: Chunk = Arc::new(chunk);
        guarded(|| {
            py.detach(|| scanner.push(&chunk));
            wait(py, || scanner.wait_for_room(POLL_INTERVAL))
        })
    }

    /// Let the threads read the next bytes of the input from a file, at most so many; return how many there were.
    fn read(&mut self, py: Python<'_>, file: &LogFile, most: u64) -> PyResult<u64> {
        let scanner = &mut self.scanner;
        guarded(|| {
            scanner.read(file.share()?, most);
            wait(py, || scanner.wait_for_reading(POLL_INTERVAL))?;
            Ok(scanner.end_of_reading()?)
        })
    }

    /// End the last input, and wait until everything is counted.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        let scanner = &mut self.scanner;
        guarded(|| {
            py.detach(|| scanner.finish());
            wait(py, || scanner.wait_for_all(POLL_INTERVAL))
        })
    }

    /// Return lines that were found since the last call, in the order of the log.
    fn take_lines(&mut self, py: Python<'_>) -> PyResult<Vec<Line>> {
        let samples = guarded(|| Ok(py.detach(|| self.scanner.tally().take_samples())))?;
        samples
            .into_iter()
            .map(|sample| Line::new(py, sample))
            .collect()
    }

    /// Return what was counted so far.
    fn counts(&self, py: Python<'_>) -> PyResult<Counts> {
        let rules = self.rules.get();
        guarded(|| Ok(py.detach(|| Counts::new(&self.scanner.tally(), rules))))
    }

    /// Return the slow rules, by their position, and the seconds that each adds to the scan of 1 GB of a log like this.
    fn costs(&self, py: Python<'_>) -> PyResult<Vec<(usize, f64)>> {
        let rules = self.rules.get();
        guarded(|| Ok(py.detach(|| rules.slow(&self.scanner.costs()))))
    }

    /// Lines counted so far.
    #[getter]
    fn lines(&self) -> PyResult<u64> {
        guarded(|| Ok(self.scanner.tally().counts().lines))
    }

    /// Matching lines counted so far.
    #[getter]
    fn matched(&self) -> PyResult<u64> {
        guarded(|| Ok(self.scanner.tally().counts().matched))
    }

    /// Bytes of all chunks.
    #[getter]
    fn bytes(&self) -> PyResult<u64> {
        guarded(|| Ok(self.scanner.bytes()))
    }

    /// Lines that were cut so far.
    #[getter]
    fn cut_records(&self) -> PyResult<u64> {
        guarded(|| Ok(self.scanner.cut_records()))
    }

    /// Push a chunk at which a thread panics, as at a defect of the engine: for tests.
    fn _push_panic(&mut self, py: Python<'_>) -> PyResult<()> {
        let scanner = &mut self.scanner;
        let chunk: Chunk = Arc::new(Panicking);
        guarded(|| {
            py.detach(|| scanner.push(&chunk));
            Ok(())
        })
    }
}

/// Returns what a record is by its name in a LogScan.
fn by(framing: Option<&str>, start: Option<&str>) -> PyResult<By> {
    Ok(match (framing, start) {
        (None, _) => By::Bytes,
        (Some("Auto"), _) => By::Content,
        (Some("Lines"), _) => By::Lines,
        (Some("Json"), _) => By::Json,
        (Some("CloudWatch"), _) => By::CloudWatch,
        (Some("Multiline"), Some(start)) => {
            let source = RuleSource {
                name: "start".to_owned(),
                pattern: start.to_owned(),
                options: Options::default(),
                fields: Vec::new(),
                excluded_by: None,
            };
            let compiled = matching::RuleSet::compile(&[source], &Limits::default())
                .map_err(|error| InvalidRuleError::new_err((error.rule, error.message)))?;
            By::Starts(Arc::new(compiled))
        }
        (Some(name), _) => {
            return Err(PyValueError::new_err(format!("no framing: {name}")));
        }
    })
}

/// Bytes that panic once they are scanned.
struct Panicking;

impl AsRef<[u8]> for Panicking {
    fn as_ref(&self) -> &[u8] {
        let thread = std::thread::current();
        let scans = thread.name().is_some_and(|name| name.starts_with("scan-"));
        assert!(!scans, "a panic for tests");
        b"\n"
    }
}

/// Waits, without Python's lock, until something is reached; signals are handled meanwhile.
fn wait(
    py: Python<'_>,
    reached: impl Fn() -> Result<bool, Panicked> + Send + Sync,
) -> PyResult<()> {
    while !py
        .detach(&reached)
        .map_err(|cause| internal_error(&cause))?
    {
        py.check_signals()?;
    }
    Ok(())
}

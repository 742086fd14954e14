//! The engine as Python's module `logscan_engine._native`.
//!
//! Python's lock is not held while rules are compiled and lines are scanned. A panic ends in an `InternalError`.

mod file;
mod found;
mod rules;
mod scan;
mod unpacker;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::import_exception;
use pyo3::prelude::*;

use crate::scanning::{Panicked, panic_message};
use crate::{clock, dialect, redaction};

import_exception!(logscan_engine.errors, InternalError);
import_exception!(logscan_engine.errors, InvalidRuleError);

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::file::LogFile;
    #[pymodule_export]
    use super::found::{Counts, Line, Lines};
    #[pymodule_export]
    use super::rules::RuleSet;
    #[pymodule_export]
    use super::scan::Scan;
    #[pymodule_export]
    use super::unpacker::Unpacker;
    #[pymodule_export]
    use super::{_panic, pcre_version, redact, second_of};
}

/// Return the time in a line, in seconds since the epoch, or None.
#[pyfunction]
fn second_of(line: &[u8], reference: i64) -> PyResult<Option<i64>> {
    guarded(|| Ok(clock::second_of(line, reference)))
}

/// Return a line with secrets, addresses and card numbers replaced by `***`.
#[pyfunction]
fn redact(py: Python<'_>, line: &str) -> PyResult<String> {
    py.detach(|| guarded(|| Ok(redaction::redact(line).into_owned())))
}

/// Return the version of the PCRE2 that is part of the engine.
#[pyfunction]
fn pcre_version() -> String {
    dialect::pcre::version()
}

/// Panic, as at a defect of the engine: for tests.
#[pyfunction]
fn _panic(py: Python<'_>) -> PyResult<()> {
    py.detach(|| guarded(|| panic!("a panic for tests")))
}

/// Does something whose panic is an `InternalError`.
fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|cause| Err(internal_error(&Panicked(panic_message(&*cause)))))
}

fn internal_error(Panicked(message): &Panicked) -> PyErr {
    InternalError::new_err(format!("the scan engine panicked: {message}"))
}

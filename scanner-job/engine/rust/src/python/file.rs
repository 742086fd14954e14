//! A file whose bytes Python need not see.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::guarded;

/// A file to be read from its start to its end, by Python or by the threads of a scan.
#[pyclass(frozen, module = "logscan_engine")]
pub(super) struct LogFile {
    file: File,
}

impl LogFile {
    /// Returns the same file: what is read of one is read of both.
    pub(super) fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

#[pymethods]
impl LogFile {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        guarded(|| {
            let file = File::open(path)?;
            Ok(LogFile { file })
        })
    }

    /// Return the next bytes, at most so many; none at the end.
    fn read<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Bound<'py, PyBytes>> {
        guarded(|| {
            let mut bytes = vec![0; most];
            let length = py.detach(|| (&self.file).read(&mut bytes))?;
            Ok(PyBytes::new(py, &bytes[..length]))
        })
    }
}

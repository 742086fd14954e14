//! Compressed formats, with the methods and attributes of the decompressors in Python's standard library.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::guarded;
use crate::unpacking;

/// Unpacks one stream of a format.
#[pyclass(module = "logscan_engine")]
pub(super) struct Unpacker(unpacking::Unpacker);

#[pymethods]
impl Unpacker {
    #[new]
    fn new(format: &str) -> PyResult<Self> {
        unpacking::Unpacker::new(format)
            .map(Unpacker)
            .ok_or_else(|| PyValueError::new_err(format!("unknown format: {format}")))
    }

    #[pyo3(signature = (data, /, max_length = -1))]
    fn decompress<'py>(
        &mut self,
        py: Python<'py>,
        data: &[u8],
        max_length: isize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let out = py.detach(|| {
            guarded(|| {
                self.0
                    .unpack(data, most)
                    .map_err(|corrupt| PyValueError::new_err(corrupt.to_string()))
            })
        })?;
        Ok(PyBytes::new(py, &out))
    }

    #[getter]
    fn eof(&self) -> bool {
        self.0.ended()
    }

    #[getter]
    fn needs_input(&self) -> bool {
        self.0.needs_input()
    }

    #[getter]
    fn complete(&self) -> bool {
        self.0.complete()
    }

    #[getter]
    fn unused_data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.unused())
    }
}

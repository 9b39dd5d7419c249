//! Loopwright for Python: the extension module beneath the package `loopwright`.

use pyo3::prelude::*;

#[pymodule]
mod _loopwright {}

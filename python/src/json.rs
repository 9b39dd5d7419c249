//! JSON as Python's own objects.

use loopwright_core::export::table::{Cell, Table};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value;

/// What `json.loads` would give.
pub(crate) fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(b) => b.into_bound_py_any(py),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => n.into_bound_py_any(py),
            (_, Some(n)) => n.into_bound_py_any(py),
            _ => n.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (name, value) in fields {
                dict.set_item(name, object(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// A table's row as a dict in the order of the columns. What is empty is `None`.
pub(crate) fn row<'py>(py: Python<'py>, table: &Table, row: usize) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for name in &table.columns {
        let value = match table.cell(row, name) {
            Cell::Empty => py.None().into_bound(py),
            Cell::Bool(b) => b.into_bound_py_any(py)?,
            Cell::Int(n) => n.into_bound_py_any(py)?,
            Cell::Number(x) => x.into_bound_py_any(py)?,
            Cell::Text(text) => text.into_bound_py_any(py)?,
        };
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

//! Files in stores.

use loopwright_core::config::Stores;
use loopwright_core::progress::Progress;
use loopwright_core::store::{StoreError, StoreErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::Failure;
use crate::settings;
use crate::work::detached;

/// The content of the file at `uri`.
pub(crate) fn content(uri: &str, stores: &Stores, progress: &dyn Progress) -> Result<Vec<u8>, Failure> {
    let place = loopwright_stores::open(uri, stores)?;
    let content = place.store.get(&place.key, progress)?;
    content.ok_or_else(|| {
        let uri = place.uri();
        let kind = StoreErrorKind::NotFound;
        StoreError { uri, kind }.into()
    })
}

/// True for the address of a file or folder in a store.
#[pyfunction]
pub(crate) fn is_address(text: &str) -> bool {
    loopwright_stores::is_address(text)
}

/// The content of a file in a store.
#[pyfunction]
pub(crate) fn read<'py>(py: Python<'py>, uri: &str, settings: &str) -> PyResult<Bound<'py, PyBytes>> {
    let stores = settings::layer(None, settings)?.config.stores;
    let content = detached(py, |progress| content(uri, &stores, progress))?;
    Ok(PyBytes::new(py, &content))
}

/// A file of a listing: its address, its key in the store, its size in bytes, and what changes with its content.
type Listed = (String, String, Option<u64>, Option<String>);

/// All files beneath an address.
#[pyfunction]
pub(crate) fn list(py: Python<'_>, uri: &str, settings: &str) -> PyResult<Vec<Listed>> {
    let stores = settings::layer(None, settings)?.config.stores;
    detached(py, |progress| {
        let place = loopwright_stores::open(uri, &stores)?;
        let entries = place.store.list(&place.key, progress)?;
        let told = |e: loopwright_core::store::Entry| (place.store.uri(&e.key), e.key, e.bytes, e.fingerprint);
        Ok(entries.into_iter().map(told).collect())
    })
}

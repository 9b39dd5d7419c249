//! Loopwright for Python: the extension module beneath the package `loopwright`.
//!
//! The package turns what users give into what is asked for here, and wraps what comes back: see `python/loopwright/`. All
//! work runs on a thread of its own, detached from the interpreter; the calling thread waits for it and for signals.

mod breaks;
mod cut;
mod errors;
mod find;
mod json;
mod models;
mod one;
mod settings;
mod source;
mod stores;
mod track;
mod work;

use pyo3::prelude::*;

/// The extension module beneath `loopwright`. Use that package.
#[pymodule]
mod _loopwright {
    use super::*;

    #[pymodule_export]
    use crate::breaks::breaks;
    #[pymodule_export]
    use crate::cut::Cut;
    #[pymodule_export]
    use crate::errors::{AudioError, Error, ModelError, OutputError, SettingsError, StoreError};
    #[pymodule_export]
    use crate::find::{analyze, features, find};
    #[pymodule_export]
    use crate::settings::{default_settings, feature_registry};
    #[pymodule_export]
    use crate::stores::{is_address, list, read};
    #[pymodule_export]
    use crate::track::track;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

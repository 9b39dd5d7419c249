//! What goes wrong, as Python's exceptions.

use loopwright_core::analysis::embedding::EmbeddingError;
use loopwright_core::drums::model::HitModelError;
use loopwright_core::export::ExportError;
use loopwright_core::model::ModelFileError;
use loopwright_core::pipeline::run::TrackError;
use loopwright_core::rhythm::load::LoadError;
use loopwright_core::store::{StoreError as CoreStoreError, StoreErrorKind};
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt};

create_exception!(
    loopwright,
    Error,
    PyException,
    "Whatever Loopwright cannot do. The message names the file and what can be done about it."
);
create_exception!(
    loopwright,
    AudioError,
    Error,
    "A recording that cannot be read, decoded or analysed, or an array that is none."
);
create_exception!(
    loopwright,
    SettingsError,
    Error,
    "A setting that there is not, or a value outside its range."
);
create_exception!(loopwright, ModelError, Error, "A model that cannot be read or run.");
create_exception!(
    loopwright,
    StoreError,
    Error,
    "A store that cannot be reached or that refuses."
);
create_exception!(loopwright, OutputError, Error, "An output that cannot be written.");

/// Why a task gave nothing. Made where no interpreter is at hand.
#[derive(Debug)]
pub(crate) enum Failure {
    Audio(String),
    Settings(String),
    Model(String),
    Store(String),
    Output(String),
    /// A defect of ours.
    Defect(String),
    Cancelled,
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Audio(words) => AudioError::new_err(words),
            Failure::Settings(words) => SettingsError::new_err(words),
            Failure::Model(words) => ModelError::new_err(words),
            Failure::Store(words) => StoreError::new_err(words),
            Failure::Output(words) => OutputError::new_err(words),
            Failure::Defect(words) => Error::new_err(format!(
                "internal error: {words}; this is a defect in Loopwright: please report it, with the file if you can"
            )),
            Failure::Cancelled => PyKeyboardInterrupt::new_err("given up on request"),
        }
    }
}

fn with_remedy(words: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{words}; {remedy}"),
        None => words,
    }
}

impl From<TrackError> for Failure {
    fn from(error: TrackError) -> Self {
        let words = |e: &TrackError| match e {
            // The remedy speaks of a command.
            TrackError::Suggest(_) => e.to_string(),
            _ => with_remedy(e.to_string(), e.remedy()),
        };
        match &error {
            TrackError::Cancelled(_) => Self::Cancelled,
            TrackError::Export(_) => Self::Output(words(&error)),
            TrackError::Panicked(p) => Self::Defect(p.0.clone()),
            TrackError::Suggest(
                loopwright_core::pipeline::Error::Model(_) | loopwright_core::pipeline::Error::Embedding(_),
            ) => Self::Model(words(&error)),
            _ => Self::Audio(words(&error)),
        }
    }
}

impl From<CoreStoreError> for Failure {
    fn from(error: CoreStoreError) -> Self {
        match &error.kind {
            StoreErrorKind::Cancelled(_) => Self::Cancelled,
            kind => Self::Store(with_remedy(error.to_string(), kind.remedy())),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        TrackError::from(error).into()
    }
}

impl From<ModelFileError> for Failure {
    fn from(error: ModelFileError) -> Self {
        Self::Model(error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Model(error.to_string())
    }
}

impl From<EmbeddingError> for Failure {
    fn from(error: EmbeddingError) -> Self {
        match error {
            EmbeddingError::Cancelled(_) => Self::Cancelled,
            other => Self::Model(other.to_string()),
        }
    }
}

impl From<HitModelError> for Failure {
    fn from(error: HitModelError) -> Self {
        match error {
            HitModelError::Cancelled(_) => Self::Cancelled,
            other => Self::Model(other.to_string()),
        }
    }
}

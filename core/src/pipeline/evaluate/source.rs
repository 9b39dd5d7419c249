//! Which tracks a model was not trained on: the split that training records beside it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::learn::dataset::Dataset;
use crate::learn::split::Split;

/// The file beside a model that names the tracks it was trained with.
pub const SPLIT: &str = "split.json";

/// Why a split is not known.
#[derive(Debug, thiserror::Error)]
pub enum SplitFileError {
    /// The file cannot be read.
    #[error(
        "{}: cannot read: {source}; without it nobody knows which tracks the model has not seen", path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no record of a split.
    #[error("{}: no record of a split: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Tracks by name, each in one part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Learnt from.
    pub train: Vec<String>,
    /// Stopped the learning, chose among settings, fitted the calibration.
    pub valid: Vec<String>,
    /// Neither.
    pub test: Vec<String>,
}

/// The record of a split, as it stands in [`SPLIT`].
pub fn write_split(data: &Dataset, split: &Split) -> String {
    let names = |tracks: &[usize]| tracks.iter().map(|&t| data.tracks[t].track_id.clone()).collect();
    let named = Named {
        train: names(&split.train),
        valid: names(&split.valid),
        test: names(&split.test),
    };
    // Lists of texts: nothing here can fail.
    serde_json::to_string_pretty(&named).unwrap_or_default() + "\n"
}

/// Reads the record of a split.
///
/// # Errors
///
/// [`SplitFileError`].
pub fn read_split(path: &Path) -> Result<Named, SplitFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| SplitFileError::Read {
        path: path.into(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|e| SplitFileError::Broken {
        path: path.into(),
        problem: e.to_string(),
    })
}

/// Where the split of a model is recorded: beside it, under its own name or as the folder's only one.
pub fn split_beside(model: &Path) -> PathBuf {
    let own = model.with_extension(SPLIT);
    if own.is_file() {
        own
    } else {
        model.with_file_name(SPLIT)
    }
}

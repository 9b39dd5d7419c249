//! From features to scores.
//!
//! A [`Scorer`] scores all candidates of a track at once. [`heuristic()`] needs no training: it is the baseline that a
//! trained model must beat, and what is used when no model is given.

pub mod adapted;
mod binding;
pub mod booster;
pub mod file;
mod found;
pub mod heuristic;
pub mod load;
pub mod multilabel;
#[cfg(feature = "onnx")]
pub mod network;
pub mod schema_file;
pub mod trees;

pub use file::ModelFileError;
pub use heuristic::heuristic;
pub use load::{load, of_bytes, select, select_with};

use crate::features::{FeatureTable, UnknownFeatures};

/// What the numbers of a scorer mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// How likely a loop is good, 0 to 1; of a regression roughly so, and a little beyond at times.
    Probability,
    /// Any real number: only differences within a track count, and a difference of 1 stands for odds of e to 1.
    Relative,
}

/// What a scorer is.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Its name, for manifests and reports.
    pub name: String,
    /// The columns that it reads.
    pub columns: Vec<String>,
    /// What its scores mean.
    pub output: Output,
    /// Weight of `boundary_quiet_score` that suits it best, where training found one; used where the user says nothing.
    pub alpha: Option<f64>,
    /// From its scores to probabilities, where training found that.
    pub calibration: Option<Calibration>,
    /// The network whose columns it reads, where it learnt from such and its `features.json` says so.
    pub embedding: Option<schema_file::Embedding>,
}

/// How scores become the probability that a loop is good, whatever the number of candidates: 1/(1 + exp(−(slope·score +
/// offset))) (Platt 1999).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Log odds for each unit of score; positive.
    pub slope: f64,
    /// Log odds at a score of 0.
    pub offset: f64,
}

impl Calibration {
    /// The probability that a loop of this score is good.
    pub fn probability(&self, score: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * score + self.offset)).exp())
    }
}

/// Why there are no scores.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The model reads columns that do not exist.
    #[error(transparent)]
    Unknown(#[from] UnknownFeatures),
    /// The table lacks a column that the model reads.
    #[error("the table has no column {0:?}, which the model reads")]
    Missing(String),
    /// The model gave something else than one finite number for each row.
    #[error("the model {model} gave no usable score for candidate {row}")]
    BadScore {
        /// Its name.
        model: String,
        /// Which row.
        row: usize,
    },
    /// The model cannot be run on these rows.
    #[error("the model {model} failed: {problem}")]
    Engine {
        /// Its name.
        model: String,
        /// What is wrong.
        problem: String,
    },
}

/// Scores candidates. Higher is better.
pub trait Scorer: Send + Sync {
    /// What it is, and which columns it reads.
    fn info(&self) -> &ModelInfo;

    /// One score for each row.
    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError>;

    /// What else there is to know of it, for people: names and values.
    fn details(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

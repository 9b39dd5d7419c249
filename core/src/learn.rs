//! Learning from examples: datasets, splits, learners, records of runs.
//!
//! A [`dataset::Dataset`] holds rows of features by track, each with a weight (how good the loop is). A
//! [`Learner`] makes a [`Fitted`] model of some tracks and stops by others; [`split`] says which. [`labels`] say which loops
//! people chose, or which ones the music itself repeats. Nothing here reads audio.

pub mod adapt;
pub mod boost;
pub mod card;
pub mod dataset;
pub mod labels;
pub mod listwise;
pub mod mlp;
pub mod multilabel;
pub mod onnx_write;
pub mod ratings;
pub mod recorder;
pub mod scaler;
pub mod split;

use crate::model::Scorer;
use crate::progress::Cancelled;
use dataset::Dataset;
use recorder::Recorder;
use split::Split;

/// What a learner makes.
pub struct Fitted {
    /// The model's file.
    pub bytes: Vec<u8>,
    /// Its extension: `onnx`, `json`.
    pub extension: &'static str,
    /// The same, ready to score.
    pub scorer: Box<dyn Scorer>,
    /// Rounds or epochs until the best one.
    pub best_round: usize,
    /// What a model card should say of how it was made: names and values.
    pub facts: Vec<(String, String)>,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The data do not do.
    #[error("{0}")]
    Data(String),
    /// A setting does not do.
    #[error("{0}")]
    Setting(String),
    /// The run cannot be recorded.
    #[error(transparent)]
    Record(#[from] recorder::RecordError),
    /// The model that was made cannot be used.
    #[error("the model that was made cannot be used: {0}")]
    Model(String),
}

/// Makes models of datasets.
pub trait Learner {
    /// What it is called: `mlp`, `rank`, `boost`.
    fn name(&self) -> &'static str;

    /// The extension of its models' files, without the dot.
    fn extension(&self) -> &'static str;

    /// Its settings, by name, for records and cards.
    fn settings(&self) -> Vec<(String, String)>;

    /// Learns from the tracks of `split.train`, and stops where those of `split.valid` are ranked best. The same data,
    /// settings and seed give the same bytes, whatever the number of threads.
    fn fit(
        &self,
        data: &Dataset,
        split: &Split,
        recorder: &mut dyn Recorder,
        progress: &dyn crate::progress::Progress,
    ) -> Result<Fitted, LearnError>;
}

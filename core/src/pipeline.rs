//! The tasks that a user can ask for, each one file and one function.

pub mod adapt;
pub mod analyze;
pub mod batch;
pub mod breaks;
pub mod bundles;
pub mod dataset;
pub mod doctor;
pub mod evaluate;
pub mod find;
pub mod given;
pub mod harvest;
pub mod load;
pub mod predict;
pub mod quiet;
pub mod run;
pub mod suggest;
pub mod train;

pub use suggest::{Error, Suggestion, Suggestions, suggest};

use crate::model::Scorer;
use crate::rhythm::activation::BeatModel;

/// The models of a run: loaded once, shared by all its tracks and threads.
///
/// A scorer alone converts into it, for beats by signal processing.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// What ranks the loops.
    pub scorer: &'a dyn Scorer,
    /// What chooses the beats ([`rhythm::load`](crate::rhythm::load::load) gives it).
    pub beats: Option<&'a dyn BeatModel>,
}

impl<'a, S: Scorer> From<&'a S> for Models<'a> {
    fn from(scorer: &'a S) -> Self {
        Self { scorer, beats: None }
    }
}

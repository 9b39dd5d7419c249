//! The tasks that a user can ask for, each one file and one function.

pub mod adapt;
mod ahead;
pub mod analyze;
pub mod batch;
pub mod breaks;
pub mod bundles;
#[cfg(feature = "onnx")]
pub mod classify;
pub mod collection;
pub mod contact;
pub mod dataset;
pub mod doctor;
pub mod evaluate;
pub mod find;
pub mod given;
pub mod harvest;
pub mod lines;
pub mod load;
pub mod merge;
pub mod neighbors;
pub mod predict;
pub mod quiet;
pub mod report;
pub mod run;
pub mod shard;
pub mod suggest;
pub mod tags;
pub mod train;

pub use suggest::{Error, Suggestion, Suggestions, suggest};

use std::sync::Arc;

use crate::analysis::Analysis;
use crate::analysis::embedding::Embedder;
use crate::config::Config;
use crate::model::Scorer;
use crate::progress::Progress;
use crate::rhythm::activation::BeatModel;
use crate::track::Track;

/// The models of a run: loaded once, shared by all its tracks and threads.
///
/// A scorer alone converts into it, for beats by signal processing.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// What ranks the loops.
    pub scorer: &'a dyn Scorer,
    /// What chooses the beats ([`rhythm::load`](crate::rhythm::load::load) gives it).
    pub beats: Option<&'a dyn BeatModel>,
    /// What embeds tracks, for columns of its own ([`analysis::embedding::load`](crate::analysis::embedding::load) gives it).
    pub embedding: Option<&'a dyn Embedder>,
}

impl Models<'_> {
    /// The analysis of a track, with its embedding where there is a network for that.
    pub(crate) fn analyse(&self, track: &Track, config: &Config, progress: &dyn Progress) -> Result<Analysis, Error> {
        let mut analysis = Analysis::of(track, self.beats, config, progress)?;
        if let Some(embedder) = self.embedding {
            analysis.embedding = Some(Arc::new(embedder.embed(track, progress)?));
        }
        Ok(analysis)
    }

    /// Digest of the network that embeds, for hashes of settings.
    pub(crate) fn embedding_digest(&self) -> Option<&str> {
        self.embedding.map(|e| e.info().digest.as_str())
    }
}

impl<'a, S: Scorer> From<&'a S> for Models<'a> {
    fn from(scorer: &'a S) -> Self {
        Self {
            scorer,
            beats: None,
            embedding: None,
        }
    }
}

//! What classifies hits: probabilities of each drum, and of being a drum at all, for every candidate.

#[cfg(feature = "onnx")]
mod network;

use std::fmt::Debug;
use std::sync::Arc;

#[cfg(feature = "onnx")]
pub use network::HitNetwork;

use super::class::Drum;
use super::patch::Candidates;
#[cfg(feature = "onnx")]
use crate::onnx::OnnxError;
use crate::progress::{Cancelled, Progress};

/// The model of this build: name and content.
#[cfg(feature = "onnx")]
const SHIPPED: Option<(&str, &[u8])> = None;

/// What a model hears in a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// Probability of each class, in the order of [`Drum::ALL`]. They are judged apart: hits may coincide.
    pub classes: [f32; Drum::ALL.len()],
    /// Probability that it is a drum, and not a note or nothing.
    pub drum: f32,
}

/// Something that tells drums apart. Shared by all tracks and threads of a run.
pub trait HitModel: Debug + Send + Sync {
    /// Names it, and tells it from any other: for records of what was done.
    fn id(&self) -> &str;

    /// What it hears in each of `candidates`.
    fn hear(&self, candidates: &Candidates, progress: &dyn Progress) -> Result<Vec<Heard>, HitModelError>;
}

/// Why a model does not classify.
#[derive(Debug, thiserror::Error)]
pub enum HitModelError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The file cannot be read or run.
    #[cfg(feature = "onnx")]
    #[error("hit model {0}")]
    Onnx(#[from] OnnxError),
    /// A network, but none that classifies hits.
    #[error("hit model {name}: not a network that classifies hits: {problem}")]
    Interface {
        /// The file.
        name: String,
        /// What is missing or not as it should be.
        problem: String,
    },
    /// It gave what are no probabilities.
    #[error("hit model {model}: {problem}")]
    Output {
        /// The model.
        model: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The model that this build ships; `None` where it has none, and hits are named by [rules](super::rules). Load it once
/// and share it.
#[cfg(feature = "onnx")]
pub fn shipped() -> Result<Option<Arc<dyn HitModel>>, HitModelError> {
    match SHIPPED {
        Some((name, bytes)) => Ok(Some(Arc::new(HitNetwork::of(name, bytes)?))),
        None => Ok(None),
    }
}

/// The model that this build ships: none, since it runs no networks.
#[cfg(not(feature = "onnx"))]
pub fn shipped() -> Result<Option<Arc<dyn HitModel>>, HitModelError> {
    Ok(None)
}

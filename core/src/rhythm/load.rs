//! Where the beat model comes from.

use std::sync::Arc;

use super::activation::BeatModel;
#[cfg(feature = "onnx")]
use super::network::BeatNetwork;
use crate::config;
#[cfg(feature = "onnx")]
use crate::onnx::OnnxError;

/// What the setting says where no model is wanted.
pub const NONE: &str = "none";

/// The model that is used where the settings name none: name and content.
#[cfg(feature = "onnx")]
const SHIPPED: Option<(&str, &[u8])> = Some(("of this build", include_bytes!("../../../models/beats/beats.onnx")));

/// Why there is no beat model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read or run.
    #[cfg(feature = "onnx")]
    #[error("beat model {0}")]
    Onnx(#[from] OnnxError),
    /// A network, but none that hears beats.
    #[error("beat model {name}: not a network that hears beats: {problem}")]
    Interface {
        /// The file.
        name: String,
        /// What is missing or not as it should be.
        problem: String,
    },
    /// This build has no engine for networks.
    #[error("beat model {name}: this build runs no networks (the feature `onnx` is off)")]
    NoEngine {
        /// The file.
        name: String,
    },
}

/// The beat model that the settings ask for; `None` for signal processing alone. Load it once and share it.
pub fn load(settings: &config::Rhythm) -> Result<Option<Arc<dyn BeatModel>>, LoadError> {
    match settings.beat_model.as_deref() {
        Some(NONE) => Ok(None),
        Some(file) => named(file).map(Some),
        None => shipped(),
    }
}

#[cfg(feature = "onnx")]
fn named(file: &str) -> Result<Arc<dyn BeatModel>, LoadError> {
    Ok(Arc::new(BeatNetwork::read(file.as_ref())?))
}

#[cfg(feature = "onnx")]
fn shipped() -> Result<Option<Arc<dyn BeatModel>>, LoadError> {
    match SHIPPED {
        Some((name, bytes)) => Ok(Some(Arc::new(BeatNetwork::of(name, bytes)?))),
        None => Ok(None),
    }
}

#[cfg(not(feature = "onnx"))]
fn named(file: &str) -> Result<Arc<dyn BeatModel>, LoadError> {
    Err(LoadError::NoEngine { name: file.to_owned() })
}

#[cfg(not(feature = "onnx"))]
fn shipped() -> Result<Option<Arc<dyn BeatModel>>, LoadError> {
    Ok(None)
}

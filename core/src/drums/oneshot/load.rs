//! Where the one-shot model comes from.

use std::path::Path;
#[cfg(feature = "onnx")]
use std::sync::Arc;

use super::Classifier;
#[cfg(feature = "onnx")]
use super::network::OneShotNetwork;
#[cfg(feature = "onnx")]
use crate::onnx::OnnxError;

/// The shipped network and what describes it.
#[cfg(feature = "onnx")]
const SHIPPED: (&[u8], &str) = (
    include_bytes!("../../../../models/drums/oneshots.onnx"),
    include_str!("../../../../models/drums/oneshots.json"),
);

/// Why there is no one-shot model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The network cannot be read or run.
    #[cfg(feature = "onnx")]
    #[error("one-shot model {0}")]
    Onnx(#[from] OnnxError),
    /// What describes it cannot be read.
    #[error("one-shot model {name}: cannot read: {source}")]
    Read {
        /// The file.
        name: String,
        /// The cause.
        source: std::io::Error,
    },
    /// What describes it is no such description.
    #[error("one-shot model {name}: not a description of its inputs: {source}")]
    Description {
        /// The file.
        name: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// It asks for, or gives, what is not known here.
    #[error("one-shot model {name}: {problem}")]
    Interface {
        /// The file.
        name: String,
        /// What is not known, or does not fit.
        problem: String,
    },
    /// This build has no engine for networks.
    #[error("one-shot model {name}: this build runs no networks (the feature `onnx` is off)")]
    NoEngine {
        /// The file.
        name: String,
    },
}

/// The classifier of this build: with the shipped network, or by rules where the build runs no networks.
#[cfg(feature = "onnx")]
pub fn shipped() -> Result<Classifier, LoadError> {
    let network = OneShotNetwork::of("of this build", SHIPPED.0, SHIPPED.1)?;
    Ok(Classifier::new(Some(Arc::new(network))))
}

/// The classifier with the network in the file `onnx` and its description in the file of the same name that ends in
/// `.json`.
#[cfg(feature = "onnx")]
pub fn read(onnx: &Path) -> Result<Classifier, LoadError> {
    let name = onnx.display().to_string();
    let beside = onnx.with_extension("json");
    let description = std::fs::read_to_string(&beside).map_err(|source| LoadError::Read {
        name: beside.display().to_string(),
        source,
    })?;
    let bytes = std::fs::read(onnx).map_err(|source| LoadError::Read {
        name: name.clone(),
        source,
    })?;
    let network = OneShotNetwork::of(&name, &bytes, &description)?;
    Ok(Classifier::new(Some(Arc::new(network))))
}

/// The classifier of this build: with the shipped network, or by rules where the build runs no networks.
#[cfg(not(feature = "onnx"))]
pub fn shipped() -> Result<Classifier, LoadError> {
    Ok(Classifier::default())
}

/// The classifier with the network in the file `onnx`; this build has none.
#[cfg(not(feature = "onnx"))]
pub fn read(onnx: &Path) -> Result<Classifier, LoadError> {
    Err(LoadError::NoEngine {
        name: onnx.display().to_string(),
    })
}

//! Loopwright's core: from a recording to ranked loops.
//!
//! ```text
//! Track ─▶ Analysis ─▶ Candidate ─▶ FeatureRow ─▶ Score ─▶ Suggestion ─▶ Export
//! ```
//!
//! Each arrow is one function. The command line and the plugin differ only in where the [`track::Track`] comes from
//! and in what is done with the suggestions. The modules stand in layers (see `docs/ARCHITECTURE.md`); a module imports
//! only what is below it. Nothing here opens a socket, draws a window or parses a command line.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod audio;
pub mod config;
pub mod drums;
pub mod dsp;
pub mod export;
pub mod features;
pub mod guard;
pub mod learn;
pub mod loops;
pub mod model;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pipeline;
pub mod progress;
pub mod rank;
pub mod rhythm;
pub mod similarity;
pub mod store;
pub mod track;
pub mod units;

//! A loop in a few hundred numbers, by aspect: rhythm on a grid of bars, timbre, harmony.

use crate::analysis::loop_file::LoopFile;

/// A loop's description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// Rhythm.
    pub rhythm: Vec<f32>,
    /// Timbre.
    pub timbre: Vec<f32>,
    /// Harmony; empty where nothing is pitched.
    pub harmony: Vec<f32>,
}

impl Profile {
    /// The profile of `mono`, at [`super::RATE`].
    pub fn of(_mono: &[f32], _file: &LoopFile) -> Self {
        Self::default()
    }
}

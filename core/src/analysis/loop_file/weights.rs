//! Weights, written by `training/loops/fit.py`.

use super::content::{CONTENT_TRAITS, Linear};
use super::tempo::TRAITS;

/// Units of the network.
pub(super) const HIDDEN: usize = 1;
/// Kinds of content.
pub(super) const CLASSES: usize = 6;

/// Weights of the network that scores numbers of beats.
pub(super) struct Tempo {
    pub(super) mean: [f32; TRAITS],
    pub(super) gain: [f32; TRAITS],
    pub(super) first: [[f32; HIDDEN]; TRAITS],
    pub(super) bias: [f32; HIDDEN],
    pub(super) second: [f32; HIDDEN],
}

pub(super) const TEMPO: Tempo = Tempo {
    mean: [0.0; TRAITS],
    gain: [0.0; TRAITS],
    first: [[0.0; HIDDEN]; TRAITS],
    bias: [0.0; HIDDEN],
    second: [0.0; HIDDEN],
};

pub(super) const CONTENT: Linear<CLASSES> = Linear {
    mean: [0.0; CONTENT_TRAITS],
    gain: [0.0; CONTENT_TRAITS],
    weight: [[0.0; CLASSES]; CONTENT_TRAITS],
    bias: [0.0; CLASSES],
};

pub(super) const ROUND: Linear<1> = Linear {
    mean: [0.0; CONTENT_TRAITS],
    gain: [0.0; CONTENT_TRAITS],
    weight: [[0.0; 1]; CONTENT_TRAITS],
    bias: [1.0; 1],
};

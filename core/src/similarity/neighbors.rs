//! Nearest neighbours by aspect, in large collections.

/// How much each aspect counts; they are brought to a sum of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of rhythm.
    pub rhythm: f32,
    /// Of timbre.
    pub timbre: f32,
    /// Of harmony.
    pub harmony: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            rhythm: 1.0,
            timbre: 0.0,
            harmony: 0.0,
        }
    }
}

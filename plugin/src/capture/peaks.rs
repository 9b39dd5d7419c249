//! The loudest and lowest sample of every stretch, for drawing.

/// Peaks of a take at one or more resolutions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peaks {
    /// Frames per bin.
    pub step: u32,
    /// Frame of the first bin's first frame.
    pub first: u64,
    /// Lowest and highest sample of both channels, ±127 for full scale.
    pub bins: Vec<(i8, i8)>,
}

impl Peaks {
    /// The lowest and highest sample from frame `from` to frame `to`, in full scale ±1. `None` where nothing is kept.
    pub fn range(&self, _from: u64, _to: u64) -> Option<(f32, f32)> {
        None
    }
}

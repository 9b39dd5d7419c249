//! The rhythm of a loop as a sequence of frames.

/// Numbers in a frame: onset strength, its first difference, the low band, the tempogram's peak; all standardised.
pub const ROWS: usize = 4;

/// A sequence of frames.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequence {
    /// The frames in order of time.
    pub frames: Vec<[f32; ROWS]>,
    /// Seconds from one frame to the next.
    pub step: f64,
}

impl Sequence {
    /// The sequence of `mono`, at [`super::RATE`].
    pub fn of(_mono: &[f32]) -> Self {
        Self::default()
    }
}

//! What the host said about one block.

/// The host's time at the first frame of a block, as the host told it: nothing here has been checked or derived.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostTime {
    /// Whether the transport runs.
    pub playing: bool,
    /// Position in frames; may be negative, may stand still.
    pub samples: Option<i64>,
    /// Position in quarter notes; may be negative, quantised, or a rounded `f32`.
    pub beats: Option<f64>,
    /// Tempo in quarter notes a minute.
    pub tempo: Option<f64>,
    /// Numerator and denominator of the meter.
    pub meter: Option<(i32, i32)>,
    /// Where the host says that the bar began, in quarter notes: a hint, wrong in some hosts.
    pub bar_start: Option<f64>,
    /// The cycle in quarter notes, where one is on.
    pub cycle: Option<(f64, f64)>,
}

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mark {
    /// Number of its first frame, counted by ourselves since the activation; lost frames count, and so do those of a
    /// bypass. Where it is not the end of the block before, the sound does not go on from there.
    pub at: u64,
    /// Its length in frames; never 0.
    pub frames: u32,
    /// Frames lost just before it, because the ring was full.
    pub lost: u64,
    /// The host's time at its first frame.
    pub host: HostTime,
}

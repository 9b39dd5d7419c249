//! Quantities with their units.
//!
//! Time is `f64` throughout: a three-hour track at 192 kHz has 2·10⁹ frames, more than `f32` can count.

use serde::{Deserialize, Serialize};

/// Tempo in beats per minute, where a beat is what the meter counts. Always finite and positive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bpm(pub f64);

impl Bpm {
    /// The tempo at which one beat lasts `seconds`; `None` unless that is finite and positive.
    pub fn from_period(seconds: f64) -> Option<Self> {
        let bpm = 60.0 / seconds;
        (bpm.is_finite() && bpm > 0.0).then_some(Self(bpm))
    }

    /// Length of one beat in seconds.
    pub fn period(self) -> f64 {
        60.0 / self.0
    }
}

/// A half-open stretch of a track, `[start, end)`, in frames at the track's own rate. The edges may lie between frames:
/// they come from a beat grid, and are rounded once, when audio is cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First frame.
    pub start: f64,
    /// One past the last frame.
    pub end: f64,
}

impl Span {
    /// Length in frames; negative only if the span is inverted.
    pub fn len(&self) -> f64 {
        self.end - self.start
    }

    /// True where there is nothing between the edges.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// The part that both spans cover, in frames; zero if they are apart.
    pub fn overlap(&self, other: &Span) -> f64 {
        (self.end.min(other.end) - self.start.max(other.start)).max(0.0)
    }
}

/// Decibels of a power ratio; −200 dB stands for silence.
pub fn power_db(power: f64) -> f64 {
    10.0 * power.max(1e-20).log10()
}

/// Decibels of an amplitude ratio; −200 dB stands for silence.
pub fn amplitude_db(amplitude: f64) -> f64 {
    20.0 * amplitude.max(1e-10).log10()
}

/// The amplitude ratio of a level in decibels.
pub fn db_amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

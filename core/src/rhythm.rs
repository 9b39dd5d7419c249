//! Tempo, beats, meter and bars.

pub mod grid;

use grid::BeatGrid;

/// What the tracker found.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// The chosen grid; empty where the track has no beat.
    pub grid: BeatGrid,
}

//! The beat grid: where the beats and bars of a track lie.

use serde::{Deserialize, Serialize};

use crate::units::{Bpm, Span};

/// Who made a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridSource {
    /// The beat tracker.
    Tracked,
    /// A host's transport.
    Host,
    /// The user, or a DJ program.
    Given,
}

/// Beats and bars in frames at the track's own rate.
///
/// Invariants: `beats` strictly increase; `downbeats` strictly increase and index `beats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeatGrid {
    /// Beat times in frames, fractional.
    pub beats: Vec<f64>,
    /// Indices into `beats` of the first beats of bars.
    pub downbeats: Vec<usize>,
    /// Beats a bar, most commonly.
    pub beats_per_bar: u32,
    /// Tempo: the fitted one where the grid is constant, the median where it drifts.
    pub tempo: Bpm,
    /// True where one tempo and one phase explain the whole track.
    pub constant: bool,
    /// How far the grid can be trusted, 0 to 1.
    pub confidence: f32,
    /// Who made it.
    pub source: GridSource,
}

impl BeatGrid {
    /// A grid without beats, for silence and the like.
    pub fn empty(source: GridSource) -> Self {
        Self {
            beats: Vec::new(),
            downbeats: Vec::new(),
            beats_per_bar: 4,
            tempo: Bpm(120.0),
            constant: false,
            confidence: 0.0,
            source,
        }
    }

    /// The bars as spans of frames, each from a downbeat to the next one, with its number of beats. The last downbeat
    /// ends the last bar, unless a full bar of beats follows it: then the line after that bar is extrapolated by one
    /// beat's length.
    pub fn bars(&self) -> Vec<(Span, u32)> {
        let mut bars: Vec<(Span, u32)> = self
            .downbeats
            .windows(2)
            .map(|w| {
                (
                    Span {
                        start: self.beats[w[0]],
                        end: self.beats[w[1]],
                    },
                    (w[1] - w[0]) as u32,
                )
            })
            .collect();
        if let (Some(&last), n) = (self.downbeats.last(), self.beats.len())
            && n >= 2
            && n - last == self.beats_per_bar as usize
        {
            let end = 2.0 * self.beats[n - 1] - self.beats[n - 2];
            bars.push((
                Span {
                    start: self.beats[last],
                    end,
                },
                self.beats_per_bar,
            ));
        }
        bars
    }
}

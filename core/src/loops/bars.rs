//! The bars of a track, in seconds, and the stretches in which they follow each other without a fault.

use std::ops::Range;

use crate::rhythm::grid::BeatGrid;
use crate::units::Span;

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Its first beat's time in seconds.
    pub start: f64,
    /// The next bar's first beat's time, in seconds.
    pub end: f64,
    /// Where it lies, in frames of the track.
    pub span: Span,
    /// Index of its first beat in [`Bars::beats`].
    pub first_beat: usize,
    /// How many beats it has.
    pub beats: u32,
    /// True where it has as many beats as the meter says. Other bars are in no section and in no loop.
    pub regular: bool,
}

/// The bars of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// Beat times in seconds, and the end of the last bar where no beat marks it.
    pub beats: Vec<f64>,
    /// The same in frames of the track.
    pub frames: Vec<f64>,
    /// The bars, in the order (and with the indices) of [`BeatGrid::bars`].
    pub bars: Vec<Bar>,
    /// Beats of a regular bar.
    pub beats_per_bar: u32,
}

impl Bars {
    /// The bars of `grid`, whose frames run at `rate` a second.
    pub fn of(grid: &BeatGrid, rate: f64) -> Self {
        let mut frames = grid.beats.clone();
        let spans = grid.bars();
        if let Some((last, _)) = spans.last()
            && frames.last().is_some_and(|b| *b < last.end)
        {
            frames.push(last.end);
        }
        let bars = grid
            .downbeats
            .iter()
            .zip(&spans)
            .map(|(&first_beat, &(span, beats))| Bar {
                start: span.start / rate,
                end: span.end / rate,
                span,
                first_beat,
                beats,
                regular: beats == grid.beats_per_bar && beats > 0,
            })
            .collect();
        Self {
            beats: frames.iter().map(|f| f / rate).collect(),
            frames,
            bars,
            beats_per_bar: grid.beats_per_bar.max(1),
        }
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// The longest stretches of regular bars, in order.
    pub fn runs(&self) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        for (i, bar) in self.bars.iter().enumerate() {
            if !bar.regular {
                if start < i {
                    runs.push(start..i);
                }
                start = i + 1;
            }
        }
        if start < self.bars.len() {
            runs.push(start..self.bars.len());
        }
        runs
    }

    /// From the first of `bars` to the last, in frames of the track; nothing where the range is empty or out of reach.
    pub fn span(&self, bars: &Range<usize>) -> Span {
        match (
            self.bars.get(bars.start),
            bars.end.checked_sub(1).and_then(|e| self.bars.get(e)),
        ) {
            (Some(first), Some(last)) => Span {
                start: first.span.start,
                end: last.span.end,
            },
            _ => Span { start: 0.0, end: 0.0 },
        }
    }

    /// Times in seconds of the beats of bar `i`, and of its end.
    pub fn beats_of(&self, i: usize) -> &[f64] {
        let bar = self.bars[i];
        &self.beats[bar.first_beat..=bar.first_beat + bar.beats as usize]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rhythm::grid::GridSource;
    use crate::units::Bpm;

    /// A grid at 120 BPM and 100 frames a second with bars of these numbers of beats.
    pub(crate) fn grid(bars: &[u32], beats_per_bar: u32) -> BeatGrid {
        let mut downbeats = Vec::new();
        let mut n = 0;
        for b in bars {
            downbeats.push(n);
            n += *b as usize;
        }
        BeatGrid {
            beats: (0..n).map(|i| i as f64 * 50.0).collect(),
            downbeats,
            beats_per_bar,
            tempo: Bpm(120.0),
            constant: true,
            confidence: 1.0,
            source: GridSource::Given,
        }
    }

    #[test]
    fn odd_bars_part_the_runs_and_the_last_line_is_extrapolated() {
        let bars = Bars::of(&grid(&[4, 4, 2, 4, 4, 4], 4), 100.0);
        assert_eq!(bars.len(), 6);
        assert_eq!(bars.runs(), [0..2, 3..6]);
        assert_eq!(bars.bars[5].end, 11.0);
        assert_eq!(bars.beats_of(5), [9.0, 9.5, 10.0, 10.5, 11.0]);
        assert_eq!(
            bars.span(&(3..5)),
            Span {
                start: 500.0,
                end: 900.0
            }
        );
    }

    #[test]
    fn no_grid_has_no_bars() {
        let bars = Bars::of(&BeatGrid::empty(GridSource::Tracked), 44_100.0);
        assert!(bars.is_empty() && bars.runs().is_empty());
        assert_eq!(bars.span(&(0..0)), Span { start: 0.0, end: 0.0 });
    }
}

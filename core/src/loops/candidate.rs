//! Spans that may be loops.

use serde::{Deserialize, Serialize};

use super::bars::Bars;
use crate::config;
use crate::units::Span;

/// A span of whole bars that may be a loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it lies, in frames at the track's rate.
    pub span: Span,
    /// Its length in bars.
    pub bars: u32,
    /// Its length in beats.
    pub beats: u32,
    /// Index of its first bar in the grid's bars.
    pub first_bar: usize,
    /// How many beats after the bar line of [`Self::first_bar`] it begins; 0 unless any beat may begin a loop.
    pub beat_offset: u32,
}

impl Candidate {
    /// The bars that it touches: `bars` of them, or one more where it begins inside a bar.
    pub fn touched(&self) -> std::ops::Range<usize> {
        self.first_bar..self.first_bar + self.bars as usize + usize::from(self.beat_offset > 0)
    }
}

/// All candidates: each length of [`config::Loops::bars`] from each bar line (or each beat) from which that many
/// regular bars follow; in order of length, then of time.
pub fn all(bars: &Bars, config: &config::Loops) -> Vec<Candidate> {
    let mut lengths: Vec<u32> = config.bars.iter().copied().filter(|n| *n > 0).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let per = bars.beats_per_bar;
    let runs = bars.runs();
    let mut out = Vec::new();
    for n in lengths {
        for run in &runs {
            for first_bar in run.clone() {
                for beat_offset in 0..if config.any_beat { per } else { 1 } {
                    let last = first_bar + n as usize + usize::from(beat_offset > 0);
                    if last > run.end {
                        continue;
                    }
                    let first = bars.bars[first_bar].first_beat + beat_offset as usize;
                    let beats = n * per;
                    if let (Some(&start), Some(&end)) =
                        (bars.frames.get(first), bars.frames.get(first + beats as usize))
                    {
                        out.push(Candidate {
                            span: Span { start, end },
                            bars: n,
                            beats,
                            first_bar,
                            beat_offset,
                        });
                    }
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::bars::tests::grid;

    fn config(bars: &[u32], any_beat: bool) -> config::Loops {
        config::Loops {
            bars: bars.to_vec(),
            any_beat,
        }
    }

    #[test]
    fn candidates_lie_on_bar_lines_and_skip_odd_bars() {
        let bars = Bars::of(&grid(&[4, 4, 2, 4, 4, 4], 4), 100.0);
        let all = all(&bars, &config(&[2, 1, 2, 0], false));
        let at: Vec<(u32, usize)> = all.iter().map(|c| (c.bars, c.first_bar)).collect();
        assert_eq!(at, [(1, 0), (1, 1), (1, 3), (1, 4), (1, 5), (2, 0), (2, 3), (2, 4)]);
        assert!(all.iter().all(|c| c.span.len() == f64::from(c.bars) * 200.0));
    }

    #[test]
    fn any_beat_may_begin_a_loop() {
        let bars = Bars::of(&grid(&[3, 3, 3], 3), 100.0);
        let all = all(&bars, &config(&[2], true));
        let at: Vec<(usize, u32)> = all.iter().map(|c| (c.first_bar, c.beat_offset)).collect();
        assert_eq!(at, [(0, 0), (0, 1), (0, 2), (1, 0)]);
        assert!(all.iter().all(|c| c.span.len() == 300.0));
    }
}

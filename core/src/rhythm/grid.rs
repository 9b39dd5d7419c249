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

/// What a user changes with one press where the tracker heard the right pulse and counted it another way. Each gives a
/// new grid; a constant grid stays one.
impl BeatGrid {
    /// `times` beats for each beat of before; downbeats stay where they are as long as bars hold as many beats as before.
    /// 2 is double time, 3 reads triplets as beats.
    pub fn divided(&self, times: u32) -> Self {
        let times = times.max(1) as usize;
        let mut beats = Vec::with_capacity(self.beats.len() * times);
        for w in self.beats.windows(2) {
            beats.extend((0..times).map(|k| w[0] + (w[1] - w[0]) * k as f64 / times as f64));
        }
        beats.extend(self.beats.last());
        let first = self.downbeats.first().map_or(0, |d| d * times);
        self.recounted(beats, self.tempo.0 * times as f64, first)
    }

    /// One beat for every `of` beats of before, counted from the first downbeat. 2 is half time.
    pub fn merged(&self, of: u32) -> Self {
        let of = of.max(1) as usize;
        let first = self.downbeats.first().copied().unwrap_or(0);
        let skip = first % of;
        let beats = self.beats.iter().copied().skip(skip).step_by(of).collect();
        self.recounted(beats, self.tempo.0 / of as f64, (first - skip) / of)
    }

    /// Bars that begin `beats` later (or, negative, earlier). Where bars of another length break the count, they go on to.
    pub fn shifted(&self, beats: i32) -> Self {
        let meter = self.beats_per_bar.max(1) as usize;
        let by = beats.rem_euclid(meter as i32) as usize;
        let n = self.beats.len();
        let mut downbeats: Vec<usize> = self.downbeats.iter().map(|d| d + by).collect();
        let first = downbeats.first().copied().unwrap_or(by);
        let last = downbeats.last().copied().unwrap_or(by);
        downbeats.splice(0..0, (first % meter..first).step_by(meter));
        downbeats.extend((last + meter..n).step_by(meter));
        downbeats.retain(|d| *d < n);
        Self {
            downbeats,
            ..self.clone()
        }
    }

    /// Bars of `beats_per_bar` beats from the first downbeat on.
    pub fn with_meter(&self, beats_per_bar: u32) -> Self {
        let meter = beats_per_bar.max(1);
        let first = self.downbeats.first().map_or(0, |d| d % meter as usize);
        let mut out = self.recounted(self.beats.clone(), self.tempo.0, first);
        out.beats_per_bar = meter;
        out.downbeats = (first..out.beats.len()).step_by(meter as usize).collect();
        out
    }

    /// Beats half a beat later: where the off-beat was taken for the beat.
    pub fn half_beat_later(&self) -> Self {
        let beats = self.beats.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        self.recounted(beats, self.tempo.0, self.downbeats.first().copied().unwrap_or(0))
    }

    fn recounted(&self, beats: Vec<f64>, bpm: f64, first: usize) -> Self {
        let first = first % self.beats_per_bar.max(1) as usize;
        Self {
            downbeats: (first..beats.len())
                .step_by(self.beats_per_bar.max(1) as usize)
                .collect(),
            beats,
            beats_per_bar: self.beats_per_bar,
            tempo: crate::units::Bpm(bpm),
            constant: self.constant,
            confidence: self.confidence,
            source: self.source,
        }
    }
}

/// The line (first beat, period in seconds) on which all of `seconds` lie within 5 ms; `None` where there is none, or
/// fewer than four times.
pub(crate) fn constant_line(seconds: &[f64]) -> Option<(f64, f64)> {
    let n = seconds.len();
    if n < 4 {
        return None;
    }
    let mean_x = (n - 1) as f64 / 2.0;
    let mean_t = seconds.iter().sum::<f64>() / n as f64;
    let (mut xx, mut xt) = (0.0, 0.0);
    for (i, t) in seconds.iter().enumerate() {
        let x = i as f64 - mean_x;
        xx += x * x;
        xt += x * (t - mean_t);
    }
    let period = xt / xx;
    let first = mean_t - period * mean_x;
    let close = |(i, t): (usize, &f64)| (first + i as f64 * period - t).abs() <= 0.005;
    (period > 0.0 && seconds.iter().enumerate().all(close)).then_some((first, period))
}

/// Median distance of neighbours; 0 of fewer than two.
pub(crate) fn median_gap(x: &[f64]) -> f64 {
    let mut gaps: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

/// Most common distance of neighbouring downbeats.
pub(crate) fn common_gap(downbeats: &[usize]) -> Option<u32> {
    let mut gaps: Vec<usize> = downbeats.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_unstable();
    gaps.chunk_by(|a, b| a == b)
        .max_by_key(|run| run.len())
        .and_then(|run| run.first())
        .map(|&g| g as u32)
}

//! The foot of an attack on the waveform.
//!
//! Five bands (Butterworth, second order at either edge) are followed as an RMS over 66 samples every 22. Near each onset
//! the 3 ms over which the bands' logarithms rise most are found; in the band that rises most there, the level is walked
//! back from its peak to a tenth of its rise.

use std::f64::consts::{PI, SQRT_2};

use super::RATE;
use crate::progress::{Cancelled, Progress};
use crate::vectorized;

/// Edges of the bands in Hz.
const EDGES: [f64; BANDS + 1] = [30.0, 120.0, 400.0, 1500.0, 5000.0, 16_000.0];
const BANDS: usize = 5;
/// What a rise of each band counts: low bands are slow.
const WEIGHTS: [f32; BANDS] = [0.7, 0.8, 1.0, 1.0, 1.0];
/// Samples in which energy is summed; a step of the search.
const STEP: usize = 22;
/// Steps over which a rise is measured (3 ms).
const RISE: usize = 6;
/// How far before and after the expected attack the search goes, in seconds.
const SEARCH: (f64, f64) = (0.007, 0.005);
/// Steps ahead of the rise in which the band's peak is looked for (12 ms).
const AHEAD: usize = 24;
/// Part of the rise at which the foot is.
const FOOT: f32 = 0.1;
/// Farthest from the expected attack that a foot is believed, in seconds.
const TRUST: f64 = 0.006;
/// RMS below which a band is silent, where the track's peak is 1.
const SILENT: f32 = 1e-4;
/// Lanes of the filters: the bands and idle ones.
const LANES: usize = 8;
const POLL: usize = 8192;

/// Refines the attacks expected at `times` (seconds, rising) of `mono`, whose peak `gain` brings to 1. Where no rise is
/// found within 6 ms, the expected time stays.
pub(super) fn refine(mono: &[f32], gain: f32, times: &[f64], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    if times.is_empty() {
        return Ok(Vec::new());
    }
    let rms = follow(mono, gain, progress)?;
    let refined = times.iter().map(|&t| match locate(&rms, t) {
        Some(foot) if (foot - t).abs() <= TRUST => foot,
        _ => t,
    });
    Ok(refined.collect())
}

/// The middle of step `i`, in seconds.
fn seconds(step: f64) -> f64 {
    (step + 0.5) * STEP as f64 / f64::from(RATE)
}

/// The foot of the attack near `time`.
fn locate(rms: &[[f32; LANES]], time: f64) -> Option<f64> {
    let step = |t: f64| (t * f64::from(RATE) / STEP as f64 - 0.5 - RISE as f64 / 2.0).max(0.0) as usize;
    let (from, to) = (step(time - SEARCH.0), step(time + SEARCH.1) + 1);
    let to = to.min(rms.len().checked_sub(RISE)?);
    let rises = |i: usize| -> [f32; BANDS] {
        std::array::from_fn(|b| {
            let (low, high) = (rms[i][b].max(SILENT), rms[i + RISE][b].max(SILENT));
            WEIGHTS[b] * (high / low).ln().max(0.0)
        })
    };
    let mut best: Option<(f32, usize)> = None;
    for i in from..to {
        let sum = rises(i).iter().sum::<f32>();
        if sum > best.map_or(0.0, |b| b.0) {
            best = Some((sum, i));
        }
    }
    let (_, at) = best?;
    let at_rises = rises(at);
    let band = (0..BANDS).max_by(|&a, &b| at_rises[a].total_cmp(&at_rises[b]))?;
    let level = |i: usize| rms[i][band];
    let end = (at + AHEAD).min(rms.len() - 1);
    let top = (at..=end).fold(at, |top, i| if level(i) > level(top) { i } else { top });
    let base = level(at);
    let threshold = base + FOOT * (level(top) - base);
    let above = (at..=top).rev().find(|&i| level(i) < threshold)?;
    // Between this step and the next the threshold is crossed.
    let (low, high) = (level(above), level(above + 1).max(threshold));
    let part = if high > low {
        (threshold - low) / (high - low)
    } else {
        0.0
    };
    Some(seconds(above as f64 + f64::from(part)))
}

/// A second-order section in each lane (transposed direct form II).
#[derive(Clone, Copy)]
struct Section {
    b: [[f32; LANES]; 3],
    a: [[f32; LANES]; 2],
    s: [[f32; LANES]; 2],
}

impl Section {
    /// Butterworth high-pass or low-pass at `hz[lane]`, by the bilinear transform.
    fn butterworth(hz: [f64; LANES], high: bool) -> Self {
        let mut section = Self {
            b: [[0.0; LANES]; 3],
            a: [[0.0; LANES]; 2],
            s: [[0.0; LANES]; 2],
        };
        for (lane, hz) in hz.into_iter().enumerate() {
            let k = (PI * hz / f64::from(RATE)).tan();
            let norm = 1.0 / (1.0 + SQRT_2 * k + k * k);
            let (b0, b1) = if high {
                (norm, -2.0 * norm)
            } else {
                (k * k * norm, 2.0 * k * k * norm)
            };
            section.b[0][lane] = b0 as f32;
            section.b[1][lane] = b1 as f32;
            section.b[2][lane] = b0 as f32;
            section.a[0][lane] = (2.0 * (k * k - 1.0) * norm) as f32;
            section.a[1][lane] = ((1.0 - SQRT_2 * k + k * k) * norm) as f32;
        }
        section
    }

    #[inline(always)]
    fn step(&mut self, x: &[f32; LANES]) -> [f32; LANES] {
        let mut y = [0.0; LANES];
        for i in 0..LANES {
            y[i] = self.b[0][i] * x[i] + self.s[0][i];
            self.s[0][i] = self.b[1][i] * x[i] - self.a[0][i] * y[i] + self.s[1][i];
            self.s[1][i] = self.b[2][i] * x[i] - self.a[1][i] * y[i];
        }
        y
    }
}

/// RMS over three steps, centred, of each band (a lane each) at every step.
fn follow(mono: &[f32], gain: f32, progress: &dyn Progress) -> Result<Vec<[f32; LANES]>, Cancelled> {
    let edge = |i: usize| -> [f64; LANES] { std::array::from_fn(|lane| EDGES[lane.min(BANDS - 1) + i]) };
    let (mut high, mut low) = (
        Section::butterworth(edge(0), true),
        Section::butterworth(edge(1), false),
    );
    let mut energy = vec![[0.0f32; LANES]; mono.len().div_ceil(STEP)];
    for (energy, signal) in energy.chunks_mut(POLL).zip(mono.chunks(POLL * STEP)) {
        progress.check()?;
        vectorized!({
            let (mut h, mut l) = (high, low);
            for (energy, block) in energy.iter_mut().zip(signal.chunks(STEP)) {
                let mut sum = [0.0f32; LANES];
                for &x in block {
                    let y = l.step(&h.step(&[x * gain; LANES]));
                    for i in 0..LANES {
                        sum[i] += y[i] * y[i];
                    }
                }
                *energy = sum;
            }
            high = h;
            low = l;
        });
    }
    let n = energy.len();
    let scale = 1.0 / (3 * STEP) as f32;
    let mut before = [0.0f32; LANES];
    for i in 0..n {
        let here = energy[i];
        let after = energy.get(i + 1).copied().unwrap_or([0.0; LANES]);
        for lane in 0..LANES {
            energy[i][lane] = ((before[lane] + here[lane] + after[lane]) * scale).sqrt();
        }
        before = here;
    }
    Ok(energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn bands_pass_their_middle_and_little_else() {
        for (band, hz) in [60.0, 220.0, 775.0, 2740.0, 8900.0].into_iter().enumerate() {
            let sine: Vec<f32> = (0..44100)
                .map(|i| (2.0 * PI * hz * f64::from(i) / 44100.0).sin() as f32)
                .collect();
            let rms = follow(&sine, 1.0, &Silent).unwrap();
            // Single steps ripple at twice the frequency: the mean over half a second.
            let mean = |b: usize| {
                let part = &rms[1000..2000];
                (part.iter().map(|r| f64::from(r[b]).powi(2)).sum::<f64>() / part.len() as f64).sqrt()
            };
            for b in 0..BANDS {
                if b == band {
                    assert!((0.6..0.72).contains(&mean(b)), "{hz} Hz in band {b}: {}", mean(b));
                } else {
                    assert!(mean(b) < 0.3, "{hz} Hz in band {b}: {}", mean(b));
                }
            }
        }
    }

    #[test]
    fn nothing_is_found_in_a_steady_tone_or_past_the_end() {
        let tone = vec![[0.5f32; LANES]; 2000];
        assert_eq!(locate(&tone, 0.3), None);
        assert_eq!(locate(&tone, 300.0), None);
        assert_eq!(locate(&[], 0.0), None);
    }
}

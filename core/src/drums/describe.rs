//! What is told of a hit in tables: level, brightness, noise, pitch.
//!
//! The columns `feat_*` of the Python pipeline, with librosa's definitions at 44.1 kHz: spectra of 2048 samples every 512
//! (the largest power of two that fits and a quarter of it, where the hit is shorter), centred, zeros outside; means over
//! the frames. Zero crossings are counted over the whole hit. The harmonic and percussive shares are taken from the
//! spectrum of the passage, before the hit is cut out of it, and the pitch from the hit itself.

mod yin;

use super::onset::RATE;
use crate::audio::resample::halve;
use crate::dsp::hpss::{Block, Separator};
use crate::dsp::median::LANES;
use crate::dsp::stft::{Stft, frame_count, magnitude, power};
use crate::progress::{Cancelled, Progress};

const N_FFT: usize = 2048;
const HOP: usize = 512;
/// Shortest spectrum of a short hit.
const LEAST_N_FFT: usize = 256;
/// Part of the magnitude that lies below the roll-off.
const ROLLOFF: f32 = 0.85;
/// Power to which bins are raised for the flatness.
const FLATNESS_FLOOR: f32 = 1e-10;

/// A hit in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Description {
    /// Length of its slice in seconds (`feat_duration_s`).
    pub duration: f32,
    /// RMS; full scale is 1 (`feat_rms`).
    pub rms: f32,
    /// Centroid of the magnitudes in Hz, mean over the frames; silent frames count as 0 (`feat_centroid_mean`).
    pub centroid: f32,
    /// Frequency in Hz below which 85 % of the magnitudes lie (`feat_rolloff_mean`).
    pub rolloff: f32,
    /// Geometric by arithmetic mean of the powers, 0 to 1 (`feat_flatness_mean`).
    pub flatness: f32,
    /// Zero crossings a sample, 0 to 1 (`feat_zcr_mean`).
    pub zcr: f32,
    /// RMS of the harmonic part as a share of both parts' (`feat_harm_ratio`).
    pub harm_ratio: f32,
    /// RMS of the percussive part as a share of both parts' (`feat_perc_ratio`).
    pub perc_ratio: f32,
    /// Median of the pitch in Hz, 50 to 2000; `None` where the hit is too short for one (`feat_f0_median`).
    pub f0_median: Option<f32>,
    /// Deviation of the pitch in Hz (`feat_f0_std`).
    pub f0_std: Option<f32>,
    /// Frames that the pitch was taken from.
    pub f0_frames: usize,
}

/// Describes the hits of a passage.
pub(crate) struct Describer<'a> {
    mono: &'a [f32],
    /// At half the rate, for the pitch.
    half: Vec<f32>,
    /// Energy of the harmonic and percussive part of each frame.
    parts: Vec<[f32; 2]>,
}

impl<'a> Describer<'a> {
    /// Takes a passage at [`RATE`].
    pub(crate) fn new(mono: &'a [f32], progress: &dyn Progress) -> Result<Self, Cancelled> {
        let frames = frame_count(mono.len(), HOP);
        let mut stft = Stft::new(N_FFT, HOP);
        let mut separator = Separator::new(stft.bins());
        let mut row = vec![0.0; stft.bins()];
        let mut parts = Vec::with_capacity(frames);
        for t in 0..frames {
            if t % 512 == 0 {
                progress.check()?;
            }
            power(stft.frame(mono, t), &mut row);
            separator.push(&row, |block| energies(&block, &mut parts));
        }
        separator.finish(|block| energies(&block, &mut parts));
        Ok(Self {
            mono,
            half: halve(mono),
            parts,
        })
    }

    /// Describes samples `from..to` of the passage.
    pub(crate) fn describe(&self, from: usize, to: usize) -> Description {
        let to = to.min(self.mono.len());
        let from = from.min(to);
        let hit = &self.mono[from..to];
        if hit.is_empty() {
            return Description::default();
        }
        let square: f64 = hit.iter().map(|x| f64::from(*x).powi(2)).sum();
        let crossings = hit
            .windows(2)
            .filter(|w| w[0].is_sign_negative() != w[1].is_sign_negative())
            .count();
        let spectrum = spectrum(hit);
        let (harm_ratio, perc_ratio) = self.shares(from, to);
        let f0 = yin::track(&self.half[(from / 2).min(self.half.len())..(to / 2).min(self.half.len())]);
        let (f0_median, f0_std) = median_and_deviation(&f0);
        Description {
            duration: hit.len() as f32 / RATE as f32,
            rms: (square / hit.len() as f64).sqrt() as f32,
            centroid: spectrum[0],
            rolloff: spectrum[1],
            flatness: spectrum[2],
            zcr: crossings as f32 / hit.len() as f32,
            harm_ratio,
            perc_ratio,
            f0_median,
            f0_std,
            f0_frames: f0.len(),
        }
    }

    /// Shares of the harmonic and the percussive RMS over the frames whose centres lie in `from..to`.
    fn shares(&self, from: usize, to: usize) -> (f32, f32) {
        let first = from.div_ceil(HOP).min(self.parts.len().saturating_sub(1));
        let last = to.div_ceil(HOP).clamp(first + 1, self.parts.len().max(first + 1));
        let frames = self.parts.get(first..last.min(self.parts.len())).unwrap_or_default();
        let sum = |part: usize| frames.iter().map(|f| f64::from(f[part])).sum::<f64>().sqrt();
        let (h, p) = (sum(0), sum(1));
        if h + p > 0.0 {
            ((h / (h + p)) as f32, (p / (h + p)) as f32)
        } else {
            (0.0, 0.0)
        }
    }
}

/// Harmonic and percussive energy of each frame of a block.
fn energies(block: &Block<'_>, out: &mut Vec<[f32; 2]>) {
    let (mut h, mut p) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (power, mask) in block.power.iter().zip(block.harmonic) {
        for l in 0..LANES {
            h[l] += power[l] * mask[l] * mask[l];
            p[l] += power[l] * (1.0 - mask[l]) * (1.0 - mask[l]);
        }
    }
    out.extend((0..block.frames).map(|l| [h[l], p[l]]));
}

/// Centroid, roll-off and flatness of `hit`, means over its frames.
fn spectrum(hit: &[f32]) -> [f32; 3] {
    let fits = if hit.len() >= N_FFT {
        N_FFT
    } else {
        (hit.len() + 1).next_power_of_two() / 2
    };
    let n_fft = fits.clamp(LEAST_N_FFT, N_FFT);
    let hop = n_fft * HOP / N_FFT;
    let mut stft = Stft::new(n_fft, hop);
    let (mut squares, mut magnitudes) = (vec![0.0; stft.bins()], vec![0.0; stft.bins()]);
    let bin = RATE as f32 / n_fft as f32;
    let frames = frame_count(hit.len(), hop);
    let mut sums = [0.0f32; 3];
    for t in 0..frames {
        power(stft.frame(hit, t), &mut squares);
        magnitude(&squares, &mut magnitudes);
        let (mut total, mut moment) = (0.0f32, 0.0f32);
        let (mut log, mut mean) = (0.0f32, 0.0f32);
        for (k, (m, p)) in magnitudes.iter().zip(&squares).enumerate() {
            total += m;
            moment += m * k as f32;
            let p = p.max(FLATNESS_FLOOR);
            log += p.ln();
            mean += p;
        }
        let n = squares.len() as f32;
        sums[2] += (log / n).exp() / (mean / n);
        if total > 0.0 {
            sums[0] += moment / total * bin;
            let mut below = 0.0;
            let at = magnitudes.iter().position(|m| {
                below += m;
                below >= ROLLOFF * total
            });
            sums[1] += at.unwrap_or(0) as f32 * bin;
        }
    }
    sums.map(|s| s / frames as f32)
}

fn median_and_deviation(values: &[f32]) -> (Option<f32>, Option<f32>) {
    if values.is_empty() {
        return (None, None);
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let n = sorted.len();
    let median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
    let mean = values.iter().sum::<f32>() / n as f32;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n as f32;
    (Some(median), Some(variance.sqrt()))
}

#[cfg(test)]
mod tests;

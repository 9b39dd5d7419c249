//! Pulse of a short recording, from its onset strength: tempo, beats, off-beats, density, periodicity.
//!
//! The tempo is that of [`crate::analysis::loop_file`] where the beat tracker ([`crate::rhythm`]) confirms it or hears no beat;
//! else the tracker's, else the strongest lag of the onset
//! autocorrelation under a log-normal prior around 120 beats a minute. Beats are laid by dynamic programming around that
//! tempo, free to leave it (D. P. W. Ellis, "Beat tracking by dynamic programming", JNMR 36, 2007), so that the spread of
//! their intervals says how well one tempo fits.

use crate::config;
use crate::dsp::onset;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::{self, RhythmError};

/// What is measured of a pulse. A value that the recording does not have is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Beats a minute.
    pub tempo: f32,
    /// Standard deviation of the intervals between beats, over their mean.
    pub interval_cv: f32,
    /// Onset strength halfway between beats, over that on beats.
    pub offbeat_ratio: f32,
    /// Onsets a second.
    pub density: f32,
    /// Greatest normalised autocorrelation of the onset strength past its main lobe, up to [`MOST_LAG`] frames; −1 to 1.
    pub autocorrelation: f32,
}

/// Longest lag of the autocorrelation, in frames (6.9 s).
pub const MOST_LAG: usize = 299;

/// Weight of the interval's departure from the period, as librosa has it.
const TIGHTNESS: f32 = 100.0;
/// Tempo range of the autocorrelation, in beats a minute.
const RANGE: (f64, f64) = (50.0, 220.0);
/// Middle and spread (octaves) of its prior.
const PRIOR: (f64, f64) = (120.0, 1.0);

impl Pulse {
    /// Measures `mono` at 22.05 kHz, whose onset strength is `strength` at `fps` frames a second. `known` is the tempo that the
    /// length of its file tells.
    pub(super) fn of(
        mono: &[f32],
        strength: &[f32],
        fps: f64,
        known: Option<f64>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let seconds = mono.len() as f64 / f64::from(super::RATE);
        let correlation = autocorrelation(strength, MOST_LAG);
        let tracked = match rhythm::track(mono, super::RATE, &config::Rhythm::default(), progress) {
            Ok(rhythm) => (!rhythm.grid.beats.is_empty()).then_some(rhythm.grid.tempo.0),
            Err(RhythmError::Cancelled(c)) => return Err(c),
            Err(RhythmError::Model { .. }) => None,
        };
        let tracked = agreed(tracked, known);
        let tempo = tracked.or_else(|| by_autocorrelation(&correlation, fps));
        let beats = tempo.map_or_else(Vec::new, |bpm| beats(strength, 60.0 * fps / bpm));
        Ok(Self {
            tempo: tempo.map_or(f32::NAN, |t| t as f32),
            interval_cv: interval_cv(&beats),
            offbeat_ratio: offbeat_ratio(strength, &beats),
            density: if seconds > 0.0 {
                (onsets(strength) as f64 / seconds) as f32
            } else {
                f32::NAN
            },
            autocorrelation: past_the_main_lobe(&correlation),
        })
    }
}

/// The tempo that a file's length tells, where the tracker's is the same but for the unit that is counted, or there is none; else
/// the tracker's: a file need not hold a whole number of beats.
fn agreed(tracked: Option<f64>, by_length: Option<f64>) -> Option<f64> {
    const WITHIN: f64 = 0.02;
    const UNITS: [f64; 7] = [0.5, 2.0 / 3.0, 0.75, 1.0, 4.0 / 3.0, 1.5, 2.0];
    let (Some(tracked), Some(length)) = (tracked, by_length) else {
        return tracked.or(by_length);
    };
    let agree = UNITS.iter().any(|u| (length / (tracked * u) - 1.0).abs() <= WITHIN);
    Some(if agree { length } else { tracked })
}

/// Autocorrelation at lags 0 to `most`, less than half the length, of the curve less its mean: 1 at lag 0, each lag
/// averaged over the frames that overlap. Empty where nothing varies.
fn autocorrelation(curve: &[f32], most: usize) -> Vec<f64> {
    let n = curve.len();
    let mean = curve.iter().map(|x| f64::from(*x)).sum::<f64>() / n.max(1) as f64;
    let centred: Vec<f64> = curve.iter().map(|x| f64::from(*x) - mean).collect();
    let variance = centred.iter().map(|x| x * x).sum::<f64>() / n.max(1) as f64;
    if n < 4 || variance <= 1e-12 {
        return Vec::new();
    }
    let at = |lag: usize| {
        let products = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b);
        products.sum::<f64>() / ((n - lag) as f64 * variance)
    };
    (0..=most.min(n / 2)).map(at).collect()
}

/// The greatest value after the first that is no greater than the one after it: near lag 0 every curve resembles itself.
fn past_the_main_lobe(correlation: &[f64]) -> f32 {
    let Some(valley) = correlation.windows(2).position(|w| w[1] >= w[0]) else {
        return if correlation.is_empty() { f32::NAN } else { 0.0 };
    };
    let greatest = correlation[valley..].iter().copied().fold(f64::MIN, f64::max);
    greatest.clamp(-1.0, 1.0) as f32
}

fn by_autocorrelation(correlation: &[f64], fps: f64) -> Option<f64> {
    let weight = |lag: usize| {
        let bpm = 60.0 * fps / lag as f64;
        let octaves = (bpm / PRIOR.0).log2() / PRIOR.1;
        correlation[lag] * (-0.5 * octaves * octaves).exp()
    };
    let low = (60.0 * fps / RANGE.1).floor() as usize;
    let high = ((60.0 * fps / RANGE.0).ceil() as usize).min(correlation.len().saturating_sub(2));
    let best = (low.max(1)..=high).max_by(|&a, &b| weight(a).total_cmp(&weight(b)).then(b.cmp(&a)))?;
    // The top of the parabola through the lag and its neighbours.
    let (a, b, c) = (correlation[best - 1], correlation[best], correlation[best + 1]);
    let bend = a - 2.0 * b + c;
    let shift = if bend < 0.0 {
        (0.5 * (a - c) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    Some(60.0 * fps / (best as f64 + shift))
}

/// Frames of the beats around a period in frames.
fn beats(strength: &[f32], period: f64) -> Vec<usize> {
    let n = strength.len();
    let spread = deviation(strength);
    if !(2.0..=1e4).contains(&period) || spread <= 1e-9 {
        return Vec::new();
    }
    let local: Vec<f32> = strength.iter().map(|x| x / spread).collect();
    let (near, far) = (
        ((period / 2.0).round() as usize).max(1),
        (2.0 * period).round() as usize,
    );
    let cost: Vec<f32> = (0..=far)
        .map(|gap| TIGHTNESS * ((gap.max(1) as f64 / period).ln() as f32).powi(2))
        .collect();
    let (mut score, mut before) = (local.clone(), vec![usize::MAX; n]);
    for t in near..n {
        let from = t.saturating_sub(far);
        let best = (from..=t - near)
            .map(|s| (score[s] - cost[t - s], s))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        // A chain begins where no beat before it is worth its distance.
        if let Some((value, s)) = best.filter(|b| b.0 > 0.0) {
            score[t] += value;
            before[t] = s;
        }
    }
    let last = (n.saturating_sub(far.max(1))..n).max_by(|&a, &b| score[a].total_cmp(&score[b]));
    let mut beats = Vec::new();
    let mut at = last.unwrap_or(usize::MAX);
    while at != usize::MAX {
        beats.push(at);
        at = before[at];
    }
    beats.reverse();
    beats
}

fn deviation(values: &[f32]) -> f32 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    (values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt() as f32
}

fn interval_cv(beats: &[usize]) -> f32 {
    if beats.len() < 4 {
        return f32::NAN;
    }
    let gaps: Vec<f32> = beats.windows(2).map(|w| (w[1] - w[0]) as f32).collect();
    let mean = gaps.iter().sum::<f32>() / gaps.len() as f32;
    deviation(&gaps) / mean
}

fn offbeat_ratio(strength: &[f32], beats: &[usize]) -> f32 {
    if beats.len() < 2 {
        return f32::NAN;
    }
    let around = |frame: usize| {
        let range = frame.saturating_sub(1)..(frame + 2).min(strength.len());
        strength[range].iter().copied().fold(0.0f32, f32::max)
    };
    let on: f32 = beats[..beats.len() - 1].iter().map(|&b| around(b)).sum();
    let off: f32 = beats.windows(2).map(|w| around((w[0] + w[1]) / 2)).sum();
    if on > 0.0 { off / on } else { f32::NAN }
}

/// Number of onsets: peaks of the strength that stand out by 0.07 of its range, at least 30 ms apart (librosa's
/// `onset_detect` at this frame rate).
fn onsets(strength: &[f32]) -> usize {
    const DELTA: f32 = 0.07;
    let top = strength.iter().copied().fold(0.0f32, f32::max);
    if top <= 1e-6 {
        return 0;
    }
    let n = strength.len();
    let (mut count, mut last) = (0, None);
    for t in 0..n {
        let x = strength[t];
        let peak = t.checked_sub(1).is_none_or(|b| strength[b] < x) && strength.get(t + 1).is_none_or(|&y| y <= x);
        let window = &strength[t.saturating_sub(4)..(t + 5).min(n)];
        let mean = window.iter().sum::<f32>() / window.len() as f32;
        if peak && x >= mean + DELTA * top && last.is_none_or(|l| t > l + 1) {
            count += 1;
            last = Some(t);
        }
    }
    count
}

/// Onset strength of a log-mel spectrum (`log10` of power, `bands` a frame), in dB a frame.
pub(super) fn strength(log_mel: &[f32], bands: usize) -> Vec<f32> {
    onset::strength(log_mel, bands, 0..bands, 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FPS: f64 = 22_050.0 / 512.0;

    /// Bumps every `period` frames, with weaker ones between where `between` is above 0.
    fn train(period: f64, frames: usize, between: f32) -> Vec<f32> {
        let mut out = vec![0.0; frames];
        let mut put = |at: f64, height: f32| {
            let at = at.round() as usize;
            if at + 1 < frames {
                out[at] += height;
                out[at + 1] += 0.4 * height;
            }
        };
        for k in 0..(frames as f64 / period) as usize {
            put(k as f64 * period + 3.0, 1.0);
            put((k as f64 + 0.5) * period + 3.0, between);
        }
        out
    }

    #[test]
    fn a_pulse_train_has_its_tempo_beats_and_periodicity() {
        for bpm in [80.0, 100.0, 120.0, 150.0] {
            let period = 60.0 * FPS / bpm;
            let curve = train(period, 800, 0.0);
            let correlation = autocorrelation(&curve, MOST_LAG);
            let found = by_autocorrelation(&correlation, FPS).unwrap();
            assert!((found / bpm - 1.0).abs() < 0.03, "{bpm}: {found}");
            let beats = beats(&curve, period);
            assert!(
                (beats.len() as f64 - 800.0 / period).abs() < 2.5,
                "{} beats",
                beats.len()
            );
            assert!(interval_cv(&beats) < 0.06, "{}", interval_cv(&beats));
            assert!(past_the_main_lobe(&correlation) > 0.6);
            assert_eq!(onsets(&curve), (800.0 / period) as usize);
        }
    }

    #[test]
    fn the_length_tells_the_tempo_only_where_the_tracker_agrees() {
        assert_eq!(agreed(Some(99.3), Some(100.0)), Some(100.0));
        assert_eq!(agreed(Some(174.0), Some(87.1)), Some(87.1));
        assert_eq!(agreed(Some(84.0), Some(96.0)), Some(84.0));
        assert_eq!(
            (agreed(None, Some(96.0)), agreed(Some(84.0), None)),
            (Some(96.0), Some(84.0))
        );
        assert_eq!(agreed(None, None), None);
    }

    #[test]
    fn what_lies_between_beats_counts_against_them() {
        let period = 60.0 * FPS / 120.0;
        let at = |between: f32| {
            let curve = train(period, 800, between);
            offbeat_ratio(&curve, &beats(&curve, period))
        };
        assert!(
            (at(0.0) - 0.0).abs() < 0.05 && (at(0.5) - 0.5).abs() < 0.1,
            "{} {}",
            at(0.0),
            at(0.5)
        );
    }

    #[test]
    fn noise_is_not_regular_and_nothing_is_nothing() {
        let mut state = 7u64;
        let noise: Vec<f32> = (0..860)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1u32 << 24) as f32
            })
            .collect();
        assert!(past_the_main_lobe(&autocorrelation(&noise, MOST_LAG)) < 0.25);
        for curve in [&[][..], &[0.0][..], &[0.5; 300][..]] {
            assert!(autocorrelation(curve, MOST_LAG).is_empty());
            assert!(beats(curve, 20.0).is_empty() && interval_cv(&[]).is_nan());
            assert_eq!(onsets(&vec![0.0; curve.len()]), 0);
        }
    }
}

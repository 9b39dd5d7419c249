//! A loop in some thousand numbers, by aspect: rhythm, timbre, harmony.
//!
//! A loop runs round, and so do its onset curves: their Fourier series over the loop's length say when what is struck,
//! whatever the tempo. That makes three things exact which a grid of steps makes hard:
//!
//! * A loop that is played twice has the series of the loop on every other harmonic. Loops of 1, 2 and 4 bars are
//!   compared without knowing how many bars they have, and the ratio that fits best says how long their bars are to each
//!   other ([`compare`](super::neighbors::compare)).
//! * Swing and a pushed snare lie between steps; here they are phases.
//! * How exact is exact is one factor for each harmonic: a Gaussian of [`SPREAD`] seconds.
//!
//! Curves are of the percussive part (see [`crate::dsp::hpss`]), so that chords and basses on top of the drums change
//! little, in wide bands, each brought to unit length on its own, so that a louder snare or a duller kit changes little
//! too.

mod onsets;
mod timbre;

use std::f64::consts::TAU;

use crate::analysis::key::Pitches;
use crate::analysis::loop_file::LoopFile;
use crate::dsp::chroma::CLASSES;

/// Onset curves of a loop: four bands, and all together.
pub const CURVES: usize = onsets::BANDS + 1;
/// Harmonics kept of each, from the loop's own frequency up: sixteenths of eight bars.
pub const HARMONICS: usize = 128;
/// Numbers that tell the rhythm: real and imaginary part of each harmonic of each curve.
pub const RHYTHM: usize = CURVES * HARMONICS * 2;
/// Numbers that tell the timbre.
pub const TIMBRE: usize = timbre::DIMS;
/// Standard deviation in seconds within which two strokes count as together.
pub const SPREAD: f64 = 0.05;
/// Onset strength is compressed by this power: ghost notes are part of the groove.
const COMPRESSION: f32 = 0.6;
/// A curve with less than this share of the energy of the strongest is silence.
const SILENT: f64 = 1e-5;
/// Below this tonalness there is no harmony to compare: drums ring too.
const TONAL: f64 = 0.25;

/// A loop's description. Its vectors have the same lengths for every loop.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// Length of the loop in seconds.
    pub seconds: f64,
    /// Rhythm: [`RHYTHM`] numbers, curve by curve, harmonic by harmonic, real and imaginary part. Each curve is of unit
    /// length, or all zeros where nothing is struck in its band. Empty for [`Profile::default`].
    pub rhythm: Vec<f32>,
    /// Timbre: [`TIMBRE`] levels in dB, the mean of each band relative to all, then its standard deviation over time.
    pub timbre: Vec<f32>,
    /// Harmony: 12 pitch classes from C, of mean 0 and unit length; empty where nothing is pitched.
    pub harmony: Vec<f32>,
}

impl Profile {
    /// The profile of `mono`, at [`super::RATE`], which is taken to run round.
    ///
    /// Silence has a rhythm of zeros and no harmony.
    pub fn of(mono: &[f32], file: &LoopFile) -> Self {
        let rate = f64::from(super::RATE);
        let seconds = if file.seconds > 0.0 {
            file.seconds
        } else {
            mono.len() as f64 / rate
        };
        let front = onsets::Front::of(mono);
        Self {
            seconds,
            rhythm: series(&front.curves(), seconds),
            timbre: timbre::of(&front),
            harmony: harmony(mono, rate),
        }
    }

    /// True where nothing is struck.
    pub fn is_still(&self) -> bool {
        self.rhythm.iter().all(|x| *x == 0.0)
    }
}

/// The Fourier series of curves that run round in `seconds`, smoothed, each of unit length.
fn series(curves: &[Vec<f32>; CURVES], seconds: f64) -> Vec<f32> {
    let raw: Vec<Vec<[f64; 2]>> = curves.iter().map(|curve| smoothed(curve, seconds)).collect();
    let energies: Vec<f64> = raw
        .iter()
        .map(|s| s.iter().map(|[re, im]| re * re + im * im).sum())
        .collect();
    let floor = energies.iter().copied().fold(0.0, f64::max) * SILENT;
    let mut out = Vec::with_capacity(RHYTHM);
    for (curve, energy) in raw.iter().zip(&energies) {
        let gain = if *energy > floor { energy.sqrt().recip() } else { 0.0 };
        out.extend(curve.iter().flatten().map(|x| (x * gain) as f32));
    }
    out
}

/// The harmonics of one curve, from the first on.
fn smoothed(curve: &[f32], seconds: f64) -> Vec<[f64; 2]> {
    let n = curve.len();
    let compressed: Vec<f64> = curve.iter().map(|x| f64::from(x.powf(COMPRESSION))).collect();
    let turns: Vec<(f64, f64)> = (0..n).map(|t| (TAU * t as f64 / n as f64).sin_cos()).collect();
    (1..=HARMONICS)
        .map(|k| {
            let gain = (-0.5 * (TAU * k as f64 * SPREAD / seconds).powi(2)).exp();
            // What lies past half the frame rate is an image, and what the Gaussian leaves nothing of need not be summed.
            if 2 * k >= n || gain < 1e-6 {
                return [0.0; 2];
            }
            let (mut re, mut im, mut at) = (0.0, 0.0, 0);
            for x in &compressed {
                let (sin, cos) = turns[at];
                re += x * cos;
                im -= x * sin;
                at += k;
                if at >= n {
                    at -= n;
                }
            }
            [re * gain / n as f64, im * gain / n as f64]
        })
        .collect()
}

/// The pitch classes of what is pitched.
fn harmony(mono: &[f32], rate: f64) -> Vec<f32> {
    let pitches = Pitches::of(mono, rate);
    if pitches.tonalness < TONAL {
        return Vec::new();
    }
    let mean = pitches.chroma.iter().sum::<f64>() / CLASSES as f64;
    let length = pitches.chroma.iter().map(|x| (x - mean).powi(2)).sum::<f64>().sqrt();
    if length <= 1e-9 {
        return Vec::new();
    }
    pitches.chroma.iter().map(|x| ((x - mean) / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop of clicks of noise at `beats` of a bar of `bar` seconds, `bars` long.
    pub(crate) fn clicks(bar: f64, bars: usize, at: &[f64]) -> Vec<f32> {
        let rate = f64::from(super::super::RATE);
        let n = (bar * bars as f64 * rate).round() as usize;
        let mut out = vec![0.0f32; n];
        for b in 0..bars {
            for (i, beat) in at.iter().enumerate() {
                let start = ((b as f64 + beat) * bar * rate).round() as usize;
                let mut state = 1u32 + i as u32 % 2;
                for t in 0..1500 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                    out[(start + t) % n] += noise * (-(t as f32) / 300.0).exp();
                }
            }
        }
        out
    }

    fn file(seconds: f64) -> LoopFile {
        LoopFile {
            kind: crate::analysis::loop_file::Kind::Loop,
            seconds,
            tempi: Vec::new(),
            key: None,
            drums: 1.0,
            contents: Default::default(),
        }
    }

    #[test]
    fn vectors_have_their_lengths_and_curves_unit_length() {
        let mono = clicks(2.0, 2, &[0.0, 0.25, 0.625]);
        let profile = Profile::of(&mono, &file(4.0));
        assert_eq!((profile.rhythm.len(), profile.timbre.len()), (RHYTHM, TIMBRE));
        assert!(profile.harmony.is_empty(), "clicks have no pitch");
        for curve in profile.rhythm.chunks(HARMONICS * 2) {
            let length: f32 = curve.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-4 || length == 0.0, "{length}");
        }
    }

    #[test]
    fn a_loop_of_two_equal_bars_has_even_harmonics_only() {
        let profile = Profile::of(&clicks(2.0, 2, &[0.0, 0.25, 0.625]), &file(4.0));
        let curve = &profile.rhythm[(CURVES - 1) * HARMONICS * 2..];
        let odd: f32 = curve.chunks(4).map(|h| h[0] * h[0] + h[1] * h[1]).sum();
        assert!(odd < 1e-3, "{odd}");
    }

    #[test]
    fn silence_is_still_and_so_is_nothing() {
        for mono in [vec![], vec![0.0; 10], vec![0.0; 44_100]] {
            let profile = Profile::of(&mono, &file(mono.len() as f64 / 22_050.0));
            assert!(profile.is_still() && profile.harmony.is_empty());
            assert!(profile.timbre.iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn a_chord_has_a_harmony() {
        let rate = f64::from(super::super::RATE);
        let mono: Vec<f32> = (0..44_100)
            .map(|t| {
                let tone = |hz: f64| (TAU * hz * t as f64 / rate).sin();
                ((tone(261.63) + tone(329.63) + tone(392.0)) * 0.2) as f32
            })
            .collect();
        let harmony = Profile::of(&mono, &file(2.0)).harmony;
        let mut order: Vec<usize> = (0..CLASSES).collect();
        order.sort_by(|a, b| harmony[*b].total_cmp(&harmony[*a]));
        order.truncate(3);
        order.sort_unstable();
        assert_eq!(order, [0, 4, 7]);
    }
}

//! What the beat network is given: how loud each band is, on a logarithmic scale.
//!
//! # Definition
//!
//! From mono at 22.05 kHz, less its mean, scaled so that the 95th percentile of the RMS of its blocks of 0.2 s is 0.1:
//!
//! * **mel**: magnitudes of a 1024-point spectrum (periodic Hann window) every 440 samples, frame `n` centred on sample
//!   `440 n`, zeros outside the signal; divided by the window's sum (512); summed in 64 triangles from 30 to 10 500 Hz
//!   whose edges are equidistant on Slaney's mel scale and whose peaks are 1; then `ln(1 + 1000 m)`. 50.11 frames a
//!   second: every second frame of the onset front end, whose spectra they are.
//! * **pitch**: the same of a 4096-point spectrum (186 ms, bins of 5.4 Hz) every 880 samples, frame `k` centred on sample
//!   `880 k`, in 48 triangles on a logarithmic frequency axis, one a semitone from A1 (55 Hz) to G♯5 (831 Hz), each falling
//!   to zero a semitone to either side, and at the bottom, where bins are wider than that, a bin to either side: so that
//!   each band interpolates between bins and none is empty. The signal is decimated by four first ([`halve`] twice, flat up
//!   to 2.2 kHz), which makes it a 1024-point spectrum every 220 samples.
//!
//! A full-scale sine on the centre of a band thus reads ½ before the logarithm. Training and tracking run this very code.

use realfft::RealFftPlanner;

use super::constants::{HOP, N_FFT, RATE, SILENCE_RMS};
use super::onset::{dot, level, ln_1p, load, magnitudes, quantile};
use crate::audio::resample::halve;
use crate::dsp::mel::{hz_to_mel, mel_to_hz};
use crate::dsp::stft::hann;
use crate::vectorized;

/// Mel bands a frame.
pub const MEL_BANDS: usize = 64;
/// Semitone bands a pitch frame.
pub const PITCH_BANDS: usize = 48;
/// Onset frames a frame of the network's.
pub(crate) const STRIDE: usize = 2;
/// Samples at 22.05 kHz from frame to frame.
pub const FRAME_HOP: usize = STRIDE * HOP;
/// Mel frames a second (50.11).
pub const FRAME_RATE: f64 = RATE / FRAME_HOP as f64;

/// Lowest and highest edge of the mel bands in Hz.
const MEL_RANGE: (f64, f64) = (30.0, 10_500.0);
/// Centre of the lowest semitone band in Hz.
const LOWEST_PITCH: f64 = 55.0;
/// Decimation before the pitch spectra.
const DECIMATION: usize = 4;
/// Block of the level measure in samples (0.2 s).
const LEVEL_BLOCK: usize = 4410;
/// Quantile of the blocks' levels that is brought to [`LEVEL`].
const LEVEL_QUANTILE: f64 = 0.95;
/// RMS of a loud block.
const LEVEL: f64 = 0.1;
/// `x` in `ln(1 + x m)`.
const COMPRESSION: f64 = 1000.0;

/// The network's input for one track.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Log-mel frames, [`MEL_BANDS`] values each.
    pub mel: Vec<f32>,
    /// Log-pitch frames, [`PITCH_BANDS`] values each; frame `k` is centred where mel frame `2 k` is.
    pub pitch: Vec<f32>,
}

impl Input {
    /// Computes the input of `mono` at 22.05 kHz; `None` where it is silent. Samples that are not finite count as zero.
    ///
    /// The tracker does not call this: it takes the mel part from the spectra that it makes anyway, with the same result
    /// to the bit.
    pub fn of(mono: &[f32]) -> Option<Self> {
        let (mean, rms) = level(mono);
        if !(rms.is_finite() && rms >= SILENCE_RMS) {
            return None;
        }
        // The gain of the onset front end, so that both round alike.
        let (mean, gain) = (mean as f32, super::onset::gain(rms));
        let mut tap = MelTap::new(mono, mean)?;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(N_FFT);
        let window = hann(N_FFT);
        let (mut frame, mut spectrum, mut scratch) =
            (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        let mut mags = vec![0.0f32; N_FFT / 2 + 1];
        for n in 0..1 + mono.len() / FRAME_HOP {
            vectorized!(load(&mut frame, &window, mono, (n * FRAME_HOP) as isize, mean, gain));
            // The buffers come from the plan, so their lengths fit and the transform cannot fail.
            let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
            vectorized!(magnitudes(&spectrum, &mut mags));
            tap.push(&mags, gain);
        }
        Some(tap.finish(mono))
    }

    /// Mel frames: one every 440 samples, `1 + samples / 440`.
    pub fn frames(&self) -> usize {
        self.mel.len() / MEL_BANDS
    }

    /// Pitch frames: half as many, rounded up.
    pub fn pitch_frames(&self) -> usize {
        self.pitch.len() / PITCH_BANDS
    }
}

/// Makes mel frames of spectra that pass by.
pub(crate) struct MelTap {
    bank: Bank,
    mean: f32,
    gain: f32,
    mel: Vec<f32>,
}

impl MelTap {
    /// For `mono`, whose mean is `mean`; `None` where its loud blocks are silent.
    pub(crate) fn new(mono: &[f32], mean: f32) -> Option<Self> {
        Some(Self {
            bank: Bank::mel(RATE, N_FFT, MEL_BANDS, MEL_RANGE, window_sum(N_FFT)),
            mean,
            gain: loudness_gain(mono, mean)?,
            mel: Vec::with_capacity((1 + mono.len() / FRAME_HOP) * MEL_BANDS),
        })
    }

    /// Takes the magnitudes of the next frame, whose signal was scaled by `gain`.
    pub(crate) fn push(&mut self, magnitudes: &[f32], gain: f32) {
        let at = self.mel.len();
        self.mel.resize(at + MEL_BANDS, 0.0);
        self.bank.compress(magnitudes, self.gain / gain, &mut self.mel[at..]);
    }

    /// Adds the pitch frames of the same signal.
    pub(crate) fn finish(self, mono: &[f32]) -> Input {
        let pitch = pitch(mono, self.mean, self.gain);
        Input { mel: self.mel, pitch }
    }
}

/// Gain that brings the loud blocks to [`LEVEL`].
fn loudness_gain(mono: &[f32], mean: f32) -> Option<f32> {
    let whole = mono.len() / LEVEL_BLOCK * LEVEL_BLOCK;
    // A rest shorter than a block counts only where there is nothing else.
    let blocks = if whole > 0 { &mono[..whole] } else { mono };
    let levels: Vec<f32> = blocks
        .chunks(LEVEL_BLOCK)
        .map(|block| {
            let mut sums = [0.0f32; 8];
            vectorized!({
                for chunk in block.chunks(8) {
                    for (s, x) in sums.iter_mut().zip(chunk) {
                        let x = if x.is_finite() { *x - mean } else { 0.0 };
                        *s += x * x;
                    }
                }
            });
            (sums.iter().sum::<f32>() / block.len() as f32).sqrt()
        })
        .collect();
    let loud = f64::from(quantile(&levels, LEVEL_QUANTILE));
    (loud.is_finite() && loud >= SILENCE_RMS).then(|| (LEVEL / loud) as f32)
}

/// Log-pitch frames of `mono`.
fn pitch(mono: &[f32], mean: f32, gain: f32) -> Vec<f32> {
    let slow = if mono.iter().all(|x| x.is_finite()) {
        halve(&halve(mono))
    } else {
        let clean: Vec<f32> = mono.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
        halve(&halve(&clean))
    };
    let hop = STRIDE * FRAME_HOP / DECIMATION;
    let frames = 1 + mono.len() / (STRIDE * FRAME_HOP);
    let bank = Bank::semitones(RATE / DECIMATION as f64, N_FFT, PITCH_BANDS, LOWEST_PITCH);
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(N_FFT);
    let window = hann(N_FFT);
    let (mut frame, mut spectrum, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let mut mags = vec![0.0f32; N_FFT / 2 + 1];
    let bins = bank.reach().min(mags.len());
    let mut out = vec![0.0f32; frames * PITCH_BANDS];
    for (k, row) in out.chunks_exact_mut(PITCH_BANDS).enumerate() {
        vectorized!(load(&mut frame, &window, &slow, (k * hop) as isize, mean, gain));
        let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
        vectorized!(magnitudes(&spectrum[..bins], &mut mags[..bins]));
        bank.compress(&mags, 1.0, row);
    }
    out
}

/// Sum of a Hann window of `n` samples.
fn window_sum(n: usize) -> f64 {
    0.5 * n as f64
}

/// Triangles of peak 1 over the bins of a spectrum.
pub(crate) struct Bank {
    /// First bin of each band, and its weights.
    bands: Vec<(usize, Vec<f32>)>,
    /// The compression over the norm.
    scale: f32,
}

impl Bank {
    /// Bands with edges equidistant on Slaney's mel scale, of magnitudes that are to be divided by `norm`.
    pub(crate) fn mel(rate: f64, n_fft: usize, bands: usize, (low, high): (f64, f64), norm: f64) -> Self {
        let (from, to) = (hz_to_mel(low), hz_to_mel(high));
        let edge = |i: usize| mel_to_hz(from + (to - from) * i as f64 / (bands + 1) as f64);
        Self::new(rate, n_fft, bands, norm, |b, hz| {
            let (left, centre, right) = (edge(b), edge(b + 1), edge(b + 2));
            ((hz - left) / (centre - left)).min((right - hz) / (right - centre))
        })
    }

    /// Bands a semitone apart, the first centred on `lowest` Hz.
    fn semitones(rate: f64, n_fft: usize, bands: usize, lowest: f64) -> Self {
        let bin = rate / n_fft as f64;
        Self::new(rate, n_fft, bands, window_sum(n_fft), |b, hz| {
            let centre = lowest * 2f64.powf(b as f64 / 12.0);
            let width = (12.0 * (1.0 + bin / centre).log2()).max(1.0);
            1.0 - (12.0 * (hz / centre).log2()).abs() / width
        })
    }

    fn new(rate: f64, n_fft: usize, bands: usize, norm: f64, weight: impl Fn(usize, f64) -> f64) -> Self {
        let weight = |b: usize, k: usize| weight(b, k as f64 * rate / n_fft as f64).max(0.0) as f32;
        let bins = n_fft / 2 + 1;
        let bands = (0..bands)
            .map(|b| {
                let first = (0..bins).find(|&k| weight(b, k) > 0.0).unwrap_or(0);
                let weights = (first..bins).map(|k| weight(b, k)).take_while(|&w| w > 0.0).collect();
                (first, weights)
            })
            .collect();
        Self {
            bands,
            scale: (COMPRESSION / norm) as f32,
        }
    }

    /// One past the last bin with weight.
    fn reach(&self) -> usize {
        self.bands.iter().map(|(first, w)| first + w.len()).max().unwrap_or(0)
    }

    /// Logarithmic level of each band of the magnitudes of one spectrum, of a signal that is yet to be scaled by `gain`.
    pub(crate) fn compress(&self, magnitudes: &[f32], gain: f32, out: &mut [f32]) {
        let scale = self.scale * gain;
        vectorized!({
            for (o, (first, weights)) in out.iter_mut().zip(&self.bands) {
                *o = ln_1p(scale * dot(weights, &magnitudes[*first..]));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::rhythm::onset;
    use std::f64::consts::TAU;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut x = seed;
        (0..n)
            .map(|i| {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let swell = 0.2 + 0.1 * (i as f32 / 9_000.0).sin();
                swell * (x as f32 / u32::MAX as f32 - 0.45)
            })
            .collect()
    }

    /// Windowed DFT of the definition, magnitude over the window's sum, in double precision.
    fn magnitude(x: &[f64], centre: usize, n: usize, bin: usize) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for i in 0..n {
            let at = (centre + i).checked_sub(n / 2).and_then(|at| x.get(at)).copied();
            let w = 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos();
            let angle = TAU * ((i * bin) % n) as f64 / n as f64;
            re += at.unwrap_or(0.0) * w * angle.cos();
            im += at.unwrap_or(0.0) * w * angle.sin();
        }
        re.hypot(im) / (n as f64 / 2.0)
    }

    /// The signal as the definition wants it.
    fn levelled(x: &[f32]) -> Vec<f64> {
        let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / x.len() as f64;
        let mut levels: Vec<f64> = x
            .chunks_exact(4410)
            .map(|b| (b.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 4410.0).sqrt())
            .collect();
        levels.sort_by(f64::total_cmp);
        let loud = levels[((levels.len() - 1) as f64 * 0.95).round() as usize];
        x.iter().map(|&v| (f64::from(v) - mean) * 0.1 / loud).collect()
    }

    #[test]
    fn is_its_definition() {
        let x = noise(60_000, 5);
        let y = levelled(&x);
        let input = Input::of(&x).unwrap();
        assert_eq!(
            (input.frames(), input.pitch_frames()),
            (1 + 60_000 / 440, 1 + 60_000 / 880)
        );
        let mel = |hz: f64| hz_to_mel(hz);
        let step = (mel(10_500.0) - mel(30.0)) / 65.0;
        for n in [0, 1, 57, 136] {
            let bins: Vec<f64> = (0..513).map(|k| magnitude(&y, 440 * n, 1024, k)).collect();
            for b in [0, 1, 20, 40, 63] {
                let hz = |i: usize| mel_to_hz(mel(30.0) + step * i as f64);
                let sum: f64 = bins
                    .iter()
                    .enumerate()
                    .map(|(k, m)| {
                        let f = k as f64 * 22_050.0 / 1024.0;
                        let (rise, fall) = (
                            (f - hz(b)) / (hz(b + 1) - hz(b)),
                            (hz(b + 2) - f) / (hz(b + 2) - hz(b + 1)),
                        );
                        m * rise.min(fall).max(0.0)
                    })
                    .sum();
                let (got, want) = (f64::from(input.mel[n * 64 + b]), (1000.0 * sum).ln_1p());
                // The polynomial logarithm is good to 1e-5.
                assert!((got - want).abs() < 3e-5, "frame {n}, mel band {b}: {got}, not {want}");
            }
        }
        for k in [1, 30, 60] {
            for b in [0, 7, 24, 47] {
                let centre = 55.0 * 2f64.powf(b as f64 / 12.0);
                let bin = 22_050.0 / 4096.0;
                let width = (12.0 * ((centre + bin) / centre).log2()).max(1.0);
                let sum: f64 = (1..200)
                    .map(|i| {
                        let weight = 1.0 - 12.0 * (i as f64 * bin / centre).log2().abs() / width;
                        if weight > 0.0 {
                            weight * magnitude(&y, 880 * k, 4096, i)
                        } else {
                            0.0
                        }
                    })
                    .sum();
                let (got, want) = (f64::from(input.pitch[k * 48 + b]), (1000.0 * sum).ln_1p());
                // The decimating filter ripples by less than 1e-4 and lets no alias through; a window of 4096 points at the
                // full rate and one of 1024 at a quarter of it are the same but for that.
                assert!(
                    (got - want).abs() < 1e-3,
                    "frame {k}, pitch band {b}: {got}, not {want}"
                );
            }
        }
    }

    #[test]
    fn the_tap_on_the_onset_spectra_gives_the_same_bits() {
        for n in [66_150, 66_151, 70_399, 70_400, 80_001] {
            let x = noise(n, n as u32);
            let (_, tapped) = onset::front(&x, true, &Silent).unwrap().unwrap();
            assert_eq!(tapped, Input::of(&x), "{n} samples");
        }
    }

    #[test]
    fn each_semitone_stands_out_in_its_band_and_a_sine_reads_half() {
        for b in 0..PITCH_BANDS {
            let hz = 55.0 * 2f64.powf(b as f64 / 12.0);
            let x: Vec<f32> = (0..44_100)
                .map(|i| (TAU * hz * f64::from(i) / RATE).sin() as f32)
                .collect();
            let input = Input::of(&x).unwrap();
            let row = &input.pitch[20 * PITCH_BANDS..21 * PITCH_BANDS];
            let top = (0..PITCH_BANDS).fold(0, |a, i| if row[i] > row[a] { i } else { a });
            // Below 90 Hz the window's main lobe is wider than a semitone, but still centred on the note.
            assert!(
                top.abs_diff(b) <= usize::from(hz < 90.0),
                "{hz} Hz: band {top}, not {b}"
            );
        }
        // Amplitude √2 · 0.1 over two; a triangle sees the three bins of the main lobe (½, 1, ½) near its peak.
        let x: Vec<f32> = (0..44_100)
            .map(|i| 0.3 * (TAU * 40.0 * f64::from(i) / 1024.0).sin() as f32)
            .collect();
        let row = &Input::of(&x).unwrap().mel[40 * MEL_BANDS..41 * MEL_BANDS];
        let peak = f64::from(row.iter().copied().fold(0.0, f32::max)).exp_m1() / 1000.0;
        let sine = 0.1 * std::f64::consts::FRAC_1_SQRT_2;
        assert!(peak > 0.9 * sine && peak < 2.0 * sine, "{peak} for {sine}");
    }

    #[test]
    fn level_does_not_matter_and_silence_gives_nothing() {
        let x = noise(50_000, 3);
        let (a, b) = (
            Input::of(&x).unwrap(),
            Input::of(&x.iter().map(|v| 0.01 * v).collect::<Vec<_>>()).unwrap(),
        );
        for (a, b) in a.mel.iter().chain(&a.pitch).zip(b.mel.iter().chain(&b.pitch)) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
        for quiet in [vec![], vec![0.0; 30_000], vec![0.7; 30_000], vec![1e-7; 100]] {
            assert_eq!(Input::of(&quiet), None);
        }
        // One click in silence: nineteen blocks in twenty are silent.
        let mut click = vec![0.0f32; 441_000];
        click[200_000] = 1.0;
        assert_eq!(Input::of(&click), None);
        let mut wild = noise(50_000, 3);
        (wild[7_000], wild[30_000]) = (f32::NAN, f32::INFINITY);
        let input = Input::of(&wild).unwrap();
        assert!(input.mel.iter().chain(&input.pitch).all(|v| v.is_finite()));
    }
}

//! The rhythm of a loop as a sequence of frames, for alignment.
//!
//! A frame every 512 samples at 22,050 Hz (23 ms) holds four numbers, standardised over the recording (zero mean, unit
//! population deviation):
//!
//! | row | is |
//! |---|---|
//! | 0 | onset strength, as `librosa.onset.onset_strength` (128 mel bands in dB) |
//! | 1 | its first difference (of the standardised row, not standardised again) |
//! | 2 | mean magnitude of the short-time spectrum from 20 to 180 Hz |
//! | 3 | pulse: the tempogram's peak over the lags that are beats, a quarter of its standardised size |
//!
//! Row 3 departs from the Python pipeline, which takes the maximum over *all* lags of `librosa.feature.tempogram`. That is
//! normalised frame by frame by its own maximum, which lies at lag 0: the row was 1 everywhere and, standardised, 0. See
//! [`pulse`] for what stands there, and `docs/DECISIONS.md` for what it is worth.

use std::sync::OnceLock;

use crate::dsp::mel::MelBank;
use crate::dsp::onset::{delayed, strength};
use crate::dsp::stft::{frame_count, hann, power, stream};
use crate::dsp::{log, stft};
use crate::vectorized;

use super::RATE;

/// Numbers in a frame: onset strength, its first difference, the low band, the pulse.
pub const ROWS: usize = 4;
/// Samples from one frame to the next.
pub const HOP: usize = 512;
/// Samples in a window.
const N_FFT: usize = 2048;
const MELS: usize = 128;
/// Below this many samples (0.19 s) there is no rhythm to speak of.
pub const SHORTEST: usize = 4096;
/// Edges of the low band in Hz.
const LOW: (f64, f64) = (20.0, 180.0);
/// What librosa's `power_to_db` takes for silence.
const AMIN: f32 = 1e-10;
/// Weight of the pulse among the rows. At full size it outweighs what happens on each beat: it moves slowly, and alike in loops
/// of one length.
const PULSE: f32 = 0.25;
/// Added to deviations before dividing by them.
const EPSILON: f64 = 1e-8;

/// How much of a recording is listened to, and how finely it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Seconds from its start.
    pub max_seconds: f64,
    /// More frames than this are thinned out to as many, evenly.
    pub max_frames: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            max_seconds: 20.0,
            max_frames: 600,
        }
    }
}

/// A sequence of frames.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequence {
    /// The frames in order of time.
    pub frames: Vec<[f32; ROWS]>,
    /// Seconds from one frame to the next.
    pub step: f64,
}

impl Sequence {
    /// The sequence of `mono`, at [`super::RATE`], to the default [`Extent`].
    pub fn of(mono: &[f32]) -> Self {
        Self::within(mono, Extent::default())
    }

    /// The sequence of the part of `mono` that `extent` names. Empty below [`SHORTEST`] samples.
    pub fn within(mono: &[f32], extent: Extent) -> Self {
        let most = (extent.max_seconds.max(0.0) * f64::from(RATE)) as usize;
        let mono = &mono[..mono.len().min(most)];
        if mono.len() < SHORTEST || extent.max_frames == 0 {
            return Self::default();
        }
        let Curves { mut onset, mut low } = Curves::of(mono);
        standardise(&mut onset);
        standardise(&mut low);
        let mut pulse = pulse(&onset);
        standardise(&mut pulse);
        pulse.iter_mut().for_each(|x| *x *= PULSE);
        let before = |t: usize| onset[t.saturating_sub(1)];
        let frame = |t: usize| [onset[t], onset[t] - before(t), low[t], pulse[t]];
        let step = HOP as f64 / f64::from(RATE);
        let total = onset.len();
        if total <= extent.max_frames {
            return Self {
                frames: (0..total).map(frame).collect(),
                step,
            };
        }
        // As `numpy.linspace(0, total - 1, max_frames).astype(int)`.
        let stride = (total - 1) as f64 / (extent.max_frames - 1).max(1) as f64;
        let last = extent.max_frames - 1;
        let at = |i: usize| {
            if i == last && i > 0 {
                total - 1
            } else {
                (i as f64 * stride) as usize
            }
        };
        Self {
            frames: (0..extent.max_frames).map(|i| frame(at(i))).collect(),
            step: step * stride,
        }
    }

    /// True where there was too little to hear.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// What is heard frame by frame, before it is standardised.
struct Curves {
    onset: Vec<f32>,
    low: Vec<f32>,
}

impl Curves {
    fn of(mono: &[f32]) -> Self {
        static BANK: OnceLock<MelBank> = OnceLock::new();
        let rate = f64::from(RATE);
        let bank = BANK.get_or_init(|| MelBank::new(rate, N_FFT, MELS, 0.0, rate / 2.0));
        let bin = |hz: f64| hz * N_FFT as f64 / rate;
        let low_bins = bin(LOW.0).ceil() as usize..bin(LOW.1).floor() as usize + 1;
        let frames = frame_count(mono.len(), HOP);
        let mut spectrum = vec![0.0; bank.bins()];
        let mut magnitude = vec![0.0; low_bins.len()];
        let mut mel = vec![0.0; frames * MELS];
        let mut low = vec![0.0; frames];
        stream(mono, N_FFT, HOP, |t, z| {
            power(z, &mut spectrum);
            stft::magnitude(&spectrum[low_bins.clone()], &mut magnitude);
            low[t] = magnitude.iter().sum::<f32>() / magnitude.len() as f32;
            bank.apply(&spectrum, &mut mel[t * MELS..(t + 1) * MELS]);
        });
        mel.iter_mut().for_each(|x| *x = x.max(AMIN));
        log::log10(&mut mel);
        let onset = delayed(&strength(&mel, MELS, 0..MELS, 10.0), N_FFT / (2 * HOP));
        Self { onset, low }
    }
}

/// Brings a row to zero mean and unit population deviation; a row that does not move to zeros.
fn standardise(row: &mut [f32]) {
    let n = row.len().max(1) as f64;
    let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
    let gain = 1.0 / (variance.sqrt() + EPSILON);
    row.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) * gain) as f32);
}

/// Frames in the window of the tempogram, librosa's `win_length`: 8.9 s.
const WINDOW: usize = 384;
/// Lags that are beats: from 0.25 to 1 s, 240 to 60 BPM.
const LAGS: std::ops::RangeInclusive<usize> = 11..=43;

/// How strong the pulse is around each frame: the largest autocorrelation of the windowed onset strength over the lags that
/// are beats, not normalised. This is `librosa.feature.tempogram(onset_envelope, norm=None)` (384 frames under a Hann
/// window, centred, the ends ramped down to 0), its maximum over those lags.
pub fn pulse(onset: &[f32]) -> Vec<f32> {
    let half = WINDOW / 2;
    let window = hann(WINDOW);
    let mut padded = vec![0.0; onset.len() + WINDOW];
    padded[half..half + onset.len()].copy_from_slice(onset);
    let (first, last) = (
        onset.first().copied().unwrap_or(0.0),
        onset.last().copied().unwrap_or(0.0),
    );
    for i in 0..half {
        let rise = i as f32 / half as f32;
        padded[i] = first * rise;
        padded[half + onset.len() + i] = last * (1.0 - (i + 1) as f32 / half as f32);
    }
    let mut seen = vec![0.0; WINDOW];
    let mut correlate = |at: usize| {
        let mut best = f32::MIN;
        let frame = &padded[at..at + WINDOW];
        vectorized!({
            for ((s, x), w) in seen.iter_mut().zip(frame).zip(&window) {
                *s = x * w;
            }
            for lag in LAGS {
                best = best.max(dot(&seen[lag..], &seen[..WINDOW - lag]));
            }
        });
        best
    };
    (0..onset.len()).map(&mut correlate).collect()
}

/// The scalar product, in sixteen sums side by side.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (a, b) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.0.iter().zip(b.0) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let tail: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + tail
}

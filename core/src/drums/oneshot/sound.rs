//! A one-shot, prepared for measuring: from its attack on, at one rate, at one level, with its spectra.

use std::ops::Range;

use crate::dsp::mel::MelBank;
use crate::dsp::stft::{Stft, hann, power};
use realfft::RealFftPlanner;

/// Sample rate in Hz at which sounds are measured.
pub const RATE: u32 = 44_100;
/// Longest part that is measured, in samples (1.5 s).
pub const LONGEST: usize = 66_150;
/// Window and hop of the spectrogram, in samples (23.2 and 5.8 ms).
const WINDOW: usize = 1024;
const HOP: usize = 256;
/// Bands of the mel spectrogram, 40 Hz to 16 kHz.
pub const MELS: usize = 20;
/// Window of the two close looks, in samples (93 ms), and the length of their spectra.
const LOOK: usize = 4096;
/// Samples of a step of the envelope (1 ms).
const STEP: usize = 44;
/// The attack is where the envelope first comes within this factor of its peak (26 dB).
const ATTACK: f64 = 0.05;
/// Steps that are kept in front of the attack.
const LEAD: usize = 1;
/// What counts as silence: power of a full-scale square wave times this (120 dB below).
const SILENCE: f64 = 1e-12;
/// Powers are floored at this share of the greatest.
const FLOOR: f32 = 1e-8;

/// Edges in Hz of the bands whose envelopes are followed.
pub const BAND_EDGES: [f32; 7] = [30.0, 120.0, 400.0, 1500.0, 5000.0, 9000.0, 18_000.0];
/// Number of those bands.
pub const BANDS: usize = BAND_EDGES.len() - 1;

/// A sound, ready to be measured. Everything in it is independent of the sound's level.
#[derive(Debug, Clone)]
pub struct Sound {
    /// Samples from just before the attack on, the greatest at ±1; empty for silence.
    pub samples: Vec<f32>,
    /// RMS of each millisecond, relative to the greatest; at least one.
    pub envelope: Vec<f32>,
    /// Mel power of each frame, floored 80 dB below the greatest of all, in dB below it (0 to -80).
    pub mel_db: Vec<[f32; MELS]>,
    /// The same, linear: shares of the greatest.
    pub mel: Vec<[f32; MELS]>,
    /// Power of each frame in [`BAND_EDGES`]' bands.
    pub bands: Vec<[f32; BANDS]>,
    /// Power spectrum of each frame.
    spectra: Vec<Vec<f32>>,
    /// Power spectra of 0 to 93 ms, fading out, and of 80 to 173 ms.
    pub looks: [Vec<f32>; 2],
}

impl Sound {
    /// Prepares `samples`, mono at [`RATE`]. What is not finite counts as zero.
    pub fn of(samples: &[f32]) -> Self {
        let samples = from_attack(samples);
        let envelope = {
            let mut rms: Vec<f32> = (0..samples.len().div_ceil(STEP))
                .map(|i| step_power(&samples, i).sqrt() as f32)
                .collect();
            let top = rms.iter().copied().fold(0.0, f32::max);
            if top > 0.0 {
                rms.iter_mut().for_each(|x| *x /= top);
            }
            if rms.is_empty() {
                rms.push(0.0);
            }
            rms
        };
        let mut stft = Stft::new(WINDOW, HOP);
        let bank = MelBank::new(f64::from(RATE), WINDOW, MELS, 40.0, 16_000.0);
        let frames = samples.len() / HOP + 1;
        let mut spectra = Vec::with_capacity(frames);
        let mut mel = Vec::with_capacity(frames);
        let mut bands = Vec::with_capacity(frames);
        for t in 0..frames {
            let mut spectrum = vec![0.0; stft.bins()];
            power(stft.frame(&samples, t), &mut spectrum);
            let mut row = [0.0; MELS];
            bank.apply(&spectrum, &mut row);
            mel.push(row);
            bands.push(in_bands(&spectrum));
            spectra.push(spectrum);
        }
        let top = mel.iter().flatten().copied().fold(0.0, f32::max);
        let gain = if top > 0.0 { 1.0 / top } else { 0.0 };
        mel.iter_mut().flatten().for_each(|p| *p = (*p * gain).max(FLOOR));
        let mel_db = mel.iter().map(|row| row.map(db)).collect();
        let looks = [look(&samples, 0, true), look(&samples, 80 * STEP, false)];
        Self {
            samples,
            envelope,
            mel_db,
            mel,
            bands,
            spectra,
            looks,
        }
    }

    /// Whether nothing can be heard.
    pub fn is_silent(&self) -> bool {
        self.samples.is_empty()
    }

    /// Frames whose centres lie in these milliseconds; none past the end of the sound.
    pub fn frames(&self, ms: Range<u32>) -> Range<usize> {
        let frame = |ms: u32| ((ms * RATE) as usize).div_ceil(1000 * HOP).min(self.mel.len());
        frame(ms.start)..frame(ms.end)
    }

    /// Mean power spectrum of the frames in these milliseconds: bins of 43.07 Hz. Zeros where there are none.
    pub fn spectrum(&self, ms: Range<u32>) -> Vec<f32> {
        let rows = &self.spectra[self.frames(ms)];
        let mut mean = vec![0.0f32; WINDOW / 2 + 1];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(m, p)| *m += p);
        }
        let share = 1.0 / rows.len().max(1) as f32;
        mean.iter_mut().for_each(|m| *m *= share);
        mean
    }
}

/// Power in dB, not below -100 relative to 1.
pub fn db(power: f32) -> f32 {
    10.0 * power.max(1e-10).log10()
}

/// Width of a bin of [`Sound::spectrum`] in Hz.
pub const BIN: f32 = RATE as f32 / WINDOW as f32;
/// Width of a bin of [`Sound::looks`] in Hz.
pub const LOOK_BIN: f32 = RATE as f32 / LOOK as f32;
/// Seconds between frames.
pub const FRAME: f32 = HOP as f32 / RATE as f32;

/// Mean power of millisecond `i`.
fn step_power(samples: &[f32], i: usize) -> f64 {
    let part = &samples[(i * STEP).min(samples.len())..((i + 1) * STEP).min(samples.len())];
    part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / part.len().max(1) as f64
}

/// Cuts what stands before the attack and after [`LONGEST`], and brings the peak to 1. Nothing of silence remains.
fn from_attack(samples: &[f32]) -> Vec<f32> {
    let clean: Vec<f32> = samples.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
    let powers: Vec<f64> = (0..clean.len().div_ceil(STEP)).map(|i| step_power(&clean, i)).collect();
    let top = powers.iter().copied().fold(0.0, f64::max);
    if top < SILENCE {
        return Vec::new();
    }
    let attack = powers.iter().position(|p| *p >= top * ATTACK * ATTACK).unwrap_or(0);
    // Where the file begins with its attack, the lead is silence, so that all sounds stand alike.
    let missing = LEAD.saturating_sub(attack) * STEP;
    let start = attack.saturating_sub(LEAD) * STEP;
    let mut cut = vec![0.0; missing];
    cut.extend_from_slice(&clean[start..clean.len().min(start + LONGEST - missing)]);
    let peak = cut.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    if peak > 0.0 {
        cut.iter_mut().for_each(|x| *x /= peak);
    }
    cut
}

/// Sums of a spectrum in the bands.
fn in_bands(spectrum: &[f32]) -> [f32; BANDS] {
    std::array::from_fn(|b| {
        let bin = |hz: f32| ((hz / BIN).round() as usize).min(spectrum.len());
        spectrum[bin(BAND_EDGES[b])..bin(BAND_EDGES[b + 1])].iter().sum()
    })
}

/// Power spectrum of [`LOOK`] samples from `start`: under a falling half of a Hann window, or under a whole one.
fn look(samples: &[f32], start: usize, falling: bool) -> Vec<f32> {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(LOOK);
    let mut frame = fft.make_input_vec();
    let mut spectrum = fft.make_output_vec();
    let window = if falling {
        hann(2 * LOOK).split_off(LOOK)
    } else {
        hann(LOOK)
    };
    let part = &samples[start.min(samples.len())..];
    for ((f, x), w) in frame.iter_mut().zip(part).zip(&window) {
        *f = x * w;
    }
    if fft.process(&mut frame, &mut spectrum).is_err() {
        // The buffers come from the plan itself, so their lengths fit and this does not happen.
        return vec![0.0; LOOK / 2 + 1];
    }
    let mut out = vec![0.0; spectrum.len()];
    power(&spectrum, &mut out);
    out
}

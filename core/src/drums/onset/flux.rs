//! The front end: onset strength from streamed spectra, and on demand a log-mel spectrum from the same transform.

use super::bands::Bank;
use super::{HOP, N_FFT, RATE};
use crate::dsp::log::log10;
use crate::dsp::mel::MelBank;
use crate::dsp::stft::{Stft, frame_count, magnitude, power};
use crate::progress::{Cancelled, Progress};
use crate::vectorized;

const BANDS_PER_OCTAVE: f64 = 24.0;
const LOW_HZ: f64 = 30.0;
const HIGH_HZ: f64 = 17_000.0;
/// Weight of a magnitude in `log10(1 + WEIGHT * magnitude)`, where the track's peak is 1.
const WEIGHT: f32 = 3.0;
/// Frames between the spectra that are compared.
const LAG: usize = 2;
/// Groups of bands in which the flux is also given on its own.
pub(crate) const PARTS: usize = 5;
/// Frequencies in Hz between the groups.
const PART_EDGES: [f64; PARTS - 1] = [120.0, 400.0, 1500.0, 5000.0];
/// Frames this far below the loudest in dB are taken for silence.
const SOUND_DB: f32 = -60.0;
/// Power to which spectra are raised, in units of a sine that reaches the track's peak.
const FLOOR: f32 = 1e-12;
const POLL: usize = 2048;

/// Curves at a value every [`HOP`] samples: value `n` belongs to the frame centred on sample `n * HOP`.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    /// Onset strength; the mean over frames with sound is 1.
    pub(crate) strength: Vec<f32>,
    /// Its parts by group of bands; their sum is the strength.
    pub(crate) parts: Vec<[f32; PARTS]>,
    /// Level in dB of a sine that reaches the track's peak.
    pub(crate) level: Vec<f32>,
    /// Log-mel spectrum in dB on the same scale, a row a frame; empty where none was asked for.
    pub(crate) mel: Vec<f32>,
}

impl Front {
    /// Transforms `mono` at [`RATE`], whose peak `gain` brings to 1, with a log-mel spectrum on the bands of `mel`.
    pub(crate) fn of(
        mono: &[f32],
        gain: f32,
        mel: Option<&MelBank>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let bank = Bank::logarithmic(f64::from(RATE), N_FFT, BANDS_PER_OCTAVE, LOW_HZ, HIGH_HZ);
        let mel = mel.map(Bank::mel);
        let mels = mel.as_ref().map_or(0, Bank::len);
        let n = bank.len();
        let mut edges = [n; PARTS];
        for (edge, hz) in edges.iter_mut().zip(PART_EDGES) {
            *edge = bank.centres.iter().take_while(|c| **c < hz).count();
        }
        let frames = frame_count(mono.len(), HOP);
        let mut stft = Stft::new(N_FFT, HOP);
        let (mut squares, mut magnitudes) = (vec![0.0; stft.bins()], vec![0.0; stft.bins()]);
        // The newest log spectrum, a place wider at either side, and the last ones after the maximum filter. What was
        // before the first frame is silence.
        let mut row = vec![0.0f32; n + 2];
        let mut before = vec![vec![0.0f32; n]; LAG];
        let mut out = Self {
            strength: vec![0.0; frames],
            parts: vec![[0.0; PARTS]; frames],
            level: vec![0.0; frames],
            mel: vec![0.0; frames * mels],
        };
        // From the power of a bin to that of a sine, in units of a sine that reaches the track's peak.
        let unit = (gain * 4.0 / N_FFT as f32).powi(2);
        let (weight, mel_unit) = (WEIGHT * gain, 100.0 * unit);
        for t in 0..frames {
            if t % POLL == 0 {
                progress.check()?;
            }
            let spectrum = stft.frame(mono, t);
            power(spectrum, &mut squares);
            magnitude(&squares, &mut magnitudes);
            let old = &mut before[t % LAG];
            vectorized!({
                bank.apply(&magnitudes, &mut row[1..=n]);
                for x in &mut row[1..=n] {
                    *x = 1.0 + weight * *x;
                }
                out.level[t] = FLOOR + unit * sum(&squares);
            });
            log10(&mut row[1..=n]);
            let mut from = 0;
            vectorized!({
                for (part, to) in out.parts[t].iter_mut().zip(edges) {
                    *part = rise(&old[from..to], &row[1 + from..1 + to]);
                    from = to;
                }
                // Neighbours beyond the ends are 0, less than any value: 0 is the logarithm of silence.
                for (b, old) in old.iter_mut().enumerate() {
                    *old = max(max(row[b], row[b + 1]), row[b + 2]);
                }
            });
            out.strength[t] = out.parts[t].iter().sum();
            if let Some(mel) = &mel {
                let row = &mut out.mel[t * mels..(t + 1) * mels];
                vectorized!({
                    mel.apply(&squares, row);
                    for x in row.iter_mut() {
                        *x = FLOOR + mel_unit * *x;
                    }
                });
            }
        }
        let decibels = |values: &mut [f32]| {
            for block in values.chunks_mut(1 << 16) {
                log10(block);
                block.iter_mut().for_each(|x| *x *= 10.0);
            }
        };
        decibels(&mut out.level);
        decibels(&mut out.mel);
        out.normalise();
        Ok(out)
    }

    /// Divides the strength by its mean over the frames with sound.
    fn normalise(&mut self) {
        let loudest = self.level.iter().fold(f32::MIN, |a, x| a.max(*x));
        let (mut sum, mut count) = (0.0f64, 0usize);
        for (s, level) in self.strength.iter().zip(&self.level) {
            if *level > loudest + SOUND_DB {
                sum += f64::from(*s);
                count += 1;
            }
        }
        let scale = if sum > 0.0 { (count as f64 / sum) as f32 } else { 0.0 };
        self.strength.iter_mut().for_each(|x| *x *= scale);
        self.parts.iter_mut().flatten().for_each(|x| *x *= scale);
    }
}

#[inline(always)]
fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Sum, in eight lanes.
#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let chunks = x.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for c in chunks {
        for (l, v) in lanes.iter_mut().zip(c) {
            *l += v;
        }
    }
    rest + lanes.iter().sum::<f32>()
}

/// Sum of the rises from `old` to `new`, in eight lanes.
#[inline(always)]
fn rise(old: &[f32], new: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a, b) = (old.chunks_exact(8), new.chunks_exact(8));
    let rest: f32 = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .map(|(a, b)| max(b - a, 0.0))
        .sum();
    for (a, b) in a.zip(b) {
        for i in 0..8 {
            lanes[i] += max(b[i] - a[i], 0.0);
        }
    }
    rest + lanes.iter().sum::<f32>()
}

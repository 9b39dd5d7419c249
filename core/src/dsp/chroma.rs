//! Chroma: the energy of each pitch class, whatever its octave, as `librosa.filters.chroma` and `feature.chroma_stft`.
//!
//! Each bin counts towards the pitch classes near its own by a Gaussian of the distance in bins, so that low notes, which
//! lie closer together than bins do, smear over their neighbours instead of going wrong. Octaves count most round 880 Hz
//! (`ctroct` 5 above A0 = 27.5 Hz) and less by a Gaussian of two octaves.
//!
//! Class 0 is C. Tuning is the distance of the recording's A from 440 Hz, in semitones from −0.5 to 0.5.
//!
//! Source: D. Ellis, "Chroma feature analysis and synthesis", 2007; librosa's port of it.

/// Number of pitch classes.
pub const CLASSES: usize = 12;

/// A0 in Hz, the octave scale's zero.
const A0: f64 = 27.5;
/// Octave, above A0, that counts most.
const CENTRE_OCTAVE: f64 = 5.0;
/// Its width in octaves.
const OCTAVE_WIDTH: f64 = 2.0;

/// Weights of each pitch class over the bins of a spectrum.
#[derive(Debug, Clone)]
pub struct ChromaBank {
    /// `CLASSES` weights a bin.
    weights: Vec<[f32; CLASSES]>,
}

impl ChromaBank {
    /// Weights for spectra of `n_fft` samples at `rate` Hz of music tuned `tuning` semitones above A = 440 Hz.
    pub fn new(rate: f64, n_fft: usize, tuning: f64) -> Self {
        let classes = CLASSES as f64;
        let a0 = A0 * (tuning / classes).exp2();
        // Pitch of each bin in semitones above A0, through all bins below the sampling rate; a bin's width in semitones is
        // the distance to the next. Bin 0 has no pitch: librosa puts it one and a half octaves below bin 1.
        let pitch = |k: usize| {
            let above = classes * (k.max(1) as f64 * rate / n_fft as f64 / a0).log2();
            if k == 0 { above - 1.5 * classes } else { above }
        };
        let weights = (0..n_fft / 2 + 1)
            .map(|k| {
                let here = pitch(k);
                let width = if k + 1 < n_fft {
                    (pitch(k + 1) - here).max(1.0)
                } else {
                    1.0
                };
                let class: [f64; CLASSES] = std::array::from_fn(|c| {
                    // Distance on the circle, −6 to 6 semitones. Pitches count from A, classes from C, three above.
                    let d = (here - ((c + CLASSES - 9) % CLASSES) as f64 + classes / 2.0).rem_euclid(classes)
                        - classes / 2.0;
                    (-0.5 * (2.0 * d / width).powi(2)).exp()
                });
                let norm = class.iter().map(|w| w * w).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
                let octave = (here / classes - CENTRE_OCTAVE) / OCTAVE_WIDTH;
                let gain = (-0.5 * octave * octave).exp() / norm;
                class.map(|w| (w * gain) as f32)
            })
            .collect();
        Self { weights }
    }

    /// Weights of the twelve classes at bin `k`; zeros past the last.
    pub fn weights(&self, k: usize) -> [f32; CLASSES] {
        self.weights.get(k).copied().unwrap_or_default()
    }

    /// Chroma of one power spectrum, not normalised.
    pub fn apply(&self, power: &[f32]) -> [f32; CLASSES] {
        let mut out = [0.0; CLASSES];
        for (p, weights) in power.iter().zip(&self.weights) {
            for (out, w) in out.iter_mut().zip(weights) {
                *out += p * w;
            }
        }
        out
    }
}

/// Scales `chroma` so that its largest value is 1 (librosa's norm); leaves silence as it is.
pub fn normalise(chroma: &mut [f32; CLASSES]) {
    let peak = chroma.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    if peak > f32::MIN_POSITIVE {
        chroma.iter_mut().for_each(|x| *x /= peak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_its_pitch_class_in_any_octave_and_tuning() {
        let (rate, n_fft) = (44100.0, 8192);
        for tuning in [-0.4, 0.0, 0.3] {
            let bank = ChromaBank::new(rate, n_fft, tuning);
            for midi in 48..96 {
                let hz = 440.0 * ((f64::from(midi) - 69.0 + tuning) / 12.0).exp2();
                let mut power = vec![0.0; n_fft / 2 + 1];
                power[(hz * n_fft as f64 / rate).round() as usize] = 1.0;
                let mut chroma = bank.apply(&power);
                normalise(&mut chroma);
                let best = (0..12).max_by(|a, b| chroma[*a].total_cmp(&chroma[*b])).unwrap();
                assert_eq!((best, chroma[best]), (midi as usize % 12, 1.0));
            }
        }
    }

    #[test]
    fn silence_stays_silent() {
        let mut chroma = ChromaBank::new(44100.0, 2048, 0.0).apply(&vec![0.0; 1025]);
        normalise(&mut chroma);
        assert_eq!(chroma, [0.0; 12]);
    }
}

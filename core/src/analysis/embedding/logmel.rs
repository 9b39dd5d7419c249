//! Log-mel spectra of windows, in librosa's convention: `librosa.feature.melspectrogram` of the window alone (periodic Hann
//! window, zeros beyond its ends, Slaney's mel scale and normalisation), then the logarithm that is asked for.

use super::input::{Log, LogMel};
use crate::dsp::mel::MelBank;
use crate::dsp::stft::{self, Stft};

/// A spectrum with its tables and buffers.
pub(super) struct Spectra<'a> {
    spec: &'a LogMel,
    stft: Stft,
    bank: &'a MelBank,
    power: Vec<f32>,
    bands: Vec<f32>,
}

/// The mel bands of `spec` at a rate in Hz.
pub(super) fn bank(spec: &LogMel, rate: u32) -> MelBank {
    MelBank::new(f64::from(rate), spec.n_fft, spec.mels, spec.low, spec.high)
}

impl<'a> Spectra<'a> {
    pub(super) fn new(spec: &'a LogMel, bank: &'a MelBank) -> Self {
        Self {
            spec,
            // A hop of one: frames are asked for by the sample on which they are centred.
            stft: Stft::new(spec.n_fft, 1),
            bank,
            power: vec![0.0; spec.n_fft / 2 + 1],
            bands: vec![0.0; spec.mels],
        }
    }

    /// Writes the spectrum of `window`, in the layout of the network.
    pub(super) fn write(&mut self, window: &[f32], out: &mut [f32]) {
        let spec = self.spec;
        let lead = if spec.centred { 0 } else { spec.n_fft / 2 };
        for t in 0..spec.frames {
            let spectrum = self.stft.frame(window, t * spec.hop + lead);
            stft::power(spectrum, &mut self.power);
            if spec.power == 1 {
                self.power.iter_mut().for_each(|p| *p = p.sqrt());
            }
            self.bank.apply(&self.power, &mut self.bands);
            for (b, x) in self.bands.iter().enumerate() {
                let at = if spec.bands_first {
                    b * spec.frames + t
                } else {
                    t * spec.mels + b
                };
                out[at] = match spec.log {
                    Log::Log10 => (x + spec.floor).log10(),
                    Log::Ln => (x + spec.floor).ln(),
                    Log::Decibel => 20.0 / spec.power as f32 * x.max(spec.floor).log10(),
                    Log::None => *x,
                };
            }
        }
    }
}

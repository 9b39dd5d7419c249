//! Inverse short-time Fourier transform, streamed: least-squares overlap-add, as `librosa.istft`.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};

use super::stft::hann;

/// Adds up frames, in order, to a signal of known length.
///
/// Each frame is windowed once more and added where [`super::stft::stream`] took it from; the sum is divided by the sum of
/// the squared windows. What `stream` took apart comes back to within rounding; a spectrum that no signal has gives the
/// signal whose spectrum is nearest to it (D. Griffin and J. Lim, 1984).
pub struct Istft {
    fft: Arc<dyn ComplexToReal<f32>>,
    hop: usize,
    window: Vec<f32>,
    frame: Vec<f32>,
    scratch: Vec<Complex32>,
    /// Frames taken.
    taken: usize,
    out: Vec<f32>,
    weight: Vec<f32>,
}

impl Istft {
    /// For frames of `n_fft / 2 + 1` bins every `hop` samples, and a signal of `samples` samples.
    pub fn new(n_fft: usize, hop: usize, samples: usize) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_inverse(n_fft);
        Self {
            hop,
            window: hann(n_fft),
            frame: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            taken: 0,
            out: vec![0.0; samples],
            weight: vec![0.0; samples],
            fft,
        }
    }

    /// Adds the next frame. `spectrum` is used as scratch space, its content lost; it has `n_fft / 2 + 1` bins (a frame of
    /// another length counts as silence).
    pub fn push(&mut self, spectrum: &mut [Complex32]) {
        // The first and last bin of a real signal are real.
        if let [first, .., last] = spectrum {
            first.im = 0.0;
            last.im = 0.0;
        }
        let done = self
            .fft
            .process_with_scratch(spectrum, &mut self.frame, &mut self.scratch);
        if done.is_err() {
            self.frame.fill(0.0);
        }
        let n_fft = self.window.len();
        let (start, pad) = (self.taken * self.hop, n_fft / 2);
        let lo = start.max(pad).min(self.out.len() + pad);
        let hi = (start + n_fft).min(self.out.len() + pad).max(lo);
        let at = lo.saturating_sub(start).min(n_fft);
        let gain = 1.0 / n_fft as f32;
        let cells = self.out[lo - pad..hi - pad]
            .iter_mut()
            .zip(&mut self.weight[lo - pad..hi - pad]);
        for ((out, weight), (x, w)) in cells.zip(self.frame[at..].iter().zip(&self.window[at..])) {
            *out += x * w * gain;
            *weight += w * w;
        }
        self.taken += 1;
    }

    /// The signal.
    pub fn finish(mut self) -> Vec<f32> {
        for (x, w) in self.out.iter_mut().zip(&self.weight) {
            if *w > f32::MIN_POSITIVE {
                *x /= w;
            }
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::stft::stream;

    #[test]
    fn reconstructs_what_the_forward_transform_took_apart() {
        for (n, n_fft, hop) in [
            (20_000, 2048, 512),
            (5000, 256, 64),
            (1000, 1024, 256),
            (3, 64, 16),
            (0, 64, 16),
        ] {
            let x: Vec<f32> = (0..n)
                .map(|i| (i as f32 * 0.37).sin() * (i as f32 * 0.0011).cos())
                .collect();
            let mut inverse = Istft::new(n_fft, hop, n);
            stream(&x, n_fft, hop, |_, spectrum| inverse.push(&mut spectrum.to_vec()));
            let y = inverse.finish();
            assert_eq!(y.len(), n);
            for (i, (x, y)) in x.iter().zip(&y).enumerate() {
                assert!((x - y).abs() < 2e-6, "{n} samples, sample {i}: {y} for {x}");
            }
        }
    }
}

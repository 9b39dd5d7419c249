//! Short-time Fourier transform, streamed: frames are handed on one by one and never kept.
//!
//! The convention is librosa's `stft(center=True, pad_mode="constant")` with a periodic Hann window: frame `t` is centred
//! on sample `t * hop`, the signal is zero outside its ends, and the spectrum is not normalised (a full-scale sine on a
//! bin's centre has the magnitude `n_fft / 4`).

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::vectorized;

/// Periodic Hann window of `n` samples (as `scipy.signal.get_window("hann", n)`).
pub fn hann(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| (0.5 - 0.5 * (TAU * i as f64 / n as f64).cos()) as f32)
        .collect()
}

/// Number of frames of a signal: `1 + samples / hop`, as librosa's `stft` with `center=True`.
pub fn frame_count(samples: usize, hop: usize) -> usize {
    1 + samples / hop
}

/// A transform with its window and buffers; makes one frame at a time, without allocating.
pub struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    hop: usize,
    window: Vec<f32>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Stft {
    /// A transform of `n_fft` samples every `hop` samples.
    pub fn new(n_fft: usize, hop: usize) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n_fft);
        Self {
            hop,
            window: hann(n_fft),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// `n_fft / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.spectrum.len()
    }

    /// The spectrum of frame `t` of `signal`: [`Self::bins`] values, zeros past the end.
    pub fn frame(&mut self, signal: &[f32], t: usize) -> &[Complex32] {
        let n_fft = self.window.len();
        // The frame covers `start..start + n_fft` of the signal with `n_fft / 2` zeros in front.
        let start = t * self.hop;
        let pad = n_fft / 2;
        let lo = start.max(pad).min(signal.len() + pad);
        let hi = (start + n_fft).min(signal.len() + pad).max(lo);
        let (at, n) = (lo.saturating_sub(start).min(n_fft), hi - lo);
        self.frame[..at].fill(0.0);
        self.frame[at + n..].fill(0.0);
        let samples = &signal[lo - pad..hi - pad];
        let (frame, window) = (&mut self.frame[at..at + n], &self.window[at..]);
        vectorized!({
            for ((f, s), w) in frame.iter_mut().zip(samples).zip(window) {
                *f = s * w;
            }
        });
        let done = self
            .fft
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
        if done.is_err() {
            // The buffers come from the plan itself, so their lengths fit and this does not happen.
            self.spectrum.fill(Complex32::default());
        }
        &self.spectrum
    }
}

/// Calls `sink(frame, spectrum)` for each frame of the short-time spectrum of `signal`.
pub fn stream(signal: &[f32], n_fft: usize, hop: usize, mut sink: impl FnMut(usize, &[Complex32])) {
    let mut stft = Stft::new(n_fft, hop);
    for t in 0..frame_count(signal.len(), hop) {
        sink(t, stft.frame(signal, t));
    }
}

/// Squared magnitude of each value of `spectrum`.
pub fn power(spectrum: &[Complex32], out: &mut [f32]) {
    vectorized!({
        for (p, z) in out.iter_mut().zip(spectrum) {
            *p = z.re * z.re + z.im * z.im;
        }
    });
}

/// Square root of each value: from power to magnitude.
pub fn magnitude(power: &[f32], out: &mut [f32]) {
    vectorized!({
        for (m, p) in out.iter_mut().zip(power) {
            *m = p.sqrt();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chirp with a click: nothing about it is symmetric.
    fn signal(n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| {
                let t = i as f64 / 44100.0;
                (0.5 * (TAU * (200.0 + 3000.0 * t) * t).sin()) as f32 + if i == n / 3 { 0.7 } else { 0.0 }
            })
            .collect()
    }

    /// The definition, in double precision.
    fn dft(signal: &[f32], n_fft: usize, hop: usize, t: usize, k: usize) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for i in 0..n_fft {
            let at = (t * hop + i) as isize - (n_fft / 2) as isize;
            let x = usize::try_from(at)
                .ok()
                .and_then(|at| signal.get(at))
                .map_or(0.0, |x| f64::from(*x));
            let w = 0.5 - 0.5 * (TAU * i as f64 / n_fft as f64).cos();
            let angle = -TAU * ((i * k) % n_fft) as f64 / n_fft as f64;
            re += x * w * angle.cos();
            im += x * w * angle.sin();
        }
        (re, im)
    }

    #[test]
    fn frames_are_the_dft_of_the_windowed_signal() {
        for (n, n_fft, hop) in [
            (700, 256, 64),
            (100, 256, 64),
            (1, 64, 16),
            (0, 64, 16),
            (1000, 128, 128),
        ] {
            let x = signal(n);
            let mut count = 0;
            stream(&x, n_fft, hop, |t, spectrum| {
                assert_eq!((t, spectrum.len()), (count, n_fft / 2 + 1));
                count += 1;
                for (k, z) in spectrum.iter().enumerate() {
                    let (re, im) = dft(&x, n_fft, hop, t, k);
                    // Rounding of single precision: some units in the last place of the frame's sum of magnitudes.
                    let close = (f64::from(z.re) - re).abs() < 2e-5 && (f64::from(z.im) - im).abs() < 2e-5;
                    assert!(close, "{n} samples, frame {t}, bin {k}: {z} for {re} {im:+}i");
                }
            });
            assert_eq!(count, frame_count(n, hop));
        }
    }

    #[test]
    fn frames_past_the_end_are_silent() {
        let mut stft = Stft::new(64, 16);
        assert!(stft.frame(&signal(100), 2).iter().any(|z| z.norm() > 0.0));
        for t in [9, 10, 1000] {
            assert!(stft.frame(&signal(100), t).iter().all(|z| z.norm() == 0.0));
        }
    }

    #[test]
    fn power_and_magnitude_are_their_definitions() {
        let z: Vec<Complex32> = (0..37)
            .map(|i| Complex32::new(i as f32 * 0.3, 5.0 - i as f32))
            .collect();
        let (mut p, mut m) = (vec![0.0; 37], vec![0.0; 37]);
        power(&z, &mut p);
        magnitude(&p, &mut m);
        for ((z, p), m) in z.iter().zip(p).zip(m) {
            assert_eq!(p, z.re * z.re + z.im * z.im);
            assert!((m - z.norm()).abs() <= 1e-6 * m);
        }
    }
}

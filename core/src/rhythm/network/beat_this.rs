//! The log-mel spectrogram that Beat This! hears.
//!
//! As its authors make it with torchaudio's `MelSpectrogram`: mono at 22.05 kHz as it is (no levelling); spectra of 1024
//! samples (periodic Hann window) every 441, frame `t` centred on sample `441 t`, the signal mirrored at its ends; complex
//! values divided by √1024 (`normalized="frame_length"`); magnitudes summed in 128 triangles of peak 1 from 30 to
//! 11 000 Hz on Slaney's mel scale; `ln(1 + 1000 m)`.

use realfft::RealFftPlanner;

use crate::dsp::stft::hann;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::constants;
use crate::rhythm::input::Bank;
use crate::rhythm::onset::magnitudes;
use crate::vectorized;

/// Bands a frame.
pub(super) const BANDS: usize = 128;
/// Frames a second.
pub(super) const RATE: f64 = constants::RATE / HOP as f64;

const N_FFT: usize = 1024;
const HOP: usize = 441;
const RANGE: (f64, f64) = (30.0, 11_000.0);

/// Log-mel frames of `mono`, [`BANDS`] values each: `1 + samples / 441` of them, none of no samples.
pub(super) fn log_mel(mono: &[f32], progress: &dyn Progress) -> Result<Vec<f32>, Cancelled> {
    if mono.is_empty() {
        return Ok(Vec::new());
    }
    let bank = Bank::mel(constants::RATE, N_FFT, BANDS, RANGE, (N_FFT as f64).sqrt());
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(N_FFT);
    let window = hann(N_FFT);
    let (mut frame, mut spectrum, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let mut mags = vec![0.0f32; N_FFT / 2 + 1];
    let mut out = vec![0.0f32; (1 + mono.len() / HOP) * BANDS];
    for (t, row) in out.chunks_exact_mut(BANDS).enumerate() {
        if t % 1024 == 0 {
            progress.check()?;
        }
        load(&mut frame, mono, (t * HOP) as isize - (N_FFT / 2) as isize);
        vectorized!({
            for (f, w) in frame.iter_mut().zip(&window) {
                *f *= w;
            }
        });
        // The buffers come from the plan, so their lengths fit and the transform cannot fail.
        let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
        vectorized!(magnitudes(&spectrum, &mut mags));
        bank.compress(&mags, 1.0, row);
    }
    Ok(out)
}

/// Samples from `start` on, mirrored at both ends without repeating the end itself; what is not finite counts as zero.
fn load(frame: &mut [f32], mono: &[f32], start: isize) {
    let n = mono.len() as isize;
    let inside = start >= 0 && start + frame.len() as isize <= n;
    for (i, f) in (start..).zip(frame.iter_mut()) {
        let at = if inside { i } else { mirrored(i, n) };
        let x = mono[at as usize];
        *f = if x.is_finite() { x } else { 0.0 };
    }
}

/// Place in `0..n` of index `i` of a signal of `n` samples that goes on mirrored.
fn mirrored(i: isize, n: isize) -> isize {
    let round = (2 * (n - 1)).max(1);
    let i = i.rem_euclid(round);
    if i < n { i } else { round - i }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_without_repeating_the_ends() {
        let places: Vec<isize> = (-4..8).map(|i| mirrored(i, 4)).collect();
        assert_eq!(places, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert!((-5..5).all(|i| mirrored(i, 1) == 0));
    }
}

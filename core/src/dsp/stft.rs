//! Short-time Fourier transform, streamed: frames are handed on one by one and never kept.

use std::f32::consts::PI;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex32;

/// Periodic Hann window of `n` samples (as `scipy.signal.get_window("hann", n)`).
pub fn hann(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / n as f32).cos())
        .collect()
}

/// Number of frames that [`stream`] hands on: `1 + samples / hop`, as librosa's `stft` with `center=True`.
pub fn frame_count(samples: usize, hop: usize) -> usize {
    1 + samples / hop
}

/// Calls `sink(frame, spectrum)` for each frame of the Hann-windowed short-time spectrum of `signal`.
///
/// Frame `t` is centred on sample `t * hop`; the signal is taken as zero outside its ends (librosa's
/// `stft(center=True, pad_mode="constant")`). `spectrum` holds `n_fft / 2 + 1` bins, unnormalised.
pub fn stream(signal: &[f32], n_fft: usize, hop: usize, mut sink: impl FnMut(usize, &[Complex32])) {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n_fft);
    let window = hann(n_fft);
    let mut frame = fft.make_input_vec();
    let mut spectrum = fft.make_output_vec();
    let mut scratch = fft.make_scratch_vec();
    for t in 0..frame_count(signal.len(), hop) {
        let start = (t * hop) as isize - (n_fft / 2) as isize;
        let lo = start.max(0) as usize;
        let hi = ((start + n_fft as isize).max(0) as usize).min(signal.len());
        let at = (lo as isize - start) as usize;
        frame.fill(0.0);
        if lo < hi {
            let n = hi - lo;
            for ((f, s), w) in frame[at..at + n]
                .iter_mut()
                .zip(&signal[lo..hi])
                .zip(&window[at..at + n])
            {
                *f = s * w;
            }
        }
        // The buffers come from the plan itself, so their lengths fit and the transform cannot fail.
        if fft
            .process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
            .is_ok()
        {
            sink(t, &spectrum);
        }
    }
}

//! The percussive stem: what the drums play of a passage, at its own rate and in all its channels.

use crate::dsp::hpss;

/// Length of the transform in seconds: 2048 samples at 44.1 kHz, as in the reference implementation.
const WINDOW: f64 = 2048.0 / 44_100.0;

/// The percussive part of `planes` (equal lengths, `sample_rate` Hz), by median filtering ([`hpss`]).
pub fn percussive(planes: &[&[f32]], sample_rate: u32) -> Vec<Vec<f32>> {
    // The nearest power of two by ratio, so that every rate sees the same stretch of time.
    let exact = WINDOW * f64::from(sample_rate);
    let n_fft = 2usize.pow(exact.max(64.0).log2().round() as u32);
    hpss::percussive(planes, n_fft, n_fft / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_stay_and_tones_go_at_any_rate() {
        for rate in [22_050u32, 48_000, 96_000] {
            let n = rate as usize;
            let tone = |i: usize| 0.3 * (std::f64::consts::TAU * 440.0 * i as f64 / f64::from(rate)).sin() as f32;
            let left: Vec<f32> = (0..n).map(|i| tone(i) + if i == n / 2 { 0.8 } else { 0.0 }).collect();
            let right: Vec<f32> = (0..n).map(tone).collect();
            let stem = percussive(&[&left, &right], rate);
            assert_eq!(stem.iter().map(Vec::len).collect::<Vec<_>>(), [n, n]);
            assert!(stem[0][n / 2] > 0.5, "{rate}: {}", stem[0][n / 2]);
            assert!(stem[1][n / 2].abs() < 0.3);
            let inner = n / 8..n / 4;
            let energy = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
            assert!(energy(&stem[1][inner.clone()]) < 0.02 * energy(&right[inner]), "{rate}");
        }
    }
}

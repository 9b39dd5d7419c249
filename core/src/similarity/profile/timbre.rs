//! The colour of a loop: levels in mel bands and how they move.

use super::onsets::{Front, MELS};

/// Mel bands in which levels are compared: two of the front end's each.
const BANDS: usize = MELS / 2;
/// A mean and a standard deviation a band.
pub(super) const DIMS: usize = 2 * BANDS;
/// Lowest level that is told apart, relative to the loudest frame of a band: 60 dB down in power.
const FLOOR: f64 = 1e-6;

/// Mean level of each band in dB, relative to the mean of them all, then their standard deviations over time in dB.
/// Zeros for silence.
pub(super) fn of(front: &Front) -> Vec<f32> {
    let band = |frame: &[f32], b: usize| f64::from(frame[2 * b] + frame[2 * b + 1]);
    let loudest = front
        .all
        .chunks_exact(MELS)
        .flat_map(|frame| (0..BANDS).map(move |b| band(frame, b)))
        .fold(0.0, f64::max);
    let frames = front.all.len() / MELS;
    if loudest <= 0.0 || frames == 0 {
        return vec![0.0; DIMS];
    }
    let (mut sum, mut squares) = ([0.0; BANDS], [0.0; BANDS]);
    for frame in front.all.chunks_exact(MELS) {
        for b in 0..BANDS {
            let db = 10.0 * (band(frame, b) / loudest + FLOOR).log10();
            sum[b] += db;
            squares[b] += db * db;
        }
    }
    let n = frames as f64;
    let mean = sum.iter().sum::<f64>() / (n * BANDS as f64);
    let levels = sum.iter().map(|s| (s / n - mean) as f32);
    let spreads = sum
        .iter()
        .zip(&squares)
        .map(|(s, q)| (q / n - (s / n).powi(2)).max(0.0).sqrt() as f32);
    levels.chain(spreads).collect()
}

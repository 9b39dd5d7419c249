//! Onset strength: how much louder the bands of a log-mel spectrum have become since the frame before.
//!
//! `librosa.onset.onset_strength` with its defaults, on `power_to_db(mel)`: the mean over bands of the rise in dB, falls
//! counting as 0, after everything more than 80 dB below the loudest cell of the whole track has been raised to that
//! floor. The floor needs the whole track, so the log-mel spectrum is kept and this runs over it afterwards.
//!
//! librosa delays the curve by `n_fft / (2 * hop)` frames, so that it does not fire before the attack does. Here
//! nothing is delayed unless asked: frame `t` is the rise from the window centred on `(t - 1) * hop` to that on `t * hop`,
//! whose maximum lies some 5 ms before a sharp attack.
//!
//! Source: S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013 (librosa's
//! default leaves the maximum filter out).

use std::ops::Range;

use crate::vectorized;

/// Depth in dB below the loudest cell at which a spectrum is cut off.
pub const TOP_DB: f32 = 80.0;

/// A log spectrum of any numeric type: row-major, a row a frame.
pub trait Level: Copy + Into<f32> {}
impl<T: Copy + Into<f32>> Level for T {}

/// Onset strength in dB a frame of a row-major log spectrum of `columns` columns, over the bands in `bands`.
///
/// `db` is the worth of one unit of the spectrum in dB (10 for `log10` of power). The first frame is 0. Silence gives 0.
pub fn strength<T: Level>(spectrum: &[T], columns: usize, bands: Range<usize>, db: f32) -> Vec<f32> {
    let bands = bands.start.min(columns)..bands.end.min(columns);
    if columns == 0 || bands.is_empty() {
        return Vec::new();
    }
    let gain = db / bands.len() as f32;
    let mut out = vec![0.0; spectrum.len() / columns];
    vectorized!({
        let floor = peak(spectrum) - TOP_DB / db;
        let rows = spectrum.chunks_exact(columns);
        for ((out, now), before) in out.iter_mut().skip(1).zip(rows.clone().skip(1)).zip(rows) {
            *out = gain * rise(&before[bands.clone()], &now[bands.clone()], floor);
        }
    });
    out
}

#[inline(always)]
fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Largest value.
#[inline(always)]
fn peak<T: Level>(spectrum: &[T]) -> f32 {
    let mut peaks = [f32::MIN; 16];
    let chunks = spectrum.chunks_exact(16);
    let rest = chunks.remainder().iter().fold(f32::MIN, |a, x| max(a, (*x).into()));
    for chunk in chunks {
        for (peak, x) in peaks.iter_mut().zip(chunk) {
            *peak = max(*peak, (*x).into());
        }
    }
    peaks.into_iter().fold(rest, max)
}

/// Sum over bands of the rise from `before` to `now`, both held above `floor`.
#[inline(always)]
fn rise<T: Level>(before: &[T], now: &[T], floor: f32) -> f32 {
    // Sixteen sums side by side: a single one would have to be added in order, one value at a time.
    let mut sums = [0.0f32; 16];
    let (a, b) = (before.chunks_exact(16), now.chunks_exact(16));
    let rest = a.remainder().iter().zip(b.remainder());
    let tail: f32 = rest
        .map(|(a, b)| max(max((*b).into(), floor) - max((*a).into(), floor), 0.0))
        .sum();
    for (a, b) in a.zip(b) {
        for i in 0..16 {
            sums[i] += max(max(b[i].into(), floor) - max(a[i].into(), floor), 0.0);
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// `curve`, `frames` later, its start filled with zeros and its length kept: with `n_fft / (2 * hop)` frames, librosa's.
pub fn delayed(curve: &[f32], frames: usize) -> Vec<f32> {
    let n = curve.len();
    let mut out = vec![0.0; frames.min(n)];
    out.extend_from_slice(&curve[..n - frames.min(n)]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rises_above_the_floor_only() {
        // Units of dB. The loudest cell is 0, so the floor is −80.
        let spectrum = [-20.0f32, -200.0, -50.0, -10.0, -70.0, -60.0, 0.0, -90.0, -60.0];
        let got = strength(&spectrum, 3, 0..3, 1.0);
        for (got, sum) in got.iter().zip([0.0, 20.0, 10.0]) {
            assert!((got - sum / 3.0).abs() < 1e-5);
        }
        assert_eq!(strength(&spectrum, 3, 0..1, 1.0), [0.0, 10.0, 10.0]);
        assert_eq!(delayed(&[1.0, 2.0, 3.0], 2), [0.0, 0.0, 1.0]);
        assert_eq!(delayed(&[1.0], 2), [0.0]);
    }

    #[test]
    fn wide_rows_agree_with_the_definition() {
        let columns = 37;
        let x: Vec<i16> = (0..columns * 20).map(|i| ((i * i * 7 + i * 13) % 977) as i16).collect();
        let got = strength(&x, columns, 2..35, 0.1);
        let peak = f32::from(*x.iter().max().unwrap());
        for (t, got) in got.iter().enumerate().skip(1) {
            let sum: f32 = (2..35)
                .map(|b| {
                    let level = |t: usize| f32::from(x[t * columns + b]).max(peak - 800.0);
                    (level(t) - level(t - 1)).max(0.0)
                })
                .sum();
            assert!((got - 0.1 * sum / 33.0).abs() < 1e-4);
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(strength::<f32>(&[], 128, 0..128, 10.0).is_empty());
        assert!(strength(&[-10.0f32; 256], 128, 0..128, 10.0).iter().all(|x| *x == 0.0));
    }
}

//! How sure a mean over tracks is: percentile bootstrap (Efron 1979), tracks drawn with replacement.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// How often the tracks are drawn again.
const RESAMPLES: usize = 1_000;

/// Seed of the draws: intervals of the same values are the same.
const SEED: u64 = 0x626f_6f74;

/// A mean over tracks, with the interval that holds 95 % of the bootstrapped means.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
    /// Over how many tracks.
    pub tracks: usize,
}

/// Mean and interval of one value a track; tracks without one are left out. `None` where none has one.
pub fn bootstrap(values: &[Option<f64>]) -> Option<Interval> {
    let values: Vec<f64> = values.iter().filter_map(|v| *v).collect();
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..n).map(|_| values[random.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    Some(Interval {
        mean: values.iter().sum::<f64>() / n as f64,
        low: percentile(&means, 0.025),
        high: percentile(&means, 0.975),
        tracks: n,
    })
}

/// By how much `values` are above `others`, track by track: tighter than two intervals side by side, for a hard track is
/// hard for both. Tracks that lack either are left out.
pub fn difference(values: &[Option<f64>], others: &[Option<f64>]) -> Option<Interval> {
    let differences: Vec<Option<f64>> = values.iter().zip(others).map(|(a, b)| Some((*a)? - (*b)?)).collect();
    bootstrap(&differences)
}

/// Linear between neighbours; `sorted` is not empty.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = part * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_narrow_as_the_theory_says() {
        // 400 values of standard deviation 1/2: a mean is sure to ±1.96 · 0.5 / 20.
        let values: Vec<Option<f64>> = (0..400).map(|i| Some(f64::from(i % 2))).collect();
        let i = bootstrap(&values).unwrap();
        assert_eq!((i.mean, i.tracks), (0.5, 400));
        assert!((i.high - i.low - 2.0 * 1.96 * 0.025).abs() < 0.01, "{i:?}");
        assert_eq!(bootstrap(&values), Some(i));
    }

    #[test]
    fn what_is_missing_is_left_out() {
        assert_eq!(bootstrap(&[None, None]), None);
        let i = bootstrap(&[Some(0.3), None]).unwrap();
        assert_eq!((i.mean, i.low, i.high, i.tracks), (0.3, 0.3, 0.3, 1));
    }

    #[test]
    fn pairs_are_compared_track_by_track() {
        let hard: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i) / 100.0)).collect();
        let better: Vec<Option<f64>> = hard.iter().map(|x| x.map(|x| x + 0.01)).collect();
        let d = difference(&better, &hard).unwrap();
        assert!((d.low - 0.01).abs() < 1e-12 && (d.high - 0.01).abs() < 1e-12);
        assert_eq!(difference(&better, &vec![None; 100]), None);
    }
}

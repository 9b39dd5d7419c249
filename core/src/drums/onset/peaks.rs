//! Picking the peaks of the onset strength.

use super::{HOP, RATE};

/// Frames at either side among which a peak is the highest (30 ms).
const HIGHEST: usize = 6;
/// Frames before and after over which the surroundings are averaged (100 ms and 70 ms).
const BEFORE: usize = 20;
const AFTER: usize = 14;
/// How much earlier the parabola's vertex is expected than the attack, in seconds.
const LEAD: f64 = 0.0008;

/// A peak of the strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Peak {
    /// Its frame.
    pub(super) frame: usize,
    /// Where the attack is, in seconds, as far as the strength tells.
    pub(super) time: f64,
    /// Its height above the mean of its surroundings.
    pub(super) prominence: f32,
}

/// The peaks that stand out by `threshold`, in order of time.
pub(super) fn pick(strength: &[f32], threshold: f32) -> Vec<Peak> {
    // Sums up to each frame: the mean of a window from two of them.
    let mut total = 0.0f64;
    let mut sums = vec![0.0f64];
    sums.extend(strength.iter().map(|x| {
        total += f64::from(*x);
        total
    }));
    let n = strength.len();
    let mut peaks = Vec::new();
    for (t, &x) in strength.iter().enumerate() {
        // Of equals, the first.
        let higher = strength[t.saturating_sub(HIGHEST)..t].iter().any(|y| *y >= x)
            || strength[t + 1..(t + 1 + HIGHEST).min(n)].iter().any(|y| *y > x);
        if higher || x <= 0.0 {
            continue;
        }
        let (from, to) = (t.saturating_sub(BEFORE), (t + AFTER + 1).min(n));
        let mean = (sums[to] - sums[from]) / (to - from) as f64;
        let prominence = (f64::from(x) - mean) as f32;
        if prominence < threshold {
            continue;
        }
        let left = t.checked_sub(1).map_or(0.0, |l| strength[l]);
        let right = strength.get(t + 1).copied().unwrap_or(0.0);
        let bend = left - 2.0 * x + right;
        let shift = if bend < 0.0 { 0.5 * (left - right) / bend } else { 0.0 };
        peaks.push(Peak {
            frame: t,
            time: (t as f64 + f64::from(shift.clamp(-0.5, 0.5))) * HOP as f64 / f64::from(RATE) - LEAD,
            prominence,
        });
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_highest_within_reach_and_what_stands_out() {
        let mut x = vec![0.0; 200];
        x[50] = 4.0;
        x[55] = 3.0; // Within 30 ms of a higher one.
        x[57] = 2.0; // 35 ms after the highest, but within 30 ms of another that is higher.
        x[100] = 2.0;
        x[101] = 2.0;
        x[150] = 0.5;
        let got = pick(&x, 1.0);
        assert_eq!(got.iter().map(|p| p.frame).collect::<Vec<_>>(), [50, 100]);
        // Two equal frames: halfway between them.
        assert!((got[1].time + LEAD - 100.5 * 220.0 / 44100.0).abs() < 1e-9);
        // The mean over 35 frames is taken off.
        assert!((f64::from(got[0].prominence) - (4.0 - 9.0 / 35.0)).abs() < 1e-6);
        assert_eq!(pick(&x, 0.4).len(), 3);
        assert!(pick(&[], 1.0).is_empty());
        assert!(pick(&[1.0; 100], 0.1).is_empty());
    }
}

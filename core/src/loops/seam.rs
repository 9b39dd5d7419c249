//! Does a loop click where its end meets its start?
//!
//! Two measures, of the loop played round:
//!
//! * **Ratio.** A step or a kink is a spike in the second difference `x[i−1] − 2x[i] + x[i+1]`. The two that straddle the
//!   seam are compared with the 99.9th percentile of all those inside the loop: what the music itself does once in a
//!   thousand samples. Up to 1.5 the seam hides in the music.
//! * **Energy.** Within 5 ms of the seam, against the recording's own samples there, that is the last 5 ms of the plain cut
//!   and its first 5: a fade that digs a hole shows here as a loss (two 5 ms fades to zero: −5 dB), one that lets in
//!   something louder as a gain. Up to 0.5 dB is accepted. A plain cut has changed nothing, so its measure is 0.
//!
//! The worst channel counts; the energy of their mean counts too, since many listen in mono. Silence has neither clicks nor
//! energy: levels below −90 dBFS are taken as equal.

use serde::{Deserialize, Serialize};

use crate::units::power_db;

/// Largest ratio of a seam that does not click.
pub const MAX_RATIO: f64 = 1.5;
/// Largest change of energy around a good seam, in dB.
pub const MAX_ENERGY_DB: f64 = 0.5;
/// How far the energy is measured to either side of the seam, in seconds.
pub const ENERGY_SECONDS: f64 = 0.005;
/// How much of a loop's beginning must be the recording's own samples, in seconds.
pub const EXACT_SECONDS: f64 = 0.020;
/// The share of second differences inside a loop that a seam is compared with.
pub const QUANTILE: f64 = 0.999;

/// Second differences below this are silence (−120 dBFS).
const FLOOR: f64 = 1e-6;
/// Mean powers below this are silence (−90 dBFS).
const POWER_FLOOR: f64 = 1e-9;

/// What was measured at a seam.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Seam {
    /// Second difference at the seam over the 99.9th percentile inside, at least 0.
    pub ratio: f64,
    /// Energy around the seam against that of the plain cut, in dB.
    pub energy_db: f64,
}

impl Seam {
    /// True where the seam is beyond what the music hides.
    pub fn clicks(&self) -> bool {
        self.excess() > 1.0
    }

    /// How far the worse of the two measures is on the way to its limit: above 1, the seam clicks.
    pub fn excess(&self) -> f64 {
        (self.ratio / MAX_RATIO).max(self.energy_db.abs() / MAX_ENERGY_DB)
    }
}

/// The 99.9th percentile of |second difference| inside each channel: the yardstick of [`measure`]. Exact.
pub fn yardsticks<P: AsRef<[f32]>>(planes: &[P]) -> Vec<f64> {
    planes.iter().map(|p| curvature_quantile(p.as_ref())).collect()
}

/// Where a loop was cut: the recording, the loop's first frame in it, and its length in frames.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The recording's channels.
    pub recording: &'a [Vec<f32>],
    /// First frame.
    pub start: usize,
    /// Length.
    pub frames: usize,
}

/// Measures the seam of the loop in `planes`, of which the first and the last frames are looked at. Without a `source` there
/// is nothing to compare the energy with. `yardsticks` come from [`yardsticks`] (of this loop, or of one that differs by a
/// fade only).
pub fn measure<P: AsRef<[f32]>>(
    planes: &[P],
    source: Option<Source<'_>>,
    sample_rate: u32,
    yardsticks: &[f64],
) -> Seam {
    let window = (ENERGY_SECONDS * f64::from(sample_rate)).round() as usize;
    let mut seam = Seam::default();
    for (plane, &yardstick) in planes.iter().zip(yardsticks) {
        seam.ratio = seam.ratio.max(seam_curvature(plane.as_ref()) / yardstick.max(FLOOR));
    }
    let Some(source) = source else {
        return seam;
    };
    if source.frames < 2 * window || planes.iter().any(|p| p.as_ref().len() < 2 * window) {
        return seam;
    }
    // What is missing at the recording's end is silent, as in the cut.
    let sample = |r: &Vec<f32>, i: usize| r.get(i).copied().unwrap_or(0.0);
    let end = source.start + source.frames;
    let floor = POWER_FLOOR * 2.0 * window as f64;
    let mut note = |around: f64, truth: f64| {
        let change = power_db((around + floor) / (truth + floor));
        if change.abs() > seam.energy_db.abs() {
            seam.energy_db = change;
        }
    };
    let (mut mean, mut mean_truth) = (vec![0f32; 2 * window], vec![0f32; 2 * window]);
    for (plane, recording) in planes.iter().zip(source.recording) {
        let x = plane.as_ref();
        let (tail, head) = (&x[x.len() - window..], &x[..window]);
        let truth: Vec<f32> = (end - window..end)
            .chain(source.start..source.start + window)
            .map(|i| sample(recording, i))
            .collect();
        note(power(tail) + power(head), power(&truth));
        let share = 1.0 / planes.len() as f32;
        let around = tail.iter().chain(head);
        mean.iter_mut().zip(around).for_each(|(m, v)| *m += share * v);
        mean_truth.iter_mut().zip(&truth).for_each(|(m, v)| *m += share * v);
    }
    note(power(&mean), power(&mean_truth));
    seam
}

/// The larger of the two second differences that straddle the seam.
pub(crate) fn seam_curvature(x: &[f32]) -> f64 {
    match x {
        [first, second, .., last_but_one, last] => {
            let d2 = |a: f32, b: f32, c: f32| (f64::from(a) - 2.0 * f64::from(b) + f64::from(c)).abs();
            d2(*last_but_one, *last, *first).max(d2(*last, *first, *second))
        }
        _ => 0.0,
    }
}

fn power(x: &[f32]) -> f64 {
    x.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// The [`QUANTILE`] of `|x[i−1] − 2x[i] + x[i+1]|`, linearly interpolated between neighbours in rank as numpy does.
///
/// Only one value in a thousand lies above it, so a threshold that a subsample puts safely below it lets nearly all others
/// be dropped in one pass, and the few that remain are selected from exactly.
pub fn curvature_quantile(x: &[f32]) -> f64 {
    let count = x.len().saturating_sub(2);
    if count == 0 {
        return 0.0;
    }
    let d2 = |w: &[f32]| (w[0] - 2.0 * w[1] + w[2]).abs();
    let rank = QUANTILE * (count - 1) as f64;
    let above = count - rank.floor() as usize; // values at or above the lower neighbour
    let mut kept: Vec<f32> = Vec::new();
    if count > 1 << 15 {
        let mut sample: Vec<f32> = x.windows(3).step_by(61).map(d2).collect();
        let at = sample.len() * 99 / 100;
        let (_, &mut threshold, _) = sample.select_nth_unstable_by(at, f32::total_cmp);
        kept.reserve(count / 32);
        crate::vectorized!(keep_above(x, threshold, &mut kept));
    }
    if kept.len() < above {
        kept.clear();
        kept.extend(x.windows(3).map(d2));
    }
    let at = kept.len() - above;
    let (_, &mut low, rest) = kept.select_nth_unstable_by(at, f32::total_cmp);
    let high = rest.iter().copied().fold(f32::INFINITY, f32::min);
    let high = if high.is_finite() { high } else { low };
    f64::from(low) + (f64::from(high) - f64::from(low)) * rank.fract()
}

/// Appends to `kept` the second differences of `x` whose size is `threshold` or more.
#[inline(always)]
fn keep_above(x: &[f32], threshold: f32, kept: &mut Vec<f32>) {
    const BLOCK: usize = 64;
    // The bits of positive numbers are in the order of the numbers, and integers have a vector maximum.
    let least = threshold.to_bits();
    let mut block = [0u32; BLOCK];
    let count = x.len() - 2;
    for from in (0..count).step_by(BLOCK) {
        let n = BLOCK.min(count - from);
        let (a, b, c) = (
            &x[from..from + n],
            &x[from + 1..from + 1 + n],
            &x[from + 2..from + 2 + n],
        );
        let mut top = 0;
        for (((slot, a), b), c) in block.iter_mut().zip(a).zip(b).zip(c) {
            *slot = (a - 2.0 * b + c).abs().to_bits();
            top = top.max(*slot);
        }
        if top >= least {
            kept.extend(block[..n].iter().filter(|v| **v >= least).map(|v| f32::from_bits(*v)));
        }
    }
}

/// What [`verify`] found of a finished loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The seam, with the yardstick of this very loop.
    pub seam: Seam,
    /// Whether the first 20 ms are the recording's own samples, bit for bit.
    pub exact_head: bool,
    /// Whether it has the length asked for.
    pub exact_length: bool,
}

impl Verdict {
    /// True if there is nothing to complain of.
    pub fn passes(&self) -> bool {
        !self.seam.clicks() && self.exact_head && self.exact_length
    }
}

/// Examines a finished loop, before gain: its seam, its first 20 ms against the recording from frame `start`, its length
/// against `frames`.
pub fn verify(planes: &[Vec<f32>], recording: &[Vec<f32>], start: usize, frames: usize, sample_rate: u32) -> Verdict {
    let head = ((EXACT_SECONDS * f64::from(sample_rate)).round() as usize).min(frames);
    Verdict {
        seam: measure(
            planes,
            Some(Source {
                recording,
                start,
                frames,
            }),
            sample_rate,
            &yardsticks(planes),
        ),
        exact_head: planes.len() == recording.len()
            && planes
                .iter()
                .zip(recording)
                .all(|(l, r)| l.get(..head).is_some_and(|l| Some(l) == r.get(start..start + head))),
        exact_length: planes.iter().all(|p| p.len() == frames),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut s = seed;
        (0..n)
            .map(|_| {
                s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                ((s >> 40) as f32 / (1 << 24) as f32 - 0.5) * 0.5
            })
            .collect()
    }

    fn textbook_quantile(x: &[f32]) -> f64 {
        let mut d: Vec<f64> = x
            .windows(3)
            .map(|w| f64::from((w[0] - 2.0 * w[1] + w[2]).abs()))
            .collect();
        d.sort_by(f64::total_cmp);
        let rank = QUANTILE * (d.len() - 1) as f64;
        let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
        d[low] + (d[high] - d[low]) * rank.fract()
    }

    #[test]
    fn quantile_is_that_of_the_sorted_list() {
        let mut bursts = vec![0.0; 100_000];
        bursts[50_000..50_200].copy_from_slice(&noise(200, 3));
        let mut stepped = noise(70_000, 5);
        stepped.iter_mut().for_each(|v| *v = (*v * 8.0).round() / 8.0);
        for x in [
            noise(3, 1),
            noise(1000, 1),
            noise(200_000, 2),
            bursts,
            stepped,
            vec![0.0; 50_000],
        ] {
            let (fast, slow) = (curvature_quantile(&x), textbook_quantile(&x));
            assert!((fast - slow).abs() <= 1e-9, "{} frames: {fast} {slow}", x.len());
        }
        assert_eq!(curvature_quantile(&[1.0, 2.0]), 0.0);
    }

    /// A cosine of `periods` periods in `n` frames.
    fn cosine(n: usize, periods: f64) -> Vec<f32> {
        (0..n)
            .map(|i| (0.5 * (std::f64::consts::TAU * periods * i as f64 / n as f64).cos()) as f32)
            .collect()
    }

    #[test]
    fn whole_periods_wrap_and_broken_ones_click() {
        let seam = |x: Vec<f32>| measure(&[&x], None, 44_100, &yardsticks(&[&x]));
        let whole = seam(cosine(44_100, 220.0));
        assert!(!whole.clicks() && (whole.ratio - 1.0).abs() < 0.2, "{whole:?}");
        let broken = seam(cosine(44_100, 220.25));
        assert!(broken.ratio > 10.0, "{broken:?}");
    }

    #[test]
    fn a_fade_to_zero_digs_a_hole() {
        let recording = noise(50_000, 9);
        let mut cut = recording[10_000..40_000].to_vec();
        let f = 220;
        for i in 0..f {
            let k = i as f32 / f as f32;
            cut[i] *= k;
            let n = cut.len();
            cut[n - 1 - i] *= k;
        }
        let verdict = verify(&[cut], &[recording], 10_000, 30_000, 44_100);
        assert!(
            verdict.seam.ratio < 1.0 && (-6.0..-4.0).contains(&verdict.seam.energy_db),
            "{verdict:?}"
        );
        assert!(!verdict.exact_head && verdict.exact_length && !verdict.passes());
    }

    #[test]
    fn the_worst_channel_counts_and_silence_is_silent() {
        let (good, bad) = (cosine(44_100, 220.0), cosine(44_100, 220.25));
        let both = [good.clone(), bad.clone()];
        let worst = measure(&both, None, 44_100, &yardsticks(&both));
        assert_eq!(worst, measure(&[&bad], None, 44_100, &yardsticks(&[&bad])));
        let silence = [vec![0.0; 44_100], good];
        let source = [vec![1e-7; 88_200], cosine(88_200, 440.0)];
        let seam = measure(
            &silence,
            Some(Source {
                recording: &source,
                start: 44_100,
                frames: 44_100,
            }),
            44_100,
            &yardsticks(&silence),
        );
        assert!(!seam.clicks(), "{seam:?}");
    }
}

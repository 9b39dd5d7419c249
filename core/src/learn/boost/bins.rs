//! Features as a few bins of about equal numbers of rows: what histograms count by.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// Most bins that a feature has; the 256th code stands for what is missing.
pub(super) const MOST: usize = 255;

/// Rows that the bins are made of; where there are more, as many are drawn.
const SKETCH: usize = 1 << 18;

/// A feature of all rows, as bins.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Where each bin ends: values below `cuts[b]` and not below `cuts[b - 1]` are in bin `b`. Empty for a feature that
    /// tells nothing.
    pub cuts: Vec<f32>,
    /// Each row's bin; [`Column::missing`] for NaN.
    pub codes: Vec<u8>,
}

impl Column {
    /// Bins the values of all rows by those of the first `train`.
    pub(super) fn of(values: &[f32], train: usize, bins: usize, seed: u64) -> Self {
        let learnt = &values[..train];
        let mut sample: Vec<f32> = if train <= SKETCH {
            learnt.to_vec()
        } else {
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let drawn = rand::seq::index::sample(&mut random, train, SKETCH);
            drawn.into_iter().map(|i| learnt[i]).collect()
        };
        sample.retain(|x| !x.is_nan());
        let cuts = cuts(&mut sample, bins.min(MOST), learnt.iter().any(|x| x.is_nan()));
        let missing = code_of_missing(&cuts);
        let code = |x: &f32| {
            if x.is_nan() {
                missing
            } else {
                cuts.partition_point(|c| c <= x) as u8
            }
        };
        let codes = if cuts.is_empty() {
            Vec::new()
        } else {
            values.iter().map(code).collect()
        };
        Self { cuts, codes }
    }

    /// The code of what is missing: one above the last bin.
    pub(super) fn missing(&self) -> u8 {
        code_of_missing(&self.cuts)
    }

    /// Number of codes.
    pub(super) fn width(&self) -> usize {
        self.cuts.len() + 2
    }
}

fn code_of_missing(cuts: &[f32]) -> u8 {
    (cuts.len() + 1) as u8
}

/// Where to cut: between all distinct values where they are few, else so that bins hold about equal numbers of rows and
/// frequent values stand alone. A feature with missing values has a cut above all values too, which tells whether a value is
/// there at all.
fn cuts(values: &mut [f32], bins: usize, missing: bool) -> Vec<f32> {
    // With missing values, one cut more.
    let bins = if missing { bins - 1 } else { bins };
    values.sort_unstable_by(f32::total_cmp);
    let distinct: Vec<(f32, usize)> = values.chunk_by(|a, b| a == b).map(|c| (c[0], c.len())).collect();
    let mut cuts = Vec::new();
    let all = distinct.len() <= bins;
    let (mut left, mut bins_left, mut held) = (values.len(), bins, 0);
    let mut wanted = left as f64 / bins as f64;
    for pair in distinct.windows(2) {
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        held += count;
        left -= count;
        let full = held as f64 >= wanted || next_count as f64 >= wanted;
        if all || (full && bins_left > 1) {
            cuts.push(between(value, next));
            held = 0;
            bins_left = bins_left.saturating_sub(1);
            wanted = left as f64 / bins_left.max(1) as f64;
        }
    }
    if missing && let Some((last, _)) = distinct.last() {
        let above = last.next_up();
        if above.is_finite() {
            cuts.push(above);
        }
    }
    cuts
}

/// A number above `low` and not above `high`, in their middle where `f32` has one there.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle > low && middle <= high { middle } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bin_each() {
        let values = [3.0, 1.0, f32::NAN, 2.0, 1.0, 9.0];
        let c = Column::of(&values, 5, 255, 0);
        assert_eq!(c.cuts, [1.5, 2.5, 3f32.next_up()]);
        // The last row is no training row, and lies above all cuts.
        assert_eq!(c.codes, [2, 0, 4, 1, 0, 3]);
        assert_eq!((c.missing(), c.width()), (4, 5));
        assert!(Column::of(&[2.0; 9], 9, 255, 0).cuts.is_empty());
        assert!(Column::of(&[f32::NAN; 9], 9, 255, 0).cuts.is_empty());
        assert_eq!(Column::of(&[-0.0, 0.0, 1.0], 3, 255, 0).cuts, [0.5]);
    }

    #[test]
    fn many_values_share_bins_of_even_size() {
        // Half of all values are 0; the others spread.
        let values: Vec<f32> = (0..20_000).map(|i| if i % 2 == 0 { 0.0 } else { i as f32 }).collect();
        let c = Column::of(&values, values.len(), 101, 0);
        assert!((99..=100).contains(&c.cuts.len()), "{}", c.cuts.len());
        let mut sizes = vec![0usize; c.width()];
        c.codes.iter().for_each(|x| sizes[usize::from(*x)] += 1);
        assert_eq!(sizes[0], 10_000, "the frequent value stands alone");
        assert!(
            sizes[1..c.cuts.len()].iter().all(|s| (80..=220).contains(s)),
            "{sizes:?}"
        );
    }

    #[test]
    fn codes_and_comparisons_agree() {
        let values: Vec<f32> = (0..5_000).map(|i| ((i * 7919) % 5003) as f32 * 1e-3 - 2.0).collect();
        let c = Column::of(&values, 3_000, 64, 0);
        assert!(c.cuts.len() == 63 && c.cuts.is_sorted());
        for (x, code) in values.iter().zip(&c.codes) {
            for (b, cut) in c.cuts.iter().enumerate() {
                assert_eq!(x < cut, usize::from(*code) <= b);
            }
        }
    }

    #[test]
    fn neighbours_of_f32_are_told_apart() {
        let a = 1.0f32;
        let b = a.next_up();
        let cut = between(a, b);
        assert!(a < cut && b >= cut);
        assert!((1e-40f32..=2e-40).contains(&between(1e-40, 2e-40)));
    }
}

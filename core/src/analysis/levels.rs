//! Curves over a track and matrices over its frames, with prefix sums: the mean over any span costs two look-ups.

use std::ops::Range;

/// One value a frame, with the sums that make means and deviations over any span cheap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    values: Vec<f32>,
    /// `sums[t]` is the sum, and the sum of squares, of the first `t` values.
    sums: Vec<[f64; 2]>,
}

impl Curve {
    /// The curve of `values`.
    pub fn new(values: Vec<f32>) -> Self {
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut sum = [0.0f64; 2];
        sums.push(sum);
        for x in &values {
            let x = f64::from(*x);
            sum[0] += x;
            sum[1] += x * x;
            sums.push(sum);
        }
        Self { values, sums }
    }

    /// The values, one a frame.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True where there is no frame.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Sum and sum of squares over `frames`, and their number; what lies past the end is left out.
    fn sums(&self, frames: Range<usize>) -> ([f64; 2], f64) {
        let hi = frames.end.min(self.values.len());
        let lo = frames.start.min(hi);
        match (self.sums.get(lo), self.sums.get(hi)) {
            (Some(a), Some(b)) => ([b[0] - a[0], b[1] - a[1]], (hi - lo) as f64),
            _ => ([0.0; 2], 0.0),
        }
    }

    /// Sum over `frames`.
    pub fn sum(&self, frames: Range<usize>) -> f64 {
        self.sums(frames).0[0]
    }

    /// Mean over `frames`; 0 over none.
    pub fn mean(&self, frames: Range<usize>) -> f64 {
        let ([sum, _], n) = self.sums(frames);
        sum / n.max(1.0)
    }

    /// Population standard deviation over `frames`; 0 over none.
    pub fn deviation(&self, frames: Range<usize>) -> f64 {
        let ([sum, squares], n) = self.sums(frames);
        let n = n.max(1.0);
        (squares / n - (sum / n).powi(2)).max(0.0).sqrt()
    }

    /// Root of the mean square over `frames`; 0 over none.
    pub fn rms(&self, frames: Range<usize>) -> f64 {
        let ([_, squares], n) = self.sums(frames);
        (squares / n.max(1.0)).sqrt()
    }
}

/// Frames between two stored sums of a [`Matrix`].
const STRIDE: usize = 64;

/// One row a frame, with sums every 64 frames: means over any span without a second matrix in double precision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    columns: usize,
    values: Vec<f32>,
    /// Sums of the rows before frame `STRIDE * i`, then their squares: `2 * columns` for each `i`.
    sums: Vec<f64>,
}

impl Matrix {
    /// The matrix of row-major `values`; what does not fill a row is dropped.
    pub fn new(columns: usize, mut values: Vec<f32>) -> Self {
        values.truncate(values.len() / columns.max(1) * columns);
        let mut sums = Vec::new();
        let mut sum = vec![0.0f64; 2 * columns];
        sums.extend_from_slice(&sum);
        if columns > 0 {
            for block in values.chunks_exact(columns * STRIDE) {
                add(&mut sum, block, columns, 1.0);
                sums.extend_from_slice(&sum);
            }
        }
        Self { columns, values, sums }
    }

    /// Values a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Row `t`; empty past the end.
    pub fn row(&self, t: usize) -> &[f32] {
        self.values
            .get(t * self.columns..(t + 1) * self.columns)
            .unwrap_or_default()
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Mean and population standard deviation of each column over `rows`; zeros over none. Row ranges are cut at the end.
    pub fn statistics(&self, rows: Range<usize>) -> (Vec<f32>, Vec<f32>) {
        let n = self.columns;
        let hi = rows.end.min(self.rows());
        let lo = rows.start.min(hi);
        let mut sum = vec![0.0f64; 2 * n];
        self.accumulate(hi, 1.0, &mut sum);
        self.accumulate(lo, -1.0, &mut sum);
        let count = (hi - lo).max(1) as f64;
        let mean = |i: usize| sum[i] / count;
        let deviation = |i: usize| (sum[n + i] / count - mean(i).powi(2)).max(0.0).sqrt() as f32;
        (
            (0..n).map(|i| mean(i) as f32).collect(),
            (0..n).map(deviation).collect(),
        )
    }

    /// Adds `sign *` the sums over the first `rows` rows, from the nearest stored sum.
    fn accumulate(&self, rows: usize, sign: f64, sum: &mut [f64]) {
        let n = self.columns;
        // The nearest stored sum, before or behind; the one behind the last row may not exist.
        let last = (self.sums.len() / (2 * n).max(1)).saturating_sub(1);
        let stored = ((rows + STRIDE / 2) / STRIDE).min(last);
        for (s, x) in sum.iter_mut().zip(&self.sums[stored * 2 * n..]) {
            *s += sign * x;
        }
        let from = stored * STRIDE;
        let (lo, hi, sign) = if from <= rows {
            (from, rows, sign)
        } else {
            (rows, from, -sign)
        };
        add(sum, &self.values[lo * n..hi * n], n, sign);
    }
}

/// Adds `sign *` the rows of `block` to the first half of `sum`, their squares to the second.
fn add(sum: &mut [f64], block: &[f32], columns: usize, sign: f64) {
    let (plain, squares) = sum.split_at_mut(columns);
    for row in block.chunks_exact(columns.max(1)) {
        for ((x, s), q) in row.iter().zip(plain.iter_mut()).zip(squares.iter_mut()) {
            let x = f64::from(*x);
            *s += sign * x;
            *q += sign * x * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean_and_deviation(x: &[f32]) -> (f64, f64) {
        let n = x.len().max(1) as f64;
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        let var = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
        (mean, var.sqrt())
    }

    proptest! {
        #[test]
        fn curves_agree_with_the_definition(x in prop::collection::vec(-5.0f32..5.0, 0..60), a in 0usize..70, b in 0usize..70) {
            let (lo, hi) = (a.min(b), a.max(b));
            let part = &x[lo.min(x.len())..hi.min(x.len())];
            let (mean, deviation) = mean_and_deviation(part);
            let curve = Curve::new(x.clone());
            prop_assert!((curve.mean(lo..hi) - mean).abs() < 1e-9);
            prop_assert!((curve.deviation(lo..hi) - deviation).abs() < 1e-6);
            prop_assert!((curve.rms(lo..hi).powi(2) - mean * mean - deviation * deviation).abs() < 1e-6);
        }

        #[test]
        fn matrices_agree_with_the_definition(rows in 0usize..300, a in 0usize..310, b in 0usize..310) {
            let columns = 3;
            let x: Vec<f32> = (0..rows * columns).map(|i| ((i * 37) % 101) as f32 * 0.1 - 4.0).collect();
            let (lo, hi) = (a.min(b), a.max(b));
            let m = Matrix::new(columns, x.clone());
            prop_assert_eq!(m.rows(), rows);
            let (mean, deviation) = m.statistics(lo..hi);
            for c in 0..columns {
                let of: Vec<f32> = (lo.min(rows)..hi.min(rows)).map(|t| x[t * columns + c]).collect();
                let (m, d) = mean_and_deviation(&of);
                prop_assert!((f64::from(mean[c]) - m).abs() < 1e-5);
                prop_assert!((f64::from(deviation[c]) - d).abs() < 1e-5);
            }
        }
    }
}

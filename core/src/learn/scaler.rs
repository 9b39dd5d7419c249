//! From raw features to what a network can learn from: missing values filled, scales made alike, and each value set beside
//! those of the other candidates of its track.
//!
//! For a track of `n` candidates and `f` columns, the network reads, for each candidate:
//!
//! 1. `f` values `s = clip((x − mean)/deviation)`, where a missing `x` is the column's median over the training rows;
//! 2. with [`Options::trackwise`], `f` values `t = clip((s − m)/√(v + ε²))`, where `m` and `v` are mean and variance of `s`
//!    over the candidates of the track that have a value; 0 where it is missing. Whether a loop is good depends on what
//!    else the track offers; a column whose level differs from track to track only says so in this form. ε =
//!    [`TRACK_FLOOR`] keeps what hardly varies within a track from being blown up;
//! 3. for each column that lacks many values, 1 where the value is missing, else 0.
//!
//! A row in which all values are missing takes no part in 2, so that a table may be padded with such rows. Columns that
//! are constant over the training rows carry nothing and are left out.

use super::LearnError;
use super::dataset::Dataset;

/// Deviation within a track, in units of the column's own over all tracks, below which differences fade out.
pub const TRACK_FLOOR: f32 = 0.1;
/// Share of missing values from which a column gets an indicator.
const INDICATOR_SHARE: f64 = 0.01;

/// What the scaler makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Add values standardised over the track.
    pub trackwise: bool,
    /// Add indicators of missing values.
    pub indicators: bool,
    /// Standardised values are kept within ± this.
    pub clip: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trackwise: true,
            indicators: true,
            clip: 5.0,
        }
    }
}

/// Fills, scales, and sets beside the track.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    /// Names of the columns that are read.
    pub names: Vec<String>,
    /// Which columns of the dataset they are.
    pub columns: Vec<usize>,
    /// Stands for missing values, by column.
    pub median: Vec<f32>,
    /// Mean by column, missing values filled.
    pub mean: Vec<f32>,
    /// One over the deviation, by column.
    pub inverse: Vec<f32>,
    /// Columns (of those that are read) with an indicator.
    pub indicators: Vec<usize>,
    /// Whether values standardised over the track follow.
    pub trackwise: bool,
    /// Standardised values are kept within ± this.
    pub clip: f32,
    /// Names of the columns that are constant and were left out.
    pub constant: Vec<String>,
}

impl Scaler {
    /// Learns medians, means and deviations from the rows of `tracks`.
    ///
    /// # Errors
    ///
    /// [`LearnError::Data`] where a value is infinite, or no column varies.
    pub fn fit(data: &Dataset, tracks: &[usize], options: &Options) -> Result<Self, LearnError> {
        let rows: Vec<usize> = tracks.iter().flat_map(|&t| data.tracks[t].rows.clone()).collect();
        let mut scaler = Self {
            names: Vec::new(),
            columns: Vec::new(),
            median: Vec::new(),
            mean: Vec::new(),
            inverse: Vec::new(),
            indicators: Vec::new(),
            trackwise: options.trackwise,
            clip: options.clip,
            constant: Vec::new(),
        };
        let mut seen: Vec<f32> = Vec::with_capacity(rows.len());
        for (column, name) in data.columns.iter().enumerate() {
            let value = |row: usize| data.values[row * data.columns.len() + column];
            seen.clear();
            seen.extend(rows.iter().map(|&r| value(r)).filter(|x| !x.is_nan()));
            if let (Some(&first), true) = (seen.first(), seen.iter().all(|x| x.is_finite()))
                && seen.iter().any(|&x| x != first)
            {
                let missing = rows.len() - seen.len();
                let half = seen.len() / 2;
                let median = *seen.select_nth_unstable_by(half, f32::total_cmp).1;
                let filled = || {
                    rows.iter().map(|&r| match value(r) {
                        x if x.is_nan() => f64::from(median),
                        x => f64::from(x),
                    })
                };
                let n = rows.len() as f64;
                let mean = filled().sum::<f64>() / n;
                let deviation = (filled().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
                let inverse = (1.0 / deviation) as f32;
                // Where values differ by rounding only, one over the deviation says nothing, or is infinite.
                if deviation > 1e-6 * mean.abs() && inverse.is_finite() {
                    if options.indicators && missing as f64 >= INDICATOR_SHARE * n && missing > 0 {
                        scaler.indicators.push(scaler.columns.len());
                    }
                    scaler.columns.push(column);
                    scaler.names.push(name.clone());
                    scaler.median.push(median);
                    scaler.mean.push(mean as f32);
                    scaler.inverse.push(inverse);
                    continue;
                }
            }
            if let Some(&row) = rows.iter().find(|&&r| value(r).is_infinite()) {
                return Err(infinite(data, row, name));
            }
            scaler.constant.push(name.clone());
        }
        if scaler.columns.is_empty() {
            return Err(LearnError::Data(format!(
                "none of the {} feature columns varies over the training tracks: nothing can be learnt from them",
                data.columns.len()
            )));
        }
        Ok(scaler)
    }

    /// How many numbers it makes of each row.
    pub fn width(&self) -> usize {
        let f = self.columns.len();
        f + if self.trackwise { f } else { 0 } + self.indicators.len()
    }

    /// What the network reads, for all rows of one track. `rows` has one value for each column that is read, row by row;
    /// `out` gets [`Scaler::width`] for each row. All arithmetic is in `f32`, in the order in which the ONNX graph has it.
    pub fn apply(&self, rows: &[f32], out: &mut Vec<f32>) {
        let f = self.columns.len();
        let n = rows.len() / f;
        let width = self.width();
        out.clear();
        out.resize(n * width, 0.0);
        for (row, out) in rows.chunks_exact(f).zip(out.chunks_exact_mut(width)) {
            for (c, (&x, out)) in row.iter().zip(&mut out[..f]).enumerate() {
                let x = if x.is_nan() { self.median[c] } else { x };
                *out = ((x - self.mean[c]) * self.inverse[c]).clamp(-self.clip, self.clip);
            }
            let first = width - self.indicators.len();
            for (out, &c) in out[first..].iter_mut().zip(&self.indicators) {
                *out = f32::from(u8::from(row[c].is_nan()));
            }
        }
        if self.trackwise {
            self.beside_the_track(rows, out);
        }
    }

    fn beside_the_track(&self, rows: &[f32], out: &mut [f32]) {
        let f = self.columns.len();
        let width = self.width();
        let mut seen = vec![0f32; f];
        for row in rows.chunks_exact(f) {
            for (n, x) in seen.iter_mut().zip(row) {
                *n += f32::from(u8::from(!x.is_nan()));
            }
        }
        seen.iter_mut().for_each(|n| *n = n.max(1.0));
        for out in out.chunks_exact_mut(width) {
            let (s, t) = out.split_at_mut(f);
            t[..f].copy_from_slice(s);
        }
        // The mean twice: what rounding leaves of a large mean is taken off as the mean of the differences.
        for _ in 0..2 {
            let mut sum = vec![0f32; f];
            for (row, out) in rows.chunks_exact(f).zip(out.chunks_exact(width)) {
                for ((sum, t), x) in sum.iter_mut().zip(&out[f..]).zip(row) {
                    *sum += if x.is_nan() { 0.0 } else { *t };
                }
            }
            sum.iter_mut().zip(&seen).for_each(|(sum, n)| *sum /= n);
            for (row, out) in rows.chunks_exact(f).zip(out.chunks_exact_mut(width)) {
                for ((t, m), x) in out[f..].iter_mut().zip(&sum).zip(row) {
                    *t = if x.is_nan() { 0.0 } else { *t - m };
                }
            }
        }
        let mut scale = vec![0f32; f];
        for out in out.chunks_exact(width) {
            for (sum, t) in scale.iter_mut().zip(&out[f..]) {
                *sum += t * t;
            }
        }
        for (sum, n) in scale.iter_mut().zip(&seen) {
            *sum = (*sum / n + TRACK_FLOOR * TRACK_FLOOR).sqrt();
        }
        for out in out.chunks_exact_mut(width) {
            for (t, d) in out[f..].iter_mut().zip(&scale) {
                *t = (*t / d).clamp(-self.clip, self.clip);
            }
        }
    }
}

/// The error for an infinite value.
fn infinite(data: &Dataset, row: usize, column: &str) -> LearnError {
    LearnError::Data(format!(
        "column `{column}` is infinite at row {} (track {:?}): leave the cell empty where there is no value",
        row + 1,
        track_of(data, row)
    ))
}

/// The name of the track that has a row.
pub(super) fn track_of(data: &Dataset, row: usize) -> &str {
    data.tracks
        .iter()
        .find(|t| t.rows.contains(&row))
        .map_or("", |t| t.track_id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::dataset::Group;

    fn data(columns: &[&str], rows: &[&[f32]]) -> Dataset {
        Dataset {
            columns: columns.iter().map(|c| (*c).into()).collect(),
            values: rows.concat(),
            weights: vec![0.0; rows.len()],
            spans: vec![(0.0, 1.0); rows.len()],
            tracks: vec![Group {
                track_id: "a".into(),
                rows: 0..rows.len(),
            }],
        }
    }

    const NAN: f32 = f32::NAN;

    #[test]
    fn values_are_filled_scaled_and_set_beside_the_track() {
        let d = data(
            &["x", "same", "gaps", "none"],
            &[&[1.0, 7.0, NAN, NAN], &[3.0, 7.0, 2.0, NAN], &[5.0, 7.0, 4.0, NAN]],
        );
        let s = Scaler::fit(&d, &[0], &Options::default()).unwrap();
        assert_eq!(
            (s.names.join(","), s.constant.join(",")),
            ("x,gaps".into(), "same,none".into())
        );
        assert_eq!((s.indicators.clone(), s.width()), (vec![1], 5));
        let mut out = Vec::new();
        s.apply(&[1.0, NAN, 3.0, 2.0, 5.0, 4.0], &mut out);
        let z = 1.5f32.sqrt();
        assert!(
            (out[0] + z).abs() < 1e-6 && out[5].abs() < 1e-6 && (out[10] - z).abs() < 1e-6,
            "{out:?}"
        );
        // The median of two values is the upper one; the missing value takes its place but not its part of the track.
        assert_eq!(out[1], out[11]);
        assert_eq!(out[3], 0.0);
        assert!((out[8] + out[13]).abs() < 1e-6 && out[13] > 0.9, "{out:?}");
        assert_eq!([out[4], out[9], out[14]], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn rows_without_any_value_leave_the_others_alone() {
        let d = data(&["x", "y"], &[&[1.0, 2.0], &[3.0, -1.0], &[4.0, 4.0]]);
        let s = Scaler::fit(&d, &[0], &Options::default()).unwrap();
        let (mut alone, mut padded) = (Vec::new(), Vec::new());
        s.apply(&d.values, &mut alone);
        s.apply(&[&d.values[..], &[NAN; 6]].concat(), &mut padded);
        assert_eq!(alone, padded[..alone.len()]);
    }

    #[test]
    fn a_large_value_that_a_track_shares_does_not_reach_its_own_scale() {
        let values: Vec<f32> = (0..900).map(|i| if i < 450 { 1000.0 } else { -3.0 }).collect();
        let rows: Vec<&[f32]> = values.chunks(1).collect();
        let s = Scaler::fit(&data(&["x"], &rows), &[0], &Options::default()).unwrap();
        let mut out = Vec::new();
        s.apply(&[1000.0; 777], &mut out);
        assert!(out.chunks(2).all(|r| r[1].abs() < 1e-5), "{:?}", &out[..2]);
        // A single candidate, and infinite values, stay finite.
        s.apply(&[f32::INFINITY], &mut out);
        assert_eq!(out, [5.0, 0.0]);
    }

    #[test]
    fn what_cannot_be_learnt_from_says_why() {
        let d = data(&["x", "y"], &[&[1.0, 2.0], &[1.0, f32::INFINITY]]);
        let e = Scaler::fit(&d, &[0], &Options::default()).unwrap_err().to_string();
        assert!(e.contains("`y`") && e.contains("row 2") && e.contains("\"a\""), "{e}");
        let d = data(&["x", "y"], &[&[1.0, NAN], &[1.0, NAN]]);
        let e = Scaler::fit(&d, &[0], &Options::default()).unwrap_err().to_string();
        assert!(e.contains("none of the 2 feature columns"), "{e}");
    }
}

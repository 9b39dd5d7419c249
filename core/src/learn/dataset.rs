//! Rows of features with weights, by track.

use std::ops::Range;

/// The rows of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The track's name.
    pub track_id: String,
    /// Its rows.
    pub rows: Range<usize>,
}

/// Rows of features with weights, grouped by track.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    /// Names of the feature columns.
    pub columns: Vec<String>,
    /// Values, row by row; NaN where missing.
    pub values: Vec<f32>,
    /// How good each row is, 0 and up; 1 for a loop that someone chose.
    pub weights: Vec<f32>,
    /// Where each row begins and ends, in seconds.
    pub spans: Vec<(f64, f64)>,
    /// The tracks, in order; their rows follow each other without gaps.
    pub tracks: Vec<Group>,
}

impl Dataset {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// The features of one row.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.columns.len();
        &self.values[row * width..(row + 1) * width]
    }
}

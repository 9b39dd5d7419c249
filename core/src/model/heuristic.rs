//! The structure-aware scorer that needs no training.
//!
//! A loop is valid where it lies inside one section, is a multiple of what repeats there, and holds no fill. These terms
//! add up to `h`, and a steep logistic makes of it a probability `p`: saturated on purpose, so that among valid loops
//! none buys itself a place by being a little more even than another. A valid loop that begins elsewhere than on a
//! phrase is worth less.

use super::{ModelError, ModelInfo, Output, Scorer};
use crate::config::tuning::Tuning;
use crate::features::FeatureTable;

/// Weighs structure by hand-set weights.
#[derive(Debug, Clone)]
pub struct Heuristic {
    info: ModelInfo,
    tuning: Tuning,
}

const COLUMNS: [&str; 7] = [
    "inside_section",
    "unit_divides",
    "rep_unit",
    "rep_span",
    "holds_fill",
    "texture_dev",
    "phrase_position",
];

/// The scorer with these weights.
pub fn heuristic(tuning: &Tuning) -> Heuristic {
    Heuristic {
        info: ModelInfo {
            name: "heuristic-1".into(),
            columns: COLUMNS.iter().map(|c| (*c).into()).collect(),
            output: Output::Probability,
            alpha: None,
            calibration: None,
            embedding: None,
        },
        tuning: tuning.clone(),
    }
}

impl Scorer for Heuristic {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let t = &self.tuning;
        let column = |name: &str| {
            rows.schema()
                .column(name)
                .ok_or_else(|| ModelError::Missing(name.into()))
        };
        let mut at = [0; COLUMNS.len()];
        for (at, name) in at.iter_mut().zip(COLUMNS) {
            *at = column(name)?;
        }
        let score = |row: &[f32]| {
            let [inside, unit, rep_unit, rep_span, fill, texture, phrase] = at.map(|c| f64::from(row[c]));
            let h = t.weight_inside * inside
                + t.weight_unit * unit
                + t.weight_rep_unit * rep_unit
                + t.weight_rep_span * rep_span
                - t.weight_fill * fill
                - t.weight_texture * texture;
            let p = 1.0 / (1.0 + (-t.valid_slope * (h - t.valid_at)).exp());
            let q = if phrase == 0.0 { p } else { p * t.off_phrase };
            (0.5 * (p + q)) as f32
        };
        Ok((0..rows.rows()).map(|r| score(rows.row(r))).collect())
    }
}

//! From a table of features to the rows that a model reads.

use std::collections::HashMap;

use super::ModelError;
use crate::features::FeatureTable;

/// The values of `columns`, in their order, row by row, whatever the order of the table's own columns.
pub(super) fn gather(columns: &[String], table: &FeatureTable) -> Result<Vec<f32>, ModelError> {
    let own = table.schema().columns();
    let rows = table.rows();
    if own == columns {
        return Ok((0..rows).flat_map(|r| table.row(r)).copied().collect());
    }
    let places: HashMap<&str, usize> = own.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
    let at: Vec<usize> = columns
        .iter()
        .map(|c| {
            places
                .get(c.as_str())
                .copied()
                .ok_or_else(|| ModelError::Missing(c.clone()))
        })
        .collect::<Result<_, _>>()?;
    let mut values = Vec::with_capacity(rows * at.len());
    for row in 0..rows {
        let row = table.row(row);
        values.extend(at.iter().map(|c| row[*c]));
    }
    Ok(values)
}

/// The scores as they are, if all are finite.
pub(super) fn finite(scores: Vec<f32>, model: &str) -> Result<Vec<f32>, ModelError> {
    match scores.iter().position(|s| !s.is_finite()) {
        None => Ok(scores),
        Some(row) => Err(ModelError::BadScore {
            model: model.to_owned(),
            row,
        }),
    }
}

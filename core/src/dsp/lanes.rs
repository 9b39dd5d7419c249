//! Blocks of frames side by side: from one frame a row to one frame a lane, and back.
//!
//! With a frame a lane, whatever is done to each frame alone (filter banks, masks, sums over bins) is done to
//! [`LANES`] frames at once, without shuffling.

use super::median::LANES;
use crate::vectorized;

/// `out[k][l] = rows[l][k]`, for each `k` below the length of `out`. Each row is at least that long.
pub fn to_lanes(rows: &[&[f32]; LANES], out: &mut [[f32; LANES]]) {
    vectorized!({
        let rows = rows.each_ref().map(|row| &row[..out.len()]);
        for (k, out) in out.iter_mut().enumerate() {
            for (out, row) in out.iter_mut().zip(&rows) {
                *out = row[k];
            }
        }
    });
}

/// `out[l * lanes.len() + k] = lanes[k][l]`, for as many rows as `out` has room for.
pub fn to_rows(lanes: &[[f32; LANES]], out: &mut [f32]) {
    if lanes.is_empty() {
        return;
    }
    vectorized!({
        for (l, row) in out.chunks_exact_mut(lanes.len()).take(LANES).enumerate() {
            for (x, lane) in row.iter_mut().zip(lanes) {
                *x = lane[l];
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let n = 21;
        let flat: Vec<f32> = (0..LANES * n).map(|i| i as f32).collect();
        let rows: [&[f32]; LANES] = std::array::from_fn(|l| &flat[l * n..(l + 1) * n]);
        let mut lanes = vec![[0.0; LANES]; n];
        to_lanes(&rows, &mut lanes);
        assert_eq!(lanes[3][5], (5 * n + 3) as f32);
        let mut back = vec![0.0; LANES * n];
        to_rows(&lanes, &mut back);
        assert_eq!(back, flat);
    }
}

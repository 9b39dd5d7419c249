//! The definition, with its whole matrix and path.

use super::super::sequence::{ROWS, Sequence};

/// Accumulated costs and the path of least cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Warping {
    /// Frames of the query.
    pub rows: usize,
    /// Frames of the other.
    pub columns: usize,
    /// Accumulated cost of each cell, row by row, a row a frame of the query.
    pub cost: Vec<f64>,
    /// The cells of the path from its start to its end: frame of the query, frame of the other.
    pub path: Vec<(usize, usize)>,
}

impl Warping {
    /// Accumulated cost of the whole path.
    pub fn total(&self) -> f64 {
        self.path.last().map_or(0.0, |(i, j)| self.cost[i * self.columns + j])
    }

    /// Accumulated cost of the whole path by its cells.
    pub fn distance(&self) -> f64 {
        self.total() / self.path.len().max(1) as f64
    }
}

/// 1 − cosine; 1 where a frame has no direction.
pub fn cosine(a: &[f32; ROWS], b: &[f32; ROWS]) -> f64 {
    let dot =
        |a: &[f32; ROWS], b: &[f32; ROWS]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let norms = dot(a, a).sqrt() * dot(b, b).sqrt();
    if norms > 0.0 {
        (1.0 - dot(a, b) / norms).max(0.0)
    } else {
        1.0
    }
}

/// Aligns the whole of `query` with a part of `other`. `None` where either is empty.
///
/// Takes 9 bytes a cell: use [`Aligner`](super::Aligner) for many pairs.
pub fn warp(query: &Sequence, other: &Sequence) -> Option<Warping> {
    #[derive(Clone, Copy)]
    enum Step {
        Start,
        Diagonal,
        Along,
        Down,
    }
    let (rows, columns) = (query.frames.len(), other.frames.len());
    if rows == 0 || columns == 0 {
        return None;
    }
    let mut cost = vec![f64::INFINITY; rows * columns];
    let mut steps = vec![Step::Start; rows * columns];
    for (i, a) in query.frames.iter().enumerate() {
        for (j, b) in other.frames.iter().enumerate() {
            let local = cosine(a, b);
            let at = i * columns + j;
            if i == 0 {
                cost[at] = local;
                continue;
            }
            let candidates = [
                (j > 0).then(|| (cost[at - columns - 1], Step::Diagonal)),
                (j > 0).then(|| (cost[at - 1], Step::Along)),
                Some((cost[at - columns], Step::Down)),
            ];
            for (before, step) in candidates.into_iter().flatten() {
                if before + local < cost[at] {
                    (cost[at], steps[at]) = (before + local, step);
                }
            }
        }
    }
    let last = &cost[(rows - 1) * columns..];
    let (mut i, mut j) = (rows - 1, 0);
    for (k, x) in last.iter().enumerate() {
        if *x < last[j] {
            j = k;
        }
    }
    let mut path = vec![(i, j)];
    while i > 0 {
        match steps[i * columns + j] {
            Step::Diagonal => (i, j) = (i - 1, j - 1),
            Step::Along => j -= 1,
            Step::Down => i -= 1,
            Step::Start => break,
        }
        path.push((i, j));
    }
    path.reverse();
    Some(Warping {
        rows,
        columns,
        cost,
        path,
    })
}

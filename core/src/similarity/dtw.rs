//! Subsequence dynamic time warping.

use super::sequence::Sequence;

/// How the query lies in the other sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// Accumulated cost along the path, divided by its cells.
    pub distance: f32,
    /// Cells of the path.
    pub cells: usize,
    /// The query's frames `0..query` lie on these frames of the other.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// Aligns the whole of `query` with a part of `other`. `None` where either is empty.
pub fn subsequence(_query: &Sequence, _other: &Sequence) -> Option<Alignment> {
    None
}

//! Subsequence dynamic time warping: where, and at what cost, the whole of one sequence lies in another.
//!
//! The definition is `librosa.sequence.dtw(X, Y, metric="cosine", subseq=True)`: local cost is the cosine distance of two
//! frames; the accumulated cost of cell (i, j) is its local cost plus the least of those of (i − 1, j − 1), (i, j − 1) and
//! (i − 1, j), the earlier in this order on a tie; the query may begin on any frame of the other and end on any, the
//! earliest on a tie. (M. Müller, *Fundamentals of Music Processing*, 2015, section 7.2.) The *distance* is the accumulated cost at the path's end by the
//! number of the path's cells, from 0 (the same) to 2.
//!
//! * [`exact`] keeps the whole matrix and gives the path, in double precision: the definition.
//! * [`Aligner`] keeps one diagonal and gives the [`Alignment`], in single precision and eight cells at a time. It is what
//!   many pairs are compared with: [`Aligner::pair`].
//!
//! The distance is not symmetric: all of the query is consumed, and of the other as much as suits. [`Aligner::pair`] takes
//! the shorter one for the query (a part is found in the whole, and not the other way round; librosa does the same), and
//! the first of two of one length.
//!
//! A frame of zeros has no direction. Its cosine distance to anything, itself included, is 1 here; librosa refuses it.

pub mod exact;
mod kernel;

use super::sequence::{ROWS, Sequence};
use kernel::Scratch;

/// Most frames that a sequence may have: cells and starts are counted in 16 bits.
pub const MOST_FRAMES: usize = 30_000;

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

/// Aligns the whole of `query` with a part of `other`. `None` where either is empty or has more than [`MOST_FRAMES`].
pub fn subsequence(query: &Sequence, other: &Sequence) -> Option<Alignment> {
    Aligner::default().subsequence(&Frames::of(query), &Frames::of(other))
}

/// A sequence ready to be aligned: its frames at unit length, a row after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frames {
    len: usize,
    /// Seconds from one to the next.
    step: f64,
    /// Each padded with zeros to whole vectors.
    rows: [Vec<f32>; ROWS],
}

impl Frames {
    /// Of a sequence.
    pub fn of(sequence: &Sequence) -> Self {
        let len = sequence.frames.len();
        let mut rows: [Vec<f32>; ROWS] = std::array::from_fn(|_| vec![0.0; len + kernel::PAD]);
        for (t, frame) in sequence.frames.iter().enumerate() {
            let norm = frame.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            if norm > 0.0 && norm.is_finite() {
                for (row, x) in rows.iter_mut().zip(frame) {
                    row[t] = (f64::from(*x) / norm) as f32;
                }
            }
        }
        Self {
            len,
            step: sequence.step,
            rows,
        }
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without frames.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// How two loops lie on each other, whichever of them is the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Accumulated cost along the path, divided by its cells.
    pub distance: f32,
    /// Cells of the path by frames of the longer of the two, at most 1: below 1 where a part of the longer one is enough.
    pub overlap: f32,
    /// Time matched of the second by time matched of the first: above 1 where the second is the slower.
    pub stretch: f32,
}

impl Pair {
    /// A sequence and itself.
    pub const SAME: Self = Self {
        distance: 0.0,
        overlap: 1.0,
        stretch: 1.0,
    };

    /// Two that could not be aligned: nothing in common.
    pub const APART: Self = Self {
        distance: f32::INFINITY,
        overlap: 0.0,
        stretch: 1.0,
    };

    /// The same pair seen from the other side.
    pub fn reversed(self) -> Self {
        Self {
            stretch: 1.0 / self.stretch,
            ..self
        }
    }
}

/// Aligns one pair after the other, without allocating.
#[derive(Debug, Default)]
pub struct Aligner {
    scratch: Scratch,
}

impl Aligner {
    /// Aligns the whole of `query` with a part of `other`. `None` where either is empty or has more than [`MOST_FRAMES`].
    pub fn subsequence(&mut self, query: &Frames, other: &Frames) -> Option<Alignment> {
        self.below(query, other, f32::INFINITY)
    }

    /// As [`Self::subsequence`], and `None` where it turns out on the way that the distance is above `bound`. An answer
    /// that is given is the exact one, and may still be above it.
    pub fn below(&mut self, query: &Frames, other: &Frames, bound: f32) -> Option<Alignment> {
        if query.is_empty() || other.is_empty() || query.len.max(other.len) > MOST_FRAMES {
            return None;
        }
        self.scratch.align(query, other, bound)
    }

    /// Aligns two loops, the shorter one as the query, the first of two of one length.
    pub fn pair(&mut self, a: &Frames, b: &Frames) -> Option<Pair> {
        self.pair_below(a, b, f32::INFINITY)
    }

    /// As [`Self::pair`], with the bound of [`Self::below`].
    pub fn pair_below(&mut self, a: &Frames, b: &Frames, bound: f32) -> Option<Pair> {
        let swapped = a.len > b.len;
        let (query, other) = if swapped { (b, a) } else { (a, b) };
        let found = self.below(query, other, bound)?;
        let pair = Pair {
            distance: found.distance,
            overlap: (found.cells as f32 / other.len as f32).min(1.0),
            stretch: ((found.end - found.start) as f64 * other.step / (query.len as f64 * query.step)) as f32,
        };
        Some(if swapped { pair.reversed() } else { pair })
    }
}

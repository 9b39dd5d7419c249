//! Spans that may be loops.

use serde::{Deserialize, Serialize};

use crate::units::Span;

/// A span of whole bars that may be a loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it lies, in frames at the track's rate.
    pub span: Span,
    /// Its length in bars.
    pub bars: u32,
    /// Its length in beats.
    pub beats: u32,
    /// Index of its first bar in the grid's bars.
    pub first_bar: usize,
}

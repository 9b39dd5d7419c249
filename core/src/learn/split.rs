//! Which tracks are learnt from, which stop the learning, which judge it. Never by row: candidates of one track resemble
//! each other.

/// Tracks of a dataset, by index, each in one part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Learnt from.
    pub train: Vec<usize>,
    /// Stop the learning and choose among settings.
    pub valid: Vec<usize>,
    /// Judge the result.
    pub test: Vec<usize>,
}

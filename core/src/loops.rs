//! Candidates for loops, the structure they stand in, and their seams.
pub mod candidate;
pub mod seam;
pub mod slices;
pub mod snap;

//! Candidates for loops, the structure they stand in, and their seams.
//!
//! From the beat grid and the texture to the form of the track: [`bars`] → [`distance`] → [`repetition`] →
//! [`sections`] → [`units`], [`fills`], [`regions`] (by [`evidence`]), all gathered in a [`structure::Structure`].

pub mod bars;
pub mod candidate;
pub mod distance;
pub mod edges;
pub mod evidence;
pub mod fills;
pub mod regions;
pub mod repetition;
pub mod seam;
pub mod sections;
pub mod slices;
pub mod snap;
pub mod structure;
pub mod units;

pub use candidate::Candidate;
pub use structure::{Section, Structure};

//! One file for each thing that can be done.

pub mod suggest;

pub use suggest::{Suggestion, Suggestions, suggest};

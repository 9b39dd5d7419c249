//! The tasks that a user can ask for, each one file and one function.

pub mod analyze;
pub mod batch;
pub mod doctor;
pub mod find;
pub mod given;
pub mod load;
pub mod predict;
pub mod suggest;

pub use suggest::{Error, Suggestion, Suggestions, suggest};

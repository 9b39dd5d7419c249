//! The tasks that a user can ask for, each one file and one function.

pub mod batch;
pub mod doctor;
pub mod find;
pub mod given;
pub mod load;
pub mod predict;
pub mod suggest;

pub use suggest::{Error, Suggestion, Suggestions, suggest};

use crate::analysis::Analysis;

/// The key's short name, such as `Am`; none where it is not known.
fn key_name(_analysis: &Analysis) -> Option<String> {
    None
}

//! The tasks that a user can ask for, each one file and one function.

pub mod batch;
pub mod given;

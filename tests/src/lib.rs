//! Music of known structure, made from nothing, and the tests that run the whole tool on it.
#![forbid(unsafe_code)]

pub mod demo;
pub mod score;
pub mod synth;

//! Music of known structure, made from nothing, servers that misbehave, and the tests that run the whole tool on it.
#![forbid(unsafe_code)]

pub mod demo;
pub mod dropbox;
pub mod score;
pub mod synth;

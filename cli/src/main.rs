//! The headless tool.
#![forbid(unsafe_code)]
fn main() {}

//! The headless tool, as a library for its tests.
#![forbid(unsafe_code)]

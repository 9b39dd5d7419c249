//! Sound as data: buffers, decoding, resampling, loudness.

pub mod buffer;
pub mod decode;
pub mod resample;

pub use buffer::AudioBuffer;

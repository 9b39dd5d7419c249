//! Sound as data: buffers, decoding, resampling, loudness.
//!
//! A file becomes an [`AudioBuffer`] in [`decode`], which detects the container by content. PCM in RIFF and IFF
//! containers goes through [`riff`], our own reader, which is fast and forgives what other programs write; everything
//! else goes through Symphonia. [`status`] says in the same pass whether the audio is silent, constant, clipped or too
//! short, which are normal outcomes. [`resample`] and [`loudness`] work on what was decoded.

pub mod buffer;
pub mod decode;
mod id3;
pub mod loudness;
mod mp4;
pub mod resample;
pub mod riff;
pub mod status;

pub use buffer::AudioBuffer;
pub use status::AudioStatus;

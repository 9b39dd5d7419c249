//! Signal processing, free of any notion of music: windows, transforms, filters, medians, peaks.

pub mod chroma;
pub mod hpss;
pub mod istft;
pub mod lanes;
pub mod log;
pub mod median;
pub mod mel;
pub mod network;
pub mod onset;
pub mod simd;
pub mod stft;

//! Signal processing, free of any notion of music: windows, transforms, filters, medians, peaks.

pub mod simd;
pub mod stft;

//! What the loop finder needs of a track's sound: coarse spectra, onsets by band, two chromas, tonal level.
//!
//! Two streams, each fed frame by frame, so that spectra are never kept:
//!
//! * [`BandSink`] takes magnitude spectra of about 46 ms every 11.6 ms (1024/256 at 22.05 kHz, or 2048/512 at 44.1 kHz)
//!   and keeps 64 mel bands of power. When the track has ended, a harmonic/percussive split of the *mel* spectrogram
//!   follows (medians of the magnitudes over 0.22 s and over 11 bands; Fitzgerald, DAFx 2010), which is precise
//!   enough to compare bars with and costs a twentieth of the split of the full spectrum.
//! * [`tonal`] takes long spectra (0.19 s) and keeps two chromas, below and above 250 Hz, corrected for the track's
//!   tuning, and the *tonal level*: the energy of what stands out as a steady, narrow line, which drums do not have.
//!
//! Powers are relative: only ratios within a track are used.

mod bands;
mod tonal;

pub(crate) use bands::{BANDS, GROUPS, WIDE};
pub use bands::{BandSink, Bands};
pub(crate) use tonal::CHROMA;
pub use tonal::{Tonal, tonal};

/// The content of a track as the loop finder compares it.
#[derive(Debug, Clone)]
pub struct Texture {
    /// Mel bands, onsets, level.
    pub bands: Bands,
    /// Chromas and tonal level.
    pub tonal: Tonal,
}

/// Decibels of a power, to 0.001 dB, for whole matrices: the exponent's bits and a polynomial of the mantissa.
/// Zero gives −379 dB.
#[inline(always)]
pub(crate) fn fast_db(power: f32) -> f32 {
    const DB_PER_OCTAVE: f32 = 3.010_3;
    let bits = power.max(f32::MIN_POSITIVE).to_bits();
    let exponent = ((bits >> 23) as i32 - 127) as f32;
    let x = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000) - 1.0;
    // Least-squares fit of log2(1 + x) / x at Chebyshev nodes on [0, 1].
    let p = 1.442_668_9
        + x * (-0.720_176_3 + x * (0.468_030_16 + x * (-0.301_053_74 + x * (0.144_691_57 - x * 0.034_179_437))));
    DB_PER_OCTAVE * (exponent + x * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_decibels_are_decibels() {
        for i in 0..2000 {
            let x = 1e-12f32 * 1.03f32.powi(i);
            assert!((fast_db(x) - 10.0 * x.log10()).abs() < 1e-3, "{x}");
        }
        assert!(fast_db(0.0) < -370.0);
    }
}

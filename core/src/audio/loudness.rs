//! How loud audio is: peaks, RMS, and loudness as ITU-R BS.1770 and EBU R 128 define it, through the `ebur128` crate.

use super::buffer::AudioBuffer;
use crate::units::{amplitude_db, power_db};
use crate::vectorized;

/// Frames that lead in to a loop and out of it when it is tiled: more than the interpolation filter is long.
const WRAP: usize = 64;

/// Why loudness cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoudnessError {
    /// No planes, or planes that differ in length.
    #[error("loudness needs channels of one length")]
    Shape,
    /// The meter refused the number of channels, the rate, or the samples.
    #[error("loudness cannot be measured at {sample_rate} Hz with {channels} channels: {reason}")]
    Meter {
        /// Sample rate in Hz.
        sample_rate: u32,
        /// Number of channels.
        channels: usize,
        /// The meter's words.
        reason: String,
    },
}

/// Levels of a stretch of audio, all channels together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loudness {
    /// Integrated, gated loudness in LUFS; −∞ where nothing passes the gate of −70 LUFS, and for less than 400 ms.
    pub integrated_lufs: f64,
    /// Highest absolute sample of any channel, in full scale.
    pub sample_peak: f64,
    /// Highest absolute value of the four times oversampled signal (twice from 96 kHz on, not at all from 192 kHz on),
    /// in full scale.
    pub true_peak: f64,
    /// Root mean square over all channels, in full scale.
    pub rms: f64,
}

impl Loudness {
    /// Sample peak in dBFS.
    pub fn sample_peak_dbfs(&self) -> f64 {
        amplitude_db(self.sample_peak)
    }

    /// True peak in dBTP.
    pub fn true_peak_dbtp(&self) -> f64 {
        amplitude_db(self.true_peak)
    }

    /// RMS in dBFS, where a full-scale square wave has 0.
    pub fn rms_dbfs(&self) -> f64 {
        power_db(self.rms * self.rms)
    }
}

fn meter(planes: &[&[f32]], sample_rate: u32, mode: ebur128::Mode) -> Result<ebur128::EbuR128, LoudnessError> {
    let frames = planes.first().ok_or(LoudnessError::Shape)?.len();
    if planes.iter().any(|p| p.len() != frames) {
        return Err(LoudnessError::Shape);
    }
    ebur128::EbuR128::new(planes.len() as u32, sample_rate, mode).map_err(|e| refused(planes, sample_rate, e))
}

fn refused(planes: &[&[f32]], sample_rate: u32, e: ebur128::Error) -> LoudnessError {
    LoudnessError::Meter {
        sample_rate,
        channels: planes.len(),
        reason: e.to_string(),
    }
}

/// Measures planar audio. Silence gives −∞ LUFS and zeros.
///
/// ```
/// # use loopwright_core::audio::loudness::measure;
/// // A full-scale sine at 997 Hz in one channel has −3.01 LUFS (ITU-R BS.1770-4, annex 1).
/// let sine: Vec<f32> = (0..96_000).map(|i| (i as f32 * 997.0 / 48_000.0 * std::f32::consts::TAU).sin()).collect();
/// let level = measure(&[&sine], 48_000).unwrap();
/// assert!((level.integrated_lufs + 3.01).abs() < 0.05);
/// assert!((level.rms_dbfs() + 3.01).abs() < 0.01);
/// ```
pub fn measure(planes: &[&[f32]], sample_rate: u32) -> Result<Loudness, LoudnessError> {
    use ebur128::Mode;
    let refused = |e| refused(planes, sample_rate, e);
    let mut meter = meter(planes, sample_rate, Mode::I | Mode::TRUE_PEAK | Mode::SAMPLE_PEAK)?;
    meter.add_frames_planar_f32(planes).map_err(refused)?;
    let mut level = Loudness {
        integrated_lufs: meter.loudness_global().map_err(refused)?,
        sample_peak: 0.0,
        true_peak: 0.0,
        rms: rms(planes),
    };
    for channel in 0..planes.len() as u32 {
        level.sample_peak = level.sample_peak.max(meter.sample_peak(channel).map_err(refused)?);
        level.true_peak = level.true_peak.max(meter.true_peak(channel).map_err(refused)?);
    }
    Ok(level)
}

/// Integrated, gated loudness in LUFS alone, which is much quicker than [`measure`]; −∞ where nothing passes the gate.
///
/// # Errors
///
/// As [`measure`].
pub fn integrated(planes: &[&[f32]], sample_rate: u32) -> Result<f64, LoudnessError> {
    let mut meter = meter(planes, sample_rate, ebur128::Mode::I)?;
    let refused = |e| refused(planes, sample_rate, e);
    meter.add_frames_planar_f32(planes).map_err(refused)?;
    meter.loudness_global().map_err(refused)
}

/// Measures a whole buffer.
pub fn measure_buffer(audio: &AudioBuffer) -> Result<Loudness, LoudnessError> {
    let planes: Vec<&[f32]> = audio.planes().iter().map(Vec::as_slice).collect();
    measure(&planes, audio.sample_rate())
}

/// Highest absolute value of the oversampled signal when the audio repeats without end, in full scale. At the wrap a
/// loop can exceed what either of its ends shows; and unlike that of [`measure`], this is not disturbed by the step from
/// silence to the first sample.
pub fn true_peak_tiled(planes: &[&[f32]], sample_rate: u32) -> Result<f64, LoudnessError> {
    let refused = |e| refused(planes, sample_rate, e);
    let mut meter = meter(planes, sample_rate, ebur128::Mode::TRUE_PEAK)?;
    let frames = planes.first().map_or(0, |p| p.len());
    if frames == 0 {
        return Ok(0.0);
    }
    // The lead-in and lead-out repeat the loop even where it is shorter than they are.
    let wrapped = |range: std::ops::Range<usize>| -> Vec<Vec<f32>> {
        planes
            .iter()
            .map(|p| range.clone().map(|i| p[i % frames]).collect())
            .collect()
    };
    let first = (frames - WRAP % frames) % frames;
    let lead_in = wrapped(first..first + WRAP);
    let lead_out = wrapped(0..WRAP);
    let add = |meter: &mut ebur128::EbuR128, planes: &[Vec<f32>]| {
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        meter.add_frames_planar_f32(&planes)
    };
    add(&mut meter, &lead_in).map_err(refused)?;
    let mut peak = 0.0f64;
    // Only what comes after the lead-in counts, so the peaks of each call are read, not the overall ones.
    meter.add_frames_planar_f32(planes).map_err(refused)?;
    for pass in 0..2 {
        if pass == 1 {
            add(&mut meter, &lead_out).map_err(refused)?;
        }
        for channel in 0..planes.len() as u32 {
            peak = peak.max(meter.prev_true_peak(channel).map_err(refused)?);
        }
    }
    Ok(peak)
}

/// Root mean square over all channels, in full scale; 0 without samples.
pub fn rms(planes: &[&[f32]]) -> f64 {
    let samples: usize = planes.iter().map(|p| p.len()).sum();
    let energy: f64 = planes.iter().map(|p| vectorized!(energy(p))).sum();
    if samples == 0 {
        0.0
    } else {
        (energy / samples as f64).sqrt()
    }
}

/// Sum of squares: in single precision over stretches of 64 values a lane, in double over those.
#[inline(always)]
fn energy(samples: &[f32]) -> f64 {
    const LANES: usize = 16;
    samples
        .chunks(LANES * 64)
        .map(|stretch| {
            let mut sums = [0.0f32; LANES];
            let (blocks, rest) = stretch.as_chunks::<LANES>();
            for block in blocks {
                for (sum, x) in sums.iter_mut().zip(block) {
                    *sum += x * x;
                }
            }
            let rest: f64 = rest.iter().map(|&x| f64::from(x * x)).sum();
            sums.iter().map(|&s| f64::from(s)).sum::<f64>() + rest
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(frames: usize, cycles_a_frame: f64, phase: f64, gain: f64) -> Vec<f32> {
        (0..frames)
            .map(|i| (gain * (TAU * cycles_a_frame * i as f64 + phase).sin()) as f32)
            .collect()
    }

    #[test]
    fn reference_tone() {
        // EBU Tech 3341, case 1: stereo sine, 1000 Hz, −23 dBFS, 20 s: −23.0 LUFS ± 0.1.
        let x = sine(48_000 * 20, 1000.0 / 48_000.0, 0.0, 10f64.powf(-23.0 / 20.0));
        let level = measure(&[&x, &x], 48_000).unwrap();
        assert!((level.integrated_lufs + 23.0).abs() < 0.1, "{level:?}");
        assert!((level.sample_peak_dbfs() + 23.0).abs() < 0.01);
        assert!((level.rms_dbfs() + 26.01).abs() < 0.01);
    }

    #[test]
    fn true_peak_finds_what_lies_between_samples() {
        // EBU Tech 3341, case 16: a quarter of the rate with a phase of 45° has samples at 0.707 of its peak.
        let x = sine(48_000, 0.25, TAU / 8.0, 0.5);
        let level = measure(&[&x], 48_000).unwrap();
        assert!((level.sample_peak - 0.5 / 2f64.sqrt()).abs() < 1e-6);
        assert!(
            (amplitude_db(level.true_peak) - amplitude_db(0.5)).abs() < 0.4,
            "{level:?}"
        );
    }

    #[test]
    fn silence_and_nothing() {
        let level = measure(&[&[0.0; 48_000]], 48_000).unwrap();
        assert_eq!(level.integrated_lufs, f64::NEG_INFINITY);
        assert_eq!((level.sample_peak, level.true_peak, level.rms), (0.0, 0.0, 0.0));
        assert_eq!(true_peak_tiled(&[&[]], 48_000), Ok(0.0));
        assert_eq!(measure(&[], 48_000), Err(LoudnessError::Shape));
        assert_eq!(measure(&[&[0.0], &[]], 48_000), Err(LoudnessError::Shape));
    }

    #[test]
    fn tiling_matches_many_repeats() {
        // 7.5 cycles from peak to trough: a jump at the wrap, where the tiled signal overshoots.
        let x = sine(1000, 0.0075, TAU / 4.0, 0.8);
        let tiled = true_peak_tiled(&[&x], 44_100).unwrap();
        let repeated: Vec<f32> = x.iter().cycle().take(5000).copied().collect();
        let mut meter = ebur128::EbuR128::new(1, 44_100, ebur128::Mode::TRUE_PEAK).unwrap();
        meter.add_frames_planar_f32(&[&repeated[..2000]]).unwrap();
        meter.add_frames_planar_f32(&[&repeated[2000..]]).unwrap();
        let expected = meter.prev_true_peak(0).unwrap();
        assert!((tiled - expected).abs() < 1e-6, "{tiled} {expected}");
        assert!(tiled > 0.81);
    }

    #[test]
    fn tiling_hides_the_first_step() {
        // A seamless cosine begins at its peak: alone that is a step from silence, tiled it is not.
        let x: Vec<f32> = (0..441)
            .map(|i| 0.5 * (TAU * i as f64 / 441.0 * 10.0).cos() as f32)
            .collect();
        assert!((true_peak_tiled(&[&x], 44_100).unwrap() - 0.5).abs() < 1e-3);
        for frames in [1, 2, 5, 63, 64, 65, 130] {
            let short = vec![0.25f32; frames];
            assert!(
                (true_peak_tiled(&[&short], 44_100).unwrap() - 0.25).abs() < 5e-3,
                "{frames}"
            );
        }
    }

    #[test]
    fn rms_is_the_textbook_sum() {
        let x: Vec<f32> = (0..10_007).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
        let expected = (x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
        assert!((rms(&[&x]) - expected).abs() < 1e-6 * expected);
    }
}

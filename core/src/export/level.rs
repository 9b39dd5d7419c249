//! One gain for a whole loop.
//!
//! Peaks are measured on the loop played round, so that the seam counts; loudness too, so that a short loop has enough of
//! ITU-R BS.1770's 400 ms blocks. Where the aim is loudness or RMS, the gain stops at the ceiling rather than clip.

use ebur128::{EbuR128, Mode};

use crate::config::Level;
use crate::units::{amplitude_db, db_amplitude, power_db};

/// Highest peak and true peak of a levelled loop, in dBFS and dBTP.
pub const CEILING_DB: f64 = -1.0;
/// Loudness aimed at, in LUFS.
pub const TARGET_LUFS: f64 = -14.0;
/// RMS aimed at, in dBFS (a full-scale square wave has 0).
pub const TARGET_RMS_DB: f64 = -14.0;
/// Quieter than this a loop is silence, and stays as it is.
const SILENCE_DB: f64 = -90.0;
/// At least this much is measured for loudness, in seconds: the loop is repeated until it is reached.
const LOUDNESS_SECONDS: f64 = 3.0;

/// Levels `planes` in place and tells the gain in dB: exactly 0, and not a sample touched, where nothing is to be done.
pub fn apply(level: Level, planes: &mut [Vec<f32>], sample_rate: u32) -> f64 {
    let gain_db = gain(level, planes, sample_rate);
    if gain_db != 0.0 {
        let gain = db_amplitude(gain_db) as f32;
        planes.iter_mut().flatten().for_each(|v| *v *= gain);
    }
    gain_db
}

/// The gain in dB that brings `planes` to `level`; 0 for silence.
pub fn gain(level: Level, planes: &[Vec<f32>], sample_rate: u32) -> f64 {
    let peak_db = amplitude_db(sample_peak(planes));
    if level == Level::None || peak_db < SILENCE_DB {
        return 0.0;
    }
    // Measures that cannot be taken (a rate or channel count beyond the meter's) fall back on the sample peak.
    let room = || CEILING_DB - true_peak_db(planes, sample_rate).unwrap_or(peak_db).max(peak_db);
    let gain = match level {
        Level::None => 0.0,
        Level::Peak => CEILING_DB - peak_db,
        Level::TruePeak => room(),
        Level::Lufs => match loudness(planes, sample_rate) {
            Some(lufs) => (TARGET_LUFS - lufs).min(room()),
            None => room(),
        },
        Level::Rms => (TARGET_RMS_DB - rms_db(planes)).min(room()),
    };
    if gain.is_finite() { gain } else { 0.0 }
}

fn sample_peak(planes: &[Vec<f32>]) -> f64 {
    f64::from(planes.iter().flatten().fold(0.0f32, |m, v| m.max(v.abs())))
}

fn rms_db(planes: &[Vec<f32>]) -> f64 {
    let count: usize = planes.iter().map(Vec::len).sum();
    let sum: f64 = planes.iter().flatten().map(|&v| f64::from(v) * f64::from(v)).sum();
    power_db(sum / count.max(1) as f64)
}

fn true_peak_db(planes: &[Vec<f32>], sample_rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(u32::try_from(planes.len()).ok()?, sample_rate, Mode::TRUE_PEAK).ok()?;
    let views: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    meter.add_frames_planar_f32(&views).ok()?;
    meter.add_frames_planar_f32(&views).ok()?;
    let peaks = (0..meter.channels()).map(|c| meter.true_peak(c));
    let peak = peaks
        .collect::<Result<Vec<_>, _>>()
        .ok()?
        .into_iter()
        .fold(0.0, f64::max);
    Some(amplitude_db(peak))
}

fn loudness(planes: &[Vec<f32>], sample_rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(u32::try_from(planes.len()).ok()?, sample_rate, Mode::I).ok()?;
    let views: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    let seconds = views.first()?.len() as f64 / f64::from(sample_rate);
    let rounds = (LOUDNESS_SECONDS / seconds).ceil().clamp(1.0, 1000.0) as usize;
    for _ in 0..rounds {
        meter.add_frames_planar_f32(&views).ok()?;
    }
    meter.loudness_global().ok().filter(|l| l.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of 997 Hz at `db` dBFS peak in both channels.
    fn tone(db: f64, frames: usize) -> Vec<Vec<f32>> {
        let amplitude = db_amplitude(db);
        let x: Vec<f32> = (0..frames)
            .map(|i| (amplitude * (std::f64::consts::TAU * 997.0 * i as f64 / 48_000.0).sin()) as f32)
            .collect();
        vec![x.clone(), x]
    }

    #[test]
    fn aims_are_met() {
        // A 997 Hz sine at −20 dBFS in both channels has −20 LUFS, an RMS of −23.01 dBFS (EBU Tech 3341).
        let x = tone(-20.0, 96_000);
        for (level, want, tolerance) in [
            (Level::None, 0.0, 0.0),
            (Level::Peak, 19.0, 0.01),
            (Level::TruePeak, 19.0, 0.05),
            (Level::Lufs, 6.0, 0.05),
            (Level::Rms, 9.01, 0.01),
        ] {
            let gain = gain(level, &x, 48_000);
            assert!((gain - want).abs() <= tolerance, "{level:?}: {gain}");
        }
    }

    #[test]
    fn the_ceiling_holds() {
        let mut x = tone(-40.0, 96_000);
        x[0][5000] = 0.5;
        for level in [Level::Lufs, Level::Rms, Level::TruePeak, Level::Peak] {
            let mut y = x.clone();
            apply(level, &mut y, 48_000);
            assert!(amplitude_db(sample_peak(&y)) <= CEILING_DB + 1e-4, "{level:?}");
            assert!(
                level == Level::Peak || true_peak_db(&y, 48_000).unwrap() <= CEILING_DB + 1e-4,
                "{level:?}"
            );
        }
    }

    #[test]
    fn a_step_at_the_seam_counts() {
        // Half a sine: at the wrap the end meets the start with a step that overshoots between the samples.
        let x: Vec<f32> = (0..4800).map(|i| if i < 2400 { -0.9 } else { 0.9 }).collect();
        let once = [x];
        assert!(true_peak_db(&once, 48_000).unwrap() > amplitude_db(0.9) + 0.5);
    }

    #[test]
    fn silence_and_odd_rates_are_left_alone_or_managed() {
        for level in [Level::Peak, Level::TruePeak, Level::Lufs, Level::Rms] {
            assert_eq!(gain(level, &[vec![0.0; 100]], 48_000), 0.0);
            assert!(gain(level, &vec![vec![0.1; 100]; 80], 4_000_000).is_finite());
        }
    }
}

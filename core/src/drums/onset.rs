//! Onsets of drum hits: where something is struck, to the millisecond.
//!
//! 1. **Strength**: SuperFlux (S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx
//!    2013): the rise of a log spectrum on quarter-tone bands over two frames, against the maximum of three neighbouring
//!    bands, so that a note which wavers is no onset. Divided by its mean, so that neither gain nor density matter much.
//! 2. **Peaks**: maxima within ±30 ms that stand out from their surroundings by a threshold.
//! 3. **Time**: a parabola through the peak, then the foot of the attack on the waveform: the band that rises most within
//!    a few milliseconds of the peak, walked back from its top to a tenth of its rise. A search any wider would find
//!    neighbouring notes.
//!
//! All of it runs at 44.1 kHz. Nothing is assumed about what plays: notes of other instruments are onsets too.

mod bands;
pub(crate) mod flux;
mod foot;
mod peaks;

use std::borrow::Cow;

use crate::audio::resample::{ResampleError, to_rate};
use crate::progress::{Cancelled, Progress};

pub(crate) use flux::Front;

/// Sample rate in Hz at which onsets are found.
pub const RATE: u32 = 44_100;
/// Samples a frame.
pub const N_FFT: usize = 1024;
/// Samples between frames (5 ms).
pub const HOP: usize = 220;
/// Threshold that keeps what is audible as a drum hit.
pub const PLAIN: f32 = 0.9;
/// Threshold for candidates, where a classifier decides: nearly every hit is among them, and as many other things.
pub const CANDIDATES: f32 = 0.35;

/// A place where something is struck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// The attack, in seconds from the start of the signal.
    pub time: f64,
    /// How far the onset strength stands out from its surroundings, in means of the track's onset strength. More than
    /// the threshold that was asked for.
    pub strength: f32,
}

/// Why onsets cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum OnsetError {
    /// The signal cannot be brought to [`RATE`].
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The user gave up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The onsets of `mono` at `rate` Hz that stand out by `threshold` ([`PLAIN`] or [`CANDIDATES`]), in order of time, at
/// least 20 ms apart. Silence has none.
///
/// A signal that begins with sound has an onset there: a break is cut at its first hit.
pub fn find(mono: &[f32], rate: u32, threshold: f32, progress: &dyn Progress) -> Result<Vec<Onset>, OnsetError> {
    let mono = at_rate(mono, rate)?;
    let Some(gain) = gain(&mono) else {
        return Ok(Vec::new());
    };
    let front = Front::of(&mono, gain, None, progress)?;
    Ok(of_front(&front, &mono, gain, threshold, progress)?.0)
}

/// The onsets of a signal whose front end is done, and the frame of the strength's peak of each.
pub(crate) fn of_front(
    front: &Front,
    mono: &[f32],
    gain: f32,
    threshold: f32,
    progress: &dyn Progress,
) -> Result<(Vec<Onset>, Vec<usize>), Cancelled> {
    let peaks = peaks::pick(&front.strength, threshold);
    let rough: Vec<f64> = peaks.iter().map(|p| p.time).collect();
    let times = foot::refine(mono, gain, &rough, progress)?;
    let onsets = times.into_iter().zip(&peaks).map(|(time, peak)| Onset {
        time: time.max(0.0),
        strength: peak.prominence,
    });
    Ok((onsets.collect(), peaks.iter().map(|p| p.frame).collect()))
}

/// `mono` at [`RATE`], with zeros for samples that are not finite.
pub(crate) fn at_rate(mono: &[f32], rate: u32) -> Result<Cow<'_, [f32]>, ResampleError> {
    let finite = mono.iter().all(|x| x.is_finite());
    let mono = if finite {
        Cow::Borrowed(mono)
    } else {
        mono.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect()
    };
    if rate == RATE {
        return Ok(mono);
    }
    Ok(Cow::Owned(to_rate(&mono, rate, RATE)?))
}

/// What brings the peak of `mono` to 1; `None` for silence (nothing above −120 dB of full scale).
pub(crate) fn gain(mono: &[f32]) -> Option<f32> {
    let peak = mono.iter().fold(0.0f32, |a, x| a.max(x.abs()));
    (peak > 1e-6).then(|| 1.0 / peak)
}

#[cfg(test)]
mod tests;

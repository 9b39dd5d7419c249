//! Learning which tags a file has, of several at once: one model a tag against all others (*one-vs-rest*).
//!
//! [`describe`] makes numbers of a recording and hears the tags that follow from its audio ([`audio_tags`]); others come from
//! names ([`genres`]) or from tables. [`examples`] puts files and tags together, [`train`] learns and judges, [`onnx`] writes
//! what [`crate::model::multilabel`] reads.
//!
//! # Honest figures
//!
//! Files of one source or content are always in one fold ([`sources`], [`folds`]). Every probability by which thresholds are
//! set and models judged is of a model that did not see the file, and the files of a fold are judged by calibration and
//! thresholds that were set without them.

pub mod audio_tags;
pub mod calibrate;
pub mod card;
pub mod ensemble;
pub mod examples;
pub mod features;
pub mod folds;
pub mod genres;
pub mod logistic;
pub mod onnx;
pub mod pulse;
pub mod scores;
pub mod sources;
pub mod train;

use crate::analysis::loop_file::{self, LONGEST, LoopFile};
use crate::audio::AudioBuffer;
use crate::audio::resample::{ResampleError, mono_to_rate};
use crate::progress::{Cancelled, Progress};
use audio_tags::Measures;

/// The rate at which recordings are described, in Hz.
pub const RATE: u32 = 22_050;
/// Samples of a spectrum.
const N_FFT: usize = 2048;
/// Samples from frame to frame.
const HOP: usize = 512;
/// Frames a second.
const FPS: f64 = RATE as f64 / HOP as f64;

/// Why a recording has no description.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DescribeError {
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Its rate cannot be brought to ours.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// A recording in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// As [`features::names`].
    pub features: Vec<f32>,
    /// What audio tags are told by, where they were asked for.
    pub measures: Option<Measures>,
}

/// Describes `audio`, and measures what its audio tags follow from where `with_measures`. `None` where there is nothing to
/// hear: silence, or no samples.
pub fn describe(
    audio: &AudioBuffer,
    with_measures: bool,
    progress: &dyn Progress,
) -> Result<Option<Described>, DescribeError> {
    let known = loop_tempo(audio, progress)?;
    let wanted = if with_measures {
        audio_tags::LENGTH
    } else {
        features::LENGTH
    };
    let mono = mono_to_rate(&first(audio, wanted), RATE)?;
    let head = |seconds: f64| &mono[..mono.len().min((seconds * f64::from(RATE)) as usize)];
    let Some(features) = features::of(head(features::LENGTH), known, progress)? else {
        return Ok(None);
    };
    let measures = if with_measures {
        Measures::of(head(audio_tags::LENGTH), known, progress)?
    } else {
        None
    };
    Ok(Some(Described { features, measures }))
}

/// The tempo of a file that was cut to run round: its length tells it better than any tracker. `None` for other files.
fn loop_tempo(audio: &AudioBuffer, progress: &dyn Progress) -> Result<Option<f64>, Cancelled> {
    if audio.seconds() > LONGEST {
        return Ok(None);
    }
    let file = LoopFile::of(audio, progress)?;
    Ok(file
        .tempo()
        .filter(|_| file.kind == loop_file::Kind::Loop)
        .map(|t| t.bpm))
}

/// The first seconds of `audio`, at its own rate, with a little more so that resampling has no end there.
fn first(audio: &AudioBuffer, seconds: f64) -> AudioBuffer {
    let frames = ((seconds + 0.25) * f64::from(audio.sample_rate())) as usize;
    if audio.frames() <= frames {
        return audio.clone();
    }
    let planes = audio.planes().iter().map(|p| p[..frames].to_vec()).collect();
    // Planes of one buffer are of equal lengths: a part of each is too.
    AudioBuffer::new(planes, audio.sample_rate()).unwrap_or_else(|_| audio.clone())
}

#[cfg(test)]
mod tests;

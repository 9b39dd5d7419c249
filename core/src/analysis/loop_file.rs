//! What a short file is: a loop or a one-shot, and a loop's tempo, bars and key.
//!
//! A file that was cut to run round says its tempo by its length: it holds a whole number of beats. Which number, its
//! content says. The stages:
//!
//! 1. `sound`: onset strength in five groups of bands, the file taken as a ring: what stands on the first sample rises
//!    out of what the last one leaves.
//! 2. `tempo`: for each number of beats and meter that gives a usual tempo, what its bar would be: onsets on the
//!    sixteenths of the bar by band, likeness of the ring to itself at musical lags, densities, the tempo. A small network
//!    scores them, one after the other; a softmax over all of them is the probability.
//! 3. `content`: drums, percussion, music or a mixture of them; something that runs round, or a single sound.
//!
//! Which octave a groove is counted in is convention (drum and bass at 170, not 85), so it is learnt, from loops that the
//! project's composer writes (`training/loops`). Names and chunks in the file are not looked at here: those of a product
//! that read them (`audio::riff::meta`) should be believed first.
//!
//! A file longer than [`LONGEST`] is no loop file: nothing but its first minute is looked at.

mod content;
mod sound;
mod tempo;
#[allow(clippy::approx_constant)] // Some weight or other comes close to one.
mod weights;

#[cfg(test)]
mod tests;

use super::key::{self, Key};
use crate::audio::AudioBuffer;
use crate::audio::resample::mono_to_rate;
use crate::progress::{Cancelled, Progress};

pub use content::{CONTENT_TRAITS, Content, Contents};
use sound::Sound;
pub use tempo::{Candidate, TRAITS, candidates};

/// Longest loop in seconds: sixteen bars at 50 beats a minute.
pub const LONGEST: f64 = 77.0;
/// How much of a longer file is listened to, in seconds.
const HEARD: f64 = 60.0;
/// Short files are repeated up to this length before their key is estimated, in seconds.
const KEY_SECONDS: f64 = 1.6;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something that runs round.
    Loop,
    /// A single sound.
    OneShot,
    /// Nothing to hear.
    Silence,
    /// Too long for a loop file: a song, a set, a recording.
    Recording,
}

impl Kind {
    /// Its name in tables: `loop`, `one-shot`, `silence`, `recording`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::OneShot => "one-shot",
            Self::Silence => "silence",
            Self::Recording => "recording",
        }
    }
}

/// The tempo of a loop that fills its file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopTempo {
    /// Beats a minute: the beats fill the file exactly.
    pub bpm: f64,
    /// Beats in the file.
    pub beats: u32,
    /// Beats in a bar.
    pub meter: u32,
    /// From 0 to 1: how sure that is.
    pub confidence: f32,
}

impl LoopTempo {
    /// Length in bars; half bars are .5.
    pub fn bars(&self) -> f64 {
        f64::from(self.beats) / f64::from(self.meter.max(1))
    }
}

/// What is known of a short file.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopFile {
    /// What it is.
    pub kind: Kind,
    /// Its length in seconds.
    pub seconds: f64,
    /// Its tempo, best first; empty where it is no loop. Each beat count is there once.
    pub tempi: Vec<LoopTempo>,
    /// Its key; none for drums and noise.
    pub key: Option<Key>,
    /// From 0 to 1: how much of it is drums.
    pub drums: f32,
    /// What it is made of.
    pub contents: Contents,
}

impl LoopFile {
    /// The tempo that is most likely.
    pub fn tempo(&self) -> Option<&LoopTempo> {
        self.tempi.first()
    }

    /// Listens to `audio`. Takes some ten milliseconds for eight seconds of sound, and no more for an hour than for a
    /// minute.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `progress` says so.
    pub fn of(audio: &AudioBuffer, progress: &dyn Progress) -> Result<Self, Cancelled> {
        progress.check()?;
        let seconds = audio.seconds();
        let long = seconds > LONGEST;
        let mono = if long {
            mono_of(&head(audio, HEARD))
        } else {
            mono_of(audio)
        };
        let Some(sound) = Sound::of(&mono) else {
            return Ok(Self {
                kind: if long { Kind::Recording } else { Kind::Silence },
                seconds,
                tempi: Vec::new(),
                key: None,
                drums: 0.0,
                contents: Contents::default(),
            });
        };
        progress.check()?;
        let pitches = key::Pitches::of_with(&ring(&mono), f64::from(sound::RATE), progress)?;
        let traits = content::traits(&sound, &pitches);
        let contents = content::contents(&traits);
        let kind = match long {
            true => Kind::Recording,
            false if content::runs_round(&traits) => Kind::Loop,
            false => Kind::OneShot,
        };
        let drums = contents.drums();
        Ok(Self {
            kind,
            seconds,
            tempi: match kind {
                Kind::Loop => tempo::tempi(&sound, seconds),
                _ => Vec::new(),
            },
            // Ringing heads of drums are tuned, but are in no key.
            key: (drums < content::DRUMS_ALONE)
                .then(|| key::estimate(&pitches.chroma, pitches.tonalness))
                .flatten(),
            drums,
            contents,
        })
    }
}

/// What `training/loops/fit.py` learns from: the traits of each number of beats, and those of the content.
pub type Traits = (Vec<(Candidate, [f32; TRAITS])>, [f32; CONTENT_TRAITS]);

/// The traits of `audio`. None for silence and for what is too long.
pub fn traits(audio: &AudioBuffer) -> Option<Traits> {
    if audio.seconds() > LONGEST {
        return None;
    }
    let mono = mono_of(audio);
    let sound = Sound::of(&mono)?;
    let pitches = key::Pitches::of(&ring(&mono), f64::from(sound::RATE));
    let rows = candidates(audio.seconds())
        .into_iter()
        .map(|c| (c, tempo::traits(&sound, c, audio.seconds())))
        .collect();
    Some((rows, content::traits(&sound, &pitches)))
}

/// Its channels' mean at the rate of this module; what is not finite counts as zero.
fn mono_of(audio: &AudioBuffer) -> Vec<f32> {
    // A rate that cannot be converted has no sound that could be analysed.
    let mut mono = mono_to_rate(audio, sound::RATE).unwrap_or_default();
    mono.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
    mono
}

/// The first `seconds` of `audio`.
fn head(audio: &AudioBuffer, seconds: f64) -> AudioBuffer {
    let n = ((seconds * f64::from(audio.sample_rate())) as usize).min(audio.frames());
    let planes = audio.planes().iter().map(|p| p[..n].to_vec()).collect();
    // As many channels of one length at the same rate: that was a buffer before.
    AudioBuffer::new(planes, audio.sample_rate()).unwrap_or_else(|_| audio.clone())
}

/// `mono` over and over, where it is short.
fn ring(mono: &[f32]) -> std::borrow::Cow<'_, [f32]> {
    let wanted = (KEY_SECONDS * f64::from(sound::RATE)) as usize;
    if mono.is_empty() || mono.len() >= wanted {
        return mono.into();
    }
    mono.iter()
        .cycle()
        .take(mono.len() * wanted.div_ceil(mono.len()))
        .copied()
        .collect()
}

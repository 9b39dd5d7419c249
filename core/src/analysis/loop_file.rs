//! What a short file is: a loop or a one-shot, and a loop's tempo, bars and key.
//!
//! A file that was cut to run round says its tempo by its length: it holds a whole number of beats. Which number, its
//! content says.

use super::key::Key;
use crate::audio::AudioBuffer;
use crate::progress::{Cancelled, Progress};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something that runs round.
    Loop,
    /// A single sound.
    OneShot,
    /// Nothing to hear.
    Silence,
}

impl Kind {
    /// Its name in tables: `loop`, `one-shot`, `silence`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::OneShot => "one-shot",
            Self::Silence => "silence",
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
}

impl LoopFile {
    /// The tempo that is most likely.
    pub fn tempo(&self) -> Option<&LoopTempo> {
        self.tempi.first()
    }

    /// Listens to `audio`.
    pub fn of(audio: &AudioBuffer, progress: &dyn Progress) -> Result<Self, Cancelled> {
        progress.check()?;
        Ok(Self {
            kind: Kind::Loop,
            seconds: audio.seconds(),
            tempi: Vec::new(),
            key: super::key::of(audio),
            drums: 0.0,
        })
    }
}

//! Which loops go together: by the whole course of their rhythm, and by rhythm, timbre and harmony apart.
//!
//! [`Sound::of`] listens to one file. Its [`sequence::Sequence`] is what [`dtw`] aligns pair by pair; [`sharpen`] makes a
//! graph of all the alignments and [`spectral`] orders and bins it: the *contact map*. Its [`profile::Profile`] is a
//! short description by aspect, in which [`neighbors`] searches large collections.

pub mod dtw;
pub mod graph;
pub mod neighbors;
pub mod pairs;
pub mod profile;
pub mod sequence;
pub mod sharpen;
pub mod spectral;

use crate::analysis::loop_file::LoopFile;
use crate::audio::AudioBuffer;
use crate::audio::resample::{ResampleError, mono_to_rate};
use crate::progress::{Cancelled, Progress};
use crate::track::TrackId;
use profile::Profile;
use sequence::Sequence;

/// The rate at which sounds are compared, in Hz.
pub const RATE: u32 = 22_050;

/// Why a sound cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SoundError {
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Its rate cannot be brought to ours.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// There is too little to compare.
    #[error("{0}")]
    Short(String),
}

/// What is kept of a file in order to compare it: some tens of kilobytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Its name by content.
    pub id: TrackId,
    /// What it is, its tempo and key.
    pub file: LoopFile,
    /// Its rhythm, frame by frame.
    pub sequence: Sequence,
    /// Its description by aspect.
    pub profile: Profile,
}

impl Sound {
    /// Listens to `audio`.
    pub fn of(audio: &AudioBuffer, progress: &dyn Progress) -> Result<Self, SoundError> {
        let file = LoopFile::of(audio, progress)?;
        let mono = mono_to_rate(audio, RATE)?;
        let sequence = Sequence::of(&mono);
        progress.check()?;
        let profile = Profile::of(&mono, &file);
        Ok(Self {
            id: TrackId::of(audio),
            file,
            sequence,
            profile,
        })
    }
}

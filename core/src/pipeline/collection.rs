//! Many short files, each listened to once: what the contact map, neighbours and tags start from.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use super::ahead::Ahead;
use super::batch;
use super::load::{LoadError, load_place};
use super::run::{Observer, OfItem};
use crate::audio::resample::ResampleError;
use crate::audio::status::SILENCE;
use crate::audio::{AudioBuffer, AudioStatus};
use crate::config::Config;
use crate::progress::{Cancelled, Progress};
use crate::similarity::{Sound, SoundError};
use crate::store::Place;

/// Below this length in seconds there is nothing to compare: a beat at 300 bpm.
pub const SHORTEST: f64 = 0.2;

/// A file that was listened to.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its path, as it was given.
    pub path: PathBuf,
    /// What was heard.
    pub sound: Sound,
}

/// Why a file is not in the collection.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// There is nothing to compare.
    #[error(transparent)]
    Sound(#[from] SoundError),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] batch::Panicked),
    /// It is audio, but nothing that runs round.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it is instead, in words.
        why: String,
    },
}

impl From<Cancelled> for MemberError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Sound(cancelled.into())
    }
}

impl From<ResampleError> for MemberError {
    fn from(error: ResampleError) -> Self {
        Self::Sound(error.into())
    }
}

/// The files that could be read, in the order in which they were given, and those that could not.
#[derive(Debug, Default)]
pub struct Collection {
    /// Who is in it.
    pub members: Vec<Member>,
    /// Who is not, and why.
    pub failed: Vec<(PathBuf, MemberError)>,
}

/// Listens to what is at `places`, on `jobs` threads. `done` is called on the calling thread as each ends, in order.
///
/// Audio is let go as soon as it has been heard: what stays is some tens of kilobytes a file.
pub fn read(
    places: &[Place],
    config: &Config,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<&Sound, &MemberError>),
) -> std::io::Result<Collection> {
    let mut collection = Collection::default();
    let work = |index: usize, progress: &dyn Progress| listen(&places[index], config, progress);
    each(places, jobs, observer, &work, |index, result| {
        let path = places[index].path().to_path_buf();
        match result {
            Ok(sound) => {
                done(index, Ok(&sound));
                collection.members.push(Member { path, sound });
            }
            Err(e) => {
                done(index, Err(&e));
                collection.failed.push((path, e));
            }
        }
    })?;
    Ok(collection)
}

/// Does `work` on each of `places`, told by its index, on `jobs` threads; `done` is called on the calling thread as each ends, in order. Once
/// the observer says so, no further file is begun.
pub fn each<T: Send>(
    places: &[Place],
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    work: &(dyn Fn(usize, &dyn Progress) -> Result<T, MemberError> + Sync),
    mut done: impl FnMut(usize, Result<T, MemberError>),
) -> std::io::Result<()> {
    let cancelled = || observer.is_cancelled();
    let one = |index: usize| work(index, &OfItem { observer, index });
    batch::in_order(
        places.len(),
        Ahead::of(places.iter(), jobs).threads(),
        &cancelled,
        &one,
        |index, result| {
            done(index, result.map_err(MemberError::from).flatten());
        },
    )
}

/// Listens to what is at `place`.
pub fn listen(place: &Place, config: &Config, progress: &dyn Progress) -> Result<Sound, MemberError> {
    let audio = audible(place, config, progress)?;
    Ok(Sound::of(&audio, progress)?)
}

/// The audio of what is at `place`.
///
/// # Errors
///
/// [`MemberError::Load`] where it cannot be read, [`MemberError::Unfit`] where it is silent or shorter than
/// [`SHORTEST`].
pub fn audible(place: &Place, config: &Config, progress: &dyn Progress) -> Result<Arc<AudioBuffer>, MemberError> {
    let loaded = load_place(place, config, progress)?;
    let audio = loaded.track.audio;
    let unfit = |why: String| MemberError::Unfit {
        path: place.path().to_path_buf(),
        why,
    };
    // A bar of techno is a loop, and shorter than what the rest of the tool calls short.
    if audio.seconds() < SHORTEST {
        return Err(unfit(format!(
            "{:.3} s of audio; nothing under {SHORTEST} s is compared",
            audio.seconds()
        )));
    }
    match AudioStatus::of(&audio) {
        AudioStatus::Silent | AudioStatus::Constant | AudioStatus::Empty => Err(unfit("it is silent".into())),
        // Short, and silent too?
        AudioStatus::TooShort if peak(&audio) < SILENCE => Err(unfit("it is silent".into())),
        _ => Ok(audio),
    }
}

fn peak(audio: &AudioBuffer) -> f32 {
    audio.planes().iter().flatten().fold(0.0, |a, x| a.max(x.abs()))
}

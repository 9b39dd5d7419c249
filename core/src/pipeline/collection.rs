//! Many short files, each listened to once: what the contact map, neighbours and tags start from.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::batch;
use super::load::load;
use super::run::Observer;
use crate::audio::decode::DecodeError;
use crate::config::Config;
use crate::progress::{Progress, Stage};
use crate::similarity::{Sound, SoundError};

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
    Decode(#[from] DecodeError),
    /// There is nothing to compare.
    #[error(transparent)]
    Sound(#[from] SoundError),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] batch::Panicked),
}

/// The files that could be read, in the order in which they were given, and those that could not.
#[derive(Debug, Default)]
pub struct Collection {
    /// Who is in it.
    pub members: Vec<Member>,
    /// Who is not, and why.
    pub failed: Vec<(PathBuf, MemberError)>,
}

/// Listens to `paths`, on `jobs` threads. `done` is called on the calling thread as each ends, in order.
pub fn read(
    paths: &[PathBuf],
    config: &Config,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<&Sound, &MemberError>),
) -> std::io::Result<Collection> {
    let mut collection = Collection::default();
    let work = |index: usize| listen(&paths[index], config, &OfItem { observer, index });
    batch::in_order(
        paths.len(),
        jobs,
        &|| observer.is_cancelled(),
        &work,
        |index, result| {
            let path = paths[index].clone();
            match result.map_err(MemberError::from).flatten() {
                Ok(sound) => {
                    done(index, Ok(&sound));
                    collection.members.push(Member { path, sound });
                }
                Err(e) => {
                    done(index, Err(&e));
                    collection.failed.push((path, e));
                }
            }
        },
    )?;
    Ok(collection)
}

/// Listens to the file at `path`.
pub fn listen(path: &Path, config: &Config, progress: &dyn Progress) -> Result<Sound, MemberError> {
    let loaded = load(path, config, progress)?;
    Ok(Sound::of(&loaded.track.audio, progress)?)
}

struct OfItem<'a> {
    observer: &'a dyn Observer,
    index: usize,
}

impl Progress for OfItem<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        self.observer.report(self.index, stage, fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.observer.is_cancelled()
    }
}

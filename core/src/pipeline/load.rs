//! From a file, or what was read of one, to a [`Track`].

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use super::run::TrackError;
use crate::audio::decode::{DecodeError, DecodeErrorKind, Decoded, Tags, decode_file_with, decode_reader};
use crate::audio::{AudioBuffer, AudioStatus};
use crate::config::Config;
use crate::export::destination;
use crate::progress::Progress;
use crate::store::{Place, StoreError};
use crate::track::{Origin, Track, TrackId};

/// A decoded file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The track, without a grid.
    pub track: Track,
    /// Whether it is worth analysing.
    pub status: AudioStatus,
    /// What was odd but could be read, in words for the user.
    pub warnings: Vec<String>,
}

/// Decodes the file at `path` into a track, named after the file.
pub fn load(path: &Path, config: &Config, progress: &dyn Progress) -> Result<Loaded, DecodeError> {
    let decoded = decode_file_with(path, &config.decode, progress)?;
    Ok(of_decoded(decoded, path, Origin::File(path.to_path_buf())))
}

/// Decodes the content of a file that lies in memory. `name` is what messages call it, and its stem names the track; its
/// extension is a hint at the format. `uri` is where it came from.
///
/// # Errors
///
/// As [`load`].
pub fn of_bytes(
    bytes: &[u8],
    name: &Path,
    uri: String,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Loaded, DecodeError> {
    let decoded = decode_reader(name, Cursor::new(bytes), &config.decode, progress)?;
    Ok(of_decoded(decoded, name, Origin::Stream { uri }))
}

/// Why what is at a [`Place`] did not become a track.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The store that it lies in does not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decodes what is at `place`, fetching it first if it is in a store.
///
/// # Errors
///
/// [`LoadError`].
pub fn load_place(place: &Place, config: &Config, progress: &dyn Progress) -> Result<Loaded, LoadError> {
    Fetched::bytes_of(place, config, progress)?.load(place, config, progress)
}

/// A track of samples that somebody else decoded, all of them finite. `name` is the track's.
pub fn of_audio(audio: AudioBuffer, name: &str) -> Loaded {
    let uri = name.to_owned();
    Loaded {
        status: AudioStatus::of(&audio),
        track: Track {
            id: TrackId::of(&audio),
            audio: Arc::new(audio),
            origin: Origin::Stream { uri },
            name: name.to_owned(),
            tags: Tags::default(),
            grid: None,
        },
        warnings: Vec::new(),
    }
}

fn of_decoded(decoded: Decoded, path: &Path, origin: Origin) -> Loaded {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    Loaded {
        track: Track {
            id: TrackId::of(&decoded.audio),
            audio: Arc::new(decoded.audio),
            origin,
            name: stem.to_string_lossy().into_owned(),
            tags: decoded.tags,
            grid: None,
        },
        status: decoded.status,
        warnings: decoded.warnings,
    }
}

/// A file that is at hand: of one in a store, all of its bytes.
#[derive(Debug)]
pub struct Fetched(Option<Vec<u8>>);

impl Fetched {
    fn bytes_of(place: &Place, config: &Config, progress: &dyn Progress) -> Result<Self, LoadError> {
        let Place::Object(object) = place else {
            return Ok(Self(None));
        };
        // No recording within the limits is larger than its samples at 64 bits.
        let most = config.decode.max_memory_mb.saturating_mul(2 << 20);
        if let Some(bytes) = object.entry.bytes.filter(|b| *b > most) {
            let kind = DecodeErrorKind::Limit(format!("is of {bytes} bytes, more than the {most} that are fetched"));
            let file = place.path().to_path_buf();
            return Err(DecodeError { file, kind }.into());
        }
        Ok(Self(Some(object.read(progress)?)))
    }

    /// Brings what is at `place` here, and tells the BLAKE3 of its bytes, in hexadecimal.
    ///
    /// # Errors
    ///
    /// [`TrackError::Read`], [`TrackError::Store`], [`TrackError::Cancelled`]; [`TrackError::Decode`] for what is too large.
    pub fn of(place: &Place, config: &Config, progress: &dyn Progress) -> Result<(Self, String), TrackError> {
        let fetched = Self::bytes_of(place, config, progress)?;
        let content = match &fetched.0 {
            Some(bytes) => blake3::hash(bytes).to_hex().to_string(),
            None => destination::hash_file(place.path()).map_err(|source| TrackError::Read {
                path: place.path().to_path_buf(),
                source,
            })?,
        };
        Ok((fetched, content))
    }

    /// Decodes it.
    ///
    /// # Errors
    ///
    /// As [`load_place`].
    pub fn load(self, place: &Place, config: &Config, progress: &dyn Progress) -> Result<Loaded, LoadError> {
        Ok(match self.0 {
            Some(bytes) => {
                let uri = place.path().to_string_lossy().into_owned();
                of_bytes(&bytes, place.path(), uri, config, progress)?
            }
            None => load(place.path(), config, progress)?,
        })
    }
}

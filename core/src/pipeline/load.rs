//! From a file, or what was read of one, to a [`Track`].

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use crate::audio::decode::{DecodeError, Decoded, Tags, decode_file_with, decode_reader};
use crate::audio::{AudioBuffer, AudioStatus};
use crate::config::Config;
use crate::progress::Progress;
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

//! From a file to a [`Track`].

use std::path::Path;
use std::sync::Arc;

use crate::audio::AudioStatus;
use crate::audio::decode::{DecodeError, decode_file_with};
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
    let id = TrackId::of(&decoded.audio);
    Ok(Loaded {
        track: Track {
            audio: Arc::new(decoded.audio),
            id,
            origin: Origin::File(path.to_path_buf()),
            name: path
                .file_stem()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned(),
            tags: decoded.tags,
            grid: None,
        },
        status: decoded.status,
        warnings: decoded.warnings,
    })
}

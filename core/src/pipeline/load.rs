//! From a file to a [`Track`].

use std::path::Path;
use std::sync::Arc;

use crate::audio::decode::{DecodeError, decode_file};
use crate::config::Config;
use crate::progress::{Progress, Stage};
use crate::track::{Origin, Track, TrackId};

/// A decoded file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The track, without a grid.
    pub track: Track,
    /// What was odd but could be read, in words for the user.
    pub warnings: Vec<String>,
}

/// Decodes the file at `path` into a track, named after the file.
pub fn load(path: &Path, config: &Config, progress: &dyn Progress) -> Result<Loaded, DecodeError> {
    progress.report(Stage::Decode, 0.0);
    let decoded = decode_file(path, &config.decode)?;
    progress.report(Stage::Decode, 0.8);
    let id = TrackId::of(&decoded.audio);
    progress.report(Stage::Decode, 1.0);
    Ok(Loaded {
        track: Track {
            audio: Arc::new(decoded.audio),
            id,
            origin: Origin::File(path.to_path_buf()),
            name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            tags: decoded.tags,
            grid: None,
        },
        warnings: decoded.warnings,
    })
}

//! From a file's bytes to samples.

use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::buffer::{AudioBuffer, BufferError};
use crate::config;

/// Why a file gave no audio. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// No decoder reads it.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// What was decoded is no audio.
    #[error("{}: {source}", path.display())]
    Buffer {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: BufferError,
    },
}

/// Text tags of a file, as found: untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Artist.
    pub artist: Option<String>,
    /// Title.
    pub title: Option<String>,
}

/// What decoding gave.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The samples.
    pub audio: AudioBuffer,
    /// The tags.
    pub tags: Tags,
    /// What was odd but could be read, in words for the user.
    pub warnings: Vec<String>,
}

/// Decodes the default audio track of the file at `path`.
pub fn decode_file(path: &Path, _limits: &config::Decode) -> Result<Decoded, DecodeError> {
    let unsupported = |e: SymphoniaError| DecodeError::Unsupported {
        path: path.into(),
        reason: e.to_string(),
    };
    let none = |reason: &str| DecodeError::Unsupported {
        path: path.into(),
        reason: reason.into(),
    };
    let file = std::fs::File::open(path).map_err(|source| DecodeError::Io {
        path: path.into(),
        source,
    })?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    if let Some(ext) = path.extension().and_then(|e| e.to_str()) {
        hint.with_extension(ext);
    }
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(unsupported)?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| none("no audio track"))?;
    let id = track.id;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|p| p.audio())
        .ok_or_else(|| none("no audio parameters"))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(unsupported)?;
    let mut planes: Vec<Vec<f32>> = Vec::new();
    let mut rate = 0;
    let mut chunk: Vec<Vec<f32>> = Vec::new();
    while let Some(packet) = format.next_packet().map_err(unsupported)? {
        if packet.track_id != id {
            continue;
        }
        let decoded = decoder.decode(&packet).map_err(unsupported)?;
        rate = decoded.spec().rate();
        decoded.copy_to_vecs_planar(&mut chunk);
        planes.resize(chunk.len().max(planes.len()), Vec::new());
        for (plane, new) in planes.iter_mut().zip(&chunk) {
            plane.extend_from_slice(new);
        }
    }
    let audio = AudioBuffer::new(planes, rate).map_err(|source| DecodeError::Buffer {
        path: path.into(),
        source,
    })?;
    Ok(Decoded {
        audio,
        tags: Tags::default(),
        warnings: Vec::new(),
    })
}

//! A recording with a name: what the rest of the work starts from.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audio::AudioBuffer;
use crate::audio::decode::Tags;
use crate::rhythm::grid::BeatGrid;

/// Where a track came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Something else that can be named.
    Stream {
        /// Its name.
        uri: String,
    },
    /// A take captured from a host.
    Live {
        /// Its number.
        take: u64,
    },
}

/// BLAKE3 of the decoded samples and their rate: the same audio has the same name wherever it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrackId(pub [u8; 32]);

impl TrackId {
    /// The name of `audio`.
    pub fn of(audio: &AudioBuffer) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&audio.sample_rate().to_le_bytes());
        hash.update(&(audio.channels() as u32).to_le_bytes());
        for plane in audio.planes() {
            if cfg!(target_endian = "little") {
                hash.update(bytemuck::cast_slice(plane));
            } else {
                plane.iter().for_each(|x| {
                    hash.update(&x.to_le_bytes());
                });
            }
        }
        Self(*hash.finalize().as_bytes())
    }
}

impl std::fmt::Display for TrackId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// A recording. Cheap to clone: the audio is shared.
#[derive(Debug, Clone)]
pub struct Track {
    /// The samples, at their own rate.
    pub audio: Arc<AudioBuffer>,
    /// Name by content.
    pub id: TrackId,
    /// Where it came from.
    pub origin: Origin,
    /// A name for people: the file's stem, usually. Untrusted.
    pub name: String,
    /// Tags of the source. Untrusted.
    pub tags: Tags,
    /// A grid that is given (by a host, a DJ or the user), so that none is tracked.
    pub grid: Option<BeatGrid>,
}

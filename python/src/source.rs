//! What is worked on: a file, an address, the content of a file, or samples.

use std::path::{Path, PathBuf};

use loopwright_core::audio::AudioBuffer;
use loopwright_core::config::Config;
use loopwright_core::export::destination::hash_file;
use loopwright_core::export::layout;
use loopwright_core::export::manifest::SourceKey;
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::load::{self, Loaded};
use loopwright_core::pipeline::run::TrackError;
use loopwright_core::progress::Progress;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::errors::Failure;
use crate::stores;

/// What is worked on.
pub(crate) enum Source {
    /// A file.
    Path(PathBuf),
    /// A file in a store.
    Address(String),
    /// The content of a file, and its name.
    Bytes(PyBackedBytes, String),
    /// Samples, and their name.
    Audio(AudioBuffer, String),
}

/// As the package gives it: a path or an address; or content, or samples `[channels, frames]` and their rate, with a name.
#[derive(FromPyObject)]
pub(crate) enum Given<'py> {
    /// Samples.
    Audio(PyReadonlyArray2<'py, f32>, u32, String),
    /// Content.
    Bytes(PyBackedBytes, String),
    /// A path or an address.
    Place(PathBuf),
}

impl Given<'_> {
    /// Copies samples, so that the interpreter is not needed any more.
    pub(crate) fn take(self) -> Result<Source, Failure> {
        Ok(match self {
            Self::Audio(samples, rate, name) => {
                let shape = samples.shape();
                let flat = samples.as_slice().map_err(|e| Failure::Audio(format!("{name}: {e}")))?;
                let frames = shape.get(1).copied().unwrap_or(0);
                let planes: Vec<Vec<f32>> = match frames {
                    0 => shape.first().map_or(Vec::new(), |channels| vec![Vec::new(); *channels]),
                    frames => flat.chunks_exact(frames).map(<[f32]>::to_vec).collect(),
                };
                let audio = AudioBuffer::new(planes, rate).map_err(|e| Failure::Audio(format!("{name}: {e}")))?;
                Source::Audio(audio, name)
            }
            Self::Bytes(content, name) => Source::Bytes(content, name),
            Self::Place(path) => match path.to_str() {
                Some(text) if loopwright_stores::is_address(text) => Source::Address(text.to_owned()),
                _ => Source::Path(path),
            },
        })
    }
}

/// A track with its place in outputs.
pub(crate) struct Opened {
    pub(crate) loaded: Loaded,
    pub(crate) key: SourceKey,
    /// What the lines call it.
    pub(crate) source: String,
}

impl Source {
    /// Reads and decodes it. The content's hash is made where `hashed`.
    pub(crate) fn open(self, config: &Config, hashed: bool, progress: &dyn Progress) -> Result<Opened, Failure> {
        let failed = |e| Failure::from(TrackError::from(e));
        let hash = |bytes: &[u8]| {
            if hashed {
                blake3::hash(bytes).to_hex().to_string()
            } else {
                String::new()
            }
        };
        let (loaded, name, content, source) = match self {
            Self::Path(path) => {
                let content = match hashed {
                    true => hash_file(&path).map_err(|source| TrackError::Read {
                        path: path.clone(),
                        source,
                    })?,
                    false => String::new(),
                };
                let name = path
                    .file_name()
                    .unwrap_or(path.as_os_str())
                    .to_string_lossy()
                    .into_owned();
                let loaded = load::load(&path, config, progress).map_err(failed)?;
                (loaded, name, content, path.to_string_lossy().into_owned())
            }
            Self::Address(uri) => {
                let bytes = stores::content(&uri, &config.stores, progress)?;
                let name = uri.rsplit(['/', ':']).next().unwrap_or(&uri).to_owned();
                let loaded = load::of_bytes(&bytes, Path::new(&name), uri.clone(), config, progress).map_err(failed)?;
                (loaded, name, hash(&bytes), uri)
            }
            Self::Bytes(bytes, name) => {
                let loaded =
                    load::of_bytes(&bytes, Path::new(&name), name.clone(), config, progress).map_err(failed)?;
                (loaded, name.clone(), hash(&bytes), name)
            }
            Self::Audio(audio, name) => {
                let loaded = load::of_audio(audio, &name);
                let content = loaded.track.id.to_string();
                (loaded, name.clone(), content, name)
            }
        };
        let key = SourceKey {
            folder: layout::folders(&[&name]).into_iter().next().unwrap_or_default(),
            name,
            content,
            fingerprint: None,
        };
        Ok(Opened { loaded, key, source })
    }
}

/// Beats as the package gives them: a file, or seconds of beats and of downbeats.
#[derive(FromPyObject)]
pub(crate) enum Beats {
    /// Seconds.
    Seconds(Vec<f64>, Vec<f64>),
    /// A file.
    File(PathBuf),
}

impl Beats {
    /// Reads and checks them.
    pub(crate) fn given(self) -> Result<GivenBeats, Failure> {
        match self {
            Self::Seconds(beats, downbeats) => {
                GivenBeats::new(beats, &downbeats).map_err(|e| Failure::Settings(format!("beats: {e}")))
            }
            Self::File(path) => GivenBeats::read(&path).map_err(|e| Failure::Settings(e.to_string())),
        }
    }
}

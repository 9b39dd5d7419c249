//! From suggestions to files that a sampler, a DAW and a script can use.
//!
//! [`tree::Tree`] writes a folder: for each track its loops and `loops_metadata.csv`, or its breaks ([`breaks`]), for the
//! run a table and a manifest. What it stands on:
//!
//! * [`cut`]: the samples of a loop, with its seam mended where it would click; [`level`]: its gain.
//! * [`AudioFormat`]: how samples and [`meta::LoopMeta`] become a file's bytes; [`table::TableFormat`]: the same for tables.
//!   Both write to streams: they know no paths.
//! * [`twin`]: the Parquet table that stands beside each CSV, where that is asked for.
//! * [`kit`]: kits of one-shots as samplers read them; [`midi`]: the grooves that play them.
//! * [`name`] and [`layout`]: what files and folders are called, whatever the tags hold.
//! * [`picture`]: what can be drawn; [`plot`]: a track's waveform with its grid and form; [`click`]: a track with clicks on
//!   its beats. Both are for judging by eye and ear.
//! * [`destination`]: writes that are there whole or not at all; [`manifest`]: what was written, so that a run can resume.

pub mod breaks;
pub mod click;
pub mod cut;
pub mod destination;
pub mod error;
pub mod flac;
pub mod kit;
pub mod layout;
pub mod level;
pub mod manifest;
pub mod meta;
pub mod midi;
#[cfg(feature = "mp3")]
pub mod mp3;
pub mod name;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod pcm;
pub mod picture;
pub mod plot;
pub mod report;
pub mod riff;
pub mod table;
pub mod tree;
pub mod twin;
pub mod wav;

use std::io::{Seek, Write};

pub use error::ExportError;

use crate::config::Format;
use meta::LoopMeta;

/// A stream that can be written and patched.
pub trait WriteSeek: Write + Seek {}

impl<T: Write + Seek> WriteSeek for T {}

/// Samples to be written: equal-length planes, full scale at ±1.
#[derive(Debug, Clone, Copy)]
pub struct AudioView<'a> {
    /// One plane per channel.
    pub planes: &'a [Vec<f32>],
    /// Sample rate in Hz.
    pub sample_rate: u32,
}

impl AudioView<'_> {
    /// Frames, that is samples per channel; 0 without channels.
    pub fn frames(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }
}

/// What a format did to the samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Samples beyond full scale, which an integer format had to clip.
    pub clipped: u64,
}

/// Why a format cannot hold some audio. Failures of the stream keep their [`std::io::Error`].
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The format has no room for such audio.
    #[error("{0}")]
    Unfit(String),
}

/// An audio file format.
pub trait AudioFormat: Sync {
    /// The file name's extension, without the dot.
    fn extension(&self) -> &'static str;

    /// What tells files of this format from others with the same extension, such as `16bit`.
    fn tag(&self) -> &'static str;

    /// Writes a whole file.
    fn write(&self, out: &mut dyn WriteSeek, audio: AudioView<'_>, meta: &LoopMeta) -> Result<Written, FormatError>;
}

/// Every audio format that this build can write.
pub static FORMATS: &[(Format, &dyn AudioFormat)] = &[
    (Format::Wav24, &wav::Wav::Int24),
    (Format::Wav16, &wav::Wav::Int16),
    (Format::Wav32f, &wav::Wav::Float32),
    (Format::Flac, &flac::Flac),
    #[cfg(feature = "mp3")]
    (Format::Mp3, &mp3::Mp3),
];

/// The writer of `format`; `None` where this build lacks it.
pub fn audio_format(format: Format) -> Option<&'static dyn AudioFormat> {
    FORMATS.iter().find(|(f, _)| *f == format).map(|(_, w)| *w)
}

/// Every format of tables that this build can write.
pub static TABLE_FORMATS: &[&dyn table::TableFormat] = &[
    &table::Csv,
    &table::JsonLines,
    #[cfg(feature = "parquet")]
    &parquet::Parquet,
];

/// The format of tables that the ending of `path` names; `None` where this build has none of that name.
pub fn table_format(path: &std::path::Path) -> Option<&'static dyn table::TableFormat> {
    let ending = path.extension().and_then(|e| e.to_str())?;
    let named = |f: &&&dyn table::TableFormat| f.extension().eq_ignore_ascii_case(ending);
    TABLE_FORMATS.iter().find(named).copied()
}

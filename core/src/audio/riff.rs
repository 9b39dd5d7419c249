//! PCM in RIFF and its relatives, read as forgivingly as players read it.
//!
//! Containers: RIFF/WAVE, RIFX (big-endian), RF64 and BW64 (EBU Tech 3306), Sony Wave64, and the IFF ancestors AIFF and
//! AIFF-C. Sample formats: 8- to 32-bit integer, 32- and 64-bit float, plain or `WAVE_FORMAT_EXTENSIBLE`. Codecs inside
//! these containers are reported as [`RiffError::Compressed`] and left to others.
//!
//! What real files get wrong is read with a warning: a data size of zero, too large or unknown (recorders that crashed,
//! programs that write to a pipe), a wrong RIFF size (ignored altogether), `fmt ` after `data`, an odd chunk without its
//! pad byte, a chunk that overruns the file before the data was found, a block size of zero. Nothing is allocated from a
//! size that a header claims: sizes are first bounded by the length of the file.

mod chunks;
mod meta;
pub mod pcm;

pub use chunks::read_header;
pub use meta::{Acid, Cue, Sampler, SamplerLoop};

use super::decode::Tags;

/// Fewest and most frames a second that are taken for a sample rate.
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Most channels.
pub const MAX_CHANNELS: u32 = 64;

/// Which container it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// RIFF, form WAVE.
    Wave,
    /// RIFX: RIFF in big-endian order.
    Rifx,
    /// RF64 or BW64: RIFF with 64-bit sizes in a `ds64` chunk.
    Rf64,
    /// Sony Wave64: chunks named by GUIDs, 64-bit sizes.
    Wave64,
    /// AIFF or AIFF-C.
    Aiff,
}

impl Container {
    /// True where chunk sizes and `fmt ` fields are big-endian.
    fn big_endian(self) -> bool {
        matches!(self, Self::Rifx | Self::Aiff)
    }
}

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// 8-bit with an offset of 128: WAVE's 8-bit.
    Unsigned8,
    /// Two's complement in this many bytes, 1 to 4, left-justified.
    Signed(u8),
    /// IEEE 754 single.
    Float32,
    /// IEEE 754 double.
    Float64,
}

impl Coding {
    /// Bytes a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 => 1,
            Self::Signed(bytes) => usize::from(bytes),
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

/// What the samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Storage of one sample.
    pub coding: Coding,
    /// True where samples are stored most significant byte first.
    pub big_endian: bool,
    /// 1 to [`MAX_CHANNELS`].
    pub channels: usize,
    /// In [`RATES`].
    pub sample_rate: u32,
}

impl Layout {
    /// Bytes a frame.
    pub fn frame_bytes(&self) -> usize {
        self.coding.bytes() * self.channels
    }
}

/// Everything about a file but its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The container.
    pub container: Container,
    /// The samples' layout.
    pub layout: Layout,
    /// Where the samples lie, in bytes from the start of the file; inside the file when the header was read.
    pub data: std::ops::Range<u64>,
    /// `LIST INFO`, `id3 ` or AIFF text chunks.
    pub tags: Tags,
    /// Tempo and beats of a loop (`acid`).
    pub acid: Option<Acid>,
    /// Root note and loop points (`smpl`).
    pub sampler: Option<Sampler>,
    /// Cue points with their labels (`cue `, `LIST adtl`), in file order.
    pub cues: Vec<Cue>,
    /// What was odd but could be read.
    pub warnings: Vec<String>,
}

impl Header {
    /// Whole frames in [`data`](Self::data).
    pub fn frames(&self) -> u64 {
        (self.data.end - self.data.start) / self.layout.frame_bytes() as u64
    }
}

/// Why a header cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RiffError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not one of the containers.
    #[error("not a WAVE or AIFF file")]
    Foreign,
    /// The samples are coded in a way this module does not read.
    #[error("{what} inside a {container:?} file")]
    Compressed {
        /// The container.
        container: Container,
        /// The codec's tag or name.
        what: String,
    },
    /// A chunk is missing.
    #[error("no `{0}` chunk")]
    Missing(&'static str),
    /// A field makes no sense.
    #[error("{0}")]
    Field(String),
}

/// True where `head`, the first bytes of a file, announces one of the containers. 12 bytes decide.
pub fn is_riff(head: &[u8]) -> bool {
    match head.get(..4) {
        Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64" | b"FORM") => true,
        _ => head.starts_with(&chunks::W64_RIFF[..12]),
    }
}

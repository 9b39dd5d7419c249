//! From a file's bytes to samples.
//!
//! The container is told by content; the extension is a hint for what content leaves open. PCM in WAVE and AIFF is read
//! by [`super::riff`], everything else (FLAC, MP3, AAC and ALAC in M4A, Ogg Vorbis, CAF, compressed WAVE) by Symphonia,
//! whose panics become errors.
//!
//! **Where frame 0 lies.** Loops are cut to the sample, so the silence that lossy encoders prepend is removed: by the
//! LAME tag of an MP3, by the edit list or `iTunSMPB` of an M4A (1024 frames where it has neither), by the granule
//! positions of Ogg. [`LeadIn`] says how sure that is.
//!
//! **Damage.** A packet that cannot be decoded becomes silence of its length, so that what follows stays in place, with
//! a warning. A file that ends early gives what it has. An error is left for what gives no audio at all, for what
//! exceeds the limits, and for what cannot be read.

mod packets;
mod source;

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::buffer::{AudioBuffer, BufferError};
use super::riff::{self, RiffError, pcm::PcmError};
use super::status::AudioStatus;
use super::{id3, mp4};
use crate::config;
use crate::progress::{Cancelled, Progress, Silent, Stage};

/// Why a file gave no audio.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", file.display())]
pub struct DecodeError {
    /// The file.
    pub file: PathBuf,
    /// The cause.
    #[source]
    pub kind: DecodeErrorKind,
}

/// What [`DecodeError`] may be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeErrorKind {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A folder, a pipe, a device.
    #[error("is {0}, not a file")]
    NotAFile(&'static str),
    /// No bytes.
    #[error("is empty")]
    EmptyFile,
    /// In a format that is not read.
    #[error("cannot be decoded: {0}")]
    Unsupported(String),
    /// In a format that is read, but damaged beyond use.
    #[error("is damaged: {0}")]
    Malformed(String),
    /// Beyond a limit of the configuration.
    #[error("{0}")]
    Limit(String),
    /// A third-party decoder panicked.
    #[error("the decoder failed: {0}")]
    Panicked(String),
    /// What was decoded is no audio.
    #[error(transparent)]
    Buffer(#[from] BufferError),
    /// The caller gave up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Text tags of a file, as found: untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Artist.
    pub artist: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Album.
    pub album: Option<String>,
}

/// How frame 0 relates to what the encoder was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadIn {
    /// The same frame: lossless audio, or the file told how much to remove.
    Exact,
    /// The file does not tell; this many frames were removed, which is what most encoders add.
    Assumed(u32),
    /// The file does not tell and nothing was removed: an MP3 without a LAME tag begins some 1105 frames late, a raw AAC
    /// stream 1024 or 2112.
    Unknown,
}

/// What decoding gave.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The samples, all finite.
    pub audio: AudioBuffer,
    /// Whether they are worth analysing.
    pub status: AudioStatus,
    /// The tags.
    pub tags: Tags,
    /// How sure the start is.
    pub lead_in: LeadIn,
    /// What was odd but could be read, in words for the user.
    pub warnings: Vec<String>,
}

/// Decodes the default audio track of the file at `path`.
///
/// Reports no progress and cannot be cancelled; see [`decode_file_with`].
pub fn decode_file(path: &Path, limits: &config::Decode) -> Result<Decoded, DecodeError> {
    decode_file_with(path, limits, &Silent)
}

/// Decodes the default audio track of the file at `path`, reporting [`Stage::Decode`] and asking after each packet
/// whether to go on. Only regular files are opened, so that no pipe or device can hang the caller.
pub fn decode_file_with(path: &Path, limits: &config::Decode, progress: &dyn Progress) -> Result<Decoded, DecodeError> {
    let at = |kind: DecodeErrorKind| DecodeError {
        file: path.into(),
        kind,
    };
    let kind = std::fs::metadata(path).map_err(|e| at(e.into()))?.file_type();
    if kind.is_dir() {
        return Err(at(DecodeErrorKind::NotAFile("a folder")));
    }
    if !kind.is_file() {
        return Err(at(DecodeErrorKind::NotAFile("a pipe or device")));
    }
    let file = std::fs::File::open(path).map_err(|e| at(e.into()))?;
    decode_reader(path, file, limits, progress)
}

/// Decodes the default audio track of what `reader` reads. `name` is what messages call it; its extension is a hint.
pub fn decode_reader<R>(
    name: &Path,
    reader: R,
    limits: &config::Decode,
    progress: &dyn Progress,
) -> Result<Decoded, DecodeError>
where
    R: Read + Seek + Send + Sync,
{
    let extension = name.extension().and_then(|e| e.to_str());
    decode(reader, extension, limits, progress).map_err(|kind| DecodeError {
        file: name.into(),
        kind,
    })
}

fn decode<R>(
    mut reader: R,
    extension: Option<&str>,
    limits: &config::Decode,
    progress: &dyn Progress,
) -> Result<Decoded, DecodeErrorKind>
where
    R: Read + Seek + Send + Sync,
{
    progress.check()?;
    let length = reader.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Err(DecodeErrorKind::EmptyFile);
    }
    let head = bytes_at(&mut reader, 0, 64)?;
    if let Some(base) = riff_base(&mut reader, &head, length)? {
        match riff::read_header(&mut reader, base) {
            Ok(header) => return decode_pcm(reader, header, limits, progress),
            // Symphonia knows some codecs inside WAVE and AIFF.
            Err(RiffError::Compressed { .. }) => {}
            Err(RiffError::Io(e)) => return Err(e.into()),
            Err(RiffError::Foreign) => {
                let what = format!("a {} file that holds no WAVE or AIFF", head[..4].escape_ascii());
                return Err(DecodeErrorKind::Unsupported(what));
            }
            Err(e @ (RiffError::Missing(_) | RiffError::Field(_))) => {
                return Err(DecodeErrorKind::Malformed(e.to_string()));
            }
        }
    }
    if let Some(what) = known_but_unread(&head) {
        return Err(DecodeErrorKind::Unsupported(format!("{what} is not supported")));
    }
    let edits = if head.get(4..8) == Some(b"ftyp") {
        mp4::read(&mut reader)
    } else {
        mp4::Edits::default()
    };
    let patch = if head.starts_with(b"caff") {
        source::caf_patch(&mut reader, length)?
    } else {
        None
    };
    reader.seek(SeekFrom::Start(0))?;
    let source = source::Source {
        reader,
        length,
        patch,
        progress,
    };
    let work = || packets::decode(source, extension, &edits, limits, progress);
    // The decoders own all their state, which is dropped with the panic.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(DecodeErrorKind::Panicked(text.unwrap_or_else(|| "no message".into())))
        }
    }
}

fn bytes_at(reader: &mut (impl Read + Seek), at: u64, most: u64) -> std::io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where a RIFF file begins: at the start, or behind an ID3 tag, whose length may be nonsense.
fn riff_base(reader: &mut (impl Read + Seek), head: &[u8], length: u64) -> std::io::Result<Option<u64>> {
    if riff::is_riff(head) {
        return Ok(Some(0));
    }
    let Some(tag) = id3::length(head) else {
        return Ok(None);
    };
    let base = if tag < length { tag } else { 10 };
    Ok(riff::is_riff(&bytes_at(reader, base, 12)?).then_some(base))
}

/// Names formats that people have and this does not read, for a better message than "unknown".
fn known_but_unread(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'O', b'g', b'g', b'S', .., _] if head.get(28..36) == Some(b"OpusHead") => Some("Opus"),
        [0x30, 0x26, 0xb2, 0x75, ..] => Some("Windows Media audio"),
        [b'w', b'v', b'p', b'k', ..] => Some("WavPack"),
        [b'M', b'A', b'C', b' ', ..] => Some("Monkey's Audio"),
        [b'D', b'S', b'D', b' ', ..] | [b'F', b'R', b'M', b'8', ..] => Some("DSD"),
        [b'M', b'T', b'h', b'd', ..] => Some("MIDI"),
        [b'.', b's', b'n', b'd', ..] => Some("Sun/NeXT audio"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("Matroska/WebM"),
        _ => None,
    }
}

/// Errors where `frames` of `channels` are beyond `limits`.
fn check_size(frames: u64, channels: usize, sample_rate: u32, limits: &config::Decode) -> Result<(), DecodeErrorKind> {
    if channels as u64 > u64::from(limits.max_channels) {
        let most = limits.max_channels;
        return Err(DecodeErrorKind::Limit(format!(
            "has {channels} channels, more than the {most} allowed"
        )));
    }
    if frames as f64 > limits.max_seconds * f64::from(sample_rate) {
        let most = limits.max_seconds;
        return Err(DecodeErrorKind::Limit(format!("is longer than the {most} s allowed")));
    }
    let bytes = frames
        .saturating_mul(channels as u64)
        .saturating_mul(size_of::<f32>() as u64);
    if bytes > limits.max_memory_mb.saturating_mul(1 << 20) {
        let most = limits.max_memory_mb;
        return Err(DecodeErrorKind::Limit(format!(
            "needs more than the {most} MiB of samples allowed"
        )));
    }
    Ok(())
}

fn decode_pcm(
    mut reader: impl Read + Seek,
    header: riff::Header,
    limits: &config::Decode,
    progress: &dyn Progress,
) -> Result<Decoded, DecodeErrorKind> {
    let layout = header.layout;
    check_size(header.frames(), layout.channels, layout.sample_rate, limits)?;
    reader.seek(SeekFrom::Start(header.data.start))?;
    let mut blocks = 0u32;
    let keep_on = |done: f64| {
        blocks += 1;
        if blocks.is_multiple_of(32) {
            progress.report(Stage::Decode, done as f32);
        }
        progress.check()
    };
    let samples = riff::pcm::read(reader, &header, keep_on).map_err(|e| match e {
        PcmError::Io(e) => DecodeErrorKind::Io(e),
        PcmError::Cancelled(e) => e.into(),
        e @ PcmError::Memory(_) => DecodeErrorKind::Limit(e.to_string()),
    })?;
    let mut warnings = header.warnings;
    if samples.cut_short {
        warnings.push("the file became shorter while it was read".into());
    }
    warnings.extend(damage(samples.damaged));
    let audio = AudioBuffer::new(samples.planes, layout.sample_rate)?;
    let status = samples.meter.status(audio.frames(), audio.sample_rate());
    progress.report(Stage::Decode, 1.0);
    Ok(Decoded {
        audio,
        status,
        tags: header.tags,
        lead_in: LeadIn::Exact,
        warnings,
    })
}

/// The warning for `count` samples that could not be sound.
fn damage(count: u64) -> Option<String> {
    (count > 0).then(|| format!("{count} samples that cannot be sound (not finite, or beyond +120 dBFS) were silenced"))
}

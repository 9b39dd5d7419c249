//! Walking the chunks.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::{Coding, Container, Header, Layout, MAX_CHANNELS, RATES, RiffError, meta};
use crate::audio::decode::Tags;

/// First 16 bytes of a Wave64 file.
pub(super) const W64_RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
/// A Wave64 chunk is named by four letters and this.
const W64_TAIL: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
/// A file of more chunks than this is read no further; real ones have dozens.
const MAX_CHUNKS: usize = 1 << 18;
/// How far to look for the next chunk after a broken one.
const RESYNC_WINDOW: u64 = 1 << 20;
/// How much of a metadata chunk is read.
const MAX_META: u64 = 1 << 20;
/// Chunks whose names settle a doubt.
const KNOWN: [&[u8; 4]; 28] = [
    b"fmt ", b"data", b"LIST", b"fact", b"bext", b"smpl", b"cue ", b"acid", b"id3 ", b"ID3 ", b"junk", b"JUNK",
    b"PEAK", b"inst", b"iXML", b"axml", b"chna", b"cart", b"DISP", b"ds64", b"plst", b"_PMX", b"PAD ", b"FLLR",
    b"COMM", b"SSND", b"MARK", b"INST",
];

/// A chunk's name, where its payload begins, and how long it says it is.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    id: [u8; 4],
    start: u64,
    size: u64,
}

/// A reader that knows where it is and how long the file is.
struct Walk<R> {
    reader: BufReader<R>,
    position: u64,
    length: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn seek(&mut self, to: u64) -> std::io::Result<()> {
        // `seek_relative` keeps the buffer; what is farther than an i64 cannot be in a file.
        let delta = to.wrapping_sub(self.position) as i64;
        self.reader.seek_relative(delta)?;
        self.position = to;
        Ok(())
    }

    /// Reads at `at` what the file has of `most` bytes.
    fn bytes(&mut self, at: u64, most: u64) -> std::io::Result<Vec<u8>> {
        self.seek(at)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(most).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        Ok(bytes)
    }

    /// Fills `buffer` at `at`; false where the file ends before.
    fn fill(&mut self, at: u64, buffer: &mut [u8]) -> std::io::Result<bool> {
        if at.saturating_add(buffer.len() as u64) > self.length {
            return Ok(false);
        }
        self.seek(at)?;
        match self.reader.read_exact(buffer) {
            Ok(()) => {
                self.position += buffer.len() as u64;
                Ok(true)
            }
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                // The file shrank; where the reader stands is unknown now.
                self.position = self.reader.stream_position()?;
                self.length = self.length.min(self.position);
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    fn chunk(&mut self, container: Container, at: u64) -> std::io::Result<Option<Chunk>> {
        if container == Container::Wave64 {
            let mut head = [0; 24];
            if !self.fill(at, &mut head)? {
                return Ok(None);
            }
            let mut id = [0; 4];
            id.copy_from_slice(&head[..4]);
            if head[4..16] != W64_TAIL {
                // An unknown GUID: a chunk to pass over.
                id = *b"guid";
            }
            let size = le64(&head, 16).unwrap_or(0).saturating_sub(24);
            return Ok(Some(Chunk {
                id,
                start: at + 24,
                size,
            }));
        }
        let mut head = [0; 8];
        if !self.fill(at, &mut head)? {
            return Ok(None);
        }
        let [a, b, c, d, size @ ..] = head;
        let size = if container.big_endian() {
            u32::from_be_bytes(size)
        } else {
            u32::from_le_bytes(size)
        };
        Ok(Some(Chunk {
            id: [a, b, c, d],
            start: at + 8,
            size: u64::from(size),
        }))
    }
}

fn printable(id: &[u8]) -> bool {
    id.iter().all(|b| (0x20..0x7f).contains(b))
}

/// How much four bytes look like a chunk's name: 2 known, 1 printable, 0 not.
fn likeness(id: &[u8]) -> u8 {
    if KNOWN.iter().any(|k| *k == id) {
        2
    } else {
        u8::from(printable(id))
    }
}

pub(super) fn le16(b: &[u8], at: usize) -> Option<u16> {
    b.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn le32(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn le64(b: &[u8], at: usize) -> Option<u64> {
    b.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

fn be16(b: &[u8], at: usize) -> Option<u16> {
    b.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn be32(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// What the walk has found.
#[derive(Default)]
struct Found {
    layout: Option<Layout>,
    data: Option<std::ops::Range<u64>>,
    /// Size of `data` from `ds64`.
    data64: Option<u64>,
    /// Frames that AIFF's `COMM` announces.
    frames: Option<u64>,
    meta: meta::Meta,
    warnings: Vec<String>,
}

/// Reads the header of the file that begins `base` bytes into `reader` (0, unless something stands before it).
pub fn read_header<R: Read + Seek>(mut reader: R, base: u64) -> Result<Header, RiffError> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(base))?;
    let mut walk = Walk {
        reader: BufReader::new(reader),
        position: base,
        length,
    };
    let (container, first) = container(&mut walk, base)?;
    let mut found = Found::default();
    let mut at = first;
    for _ in 0..MAX_CHUNKS {
        let complete = found.layout.is_some() && found.data.is_some();
        let Some(chunk) = walk.chunk(container, at)? else {
            break;
        };
        let left = walk.length.saturating_sub(chunk.start);
        let is_data = matches!(&chunk.id, b"data" | b"SSND");
        let broken = !printable(&chunk.id) || (chunk.size > left && !is_data);
        if broken {
            // Padding or a foreign trailer after all that is needed is nobody's concern; before that, look for the
            // next chunk that is.
            if complete {
                break;
            }
            let Some(next) = resync(&mut walk, at + 1)? else {
                break;
            };
            found
                .warnings
                .push(format!("a damaged chunk at byte {at} was passed over"));
            at = next;
            continue;
        }
        if is_data {
            let data = data_range(&mut walk, container, chunk, &mut found)?;
            let end = data.end;
            if found.data.as_ref().is_none_or(|d| d.is_empty()) {
                found.data = Some(data);
            }
            if end == walk.length {
                break;
            }
            at = next_chunk(&mut walk, container, chunk.start, end - chunk.start)?;
            continue;
        }
        read_chunk(&mut walk, container, chunk, &mut found)?;
        at = next_chunk(&mut walk, container, chunk.start, chunk.size)?;
    }
    finish(container, found)
}

/// The container and where its first chunk stands.
fn container<R: Read + Seek>(walk: &mut Walk<R>, base: u64) -> Result<(Container, u64), RiffError> {
    let head = walk.bytes(base, 40)?;
    if head.starts_with(&W64_RIFF) {
        return match head.get(24..40) {
            Some(form) if form[..4] == *b"wave" && form[4..] == W64_TAIL => Ok((Container::Wave64, base + 40)),
            _ => Err(RiffError::Foreign),
        };
    }
    let container = match (head.get(..4), head.get(8..12)) {
        (Some(b"RIFF"), Some(b"WAVE")) => Container::Wave,
        (Some(b"RIFX"), Some(b"WAVE")) => Container::Rifx,
        (Some(b"RF64" | b"BW64"), Some(b"WAVE")) => Container::Rf64,
        (Some(b"FORM"), Some(b"AIFF" | b"AIFC")) => Container::Aiff,
        (Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64" | b"FORM"), None) => {
            return Err(RiffError::Field("the file ends inside its header".into()));
        }
        _ => return Err(RiffError::Foreign),
    };
    Ok((container, base + 12))
}

/// Where the samples lie, which a header may have wrong in every direction.
fn data_range<R: Read + Seek>(
    walk: &mut Walk<R>,
    container: Container,
    chunk: Chunk,
    found: &mut Found,
) -> Result<std::ops::Range<u64>, RiffError> {
    let mut start = chunk.start;
    let mut size = chunk.size;
    if container == Container::Aiff {
        // Samples begin after an offset and a block size.
        let offset = be32(&walk.bytes(start, 8)?, 0).map_or(0, u64::from);
        let skip = if 8 + offset <= size { 8 + offset } else { 8 };
        start = (start + skip).min(walk.length);
        size = size.saturating_sub(skip);
    }
    let left = walk.length - start;
    let unknown = chunk.size == u64::from(u32::MAX);
    if unknown && let Some(size64) = found.data64 {
        size = size64;
    }
    if size == 0 && left > 0 {
        let follows = walk.chunk(container, start)?;
        let is_chunk = follows.is_some_and(|c| likeness(&c.id) > 0 && c.size <= walk.length - c.start);
        if is_chunk {
            return Ok(start..start);
        }
        found
            .warnings
            .push("the data chunk says it is empty; read to the end of the file".into());
        return Ok(start..walk.length);
    }
    if size > left {
        if !unknown {
            found.warnings.push(format!(
                "the file ends {} bytes before its data chunk does",
                size - left
            ));
        }
        size = left;
    }
    Ok(start..start + size)
}

/// Where the chunk after one of `size` bytes at `start` stands, with or without the pad byte it should have.
fn next_chunk<R: Read + Seek>(walk: &mut Walk<R>, container: Container, start: u64, size: u64) -> std::io::Result<u64> {
    let end = start.saturating_add(size);
    if container == Container::Wave64 {
        return Ok(start.saturating_sub(24).saturating_add((size + 24).next_multiple_of(8)));
    }
    if size.is_multiple_of(2) {
        return Ok(end);
    }
    let mut peek = [0; 5];
    let padded = !walk.fill(end, &mut peek)? || likeness(&peek[1..]) >= likeness(&peek[..4]);
    Ok(if padded { end + 1 } else { end })
}

/// The next `fmt `, `data`, `COMM` or `SSND` from `from` on.
fn resync<R: Read + Seek>(walk: &mut Walk<R>, from: u64) -> std::io::Result<Option<u64>> {
    let window = walk.bytes(from, RESYNC_WINDOW)?;
    let hit = window
        .windows(4)
        .position(|w| matches!(w, b"fmt " | b"data" | b"COMM" | b"SSND"));
    Ok(hit.map(|i| from + i as u64))
}

fn read_chunk<R: Read + Seek>(
    walk: &mut Walk<R>,
    container: Container,
    chunk: Chunk,
    found: &mut Found,
) -> Result<(), RiffError> {
    let most = chunk.size.min(MAX_META);
    match (&chunk.id, container) {
        (b"fmt ", _) if found.layout.is_none() => {
            let bytes = walk.bytes(chunk.start, most.min(64))?;
            found.layout = Some(wave_format(&bytes, container, &mut found.warnings)?);
        }
        (b"COMM", Container::Aiff) if found.layout.is_none() => {
            let bytes = walk.bytes(chunk.start, most.min(64))?;
            let (layout, frames) = aiff_format(&bytes)?;
            found.layout = Some(layout);
            found.frames = Some(frames);
        }
        (b"ds64", Container::Rf64) => {
            found.data64 = le64(&walk.bytes(chunk.start, 24)?, 8).filter(|&s| s > 0 && s != u64::MAX);
        }
        // In big-endian files these are rare and their inner byte order is not agreed upon.
        (b"LIST" | b"list" | b"acid" | b"smpl" | b"cue ", Container::Rifx | Container::Aiff) => {}
        (b"LIST" | b"list", _) => found.meta.list(&walk.bytes(chunk.start, most)?),
        (b"acid", _) => found.meta.acid(&walk.bytes(chunk.start, most)?),
        (b"smpl", _) => found.meta.sampler(&walk.bytes(chunk.start, most)?),
        (b"cue ", _) => found.meta.cues(&walk.bytes(chunk.start, most)?),
        (b"id3 " | b"ID3 ", _) => found.meta.id3(&walk.bytes(chunk.start, most)?),
        (b"NAME", Container::Aiff) => found.meta.title(&walk.bytes(chunk.start, most)?),
        (b"AUTH", Container::Aiff) => found.meta.artist(&walk.bytes(chunk.start, most)?),
        _ => {}
    }
    Ok(())
}

fn check(channels: u32, sample_rate: f64) -> Result<(usize, u32), RiffError> {
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(RiffError::Field(format!(
            "{channels} channels; from 1 to {MAX_CHANNELS} can be read"
        )));
    }
    if !(sample_rate >= f64::from(*RATES.start()) && sample_rate <= f64::from(*RATES.end())) {
        let (low, high) = (RATES.start(), RATES.end());
        return Err(RiffError::Field(format!(
            "a sample rate of {sample_rate} Hz; from {low} to {high} Hz can be read"
        )));
    }
    Ok((channels as usize, sample_rate.round() as u32))
}

/// `fmt `: WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE.
fn wave_format(bytes: &[u8], container: Container, warnings: &mut Vec<String>) -> Result<Layout, RiffError> {
    let big_endian = container.big_endian();
    let u16_at = if big_endian { be16 } else { le16 };
    let u32_at = if big_endian { be32 } else { le32 };
    let short = || RiffError::Field(format!("a `fmt ` chunk of {} bytes; it needs 16", bytes.len()));
    let mut tag = u16_at(bytes, 0).ok_or_else(short)?;
    let channels = u16_at(bytes, 2).ok_or_else(short)?;
    let rate = u32_at(bytes, 4).ok_or_else(short)?;
    let align = u16_at(bytes, 12).ok_or_else(short)?;
    let bits = u16_at(bytes, 14).ok_or_else(short)?;
    let (channels, sample_rate) = check(u32::from(channels), f64::from(rate))?;
    if tag == 0xfffe {
        // The first two bytes of the sub-format's GUID are the old tag.
        tag = u16_at(bytes, 24).unwrap_or_else(|| {
            warnings.push("an extensible `fmt ` chunk without its extension; taken for integer PCM".into());
            1
        });
    }
    let slot = usize::from(align)
        .checked_div(channels)
        .filter(|s| s * channels == usize::from(align));
    let needed = usize::from(bits.div_ceil(8));
    if slot.is_none_or(|s| s < needed || s == 0) {
        warnings.push(format!(
            "a block size of {align} bytes for {channels} channels of {bits} bits was ignored"
        ));
    }
    let coding = match (tag, bits) {
        (1, 8) => Coding::Unsigned8,
        (1, 12 | 16 | 18 | 20 | 24 | 32) => {
            let bytes = slot.filter(|s| (needed..=4).contains(s)).unwrap_or(needed);
            Coding::Signed(bytes as u8)
        }
        (3, 32) => Coding::Float32,
        (3, 64) => Coding::Float64,
        (1 | 3, _) => {
            let kind = if tag == 1 { "integer" } else { "float" };
            return Err(RiffError::Field(format!(
                "{kind} samples of {bits} bits cannot be read"
            )));
        }
        _ => {
            return Err(RiffError::Compressed {
                container,
                what: format!("codec 0x{tag:04x}"),
            });
        }
    };
    Ok(Layout {
        coding,
        big_endian,
        channels,
        sample_rate,
    })
}

/// `COMM`, and how many frames it announces.
fn aiff_format(bytes: &[u8]) -> Result<(Layout, u64), RiffError> {
    let short = || RiffError::Field(format!("a `COMM` chunk of {} bytes; it needs 18", bytes.len()));
    let channels = be16(bytes, 0).ok_or_else(short)?;
    let frames = be32(bytes, 2).ok_or_else(short)?;
    let bits = be16(bytes, 6).ok_or_else(short)?;
    let rate = extended(bytes.get(8..18).ok_or_else(short)?);
    let (channels, sample_rate) = check(u32::from(channels), rate)?;
    let codec: &[u8] = bytes.get(18..22).unwrap_or(b"NONE");
    let integer = match bits {
        1..=32 => Ok(Coding::Signed(bits.div_ceil(8) as u8)),
        _ => Err(RiffError::Field(format!(
            "integer samples of {bits} bits cannot be read"
        ))),
    };
    let (coding, big_endian) = match codec {
        b"NONE" | b"twos" => (integer?, true),
        b"sowt" => (integer?, false),
        b"in24" => (Coding::Signed(3), true),
        b"in32" => (Coding::Signed(4), true),
        b"raw " => (Coding::Unsigned8, true),
        b"fl32" | b"FL32" => (Coding::Float32, true),
        b"fl64" | b"FL64" => (Coding::Float64, true),
        other => {
            let what = format!("codec \"{}\"", other.escape_ascii());
            return Err(RiffError::Compressed {
                container: Container::Aiff,
                what,
            });
        }
    };
    Ok((
        Layout {
            coding,
            big_endian,
            channels,
            sample_rate,
        },
        u64::from(frames),
    ))
}

/// An 80-bit extended float, the form of AIFF's sample rate.
fn extended(bytes: &[u8]) -> f64 {
    let exponent = i32::from(be16(bytes, 0).unwrap_or(0) & 0x7fff) - 16_383 - 63;
    let mantissa = bytes
        .get(2..10)
        .and_then(|m| m.try_into().ok())
        .map_or(0, u64::from_be_bytes);
    let sign = if bytes.first().is_some_and(|b| b & 0x80 != 0) {
        -1.0
    } else {
        1.0
    };
    sign * mantissa as f64 * f64::from(exponent).exp2()
}

fn finish(container: Container, mut found: Found) -> Result<Header, RiffError> {
    let (format, data) = if container == Container::Aiff {
        ("COMM", "SSND")
    } else {
        ("fmt ", "data")
    };
    let layout = found.layout.ok_or(RiffError::Missing(format))?;
    // An AIFF file without frames may leave its sound chunk out.
    let none = (found.frames == Some(0)).then_some(0..0);
    let mut data = found.data.or(none).ok_or(RiffError::Missing(data))?;
    if let Some(frames) = found.frames.filter(|&f| f > 0) {
        let size = frames.saturating_mul(layout.frame_bytes() as u64);
        data.end = data.end.min(data.start.saturating_add(size));
    }
    let odd = (data.end - data.start) % layout.frame_bytes() as u64;
    if odd != 0 {
        found
            .warnings
            .push(format!("the data ends with {odd} bytes of an incomplete frame"));
    }
    let meta = found.meta.finish();
    Ok(Header {
        container,
        layout,
        data,
        tags: Tags {
            artist: meta.artist,
            title: meta.title,
            album: meta.album,
        },
        acid: meta.acid,
        sampler: meta.sampler,
        cues: meta.cues,
        warnings: found.warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_floats() {
        assert_eq!(extended(&[0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 44_100.0);
        assert_eq!(extended(&[0x40, 0x0f, 0xbb, 0x80, 0, 0, 0, 0, 0, 0]), 96_000.0);
        assert!(!extended(&[0x7f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]).is_finite());
        assert_eq!(extended(&[0; 10]), 0.0);
    }
}

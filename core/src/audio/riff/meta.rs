//! Tags and loop data in RIFF chunks. Everything here is untrusted and optional: what is malformed is left out.

use super::chunks::{le16, le32};
use crate::audio::decode::Tags;
use crate::audio::id3;

/// Most cue points and loops kept.
const MAX_POINTS: usize = 4096;

/// The `acid` chunk: what a loop says about its tempo. Of its fields, tempo and number of beats are what programs agree
/// on; the order of the meter's two numbers is not, so use neither for lengths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acid {
    /// A sample to be played once, not a loop.
    pub one_shot: bool,
    /// MIDI note, where the chunk says that it is set.
    pub root_note: Option<u16>,
    /// Beats in the whole file.
    pub beats: u32,
    /// Beats a minute; finite and positive, or `None`.
    pub tempo: Option<f32>,
}

/// The `smpl` chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampler {
    /// MIDI note at which the sample sounds as recorded.
    pub unity_note: u32,
    /// Loops in file order.
    pub loops: Vec<SamplerLoop>,
}

/// One loop of a `smpl` chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplerLoop {
    /// First frame.
    pub start: u32,
    /// Last frame, inclusive.
    pub end: u32,
}

/// One point of a `cue ` chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Its number in the file.
    pub id: u32,
    /// Where it is.
    pub frame: u32,
    /// Its name, from `LIST adtl`.
    pub label: Option<String>,
}

/// Gathers metadata as chunks come by.
#[derive(Debug, Default)]
pub(super) struct Meta {
    info: Tags,
    id3: Tags,
    acid: Option<Acid>,
    sampler: Option<Sampler>,
    cues: Vec<Cue>,
    labels: Vec<(u32, String)>,
}

/// All metadata of a file.
pub(super) struct Gathered {
    pub(super) artist: Option<String>,
    pub(super) title: Option<String>,
    pub(super) album: Option<String>,
    pub(super) acid: Option<Acid>,
    pub(super) sampler: Option<Sampler>,
    pub(super) cues: Vec<Cue>,
}

/// Text up to the first NUL: UTF-8 where it is that, else Latin-1.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|&b| b == 0).next().unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(utf8) => utf8.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The sub-chunks of a list.
fn items(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let id: [u8; 4] = rest.get(..4)?.try_into().ok()?;
        let size = le32(rest, 4)? as usize;
        let body = rest.get(8..)?;
        let payload = &body[..size.min(body.len())];
        rest = body.get(size.saturating_add(size % 2)..).unwrap_or_default();
        Some((id, payload))
    })
}

impl Meta {
    pub(super) fn list(&mut self, bytes: &[u8]) {
        let Some((kind, rest)) = bytes.split_at_checked(4) else {
            return;
        };
        for (id, payload) in items(rest) {
            match (kind, &id) {
                (b"INFO", b"IART") => self.info.artist = self.info.artist.take().or_else(|| text(payload)),
                (b"INFO", b"INAM") => self.info.title = self.info.title.take().or_else(|| text(payload)),
                (b"INFO", b"IPRD") => self.info.album = self.info.album.take().or_else(|| text(payload)),
                (b"adtl", b"labl") if self.labels.len() < MAX_POINTS => {
                    let label = payload.get(4..).and_then(text);
                    self.labels.extend(le32(payload, 0).zip(label));
                }
                _ => {}
            }
        }
    }

    pub(super) fn id3(&mut self, bytes: &[u8]) {
        self.id3 = id3::read(bytes);
    }

    pub(super) fn title(&mut self, bytes: &[u8]) {
        self.info.title = text(bytes);
    }

    pub(super) fn artist(&mut self, bytes: &[u8]) {
        self.info.artist = text(bytes);
    }

    pub(super) fn acid(&mut self, b: &[u8]) {
        self.acid = (|| {
            let flags = le32(b, 0)?;
            let tempo = f32::from_bits(le32(b, 20)?);
            Some(Acid {
                one_shot: flags & 1 != 0,
                root_note: le16(b, 4).filter(|_| flags & 2 != 0),
                beats: le32(b, 12)?,
                tempo: (tempo.is_finite() && tempo > 0.0).then_some(tempo),
            })
        })();
    }

    pub(super) fn sampler(&mut self, b: &[u8]) {
        self.sampler = (|| {
            let unity_note = le32(b, 12)?;
            let count = (le32(b, 28)? as usize).min(MAX_POINTS);
            let loops = (b.get(36..).unwrap_or_default())
                .chunks_exact(24)
                .take(count)
                .filter_map(|l| {
                    Some(SamplerLoop {
                        start: le32(l, 8)?,
                        end: le32(l, 12)?,
                    })
                })
                .collect();
            Some(Sampler { unity_note, loops })
        })();
    }

    pub(super) fn cues(&mut self, b: &[u8]) {
        let count = le32(b, 0).map_or(0, |n| n as usize).min(MAX_POINTS);
        let points = b.get(4..).unwrap_or_default().chunks_exact(24).take(count);
        self.cues = points
            .filter_map(|c| {
                Some(Cue {
                    id: le32(c, 0)?,
                    frame: le32(c, 20)?,
                    label: None,
                })
            })
            .collect();
    }

    /// `INFO` before ID3: it is the container's own.
    pub(super) fn finish(mut self) -> Gathered {
        for cue in &mut self.cues {
            let label = self.labels.iter().find(|(id, _)| *id == cue.id);
            cue.label = label.map(|(_, text)| text.clone());
        }
        Gathered {
            artist: self.info.artist.or(self.id3.artist),
            title: self.info.title.or(self.id3.title),
            album: self.info.album.or(self.id3.album),
            acid: self.acid,
            sampler: self.sampler,
            cues: self.cues,
        }
    }
}

//! Where the sound begins in an MP4 file.
//!
//! AAC encoders prepend silence to fill their overlap (1024 frames for most, 2112 for Apple's). The container says how
//! much: in the edit list of the track (ISO/IEC 14496-12, `elst`), or in iTunes' `iTunSMPB` comment. The demuxer that
//! decoding uses ignores both, so they are read here.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// What a file says about one audio track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Edit {
    /// `tkhd`'s identifier.
    pub(super) track: u32,
    /// Ticks a second of [`start`](Self::start).
    pub(super) timescale: u32,
    /// First tick to be heard.
    pub(super) start: Option<u64>,
    /// Length to be heard, and its ticks a second.
    pub(super) length: Option<(u64, u32)>,
}

/// iTunes' count of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Smpb {
    /// Frames before the sound.
    pub(super) delay: u64,
    /// Frames of sound.
    pub(super) frames: u64,
}

/// Edits of all audio tracks, and iTunes' count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Edits {
    pub(super) tracks: Vec<Edit>,
    pub(super) smpb: Option<Smpb>,
}

/// Most boxes looked at, so that a file made of empty boxes ends.
const MAX_BOXES: usize = 1 << 16;

struct Boxes<'a, R> {
    reader: &'a mut R,
    budget: usize,
}

/// Reads the edits; nothing where the file has none or is malformed.
pub(super) fn read(reader: &mut (impl Read + Seek)) -> Edits {
    let mut edits = Edits::default();
    let Ok(length) = reader.seek(SeekFrom::End(0)) else {
        return edits;
    };
    let mut boxes = Boxes {
        reader,
        budget: MAX_BOXES,
    };
    // An error leaves what was found until then.
    let _ = boxes.movie(0..length, &mut edits);
    edits
}

impl<R: Read + Seek> Boxes<'_, R> {
    /// Payloads of the boxes inside `range`.
    fn children(&mut self, range: Range<u64>) -> std::io::Result<Vec<([u8; 4], Range<u64>)>> {
        let mut found = Vec::new();
        let mut at = range.start;
        while at + 8 <= range.end && self.budget > 0 {
            self.budget -= 1;
            let head = self.bytes(at, 16)?;
            let (Some(size), Some(kind)) = (be32(&head, 0), head.get(4..8)) else {
                break;
            };
            let (header, size) = match size {
                0 => (8, range.end - at),
                1 => (16, be64(&head, 8).unwrap_or(0)),
                n => (8, u64::from(n)),
            };
            let end = at.saturating_add(size);
            if size < header || end > range.end {
                break;
            }
            let mut name = [0; 4];
            name.copy_from_slice(kind);
            found.push((name, at + header..end));
            at = end;
        }
        Ok(found)
    }

    fn bytes(&mut self, at: u64, most: u64) -> std::io::Result<Vec<u8>> {
        self.reader.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn head(&mut self, range: &Range<u64>) -> std::io::Result<Vec<u8>> {
        self.bytes(range.start, (range.end - range.start).min(64))
    }

    fn movie(&mut self, file: Range<u64>, edits: &mut Edits) -> std::io::Result<()> {
        let top = self.children(file)?;
        let Some((_, moov)) = top.into_iter().find(|(kind, _)| kind == b"moov") else {
            return Ok(());
        };
        let parts = self.children(moov)?;
        let mut movie_scale = 0;
        for (kind, range) in &parts {
            if kind == b"mvhd" {
                movie_scale = timescale(&self.head(range)?).unwrap_or(0);
            }
        }
        for (kind, range) in parts {
            match &kind {
                b"trak" => edits.tracks.extend(self.track(range, movie_scale)?),
                b"udta" => edits.smpb = self.user_data(range)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn track(&mut self, range: Range<u64>, movie_scale: u32) -> std::io::Result<Option<Edit>> {
        let mut edit = Edit::default();
        let mut is_sound = false;
        for (kind, range) in self.children(range)? {
            match &kind {
                b"tkhd" => {
                    let head = self.head(&range)?;
                    let at = if head.first() == Some(&1) { 20 } else { 12 };
                    edit.track = be32(&head, at).unwrap_or(0);
                }
                b"mdia" => {
                    for (kind, range) in self.children(range)? {
                        match &kind {
                            b"mdhd" => edit.timescale = timescale(&self.head(&range)?).unwrap_or(0),
                            b"hdlr" => is_sound = self.head(&range)?.get(8..12) == Some(b"soun"),
                            _ => {}
                        }
                    }
                }
                b"edts" => {
                    for (kind, range) in self.children(range)? {
                        if kind == *b"elst" {
                            let list = self.bytes(range.start, (range.end - range.start).min(4096))?;
                            (edit.start, edit.length) = edit_list(&list, movie_scale);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok((is_sound && edit.timescale > 0).then_some(edit))
    }

    fn user_data(&mut self, range: Range<u64>) -> std::io::Result<Option<Smpb>> {
        let Some((_, meta)) = self.children(range)?.into_iter().find(|(kind, _)| kind == b"meta") else {
            return Ok(None);
        };
        // A box with version and flags, except in QuickTime files.
        let inner = (meta.start + 4).min(meta.end)..meta.end;
        let Some((_, items)) = self.children(inner)?.into_iter().find(|(kind, _)| kind == b"ilst") else {
            return Ok(None);
        };
        for (kind, item) in self.children(items)? {
            if kind != *b"----" {
                continue;
            }
            let mut is_smpb = false;
            for (kind, part) in self.children(item)? {
                let payload = self.bytes(part.start, (part.end - part.start).min(1024))?;
                match &kind {
                    b"name" => is_smpb = payload.get(4..) == Some(b"iTunSMPB"),
                    b"data" if is_smpb => return Ok(payload.get(8..).and_then(smpb)),
                    _ => {}
                }
            }
        }
        Ok(None)
    }
}

fn be32(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn be64(b: &[u8], at: usize) -> Option<u64> {
    b.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

/// Of `mvhd` and `mdhd` alike.
fn timescale(head: &[u8]) -> Option<u32> {
    be32(head, if head.first() == Some(&1) { 20 } else { 12 }).filter(|&t| t > 0)
}

/// Start in media ticks and length in movie ticks. Leading empty edits (a delay against other tracks) are passed over;
/// a list that joins several pieces has a start but no one length.
fn edit_list(b: &[u8], movie_scale: u32) -> (Option<u64>, Option<(u64, u32)>) {
    let long = b.first() == Some(&1);
    let entry = if long { 20 } else { 12 };
    let count = be32(b, 4).map_or(0, |n| n as usize);
    let entries = b.get(8..).unwrap_or_default().chunks_exact(entry).take(count);
    let mut pieces = entries.filter_map(|e| {
        let (length, start) = if long {
            (be64(e, 0)?, be64(e, 8)? as i64)
        } else {
            (u64::from(be32(e, 0)?), i64::from(be32(e, 4)? as i32))
        };
        Some((length, u64::try_from(start).ok()?))
    });
    match (pieces.next(), pieces.next()) {
        (None, _) => (None, None),
        (Some((length, start)), None) if length > 0 && movie_scale > 0 => (Some(start), Some((length, movie_scale))),
        (Some((_, start)), _) => (Some(start), None),
    }
}

/// ` 00000000 00000840 000001CA 00000000003F31F6 …`: nothing, delay, padding, frames.
fn smpb(text: &[u8]) -> Option<Smpb> {
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.split_ascii_whitespace().map(|f| u64::from_str_radix(f, 16).ok());
    let delay = fields.nth(1)??;
    let frames = fields.nth(1)??;
    (delay < 1 << 16 && frames > 0).then_some(Smpb { delay, frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn itunes_comment() {
        let text = b" 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000";
        assert_eq!(
            smpb(text),
            Some(Smpb {
                delay: 2112,
                frames: 0x3f_31f6
            })
        );
        assert_eq!(smpb(b" 00000000 zz"), None);
        assert_eq!(smpb(b""), None);
    }

    #[test]
    fn edit_lists() {
        let list = |entries: &[(u32, i32)]| {
            let mut b = vec![0, 0, 0, 0];
            b.extend((entries.len() as u32).to_be_bytes());
            for (length, start) in entries {
                b.extend(length.to_be_bytes());
                b.extend(start.to_be_bytes());
                b.extend([0, 1, 0, 0]);
            }
            b
        };
        assert_eq!(edit_list(&list(&[]), 1000), (None, None));
        assert_eq!(edit_list(&list(&[(500, 1024)]), 1000), (Some(1024), Some((500, 1000))));
        assert_eq!(
            edit_list(&list(&[(7, -1), (500, 2112)]), 600),
            (Some(2112), Some((500, 600)))
        );
        assert_eq!(edit_list(&list(&[(7, 0), (500, 2112)]), 600), (Some(0), None));
        assert_eq!(edit_list(&list(&[(0, 1024)]), 1000), (Some(1024), None));
    }

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        [&(8 + payload.len() as u32).to_be_bytes()[..], kind, payload].concat()
    }

    #[test]
    fn a_whole_file() {
        let words = |w: &[u32]| w.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let elst = boxed(b"elst", &words(&[0, 1, 600, 1024, 0x1_0000]));
        let mdhd = boxed(b"mdhd", &words(&[0, 0, 0, 44_100, 99, 0]));
        let hdlr = |kind: &[u8; 4]| boxed(b"hdlr", &[&[0; 8][..], kind, &[0; 12]].concat());
        let track = |id: u32, kind: &[u8; 4]| {
            let mdia = boxed(b"mdia", &[mdhd.clone(), hdlr(kind)].concat());
            boxed(
                b"trak",
                &[boxed(b"tkhd", &words(&[0, 0, 0, id, 0])), boxed(b"edts", &elst), mdia].concat(),
            )
        };
        let name = boxed(b"name", b"\0\0\0\0iTunSMPB");
        let data = boxed(
            b"data",
            b"\0\0\0\x01\0\0\0\0 00000000 00000840 000001CA 0000000000003F31",
        );
        let item = boxed(
            b"----",
            &[boxed(b"mean", b"\0\0\0\0com.apple.iTunes"), name, data].concat(),
        );
        let meta = boxed(b"meta", &[vec![0; 4], hdlr(b"mdir"), boxed(b"ilst", &item)].concat());
        let mvhd = boxed(b"mvhd", &words(&[0, 0, 0, 600, 600]));
        let parts = [mvhd, track(1, b"vide"), track(2, b"soun"), boxed(b"udta", &meta)].concat();
        let file = [
            boxed(b"ftyp", b"M4A "),
            boxed(b"mdat", &[7; 99]),
            boxed(b"moov", &parts),
        ]
        .concat();
        let expected = Edits {
            tracks: vec![Edit {
                track: 2,
                timescale: 44_100,
                start: Some(1024),
                length: Some((600, 600)),
            }],
            smpb: Some(Smpb {
                delay: 2112,
                frames: 0x3f31,
            }),
        };
        assert_eq!(read(&mut std::io::Cursor::new(&file)), expected);
        for cut in 0..file.len() {
            read(&mut std::io::Cursor::new(&file[..cut]));
        }
    }
}

//! The three text frames of an ID3v2 tag that name a recording, for tags inside RIFF chunks.
//!
//! Versions 2.2, 2.3 and 2.4 (id3.org). Compressed, encrypted and unsynchronised frames are passed over.

use super::decode::Tags;

/// Four bytes of seven bits.
pub(super) fn syncsafe(b: &[u8]) -> Option<u32> {
    let b: [u8; 4] = b.get(..4)?.try_into().ok()?;
    b.iter()
        .all(|x| x & 0x80 == 0)
        .then(|| b.iter().fold(0, |n, &x| n << 7 | u32::from(x)))
}

/// Whole length of the tag at the beginning of `head`, as it says itself; `None` where there is none.
pub(super) fn length(head: &[u8]) -> Option<u64> {
    let body = head.starts_with(b"ID3").then(|| syncsafe(head.get(6..)?)).flatten()?;
    let footer = if head.get(5).is_some_and(|f| f & 0x10 != 0) {
        10
    } else {
        0
    };
    Some(10 + u64::from(body) + footer)
}

/// The tag's artist, title and album; nothing where it is malformed.
pub(super) fn read(tag: &[u8]) -> Tags {
    let mut tags = Tags::default();
    let (Some(&major), Some(&flags), Some(length)) = (tag.get(3), tag.get(5), length(tag)) else {
        return tags;
    };
    let end = usize::try_from(length).unwrap_or(usize::MAX).min(tag.len());
    let mut rest = tag.get(10..end).unwrap_or_default();
    if flags & 0x40 != 0 {
        // An extended header; in 2.4 its size includes itself.
        let size = match major {
            3 => be(rest, 4).map(|n| n.saturating_add(4)),
            _ => syncsafe(rest),
        };
        rest = size.and_then(|n| rest.get(n as usize..)).unwrap_or_default();
    }
    let (id_length, head_length) = if major == 2 { (3, 6) } else { (4, 10) };
    while let Some(head) = rest.get(..head_length) {
        if head[0] == 0 {
            break;
        }
        let size = match major {
            2 => be(&head[3..], 3),
            3 => be(&head[4..], 4),
            _ => syncsafe(&head[4..]),
        };
        let Some(size) = size.map(|n| n as usize) else {
            break;
        };
        let body = &rest[head_length..];
        let payload = &body[..size.min(body.len())];
        // Compression, encryption, unsynchronisation, data length: the second flag byte.
        let plain = major == 2 || head[9] == 0;
        let slot = match &head[..id_length] {
            b"TPE1" | b"TP1" => Some(&mut tags.artist),
            b"TIT2" | b"TT2" => Some(&mut tags.title),
            b"TALB" | b"TAL" => Some(&mut tags.album),
            _ => None,
        };
        if let Some(slot) = slot.filter(|s| plain && s.is_none()) {
            *slot = text(payload);
        }
        rest = body.get(size..).unwrap_or_default();
    }
    tags
}

fn be(b: &[u8], count: usize) -> Option<u32> {
    Some(b.get(..count)?.iter().fold(0, |n, &x| n << 8 | u32::from(x)))
}

/// A text frame: one byte of encoding, then text up to the first terminator.
fn text(payload: &[u8]) -> Option<String> {
    let (&encoding, bytes) = payload.split_first()?;
    let text = match encoding {
        0 => bytes.iter().take_while(|&&b| b != 0).map(|&b| char::from(b)).collect(),
        1 | 2 => utf16(bytes, encoding == 2),
        3 => String::from_utf8_lossy(bytes.split(|&b| b == 0).next()?).into_owned(),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn utf16(bytes: &[u8], big_endian: bool) -> String {
    let (big_endian, bytes) = match bytes {
        [0xff, 0xfe, rest @ ..] => (false, rest),
        [0xfe, 0xff, rest @ ..] => (true, rest),
        all => (big_endian, all),
    };
    let units = bytes.as_chunks::<2>().0.iter();
    let units = units.map(|&b| {
        if big_endian {
            u16::from_be_bytes(b)
        } else {
            u16::from_le_bytes(b)
        }
    });
    char::decode_utf16(units.take_while(|&u| u != 0))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(id: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut f = id.to_vec();
        f.extend([0, 0, 0, payload.len() as u8, 0, 0]);
        f.extend(payload);
        f
    }

    fn tag(major: u8, frames: &[Vec<u8>]) -> Vec<u8> {
        let body = frames.concat();
        let mut t = vec![
            b'I',
            b'D',
            b'3',
            major,
            0,
            0,
            0,
            0,
            (body.len() >> 7) as u8,
            (body.len() & 0x7f) as u8,
        ];
        t.extend(body);
        t
    }

    #[test]
    fn reads_each_encoding() {
        for major in [3, 4] {
            let tags = read(&tag(
                major,
                &[
                    frame(b"TXXX", b"\x00x"),
                    frame(b"TPE1", b"\x00Bj\xf6rk\x00more"),
                    frame(b"TIT2", b"\x01\xff\xfeA\x00\x3c\xd8\xb5\xdf"),
                    frame(b"TALB", "\u{3}Été".as_bytes()),
                ],
            ));
            assert_eq!(tags.artist.as_deref(), Some("Björk"));
            assert_eq!(tags.title.as_deref(), Some("A🎵"));
            assert_eq!(tags.album.as_deref(), Some("Été"));
        }
    }

    #[test]
    fn every_truncation_is_harmless() {
        let whole = tag(4, &[frame(b"TPE1", b"\x03abc"), frame(b"TIT2", b"\x02\x00A\x00B")]);
        for n in 0..whole.len() {
            read(&whole[..n]);
        }
        assert_eq!(read(&whole).title.as_deref(), Some("AB"));
    }
}

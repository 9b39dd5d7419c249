//! What Symphonia reads from.

use std::io::{Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use crate::progress::Progress;

/// Bytes that are read in place of the file's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patch {
    /// Where they stand.
    pub(super) at: u64,
    /// What they are.
    pub(super) bytes: [u8; 8],
}

/// A reader whose length is known, that stops when the work is cancelled: a demuxer may look for its next packet through
/// gigabytes without returning.
pub(super) struct Source<'a, R> {
    pub(super) reader: R,
    pub(super) length: u64,
    pub(super) patch: Option<Patch>,
    pub(super) progress: &'a dyn Progress,
}

impl<R: Read + Seek> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Not `Interrupted`, which readers try again.
        self.progress.check().map_err(std::io::Error::other)?;
        let Some(patch) = self.patch else {
            return self.reader.read(buffer);
        };
        let start = self.reader.stream_position()?;
        let got = self.reader.read(buffer)?;
        for (i, byte) in patch.bytes.into_iter().enumerate() {
            let offset = (patch.at + i as u64)
                .checked_sub(start)
                .and_then(|o| usize::try_from(o).ok());
            if let Some(slot) = offset.and_then(|o| buffer[..got].get_mut(o)) {
                *slot = byte;
            }
        }
        Ok(got)
    }
}

impl<R: Seek> Seek for Source<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.reader.seek(to)
    }
}

impl<R: Read + Seek + Send + Sync> MediaSource for Source<'_, R> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// A CAF file that was still being written says that its data has −1 bytes, which the demuxer takes for a length; one
/// that was cut off has fewer than it says. The true length in place of either makes both readable.
pub(super) fn caf_patch(reader: &mut (impl Read + Seek), length: u64) -> std::io::Result<Option<Patch>> {
    // The file header has 8 bytes, a chunk's 12.
    let mut at = 8u64;
    for _ in 0..1 << 16 {
        if at.saturating_add(12) > length {
            break;
        }
        let mut head = [0; 12];
        reader.seek(SeekFrom::Start(at))?;
        reader.read_exact(&mut head)?;
        let [a, b, c, d, size @ ..] = head;
        let size = i64::from_be_bytes(size);
        let left = length - at - 12;
        let fits = u64::try_from(size).is_ok_and(|s| s <= left);
        if [a, b, c, d] == *b"data" {
            let patch = Patch {
                at: at + 4,
                bytes: left.to_be_bytes(),
            };
            return Ok((!fits).then_some(patch));
        }
        if !fits {
            break;
        }
        at += 12 + size as u64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_patch_shows_in_reads_of_any_size() {
        let bytes: Vec<u8> = (0..40).collect();
        let patch = Patch {
            at: 13,
            bytes: [200, 201, 202, 203, 204, 205, 206, 207],
        };
        let mut expected = bytes.clone();
        expected[13..21].copy_from_slice(&patch.bytes);
        for step in 1..40 {
            let reader = std::io::Cursor::new(bytes.clone());
            let mut source = Source {
                reader,
                length: 40,
                patch: Some(patch),
                progress: &Silent,
            };
            let mut got: Vec<u8> = Vec::new();
            loop {
                let mut piece = vec![0; step];
                let n = source.read(&mut piece).unwrap();
                if n == 0 {
                    break;
                }
                got.extend(&piece[..n]);
            }
            assert_eq!(got, expected, "{step}");
        }
    }
}

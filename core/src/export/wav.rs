//! WAV, with everything that speaks of the loop before the samples.
//!
//! Chunks in order: `fmt `, (`fact`), (`bext`), `acid`, `smpl`, `cue `, `LIST adtl`, `LIST INFO`, `data`. Before the samples,
//! so that a file cut short, and a reader that streams, still have them. All sizes are known beforehand: nothing is patched.
//! Beyond 4 GiB the file is an RF64.

use super::meta::LoopMeta;
use super::{AudioFormat, AudioView, FormatError, WriteSeek, Written, pcm, riff};

/// The codings of samples in a WAV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wav {
    /// 24-bit integers: the most that all programs read.
    Int24,
    /// 16-bit integers with triangular dither, unless the samples are 16-bit integers already.
    Int16,
    /// 32-bit floating point: keeps what is beyond full scale.
    Float32,
}

/// GUID of the extensible format's sub-formats, after their first two bytes.
const SUBFORMAT_TAIL: [u8; 14] = [
    0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71,
];
/// Bytes gathered before they go to the stream.
const BLOCK: usize = 1 << 16;

impl Wav {
    fn bits(self) -> u16 {
        match self {
            Self::Int16 => 16,
            Self::Int24 => 24,
            Self::Float32 => 32,
        }
    }

    /// Writes a whole file that is no loop: the format and the samples alone.
    pub fn write_plain(self, out: &mut dyn WriteSeek, audio: AudioView<'_>) -> Result<Written, FormatError> {
        self.write_with(out, audio, None)
    }

    fn write_with(
        self,
        out: &mut dyn WriteSeek,
        audio: AudioView<'_>,
        meta: Option<&LoopMeta>,
    ) -> Result<Written, FormatError> {
        let (header, pad) = self.header(audio.planes.len(), audio.frames() as u64, audio.sample_rate, meta)?;
        out.write_all(&header)?;
        match self {
            Self::Int24 => interleave(out, audio.planes, |x| {
                let [a, b, c, _] = pcm::quantise(x, 24).to_le_bytes();
                [a, b, c]
            })?,
            Self::Float32 => interleave(out, audio.planes, f32::to_le_bytes)?,
            Self::Int16 if pcm::is_exact(audio.planes, 16) => {
                interleave(out, audio.planes, |x| (pcm::quantise(x, 16) as i16).to_le_bytes())?;
            }
            Self::Int16 => {
                let mut dither = pcm::Tpdf::new(meta.map_or(0, |m| m.seed));
                interleave(out, audio.planes, |x| {
                    (pcm::quantise16_dithered(x, dither.next()) as i16).to_le_bytes()
                })?;
            }
        }
        if pad {
            out.write_all(&[0])?;
        }
        let clipped = if self == Self::Float32 {
            0
        } else {
            pcm::count_clipped(audio.planes)
        };
        Ok(Written { clipped })
    }

    /// All of the file before its samples, and whether a pad byte follows them.
    fn header(
        self,
        channels: usize,
        frames: u64,
        rate: u32,
        meta: Option<&LoopMeta>,
    ) -> Result<(Vec<u8>, bool), FormatError> {
        let bits = self.bits();
        let bytes = usize::from(bits / 8);
        let align = u16::try_from(channels * bytes)
            .map_err(|_| FormatError::Unfit(format!("WAV cannot hold {channels} channels")))?;
        let per_second = rate.saturating_mul(align.into());
        let code: u16 = if self == Self::Float32 { 3 } else { 1 };

        let extensible = channels > 2;
        let mut fmt = Vec::with_capacity(40);
        fmt.extend(if extensible { 0xFFFE } else { code }.to_le_bytes());
        fmt.extend((channels as u16).to_le_bytes());
        fmt.extend(rate.to_le_bytes());
        fmt.extend(per_second.to_le_bytes());
        fmt.extend(align.to_le_bytes());
        fmt.extend(bits.to_le_bytes());
        if extensible {
            fmt.extend(22u16.to_le_bytes());
            fmt.extend(bits.to_le_bytes());
            fmt.extend(0u32.to_le_bytes()); // speakers not assigned
            fmt.extend(code.to_le_bytes());
            fmt.extend(SUBFORMAT_TAIL);
        } else if self == Self::Float32 {
            fmt.extend(0u16.to_le_bytes());
        }

        let mut chunks = Vec::new();
        riff::chunk(&mut chunks, b"fmt ", &fmt);
        if self == Self::Float32 {
            let count = u32::try_from(frames).unwrap_or(u32::MAX);
            riff::chunk(&mut chunks, b"fact", &count.to_le_bytes());
        }
        if let Some(meta) = meta {
            if meta.bext {
                riff::chunk(&mut chunks, b"bext", &riff::bext(meta));
            }
            riff::chunk(&mut chunks, b"acid", &riff::acid(meta));
            riff::chunk(&mut chunks, b"smpl", &riff::smpl(meta, rate, frames));
            if !meta.cues.is_empty() {
                riff::chunk(&mut chunks, b"cue ", &riff::cue(meta));
                riff::chunk(&mut chunks, b"LIST", &riff::adtl(meta));
            }
            riff::chunk(&mut chunks, b"LIST", &riff::info(meta));
        }

        let data = frames * u64::from(align);
        let pad = data % 2 == 1;
        // "WAVE", the chunks, the data chunk's own head, the data.
        let riff_size = 4 + chunks.len() as u64 + 8 + data + u64::from(pad);
        let mut out = Vec::with_capacity(chunks.len() + 64);
        match (u32::try_from(riff_size), u32::try_from(data)) {
            (Ok(riff_size), Ok(data)) => {
                out.extend(b"RIFF");
                out.extend(riff_size.to_le_bytes());
                out.extend(b"WAVE");
                out.extend(chunks);
                out.extend(b"data");
                out.extend(data.to_le_bytes());
            }
            _ => {
                let mut ds64 = Vec::with_capacity(28);
                ds64.extend((riff_size + 36).to_le_bytes());
                ds64.extend(data.to_le_bytes());
                ds64.extend(frames.to_le_bytes());
                ds64.extend(0u32.to_le_bytes());
                out.extend(b"RF64");
                out.extend(u32::MAX.to_le_bytes());
                out.extend(b"WAVE");
                riff::chunk(&mut out, b"ds64", &ds64);
                out.extend(chunks);
                out.extend(b"data");
                out.extend(u32::MAX.to_le_bytes());
            }
        }
        Ok((out, pad))
    }
}

impl AudioFormat for Wav {
    fn extension(&self) -> &'static str {
        "wav"
    }

    fn tag(&self) -> &'static str {
        match self {
            Self::Int16 => "16bit",
            Self::Int24 => "24bit",
            Self::Float32 => "32float",
        }
    }

    fn write(&self, out: &mut dyn WriteSeek, audio: AudioView<'_>, meta: &LoopMeta) -> Result<Written, FormatError> {
        self.write_with(out, audio, Some(meta))
    }
}

/// Writes the samples of equal-length `planes` frame by frame.
fn interleave<const N: usize>(
    out: &mut dyn WriteSeek,
    planes: &[Vec<f32>],
    mut code: impl FnMut(f32) -> [u8; N],
) -> std::io::Result<()> {
    let frames = planes.first().map_or(0, Vec::len);
    let mut block: Vec<u8> = Vec::with_capacity(BLOCK + N * planes.len());
    match planes {
        // The usual cases without a loop inside the loop.
        [one] => {
            for part in one.chunks(BLOCK / N) {
                block.clear();
                part.iter().for_each(|&x| block.extend_from_slice(&code(x)));
                out.write_all(&block)?;
            }
        }
        [left, right] => {
            let size = BLOCK / (2 * N);
            for (l, r) in left.chunks(size).zip(right.chunks(size)) {
                block.clear();
                for (&l, &r) in l.iter().zip(r) {
                    block.extend_from_slice(&code(l));
                    block.extend_from_slice(&code(r));
                }
                out.write_all(&block)?;
            }
        }
        planes => {
            for i in 0..frames {
                planes.iter().for_each(|p| block.extend_from_slice(&code(p[i])));
                if block.len() >= BLOCK {
                    out.write_all(&block)?;
                    block.clear();
                }
            }
            out.write_all(&block)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn write(wav: Wav, planes: &[Vec<f32>], meta: &LoopMeta) -> (Vec<u8>, Written) {
        let mut out = Cursor::new(Vec::new());
        let view = AudioView {
            planes,
            sample_rate: 44_100,
        };
        let written = wav.write(&mut out, view, meta).unwrap();
        (out.into_inner(), written)
    }

    fn meta() -> LoopMeta {
        LoopMeta {
            title: "Tïtle".into(),
            artist: Some("An artist".into()),
            comment: "8 bars".into(),
            beats: 32,
            beats_per_bar: 4,
            beat_unit: 4,
            bpm: 124.0,
            root: Some(69),
            cues: vec![(0, "Beat 1.1".into()), (3, "Beat 1.2".into())],
            bext: true,
            seed: 1,
            ..LoopMeta::default()
        }
    }

    /// The chunks of a file: id, offset of the payload, size; checks that they fill it.
    fn chunks(file: &[u8]) -> Vec<(String, usize, usize)> {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(
            (&file[..4], word(4), &file[8..12]),
            (&b"RIFF"[..], file.len() - 8, &b"WAVE"[..])
        );
        let (mut at, mut found) = (12, Vec::new());
        while at < file.len() {
            let size = word(at + 4);
            found.push((String::from_utf8_lossy(&file[at..at + 4]).into_owned(), at + 8, size));
            at += 8 + size + size % 2;
        }
        assert_eq!(at, file.len());
        found
    }

    #[test]
    fn chunks_come_in_order_and_fill_the_file() {
        let planes = [vec![0.5, -0.5, 0.25]];
        for (wav, size) in [(Wav::Int16, 6), (Wav::Int24, 9), (Wav::Float32, 12)] {
            let (file, _) = write(wav, &planes, &meta());
            let found = chunks(&file);
            let ids: Vec<&str> = found.iter().map(|c| c.0.as_str()).filter(|c| *c != "fact").collect();
            assert_eq!(ids, ["fmt ", "bext", "acid", "smpl", "cue ", "LIST", "LIST", "data"]);
            assert_eq!(found.last().unwrap().2, size);
        }
        let (bare, _) = write(Wav::Int24, &planes, &LoopMeta::default());
        let ids: Vec<String> = chunks(&bare).into_iter().map(|c| c.0).collect();
        assert_eq!(ids, ["fmt ", "acid", "smpl", "LIST", "data"]);
    }

    #[test]
    fn hound_reads_every_sample_back() {
        let full = 8_388_608.0;
        let a: Vec<f32> = (0..50_000)
            .map(|i| ((i * 7919) % 16_777_216 - 8_388_608) as f32 / full)
            .collect();
        let b: Vec<f32> = a.iter().rev().copied().collect();
        for channels in [1, 2, 3] {
            let planes: Vec<Vec<f32>> = [&a, &b, &a].into_iter().take(channels).cloned().collect();
            let (file, written) = write(Wav::Int24, &planes, &meta());
            assert_eq!(written.clipped, 0);
            let mut reader = hound::WavReader::new(Cursor::new(file)).unwrap();
            assert_eq!(
                (reader.spec().channels as usize, reader.spec().bits_per_sample),
                (channels, 24)
            );
            let back: Vec<i32> = reader.samples::<i32>().map(Result::unwrap).collect();
            assert_eq!(back.len(), 50_000 * channels);
            for (i, v) in back.into_iter().enumerate() {
                assert_eq!(v, (planes[i % channels][i / channels] * full) as i32);
            }
            let (file, _) = write(Wav::Float32, &planes, &meta());
            let back: Vec<f32> = hound::WavReader::new(Cursor::new(file))
                .unwrap()
                .samples()
                .map(Result::unwrap)
                .collect();
            assert!(
                back.iter()
                    .enumerate()
                    .all(|(i, v)| *v == planes[i % channels][i / channels])
            );
        }
    }

    #[test]
    fn sixteen_bits_are_exact_where_they_can_be_and_dithered_where_not() {
        let exact: Vec<f32> = (-100..100).map(|i| i as f32 / 32768.0).collect();
        let (file, _) = write(Wav::Int16, &[exact], &meta());
        let back: Vec<i16> = hound::WavReader::new(Cursor::new(file))
            .unwrap()
            .samples()
            .map(Result::unwrap)
            .collect();
        assert_eq!(back, (-100..100).collect::<Vec<i16>>());

        // A level between two steps comes back in the mean, which rounding alone would lose.
        let between = vec![vec![0.3 / 32768.0; 40_000]];
        let (one, _) = write(Wav::Int16, &between, &meta());
        let (two, _) = write(Wav::Int16, &between, &meta());
        assert_eq!(one, two);
        let back: Vec<i16> = hound::WavReader::new(Cursor::new(one))
            .unwrap()
            .samples()
            .map(Result::unwrap)
            .collect();
        let mean = back.iter().map(|&v| f64::from(v)).sum::<f64>() / back.len() as f64;
        assert!((mean - 0.3).abs() < 0.02, "{mean}");
    }

    #[test]
    fn clipping_is_counted() {
        let planes = [vec![1.5, -1.5, 0.0]];
        assert_eq!(write(Wav::Int24, &planes, &meta()).1.clipped, 2);
        assert_eq!(write(Wav::Float32, &planes, &meta()).1.clipped, 0);
    }

    #[test]
    fn beyond_four_gib_it_is_an_rf64() {
        let frames = 1u64 << 31;
        let (header, _) = Wav::Int24.header(2, frames, 48_000, Some(&meta())).unwrap();
        let long = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().unwrap());
        assert_eq!(
            (&header[..4], &header[4..8], &header[12..16]),
            (&b"RF64"[..], &[0xFF; 4][..], &b"ds64"[..])
        );
        assert_eq!(long(28), frames * 6);
        assert_eq!(long(36), frames);
        assert_eq!(long(20), header.len() as u64 - 8 + frames * 6);
        assert_eq!(header[header.len() - 4..], [0xFF; 4]);
    }
}

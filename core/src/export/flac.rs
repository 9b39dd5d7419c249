//! FLAC, 24-bit, with Vorbis comments.

use flac_codec::encode::{FlacChannelWriter, Options};

use super::meta::{LoopMeta, SOFTWARE};
use super::{AudioFormat, AudioView, FormatError, WriteSeek, Written, pcm};

const BITS: u32 = 24;
const MAX_CHANNELS: usize = 8;
/// Frames coded at a time.
const BLOCK: usize = 1 << 14;

/// FLAC, 24-bit.
#[derive(Debug, Clone, Copy)]
pub struct Flac;

impl AudioFormat for Flac {
    fn extension(&self) -> &'static str {
        "flac"
    }

    fn tag(&self) -> &'static str {
        "24bit"
    }

    fn write(&self, out: &mut dyn WriteSeek, audio: AudioView<'_>, meta: &LoopMeta) -> Result<Written, FormatError> {
        let mut options = Options::default().no_padding().tag("TITLE", &meta.title);
        if let Some(artist) = &meta.artist {
            options = options.tag("ARTIST", artist);
        }
        options = options.tag("COMMENT", &meta.comment);
        // One-shots have none.
        if meta.beats > 0 {
            options = options.tag("BPM", format!("{:.2}", meta.bpm));
        }
        if let Some(key) = &meta.key {
            options = options.tag("INITIALKEY", key);
        }
        options = options.tag("ENCODER", SOFTWARE);
        encode(out, audio, options, BITS)
    }
}

/// Writes all of `audio` with `bits` bits a sample, 24 at most.
pub(super) fn encode(
    out: &mut dyn WriteSeek,
    audio: AudioView<'_>,
    options: Options,
    bits: u32,
) -> Result<Written, FormatError> {
    let channels = audio.planes.len();
    if channels > MAX_CHANNELS {
        return Err(FormatError::Unfit(format!(
            "FLAC holds {MAX_CHANNELS} channels at most, not {channels}"
        )));
    }
    let frames = Some(audio.frames() as u64);
    let mut writer =
        FlacChannelWriter::new(out, options, audio.sample_rate, bits, channels as u8, frames).map_err(fail)?;
    let mut block: Vec<Vec<i32>> = vec![Vec::with_capacity(BLOCK); channels];
    for from in (0..audio.frames()).step_by(BLOCK) {
        for (integers, plane) in block.iter_mut().zip(audio.planes) {
            let part = &plane[from..(from + BLOCK).min(plane.len())];
            integers.clear();
            integers.extend(part.iter().map(|&x| pcm::quantise(x, bits)));
        }
        writer.write(&block).map_err(fail)?;
    }
    writer.finalize().map_err(fail)?;
    Ok(Written {
        clipped: pcm::count_clipped(audio.planes),
    })
}

fn fail(error: flac_codec::Error) -> FormatError {
    match error {
        flac_codec::Error::Io(e) => FormatError::Io(e),
        other => FormatError::Unfit(format!("FLAC: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn every_sample_and_tag_comes_back() {
        let a: Vec<f32> = (0..40_000)
            .map(|i| ((i * 7919) % 16_777_216 - 8_388_608) as f32 / 8_388_608.0)
            .collect();
        let b: Vec<f32> = a.iter().map(|x| x * 0.25).collect();
        let planes = [a, b];
        let meta = LoopMeta {
            title: "Tïtle".into(),
            comment: "c".into(),
            beats: 16,
            bpm: 124.0,
            key: Some("Am".into()),
            ..LoopMeta::default()
        };
        let mut out = Cursor::new(Vec::new());
        let view = AudioView {
            planes: &planes,
            sample_rate: 48_000,
        };
        Flac.write(&mut out, view, &meta).unwrap();
        let bytes = out.into_inner();
        let text = String::from_utf8_lossy(&bytes[..1000]).into_owned();
        assert!(
            text.contains("TITLE=Tïtle")
                && text.contains("INITIALKEY=Am")
                && text.contains("BPM=124.00")
                && !text.contains("ARTIST"),
            "{text}"
        );
        let mut reader = flac_codec::decode::FlacSampleReader::new(Cursor::new(bytes)).unwrap();
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), 80_000);
        for (i, v) in back.into_iter().enumerate() {
            assert_eq!(v, pcm::quantise(planes[i % 2][i / 2], 24));
        }
    }

    #[test]
    fn too_many_channels_are_an_error() {
        let planes = vec![vec![0.0; 10]; 9];
        let view = AudioView {
            planes: &planes,
            sample_rate: 48_000,
        };
        let failed = Flac.write(&mut Cursor::new(Vec::new()), view, &LoopMeta::default());
        assert!(matches!(failed, Err(FormatError::Unfit(_))));
    }
}

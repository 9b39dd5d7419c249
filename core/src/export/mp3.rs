//! MP3 previews through LAME: 192 kbit/s, with the gapless information that lets a player loop without a gap.

use std::num::NonZeroU32;

use mp3lame_encoder::{
    Bitrate, Builder, DualPcm, FlushGap, Id3Tag, MonoPcm, Quality, VbrMode, max_required_buffer_size,
};

use super::meta::LoopMeta;
use super::{AudioFormat, AudioView, FormatError, WriteSeek, Written, pcm};

/// The highest rate that MP3 has; beyond it LAME resamples.
const MAX_RATE: u32 = 48_000;
/// Frames coded at a time.
const BLOCK: usize = 1 << 14;

/// MP3, 192 kbit/s.
#[derive(Debug, Clone, Copy)]
pub struct Mp3;

impl AudioFormat for Mp3 {
    fn extension(&self) -> &'static str {
        "mp3"
    }

    fn tag(&self) -> &'static str {
        "192k"
    }

    fn write(&self, out: &mut dyn WriteSeek, audio: AudioView<'_>, meta: &LoopMeta) -> Result<Written, FormatError> {
        let unfit = |e: &dyn std::fmt::Display| FormatError::Unfit(format!("MP3: {e}"));
        let channels = audio.planes.len();
        let mut builder = Builder::new().ok_or_else(|| unfit(&"LAME has no memory"))?;
        if channels > 2 {
            return Err(unfit(&format!("holds one or two channels, not {channels}")));
        }
        builder.set_num_channels(channels as u8).map_err(|e| unfit(&e))?;
        builder.set_sample_rate(audio.sample_rate).map_err(|e| unfit(&e))?;
        if audio.sample_rate > MAX_RATE {
            builder
                .set_output_sample_rate(NonZeroU32::new(MAX_RATE))
                .map_err(|e| unfit(&e))?;
        }
        builder.set_brate(Bitrate::Kbps192).map_err(|e| unfit(&e))?;
        builder.set_vbr_mode(VbrMode::Off).map_err(|e| unfit(&e))?;
        builder.set_quality(Quality::NearBest).map_err(|e| unfit(&e))?;
        builder.set_to_write_vbr_tag(true).map_err(|e| unfit(&e))?;
        let tag = Id3Tag {
            title: meta.title.as_bytes(),
            artist: meta.artist.as_deref().unwrap_or_default().as_bytes(),
            album: &[],
            album_art: &[],
            year: &[],
            comment: meta.comment.as_bytes(),
        };
        // Tags that LAME refuses are left out: the preview matters more.
        let _ = builder.set_id3_tag(tag);
        let mut encoder = builder.build().map_err(|e| unfit(&e))?;

        let mut bytes: Vec<u8> = Vec::new();
        for from in (0..audio.frames()).step_by(BLOCK) {
            let to = (from + BLOCK).min(audio.frames());
            bytes.reserve(max_required_buffer_size(to - from));
            match audio.planes {
                [one] => encoder.encode_to_vec(MonoPcm(&one[from..to]), &mut bytes),
                [left, right, ..] => {
                    let pair = DualPcm {
                        left: &left[from..to],
                        right: &right[from..to],
                    };
                    encoder.encode_to_vec(pair, &mut bytes)
                }
                [] => Ok(0),
            }
            .map_err(|e| unfit(&e))?;
        }
        bytes.reserve(max_required_buffer_size(0));
        encoder.flush_to_vec::<FlushGap>(&mut bytes).map_err(|e| unfit(&e))?;

        // LAME kept the place of its information frame with a frame of zeros after the tag.
        let at = encoder.id3v2_tag_size();
        let mut info = Vec::with_capacity(encoder.lame_tag_size());
        if encoder.lame_tag_size() > 0 && encoder.lame_tag_encode_to_vec(&mut info).is_some() {
            match bytes.get_mut(at..at + info.len()) {
                Some(place) if place.iter().skip(4).all(|b| *b == 0) => place.copy_from_slice(&info),
                _ => drop(bytes.splice(at.min(bytes.len())..at.min(bytes.len()), info)),
            }
        }
        out.write_all(&bytes)?;
        Ok(Written {
            clipped: pcm::count_clipped(audio.planes),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn write(planes: &[Vec<f32>], sample_rate: u32) -> Result<Vec<u8>, FormatError> {
        let mut out = Cursor::new(Vec::new());
        let meta = LoopMeta {
            title: "A title".into(),
            ..LoopMeta::default()
        };
        Mp3.write(&mut out, AudioView { planes, sample_rate }, &meta)?;
        Ok(out.into_inner())
    }

    #[test]
    fn one_information_frame_and_as_many_as_the_samples_need() {
        for (channels, rate) in [(1, 44_100), (2, 44_100), (2, 96_000)] {
            let frames = rate as usize * 3;
            let x: Vec<f32> = (0..frames).map(|i| (0.3 * (i as f64 * 0.05).sin()) as f32).collect();
            let bytes = write(&vec![x; channels], rate).unwrap();
            let info = |tag: &[u8]| bytes.windows(4).filter(|w| *w == tag).count();
            assert_eq!((&bytes[..3], info(b"Info") + info(b"Xing")), (&b"ID3"[..], 1));
            // 3 s of 24 000 bytes, the information frame, the coder's delay and padding.
            assert!(
                (72_000..77_000).contains(&bytes.len()),
                "{channels} {rate}: {}",
                bytes.len()
            );
        }
    }

    #[test]
    fn more_than_two_channels_are_an_error() {
        assert!(matches!(
            write(&vec![vec![0.0; 5000]; 3], 44_100),
            Err(FormatError::Unfit(_))
        ));
    }
}

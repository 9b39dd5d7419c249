//! The chunks of a RIFF/WAVE file that speak of loops.
//!
//! Every function gives a chunk's payload; `chunk` puts the id, the size and the pad byte around it. Layouts: Microsoft
//! and IBM, *Multimedia Programming Interface and Data Specifications 1.0* (`cue `, `LIST`), RIFF update of 1994 (`smpl`),
//! EBU Tech 3285 (`bext`), EBU Tech 3306 (RF64); `acid` is not published, its layout is what libsndfile and ExifTool agree on.

use super::meta::{LoopMeta, SOFTWARE};

/// Appends a chunk: id, size, payload, and a pad byte if the size is odd.
pub(crate) fn chunk(out: &mut Vec<u8>, id: &[u8; 4], payload: &[u8]) {
    out.extend_from_slice(id);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(payload);
    if payload.len() % 2 == 1 {
        out.push(0);
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// `acid`: beats, meter, tempo and root note. The tempo is the implied one, so that it agrees with beats and length.
pub(crate) fn acid(meta: &LoopMeta) -> Vec<u8> {
    const ONE_SHOT: u32 = 0x01;
    const ROOT_VALID: u32 = 0x02;
    const STRETCH: u32 = 0x04;
    const HIGH_OCTAVE: u32 = 0x10;
    let one_shot = meta.beats == 0;
    let mut flags = if one_shot { ONE_SHOT } else { STRETCH };
    if meta.root.is_some() {
        flags |= ROOT_VALID | HIGH_OCTAVE;
    }
    let mut out = Vec::with_capacity(24);
    out.extend(flags.to_le_bytes());
    out.extend(u16::from(meta.root.unwrap_or(60)).to_le_bytes());
    out.extend(0x8000u16.to_le_bytes());
    out.extend(0f32.to_le_bytes());
    out.extend(meta.beats.to_le_bytes());
    // Denominator first, as libsndfile, ExifTool and JUCE have it.
    out.extend((meta.beat_unit as u16).to_le_bytes());
    out.extend((meta.beats_per_bar as u16).to_le_bytes());
    let tempo = if one_shot { 0.0 } else { meta.bpm as f32 };
    out.extend(tempo.to_le_bytes());
    out
}

/// `smpl`: root note, and for a loop one forward loop over all frames, endless. One-shots get none, or samplers loop them.
pub(crate) fn smpl(meta: &LoopMeta, sample_rate: u32, frames: u64) -> Vec<u8> {
    let period = (1e9 / f64::from(sample_rate)).round() as u32;
    let root = u32::from(meta.root.unwrap_or(60));
    let mut out = words(&[0, 0, period, root, 0, 0, 0]);
    if meta.beats == 0 || frames == 0 {
        out.extend(words(&[0, 0]));
    } else {
        let last = u32::try_from(frames - 1).unwrap_or(u32::MAX);
        out.extend(words(&[1, 0, 0, 0, 0, last, 0, 0]));
    }
    out
}

/// `cue `: the cue points, ids from 1, positions in frames.
pub(crate) fn cue(meta: &LoopMeta) -> Vec<u8> {
    let mut out = words(&[meta.cues.len() as u32]);
    for (i, (frame, _)) in meta.cues.iter().enumerate() {
        out.extend(words(&[i as u32 + 1, *frame]));
        out.extend(b"data");
        out.extend(words(&[0, 0, *frame]));
    }
    out
}

/// `LIST adtl`: the cue points' names.
pub(crate) fn adtl(meta: &LoopMeta) -> Vec<u8> {
    let mut out = b"adtl".to_vec();
    for (i, (_, name)) in meta.cues.iter().enumerate() {
        let mut label = words(&[i as u32 + 1]);
        label.extend(name.bytes().filter(u8::is_ascii));
        label.push(0);
        chunk(&mut out, b"labl", &label);
    }
    out
}

/// `LIST INFO`: title, artist, comment, software.
pub(crate) fn info(meta: &LoopMeta) -> Vec<u8> {
    let mut out = b"INFO".to_vec();
    let mut tag = |id: &[u8; 4], text: &str| {
        if !text.is_empty() {
            let mut bytes = text.as_bytes().to_vec();
            bytes.push(0);
            chunk(&mut out, id, &bytes);
        }
    };
    tag(b"INAM", &meta.title);
    tag(b"IART", meta.artist.as_deref().unwrap_or_default());
    tag(b"ICMT", &meta.comment);
    tag(b"ISFT", SOFTWARE);
    out
}

/// `bext` version 2: description and originator. Date and time stay empty, so that the same loop has the same bytes; the
/// time reference is 0, so that no program places the loop on its timeline; loudness is marked as not measured.
pub(crate) fn bext(meta: &LoopMeta) -> Vec<u8> {
    let mut out = Vec::with_capacity(602);
    let mut text = |value: &str, size: usize| {
        let bytes: Vec<u8> = value.bytes().filter(u8::is_ascii).take(size - 1).collect();
        let padded = out.len() + size;
        out.extend(bytes);
        out.resize(padded, 0);
    };
    text(&format!("{} ({})", meta.title, meta.comment), 256);
    text(SOFTWARE, 32);
    text("", 32 + 10 + 8);
    out.extend(0u64.to_le_bytes());
    out.extend(2u16.to_le_bytes());
    out.extend([0; 64]);
    for _ in 0..5 {
        out.extend(0x7FFFu16.to_le_bytes());
    }
    out.extend([0; 180]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loop_meta() -> LoopMeta {
        LoopMeta {
            beats: 32,
            beats_per_bar: 4,
            beat_unit: 4,
            bpm: super::super::meta::implied_bpm(32, 682_839, 44_100),
            root: Some(69),
            ..LoopMeta::default()
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace()
            .map(|h| u8::from_str_radix(h, 16).unwrap())
            .collect()
    }

    fn whole(id: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        chunk(&mut out, id, payload);
        out
    }

    #[test]
    fn acid_bytes() {
        assert_eq!(
            whole(b"acid", &acid(&loop_meta())),
            hex("61 63 69 64 18 00 00 00 16 00 00 00 45 00 00 80 00 00 00 00 20 00 00 00 04 00 04 00 f9 ff f7 42")
        );
        let one_shot = LoopMeta {
            beats_per_bar: 4,
            beat_unit: 4,
            ..LoopMeta::default()
        };
        assert_eq!(
            whole(b"acid", &acid(&one_shot)),
            hex("61 63 69 64 18 00 00 00 01 00 00 00 3c 00 00 80 00 00 00 00 00 00 00 00 04 00 04 00 00 00 00 00")
        );
    }

    #[test]
    fn acid_writes_the_denominator_first() {
        let waltz = LoopMeta {
            beats_per_bar: 3,
            ..loop_meta()
        };
        assert_eq!(acid(&waltz)[0x10..0x14], [4, 0, 3, 0]);
    }

    #[test]
    fn smpl_bytes() {
        let mut want = hex("73 6d 70 6c 3c 00 00 00");
        want.extend(words(&[0, 0]));
        want.extend(hex("94 58 00 00 45 00 00 00"));
        want.extend(words(&[0, 0, 0, 1, 0]));
        want.extend(words(&[0, 0, 0]));
        want.extend(hex("56 6b 0a 00"));
        want.extend(words(&[0, 0]));
        assert_eq!(whole(b"smpl", &smpl(&loop_meta(), 44_100, 682_839)), want);
        assert_eq!(smpl(&LoopMeta::default(), 44_100, 1000).len(), 36);
    }

    #[test]
    fn cue_and_adtl_bytes() {
        let meta = LoopMeta {
            cues: vec![(0, "Slice 01".into()), (85_355, "Slice 2".into())],
            ..loop_meta()
        };
        assert_eq!(
            whole(b"cue ", &cue(&meta)),
            hex("63 75 65 20 34 00 00 00 02 00 00 00 \
                 01 00 00 00 00 00 00 00 64 61 74 61 00 00 00 00 00 00 00 00 00 00 00 00 \
                 02 00 00 00 6b 4d 01 00 64 61 74 61 00 00 00 00 00 00 00 00 6b 4d 01 00")
        );
        assert_eq!(
            adtl(&meta),
            hex("61 64 74 6c \
                 6c 61 62 6c 0d 00 00 00 01 00 00 00 53 6c 69 63 65 20 30 31 00 00 \
                 6c 61 62 6c 0c 00 00 00 02 00 00 00 53 6c 69 63 65 20 32 00")
        );
    }

    #[test]
    fn bext_has_its_fixed_size() {
        let b = bext(&loop_meta());
        assert_eq!(b.len(), 602);
        assert_eq!(b[346..348], [2, 0]);
        assert_eq!(b[412..422], [0xFF, 0x7F].repeat(5)[..]);
    }
}

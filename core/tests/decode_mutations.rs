//! Random damage to valid files never panics, hangs or gives samples that are not numbers.

#[path = "support/wave.rs"]
mod wave;

use std::io::Cursor;
use std::path::Path;

use loopwright_core::audio::decode::{DecodeErrorKind, decode_reader};
use loopwright_core::config;
use loopwright_core::progress::Silent;
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// A short WAVE file with every chunk that is parsed.
fn small_wave() -> Vec<u8> {
    let info = [&b"INFO"[..], &wave::chunk(b"IART", b"Someone")].concat();
    let chunks = [
        wave::chunk(b"fmt ", &wave::extensible(2, 44_100, 24, 24, 1)),
        wave::chunk(b"LIST", &info),
        wave::chunk(b"smpl", &[1; 60]),
        wave::chunk(b"acid", &[1; 24]),
        wave::chunk(b"cue ", &[1; 28]),
        wave::chunk(b"data", &wave::noise(600, 4)),
        wave::chunk(b"id3 ", b"ID3\x04\0\0\0\0\0\x10TALB\0\0\0\x06\0\0\x03Album"),
    ];
    wave::riff(&chunks)
}

#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, u8),
    Repeat(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let word = prop_oneof![Just(0u32), Just(u32::MAX), Just(0x7fff_ffff), any::<u32>()];
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(i, b)| Damage::Set(i, b)),
        3 => (at(), word).prop_map(|(i, w)| Damage::Word(i, w)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), any::<u8>()).prop_map(|(i, n)| Damage::Remove(i, n)),
        1 => (at(), any::<u8>()).prop_map(|(i, n)| Damage::Repeat(i, n)),
    ]
}

/// Most damage goes to the first 300 bytes, where the headers are.
fn apply(file: &mut Vec<u8>, damage: &Damage, head: bool) {
    if file.is_empty() {
        return;
    }
    let reach = if head { file.len().min(300) } else { file.len() };
    match damage {
        Damage::Set(i, b) => file[i.index(reach)] = *b,
        Damage::Word(i, w) => {
            let at = i.index(reach);
            let end = (at + 4).min(file.len());
            file[at..end].copy_from_slice(&w.to_le_bytes()[..end - at]);
        }
        Damage::Cut(i) => file.truncate(i.index(file.len())),
        Damage::Remove(i, n) => {
            let at = i.index(reach);
            let end = (at + usize::from(*n)).min(file.len());
            file.drain(at..end);
        }
        Damage::Repeat(i, n) => {
            let at = i.index(reach);
            let end = (at + usize::from(*n)).min(file.len());
            let piece = file[at..end].to_vec();
            file.splice(at..at, piece);
        }
    }
}

fn survives(mut file: Vec<u8>, damages: &[(Damage, bool)], own_code: bool) -> Result<(), TestCaseError> {
    for (damage, head) in damages {
        apply(&mut file, damage, *head);
    }
    let limits = config::Decode {
        max_seconds: 600.0,
        max_memory_mb: 64,
        ..config::Decode::default()
    };
    match decode_reader(Path::new("x"), Cursor::new(file), &limits, &Silent) {
        Ok(d) => {
            prop_assert!(d.audio.planes().iter().flatten().all(|x| x.is_finite()));
            prop_assert!(d.audio.sample_rate() > 0);
        }
        // A third-party decoder may panic, which is caught; our own code may not.
        Err(e) => prop_assert!(!own_code || !matches!(e.kind, DecodeErrorKind::Panicked(_)), "{}", e),
    }
    Ok(())
}

fn damages() -> impl Strategy<Value = Vec<(Damage, bool)>> {
    prop::collection::vec((damage(), prop::bool::weighted(0.7)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn wave(damages in damages()) {
        survives(small_wave(), &damages, true)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]
    #[test]
    fn flac(damages in damages()) {
        survives(fixture("flac.flac"), &damages, false)?;
    }

    #[test]
    fn mp3(damages in damages()) {
        survives(fixture("lame.mp3"), &damages, false)?;
    }

    #[test]
    fn m4a(damages in damages()) {
        survives(fixture("aac.m4a"), &damages, false)?;
    }

    #[test]
    fn ogg(damages in damages()) {
        survives(fixture("vorbis.ogg"), &damages, false)?;
    }

    #[test]
    fn caf(damages in damages()) {
        survives(fixture("alac.caf"), &damages, false)?;
    }
}

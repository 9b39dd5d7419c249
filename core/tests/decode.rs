//! Files of other programs: the sound begins where it began before it was encoded.
//!
//! `data/make.py` makes the fixtures: one pulse, whose peak is frame 11 025.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use loopwright_core::audio::decode::{DecodeError, DecodeErrorKind, Decoded, LeadIn, decode_file, decode_reader};
use loopwright_core::config;
use loopwright_core::progress::{Progress, Silent, Stage};

const PEAK: usize = 11_025;
const FRAMES: usize = 26_460;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<Decoded, DecodeError> {
    decode_reader(Path::new(name), Cursor::new(bytes), &config::Decode::default(), &Silent)
}

fn peak(plane: &[f32]) -> usize {
    (0..plane.len())
        .max_by(|&a, &b| plane[a].abs().total_cmp(&plane[b].abs()))
        .unwrap()
}

/// Renames every box called `from`, so that it is passed over.
fn rename(mut bytes: Vec<u8>, from: &[u8; 4], to: &[u8; 4]) -> Vec<u8> {
    let at = bytes.windows(4).position(|w| w == from).unwrap();
    bytes[at..at + 4].copy_from_slice(to);
    bytes
}

#[test]
fn sound_begins_where_it_did() {
    // Frames that the peak may be off: the codec smears a pulse by as much.
    let exact = [
        ("lame.mp3", 1),
        ("lavf.mp3", 1),
        ("stereo.mp3", 1),
        ("aac.m4a", 1),
        ("alac.m4a", 0),
        ("alac.caf", 0),
        ("vorbis.ogg", 1),
        ("flac.flac", 0),
        ("adpcm.wav", 1),
    ];
    for (name, tolerance) in exact {
        let d = decode_file(&path(name), &config::Decode::default()).unwrap();
        assert_eq!(d.audio.sample_rate(), 44_100, "{name}");
        assert_eq!(d.lead_in, LeadIn::Exact, "{name}");
        assert_eq!(d.warnings, Vec::<String>::new(), "{name}");
        for plane in d.audio.planes() {
            assert!(peak(plane).abs_diff(PEAK) <= tolerance, "{name}: {}", peak(plane));
        }
        if name != "adpcm.wav" {
            assert_eq!(d.audio.frames(), FRAMES, "{name}");
        }
    }
}

#[test]
fn lossless_formats_agree_to_the_bit() {
    let flac = decode("x", bytes("flac.flac")).unwrap().audio;
    for name in ["alac.m4a", "alac.caf"] {
        assert_eq!(decode("x", bytes(name)).unwrap().audio, flac, "{name}");
    }
}

#[test]
fn tags_are_read() {
    for name in ["lame.mp3", "lavf.mp3", "aac.m4a", "alac.m4a", "vorbis.ogg", "flac.flac"] {
        let tags = decode(name, bytes(name)).unwrap().tags;
        assert_eq!(tags.artist.as_deref(), Some("An Artist"), "{name}");
        assert_eq!(tags.title.as_deref(), Some("A Title"), "{name}");
        assert_eq!(tags.album.as_deref(), Some("An Album"), "{name}");
    }
}

#[test]
fn an_mp3_without_a_tag_says_that_its_start_is_unknown() {
    let d = decode("x", bytes("untagged.mp3")).unwrap();
    assert_eq!(d.lead_in, LeadIn::Unknown);
    // LAME's delay of 576 and the decoder's of 529 stay; nothing is lost at the end.
    assert!(peak(&d.audio.planes()[0]).abs_diff(PEAK + 1105) <= 1);
    assert!(d.audio.frames() >= FRAMES + 1105);
}

#[test]
fn an_m4a_without_an_edit_list_loses_1024_frames() {
    let d = decode("x", rename(bytes("aac.m4a"), b"edts", b"free")).unwrap();
    assert_eq!(d.lead_in, LeadIn::Assumed(1024));
    assert!(peak(&d.audio.planes()[0]).abs_diff(PEAK) <= 32);
    assert_eq!(d.audio.frames(), FRAMES);
}

#[test]
fn content_decides_and_not_the_extension() {
    for name in ["lame.mp3", "aac.m4a", "vorbis.ogg", "flac.flac", "alac.caf"] {
        for wrong in ["x.wav", "x.mp3", "x.flac", "x.txt", "x"] {
            assert_eq!(
                decode(wrong, bytes(name)).unwrap().audio,
                decode(name, bytes(name)).unwrap().audio
            );
        }
    }
}

#[test]
fn a_chained_ogg_is_one_after_the_other() {
    let one = bytes("vorbis.ogg");
    let d = decode("x.ogg", [one.clone(), one].concat()).unwrap();
    assert_eq!(d.audio.frames(), 2 * FRAMES);
    let plane = &d.audio.planes()[0];
    assert!(peak(&plane[..FRAMES]).abs_diff(PEAK) <= 1);
    assert!(peak(&plane[FRAMES..]).abs_diff(PEAK) <= 1);
}

#[test]
fn mono_that_becomes_stereo_is_stereo() {
    for order in [["lame.mp3", "stereo.mp3"], ["stereo.mp3", "lame.mp3"]] {
        let d = decode("x.mp3", order.map(bytes).concat()).unwrap();
        assert_eq!(d.audio.channels(), 2, "{order:?}");
        assert!(
            d.warnings.iter().any(|w| w.contains("number of channels changes")),
            "{:?}",
            d.warnings
        );
        assert!(d.audio.frames() > 2 * FRAMES);
        for plane in d.audio.planes() {
            assert!(peak(&plane[..FRAMES]).abs_diff(PEAK) <= 1, "{order:?}");
            assert!(plane[FRAMES..].iter().any(|x| x.abs() > 0.5), "{order:?}");
        }
    }
}

#[test]
fn garbage_in_an_mp3_costs_the_frames_that_it_hits() {
    // Frames are 209 bytes; what is lost with its sync word cannot be counted, so what follows moves up by it.
    let mut broken = bytes("lame.mp3");
    broken[1500..1700].fill(0xa5);
    let d = decode("x.mp3", broken).unwrap();
    assert_eq!(d.audio.frames(), FRAMES - 1152);
    assert!(peak(&d.audio.planes()[0]).abs_diff(PEAK - 1152) <= 1);
    let mut broken = bytes("lame.mp3");
    broken[1200..3500].fill(0xa5);
    let d = decode("x.mp3", broken).unwrap();
    assert!(d.warnings.iter().any(|w| w.contains("header says")), "{:?}", d.warnings);
}

#[test]
fn a_flac_that_is_cut_off_gives_what_it_has() {
    let whole = bytes("flac.flac");
    let cut = whole.len() * 3 / 4;
    let d = decode("x.flac", whole[..cut].to_vec()).unwrap();
    assert!(d.audio.frames() > 0 && d.audio.frames() < FRAMES);
    assert!(!d.warnings.is_empty());
}

#[test]
fn a_caf_that_was_never_finished_is_read() {
    // A PCM file whose data chunk has the size −1, as written by a recorder that was stopped.
    let mut caf = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20\x40\xe5\x88\x80\0\0\0\0lpcm".to_vec();
    for word in [2u32, 2, 1, 1, 16] {
        caf.extend(word.to_be_bytes());
    }
    caf.extend(b"data");
    caf.extend((-1i64).to_be_bytes());
    caf.extend([0; 4]);
    caf.extend((0..1000i16).flat_map(|x| (x * 16).to_le_bytes()));
    let finished = |size: i64| {
        let mut caf = caf.clone();
        caf[56..64].copy_from_slice(&size.to_be_bytes());
        decode("x.caf", caf).unwrap()
    };
    for size in [-1, 2004, 1 << 40] {
        let d = finished(size);
        assert_eq!(d.audio.frames(), 1000, "{size}");
        assert_eq!(d.audio.planes()[0][999], 999.0 * 16.0 / 32_768.0);
    }
}

#[test]
fn every_truncation_ends_in_audio_or_error() {
    for name in [
        "lame.mp3",
        "aac.m4a",
        "vorbis.ogg",
        "flac.flac",
        "alac.caf",
        "adpcm.wav",
    ] {
        let whole = bytes(name);
        for cut in (0..whole.len()).step_by(1 + whole.len() / 60) {
            match decode(name, whole[..cut].to_vec()) {
                Ok(d) => assert!(d.audio.planes().iter().flatten().all(|x| x.is_finite())),
                Err(e) => assert!(
                    !matches!(e.kind, DecodeErrorKind::Panicked(_)),
                    "{name} cut at {cut}: {e}"
                ),
            }
        }
    }
}

#[test]
fn limits_hold_for_compressed_audio() {
    let limits = config::Decode {
        max_seconds: 0.5,
        ..config::Decode::default()
    };
    for name in ["lame.mp3", "flac.flac", "vorbis.ogg"] {
        let e = decode_reader(Path::new(name), Cursor::new(bytes(name)), &limits, &Silent).unwrap_err();
        assert!(matches!(e.kind, DecodeErrorKind::Limit(_)), "{e}");
    }
}

/// Cancels when asked for the `n`th time.
struct Impatient(u32, AtomicU32);

impl Progress for Impatient {
    fn report(&self, stage: Stage, fraction: f32) {
        assert_eq!(stage, Stage::Decode);
        assert!((0.0..=1.0).contains(&fraction));
    }

    fn is_cancelled(&self) -> bool {
        self.1.fetch_add(1, Ordering::Relaxed) >= self.0
    }
}

#[test]
fn decoding_can_be_cancelled() {
    for name in ["lame.mp3", "flac.flac", "adpcm.wav"] {
        for patience in [0, 1, 3] {
            let progress = Impatient(patience, AtomicU32::new(0));
            let result = decode_reader(
                Path::new(name),
                Cursor::new(bytes(name)),
                &config::Decode::default(),
                &progress,
            );
            assert!(
                matches!(result.unwrap_err().kind, DecodeErrorKind::Cancelled(_)),
                "{name}"
            );
        }
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let limits = config::Decode::default();
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("folder.wav");
    std::fs::create_dir(&wav).unwrap();
    let e = decode_file(&wav, &limits).unwrap_err();
    assert!(matches!(e.kind, DecodeErrorKind::NotAFile(_)), "{e}");
    assert!(e.to_string().contains("folder.wav"), "{e}");
    let e = decode_file(&folder.path().join("none.wav"), &limits).unwrap_err();
    assert!(matches!(e.kind, DecodeErrorKind::Io(_)), "{e}");
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_do_not_hang() {
    let limits = config::Decode::default();
    let e = decode_file(Path::new("/dev/zero"), &limits).unwrap_err();
    assert!(matches!(e.kind, DecodeErrorKind::NotAFile(_)), "{e}");
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("loop.wav");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    let e = decode_file(&link, &limits).unwrap_err();
    assert!(matches!(e.kind, DecodeErrorKind::Io(_)), "{e}");
}

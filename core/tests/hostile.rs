//! Damaged and odd files end in audio or in an error that names the file and the cause.

#[path = "support/wave.rs"]
mod wave;

use std::io::Cursor;
use std::path::Path;

use loopwright_core::audio::AudioStatus;
use loopwright_core::audio::decode::{DecodeError, DecodeErrorKind, Decoded, decode_reader};
use loopwright_core::config;
use loopwright_core::progress::Silent;
use wave::*;

fn decode(name: &str, bytes: Vec<u8>) -> Result<Decoded, DecodeError> {
    decode_reader(Path::new(name), Cursor::new(bytes), &config::Decode::default(), &Silent)
}

/// What a file is expected to end in.
enum Expect {
    /// So many frames, without a warning.
    Clean(usize),
    /// So many frames, with a warning that contains this.
    Warned(usize, &'static str),
    /// An error whose text contains this.
    Error(&'static str),
}
use Expect::{Clean, Error, Warned};

fn cases() -> Vec<(&'static str, Vec<u8>, Expect)> {
    let good = good();
    let p16 = pcm16(2);
    let mono_fmt = |tag, bits: u16| chunk(b"fmt ", &fmt(tag, 1, RATE, bits / 8, bits));
    let as_data = |bytes: Vec<u8>| chunk(b"data", &bytes);
    let f32s: Vec<u8> = sine().iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let mut sick = f32s.clone();
    for (frame, bad) in [
        (100, f32::NAN),
        (200, f32::INFINITY),
        (300, f32::NEG_INFINITY),
        (400, 1e30),
        (500, 1e-40),
    ] {
        sick[frame * 4..frame * 4 + 4].copy_from_slice(&bad.to_le_bytes());
    }
    let mut adpcm = fmt(0x11, 2, RATE, 50_000, 4);
    adpcm.extend([2, 0]);
    adpcm.extend(50_000u16.to_le_bytes());
    let mut many = vec![fmt16()];
    many.extend(std::iter::repeat_n(chunk(b"junk", b""), 10_000));
    many.push(data16());
    let list = [b"INFO".to_vec(), chunk(b"IART", b"Someone")].concat();
    vec![
        ("good.wav", good.clone(), Clean(FRAMES)),
        ("empty.wav", vec![], Error("is empty")),
        ("one_byte.wav", b"R".to_vec(), Error("not an audio format")),
        ("riff_only.wav", b"RIFF".to_vec(), Error("ends inside its header")),
        (
            "no_form.wav",
            b"RIFF\x04\0\0\0WA".to_vec(),
            Error("ends inside its header"),
        ),
        ("avi.wav", b"RIFF\x04\0\0\0AVI LIST".to_vec(), Error("holds no WAVE")),
        ("no_data.wav", riff(&[fmt16()]), Error("no `data` chunk")),
        ("no_fmt.wav", riff(&[data16()]), Error("no `fmt ` chunk")),
        (
            "short_fmt.wav",
            riff(&[chunk(b"fmt ", &[1, 0, 2, 0]), data16()]),
            Error("`fmt ` chunk of 4 bytes"),
        ),
        ("zero_length.wav", riff(&[fmt16(), chunk(b"data", b"")]), Clean(0)),
        (
            "zero_length_then_list.wav",
            riff(&[fmt16(), chunk(b"data", b""), chunk(b"LIST", &list)]),
            Clean(0),
        ),
        (
            "truncated.wav",
            good[..good.len() / 2 - 1].to_vec(),
            Warned(22_044, "incomplete frame"),
        ),
        (
            "unknown_size.wav",
            riff_sized(b"RIFF", !0, &[fmt16(), liar(b"data", !0, &p16)]),
            Clean(FRAMES),
        ),
        (
            "zero_size.wav",
            riff(&[fmt16(), liar(b"data", 0, &p16)]),
            Warned(FRAMES, "says it is empty"),
        ),
        (
            "too_big.wav",
            riff(&[fmt16(), liar(b"data", 0x7fff_ffff, &p16)]),
            Warned(FRAMES, "before its data chunk does"),
        ),
        (
            "riff_8_short.wav",
            riff_sized(b"RIFF", good.len() as u32 - 16, &[fmt16(), data16()]),
            Clean(FRAMES),
        ),
        (
            "riff_zero.wav",
            riff_sized(b"RIFF", 0, &[fmt16(), data16()]),
            Clean(FRAMES),
        ),
        ("fmt_last.wav", riff(&[data16(), fmt16()]), Clean(FRAMES)),
        (
            "no_pad.wav",
            riff(&[fmt16(), liar(b"junk", 3, b"abc"), data16()]),
            Clean(FRAMES),
        ),
        (
            "padded.wav",
            riff(&[fmt16(), chunk(b"junk", b"abc"), data16()]),
            Clean(FRAMES),
        ),
        (
            "channels_0.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 0, RATE, 0, 16)), data16()]),
            Error("0 channels"),
        ),
        (
            "channels_65.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 65, RATE, 130, 16)), data16()]),
            Error("65 channels"),
        ),
        (
            "channels_max.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 65_535, RATE, !0, 16)), data16()]),
            Error("65535 channels"),
        ),
        (
            "rate_0.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, 0, 4, 16)), data16()]),
            Error("sample rate of 0 Hz"),
        ),
        (
            "rate_999.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, 999, 4, 16)), data16()]),
            Error("sample rate of 999 Hz"),
        ),
        (
            "rate_max.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, !0, 4, 16)), data16()]),
            Error("4294967295 Hz"),
        ),
        (
            "rate_768k.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, 768_000, 4, 16)), data16()]),
            Clean(FRAMES),
        ),
        (
            "align_0.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, RATE, 0, 16)), data16()]),
            Warned(FRAMES, "block size of 0"),
        ),
        (
            "bits_7.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, RATE, 4, 7)), data16()]),
            Error("integer samples of 7 bits"),
        ),
        (
            "bits_0.wav",
            riff(&[chunk(b"fmt ", &fmt(1, 2, RATE, 4, 0)), data16()]),
            Error("integer samples of 0 bits"),
        ),
        (
            "float_16.wav",
            riff(&[mono_fmt(3, 16), data16()]),
            Error("float samples of 16 bits"),
        ),
        (
            "codec.wav",
            riff(&[mono_fmt(0x4242, 16), data16()]),
            Error("cannot be decoded"),
        ),
        ("float.wav", riff(&[mono_fmt(3, 32), as_data(f32s)]), Clean(FRAMES)),
        (
            "sick.wav",
            riff(&[mono_fmt(3, 32), as_data(sick)]),
            Warned(FRAMES, "4 samples that cannot be sound"),
        ),
        (
            "eight.wav",
            riff(&[chunk(b"fmt ", &extensible(8, 192_000, 16, 16, 1)), as_data(pcm16(8))]),
            Clean(FRAMES),
        ),
        ("is_wav.mp3", good.clone(), Clean(FRAMES)),
        ("is_wav", good.clone(), Clean(FRAMES)),
        (
            "text.wav",
            b"hello world, not audio\n".repeat(50),
            Error("not an audio format"),
        ),
        ("random.wav", noise(20_000, 1), Error("not an audio format")),
        ("random.mp3", noise(20_000, 2), Error("not an audio format")),
        ("zeroes.flac", vec![0; 20_000], Error("not an audio format")),
        (
            "silence.wav",
            riff(&[fmt16(), as_data(vec![0; p16.len()])]),
            Clean(FRAMES),
        ),
        (
            "list_huge.wav",
            riff(&[fmt16(), liar(b"LIST", 0xffff_fff0, b"INFO"), data16()]),
            Warned(FRAMES, "damaged chunk"),
        ),
        (
            "id3_huge.wav",
            [b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec(), good.clone()].concat(),
            Clean(FRAMES),
        ),
        (
            "id3_first.wav",
            [b"ID3\x04\0\0\0\0\0\x04abcd".to_vec(), good.clone()].concat(),
            Clean(FRAMES),
        ),
        ("chunks.wav", riff(&many), Clean(FRAMES)),
        ("trailer.wav", [good.clone(), noise(4001, 3)].concat(), Clean(FRAMES)),
        (
            "opus.ogg",
            [&b"OggS"[..], &[0; 24], b"OpusHead", &[0; 40]].concat(),
            Error("Opus is not supported"),
        ),
        (
            "flac_head.flac",
            b"fLaC\x00\x00\x00\x22".to_vec(),
            Error("flac_head.flac"),
        ),
        (
            "mp4_without_moov.m4a",
            b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\x08mdat".to_vec(),
            Error("moov"),
        ),
        // A block size far beyond the data: an error, or what its one block holds.
        (
            "adpcm.wav",
            riff(&[chunk(b"fmt ", &adpcm), data16()]),
            Warned(149_979, "damaged packets"),
        ),
    ]
}

#[test]
fn each_file_ends_as_expected() {
    let mut failures = Vec::new();
    for (name, bytes, expect) in cases() {
        let result = decode(name, bytes);
        let outcome = match (&result, &expect) {
            (Ok(d), Clean(frames)) => d.audio.frames() == *frames && d.warnings.is_empty(),
            (Ok(d), Warned(frames, part)) => d.audio.frames() == *frames && d.warnings.iter().any(|w| w.contains(part)),
            (Err(e), Error(part)) => e.to_string().starts_with(name) && e.to_string().contains(part),
            _ => false,
        };
        if !outcome {
            let got = result
                .map(|d| (d.audio.frames(), d.warnings))
                .map_err(|e| e.to_string());
            failures.push(format!("{name}: {got:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_is_read_in_spite_of_damage_is_the_sine() {
    let expected = decode("good.wav", good()).unwrap().audio;
    for (name, bytes, expect) in cases() {
        let sixteen_bit_stereo = !matches!(
            name,
            "float.wav" | "sick.wav" | "eight.wav" | "silence.wav" | "adpcm.wav" | "rate_768k.wav"
        );
        if let (true, Clean(n) | Warned(n, _)) = (sixteen_bit_stereo, expect) {
            let got = decode(name, bytes).unwrap().audio;
            for (got, expected) in got.planes().iter().zip(expected.planes()) {
                assert_eq!(got[..], expected[..n], "{name}");
            }
        }
    }
}

#[test]
fn every_sample_is_finite() {
    for (name, bytes, _) in cases() {
        if let Ok(d) = decode(name, bytes) {
            assert!(d.audio.planes().iter().flatten().all(|x| x.is_finite()), "{name}");
        }
    }
}

#[test]
fn silence_and_shortness_are_outcomes() {
    let status = |chunks: &[Vec<u8>]| decode("x.wav", riff(chunks)).unwrap().status;
    assert_eq!(status(&[fmt16(), chunk(b"data", b"")]), AudioStatus::Empty);
    assert_eq!(status(&[fmt16(), chunk(b"data", &[0; 4000])]), AudioStatus::TooShort);
    assert_eq!(
        status(&[fmt16(), chunk(b"data", &vec![0; FRAMES * 4])]),
        AudioStatus::Silent
    );
    assert_eq!(
        status(&[fmt16(), chunk(b"data", &vec![0x11; FRAMES * 4])]),
        AudioStatus::Constant
    );
    let square: Vec<u8> = (0..FRAMES * 2)
        .flat_map(|i| if i / 100 % 2 == 0 { [0xff, 0x7f] } else { [0, 0x80] })
        .collect();
    assert_eq!(
        status(&[fmt16(), chunk(b"data", &square)]),
        AudioStatus::Clipped { fraction: 1.0 }
    );
    assert_eq!(status(&[fmt16(), data16()]), AudioStatus::Normal);
}

#[test]
fn limits_hold() {
    let with = |limits: config::Decode| {
        let result = decode_reader(Path::new("x.wav"), Cursor::new(good()), &limits, &Silent);
        result
            .map(|_| ())
            .map_err(|e| matches!(e.kind, DecodeErrorKind::Limit(_)))
    };
    let limits = config::Decode::default;
    assert_eq!(
        with(config::Decode {
            max_seconds: 1.0,
            ..limits()
        }),
        Ok(())
    );
    assert_eq!(
        with(config::Decode {
            max_seconds: 0.9,
            ..limits()
        }),
        Err(true)
    );
    assert_eq!(
        with(config::Decode {
            max_channels: 1,
            ..limits()
        }),
        Err(true)
    );
    assert_eq!(
        with(config::Decode {
            max_memory_mb: 0,
            ..limits()
        }),
        Err(true)
    );
}

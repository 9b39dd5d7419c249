//! Every container and sample format gives exactly the samples that were stored.

#[path = "support/wave.rs"]
mod wave;

use std::io::Cursor;
use std::path::Path;

use loopwright_core::audio::decode::{Decoded, decode_reader};
use loopwright_core::audio::riff::{self, Acid, Cue, Sampler, SamplerLoop};
use loopwright_core::config;
use loopwright_core::progress::Silent;
use wave::*;

fn decode(bytes: Vec<u8>) -> Decoded {
    decode_reader(Path::new("x"), Cursor::new(bytes), &config::Decode::default(), &Silent).unwrap()
}

/// Integers of `bits` that reach both ends and lie in between, for `channels` channels.
fn integers(bits: u32, channels: usize) -> Vec<i64> {
    let half = 1i64 << (bits - 1);
    let mut x = vec![0, 1, -1, half - 1, -half, half / 2, -half / 3, 12_345 % half];
    x.extend((0..997).map(|i| (i * 7_919_317) % (2 * half) - half));
    x.truncate(x.len() / channels * channels);
    x
}

/// What integers of `bits` stand for.
fn floats(x: &[i64], bits: u32) -> Vec<f32> {
    x.iter()
        .map(|&v| (v as f64 / (1u64 << (bits - 1)) as f64) as f32)
        .collect()
}

/// The low `bytes` bytes of each, `big` end first or not.
fn stored(x: &[i64], bytes: usize, big: bool) -> Vec<u8> {
    x.iter()
        .flat_map(|v| {
            if big {
                v.to_be_bytes()[8 - bytes..].to_vec()
            } else {
                v.to_le_bytes()[..bytes].to_vec()
            }
        })
        .collect()
}

fn assert_planes(decoded: &Decoded, expected: &[f32], channels: usize, what: &str) {
    assert_eq!(decoded.audio.channels(), channels, "{what}");
    assert_eq!(decoded.audio.frames(), expected.len() / channels, "{what}");
    for (c, plane) in decoded.audio.planes().iter().enumerate() {
        let expected: Vec<f32> = expected.iter().skip(c).step_by(channels).copied().collect();
        assert_eq!(*plane, expected, "{what}, channel {c}");
    }
    assert_eq!(decoded.warnings, Vec::<String>::new(), "{what}");
}

fn rifx(format: &[u8], data: &[u8]) -> Vec<u8> {
    // The same fields, each the other way round.
    let mut f = Vec::new();
    let mut rest = format;
    for width in [2, 2, 4, 4, 2, 2] {
        let (field, tail) = rest.split_at(width);
        f.extend(field.iter().rev());
        rest = tail;
    }
    let be = |n: usize| (n as u32).to_be_bytes();
    [
        &b"RIFX"[..],
        &be(data.len() + 36),
        b"WAVEfmt ",
        &be(16),
        &f,
        b"data",
        &be(data.len()),
        data,
    ]
    .concat()
}

fn rf64(format: &[u8], data: &[u8]) -> Vec<u8> {
    let mut ds64 = Vec::new();
    ds64.extend(0u64.to_le_bytes());
    ds64.extend((data.len() as u64).to_le_bytes());
    ds64.extend([0; 12]);
    // What follows the data shows that its size comes from `ds64`.
    let chunks = [
        chunk(b"ds64", &ds64),
        chunk(b"fmt ", format),
        liar(b"data", !0, data),
        chunk(b"junk", &[7; 400]),
    ];
    riff_sized(b"RF64", !0, &chunks)
}

fn w64(format: &[u8], data: &[u8]) -> Vec<u8> {
    const TAIL: &[u8] = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
    let chunk = |id: &[u8; 4], payload: &[u8]| {
        let size = 24 + payload.len() as u64;
        let pad = vec![0; payload.len().next_multiple_of(8) - payload.len()];
        [&id[..], TAIL, &size.to_le_bytes(), payload, &pad].concat()
    };
    let body = [
        chunk(b"junk", &[1; 5]),
        chunk(b"fmt ", format),
        chunk(b"data", data),
        chunk(b"junk", &[7; 401]),
    ]
    .concat();
    let head = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
    [head, &(40 + body.len() as u64).to_le_bytes()[..], b"wave", TAIL, &body].concat()
}

fn aiff(channels: u16, frames: usize, bits: u16, codec: Option<&[u8; 4]>, data: &[u8]) -> Vec<u8> {
    let be = |n: usize| (n as u32).to_be_bytes();
    let mut comm = channels.to_be_bytes().to_vec();
    comm.extend(be(frames));
    comm.extend(bits.to_be_bytes());
    comm.extend([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
    if let Some(codec) = codec {
        comm.extend(codec);
        comm.extend([0, 0]);
    }
    let chunk =
        |id: &[u8; 4], payload: &[u8]| [&id[..], &be(payload.len()), payload, &vec![0; payload.len() % 2]].concat();
    // An offset of 4 before the samples.
    let ssnd = [&be(4)[..], &be(0), &[9; 4], data].concat();
    let body = [
        chunk(b"NAME", b"A Title"),
        chunk(b"COMM", &comm),
        chunk(b"SSND", &ssnd),
        chunk(b"AUTH", b"An Artist"),
    ];
    let body = body.concat();
    let form = if codec.is_some() { b"AIFC" } else { b"AIFF" };
    [&b"FORM"[..], &be(4 + body.len()), form, &body].concat()
}

#[test]
fn integers_are_exact_in_every_container() {
    for channels in [1usize, 2, 3, 8, 64] {
        for bits in [8u32, 16, 24, 32] {
            let bytes = bits as usize / 8;
            let x = integers(bits, channels);
            let expected = floats(&x, bits);
            let frames = x.len() / channels;
            let ch = channels as u16;
            let format = fmt(1, ch, RATE, ch * bytes as u16, bits as u16);
            let ext = extensible(ch, RATE, bits as u16, bits as u16, 1);
            // WAVE's 8-bit is offset, AIFF's is not.
            let offset: Vec<i64> = x.iter().map(|v| if bits == 8 { v + 128 } else { *v }).collect();
            let le = stored(&offset, bytes, false);
            let be = stored(&offset, bytes, true);
            let signed_be = stored(&x, bytes, true);
            let wave = riff(&[chunk(b"fmt ", &format), chunk(b"data", &le)]);
            let extended = riff(&[chunk(b"fmt ", &ext), chunk(b"data", &le)]);
            let aiff_plain = aiff(ch, frames, bits as u16, None, &signed_be);
            let files = [
                ("wave", wave),
                ("extensible", extended),
                ("rifx", rifx(&format, &be)),
                ("rf64", rf64(&format, &le)),
                ("w64", w64(&format, &le)),
                ("aiff", aiff_plain),
                (
                    "sowt",
                    aiff(ch, frames, bits as u16, Some(b"sowt"), &stored(&x, bytes, false)),
                ),
            ];
            for (container, file) in files {
                let what = format!("{container}, {bits} bits, {channels} channels");
                assert_planes(&decode(file), &expected, channels, &what);
            }
        }
    }
}

#[test]
fn floats_are_exact() {
    let x: Vec<f32> = (0..2000).map(|i| ((i * 7919) % 4001) as f32 / 1000.0 - 2.0).collect();
    let le: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
    let be: Vec<u8> = x.iter().flat_map(|v| v.to_be_bytes()).collect();
    let le64: Vec<u8> = x.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect();
    let be64: Vec<u8> = x.iter().flat_map(|&v| f64::from(v).to_be_bytes()).collect();
    let f32s = fmt(3, 2, RATE, 8, 32);
    let f64s = fmt(3, 2, RATE, 16, 64);
    let ext = extensible(2, RATE, 32, 32, 3);
    for (what, file) in [
        ("float", riff(&[chunk(b"fmt ", &f32s), chunk(b"data", &le)])),
        ("double", riff(&[chunk(b"fmt ", &f64s), chunk(b"data", &le64)])),
        ("extensible", riff(&[chunk(b"fmt ", &ext), chunk(b"data", &le)])),
        ("rifx", rifx(&f32s, &be)),
        ("rifx double", rifx(&f64s, &be64)),
        ("rf64", rf64(&f32s, &le)),
        ("w64", w64(&f64s, &le64)),
        ("fl32", aiff(2, 1000, 32, Some(b"fl32"), &be)),
        ("fl64", aiff(2, 1000, 64, Some(b"fl64"), &be64)),
    ] {
        assert_planes(&decode(file), &x, 2, what);
    }
}

#[test]
fn samples_narrower_than_their_container_are_left_justified() {
    // 20 valid bits in 24, 24 in 32: the low bits are zero and the scale is the container's.
    for (valid, container) in [(20u16, 24u16), (24, 32)] {
        let x = integers(u32::from(valid), 2);
        let shifted: Vec<i64> = x.iter().map(|v| v << (container - valid)).collect();
        let data = stored(&shifted, usize::from(container / 8), false);
        let ext = extensible(2, RATE, container, valid, 1);
        let plain = fmt(1, 2, RATE, 2 * container / 8, valid);
        for format in [ext, plain] {
            let file = riff(&[chunk(b"fmt ", &format), chunk(b"data", &data)]);
            assert_planes(
                &decode(file),
                &floats(&x, u32::from(valid)),
                2,
                &format!("{valid} in {container}"),
            );
        }
    }
}

#[test]
fn aiff_text_is_read() {
    let tags = decode(aiff(1, 2, 16, None, &[0, 1, 0, 2])).tags;
    assert_eq!(
        (tags.title.as_deref(), tags.artist.as_deref()),
        (Some("A Title"), Some("An Artist"))
    );
}

#[test]
fn aiff_frames_that_comm_does_not_count_are_left_out() {
    assert_eq!(decode(aiff(1, 3, 16, None, &[0; 40])).audio.frames(), 3);
}

#[test]
fn wave_metadata_is_read() {
    let info = [
        &b"INFO"[..],
        &chunk(b"IART", b"Bj\xf6rk\0"),
        &chunk(b"INAM", "Étude\0".as_bytes()),
    ]
    .concat();
    let mut acid = vec![2, 0, 0, 0, 0x45, 0, 0, 0x80, 0, 0, 0, 0];
    acid.extend(32u32.to_le_bytes());
    acid.extend([4, 0, 4, 0]);
    acid.extend(124.0f32.to_le_bytes());
    let words = |w: &[u32]| w.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let smpl = words(&[0, 0, 22_676, 69, 0, 0, 0, 1, 0, 0, 0, 100, 199, 0, 0]);
    let data = u32::from_le_bytes(*b"data");
    let cue = words(&[2, 1, 0, data, 0, 0, 0, 2, 50, data, 0, 0, 50]);
    let adtl = [
        &b"adtl"[..],
        &chunk(b"labl", &[&2u32.to_le_bytes()[..], b"Slice 02\0"].concat()),
    ]
    .concat();
    let id3 = b"ID3\x03\0\0\0\0\0\x13TALB\0\0\0\x09\0\0\0An Album".to_vec();
    let file = riff(&[
        fmt16(),
        chunk(b"LIST", &info),
        chunk(b"acid", &acid),
        data16(),
        chunk(b"smpl", &smpl),
        chunk(b"cue ", &cue),
        chunk(b"LIST", &adtl),
        chunk(b"id3 ", &id3),
    ]);
    let header = riff::read_header(Cursor::new(file), 0).unwrap();
    assert_eq!(header.tags.artist.as_deref(), Some("Björk"));
    assert_eq!(header.tags.title.as_deref(), Some("Étude"));
    assert_eq!(header.tags.album.as_deref(), Some("An Album"));
    let acid = Acid {
        one_shot: false,
        root_note: Some(0x45),
        beats: 32,
        tempo: Some(124.0),
    };
    assert_eq!(header.acid, Some(acid));
    let sampler = Sampler {
        unity_note: 69,
        loops: vec![SamplerLoop { start: 100, end: 199 }],
    };
    assert_eq!(header.sampler, Some(sampler));
    let cues = [
        Cue {
            id: 1,
            frame: 0,
            label: None,
        },
        Cue {
            id: 2,
            frame: 50,
            label: Some("Slice 02".into()),
        },
    ];
    assert_eq!(header.cues, cues);
}

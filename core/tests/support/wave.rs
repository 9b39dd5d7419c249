//! WAVE and AIFF files made byte by byte, right and wrong.
#![allow(dead_code, unreachable_pub)]

pub const RATE: u32 = 44_100;
pub const FRAMES: usize = 44_100;

pub fn chunk(id: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut c = id.to_vec();
    c.extend((payload.len() as u32).to_le_bytes());
    c.extend(payload);
    c.extend(vec![0; payload.len() % 2]);
    c
}

/// A chunk that lies about its size.
pub fn liar(id: &[u8; 4], size: u32, payload: &[u8]) -> Vec<u8> {
    [&id[..], &size.to_le_bytes(), payload].concat()
}

pub fn fmt(tag: u16, channels: u16, rate: u32, align: u16, bits: u16) -> Vec<u8> {
    let mut f = Vec::new();
    f.extend(tag.to_le_bytes());
    f.extend(channels.to_le_bytes());
    f.extend(rate.to_le_bytes());
    f.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
    f.extend(align.to_le_bytes());
    f.extend(bits.to_le_bytes());
    f
}

pub fn extensible(channels: u16, rate: u32, container: u16, valid: u16, tag: u16) -> Vec<u8> {
    let mut f = fmt(0xfffe, channels, rate, channels * container / 8, container);
    f.extend(22u16.to_le_bytes());
    f.extend(valid.to_le_bytes());
    f.extend(0u32.to_le_bytes());
    f.extend(tag.to_le_bytes());
    f.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    f
}

pub fn riff_sized(magic: &[u8; 4], size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = magic.to_vec();
    file.extend(size.to_le_bytes());
    file.extend(b"WAVE");
    file.extend(chunks.concat());
    file
}

pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let size = 4 + chunks.iter().map(Vec::len).sum::<usize>() as u32;
    riff_sized(b"RIFF", size, chunks)
}

/// One second of 440 Hz at −12 dBFS.
pub fn sine() -> Vec<f64> {
    (0..FRAMES)
        .map(|i| 0.25 * (std::f64::consts::TAU * 440.0 * i as f64 / f64::from(RATE)).sin())
        .collect()
}

/// `sine` in `channels` equal channels, 16 bits.
pub fn pcm16(channels: usize) -> Vec<u8> {
    sine()
        .iter()
        .flat_map(|x| ((x * 32_767.0) as i16).to_le_bytes().repeat(channels))
        .collect()
}

pub fn fmt16() -> Vec<u8> {
    chunk(b"fmt ", &fmt(1, 2, RATE, 4, 16))
}

pub fn data16() -> Vec<u8> {
    chunk(b"data", &pcm16(2))
}

pub fn good() -> Vec<u8> {
    riff(&[fmt16(), data16()])
}

/// A linear congruential generator: bytes that look random and are the same every time.
pub fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

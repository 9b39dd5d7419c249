//! Samples from bytes, block by block.
//!
//! Integers are scaled by a power of two, so that full negative scale is −1 and every value up to 24 bits is exact.

use std::io::Read;

use super::{Coding, Header, Layout};
use crate::audio::status::{Meter, repair};
use crate::vectorized;

/// Bytes decoded at a time: small enough to stay in the cache from reading to metering.
const BLOCK: usize = 1 << 16;

/// What reading samples gave.
#[derive(Debug)]
pub struct Samples {
    /// One plane per channel.
    pub planes: Vec<Vec<f32>>,
    /// Levels of what was read.
    pub meter: Meter,
    /// Samples that could not be sound and were silenced; only float codings have any.
    pub damaged: u64,
    /// The file ended before the data did: it shrank while being read.
    pub cut_short: bool,
}

/// Why reading samples stopped.
#[derive(Debug, thiserror::Error)]
pub enum PcmError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Not enough memory for the samples.
    #[error("not enough memory for {0} samples")]
    Memory(u64),
    /// `keep_on` said so.
    #[error(transparent)]
    Cancelled(#[from] crate::progress::Cancelled),
}

/// Reads all samples of `header` from `reader`, which stands at the beginning of its data. `keep_on` is asked after
/// each block of 64 KiB, given the share that is done.
pub fn read(
    mut reader: impl Read,
    header: &Header,
    mut keep_on: impl FnMut(f64) -> Result<(), crate::progress::Cancelled>,
) -> Result<Samples, PcmError> {
    let layout = header.layout;
    let total = header.frames();
    let samples = total.saturating_mul(layout.channels as u64);
    let mut planes = Vec::new();
    for _ in 0..layout.channels {
        // Bounded by the length of the file, not by what the header claims.
        let mut plane: Vec<f32> = Vec::new();
        let frames = usize::try_from(total).map_err(|_| PcmError::Memory(samples))?;
        plane.try_reserve_exact(frames).map_err(|_| PcmError::Memory(samples))?;
        planes.push(plane);
    }
    let mut meter = Meter::new(layout.channels);
    let mut damaged = 0;
    let mut done = 0u64;
    let frame_bytes = layout.frame_bytes();
    let block_frames = (BLOCK / frame_bytes).max(1);
    let mut block = vec![0u8; block_frames * frame_bytes];
    while done < total {
        let wanted = (total - done).min(block_frames as u64) as usize;
        let got = fill(&mut reader, &mut block[..wanted * frame_bytes])? / frame_bytes;
        let start = done as usize;
        // Zeroes that are overwritten at once: the block is in the cache, and slices vectorise where `extend` does not.
        planes.iter_mut().for_each(|p| p.resize(start + got, 0.0));
        convert(&block[..got * frame_bytes], layout, &mut planes, start);
        for (channel, plane) in planes.iter_mut().enumerate() {
            let new = &mut plane[start..];
            if matches!(layout.coding, Coding::Float32 | Coding::Float64) {
                damaged += repair(new);
            }
            meter.add(channel, new);
        }
        done += got as u64;
        keep_on(done as f64 / total as f64)?;
        if got < wanted {
            return Ok(Samples {
                planes,
                meter,
                damaged,
                cut_short: true,
            });
        }
    }
    Ok(Samples {
        planes,
        meter,
        damaged,
        cut_short: false,
    })
}

/// Reads until `buffer` is full or the file ends; how many bytes that were.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Writes the frames in `bytes` to one plane per channel, from frame `at` on.
fn convert(bytes: &[u8], layout: Layout, planes: &mut [Vec<f32>], at: usize) {
    const S16: f32 = 1.0 / 32_768.0;
    const S32: f32 = 1.0 / 2_147_483_648.0;
    vectorized!(match (layout.coding, layout.big_endian) {
        (Coding::Unsigned8, _) => spread(bytes, planes, at, |[b]: [u8; 1]| (f32::from(b) - 128.0) / 128.0),
        (Coding::Signed(1), _) => spread(bytes, planes, at, |[b]: [u8; 1]| f32::from(b as i8) / 128.0),
        (Coding::Signed(2), false) => spread(bytes, planes, at, |b| f32::from(i16::from_le_bytes(b)) * S16),
        (Coding::Signed(2), true) => spread(bytes, planes, at, |b| f32::from(i16::from_be_bytes(b)) * S16),
        (Coding::Signed(3), false) => spread(bytes, planes, at, |[a, b, c]: [u8; 3]| {
            i32::from_le_bytes([0, a, b, c]) as f32 * S32
        }),
        (Coding::Signed(3), true) => spread(bytes, planes, at, |[c, b, a]: [u8; 3]| {
            i32::from_le_bytes([0, a, b, c]) as f32 * S32
        }),
        (Coding::Signed(_), false) => spread(bytes, planes, at, |b| i32::from_le_bytes(b) as f32 * S32),
        (Coding::Signed(_), true) => spread(bytes, planes, at, |b| i32::from_be_bytes(b) as f32 * S32),
        (Coding::Float32, false) => spread(bytes, planes, at, f32::from_le_bytes),
        (Coding::Float32, true) => spread(bytes, planes, at, f32::from_be_bytes),
        (Coding::Float64, false) => spread(bytes, planes, at, |b| f64::from_le_bytes(b) as f32),
        (Coding::Float64, true) => spread(bytes, planes, at, |b| f64::from_be_bytes(b) as f32),
    });
}

/// De-interleaves samples of `W` bytes.
#[inline(always)]
fn spread<const W: usize>(bytes: &[u8], planes: &mut [Vec<f32>], at: usize, sample: impl Fn([u8; W]) -> f32 + Copy) {
    let samples = bytes.as_chunks::<W>().0;
    match planes {
        [mono] => {
            for (x, s) in mono[at..].iter_mut().zip(samples) {
                *x = sample(*s);
            }
        }
        [left, right] => {
            let frames = samples.as_chunks::<2>().0;
            for ((l, r), f) in left[at..].iter_mut().zip(&mut right[at..]).zip(frames) {
                *l = sample(f[0]);
                *r = sample(f[1]);
            }
        }
        many => {
            let channels = many.len();
            for (channel, plane) in many.iter_mut().enumerate() {
                for (x, f) in plane[at..].iter_mut().zip(samples.chunks_exact(channels)) {
                    *x = sample(f[channel]);
                }
            }
        }
    }
}

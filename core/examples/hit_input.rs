//! The hit classifier's input, for its training: a filter that lives as long as its input.
//!
//! Reads records from standard input, a `u32` with the number of samples and as many `f32` samples (mono, 44.1 kHz), until
//! it ends. Writes for each to standard output, all little-endian:
//!
//! * six `u32`: N candidates, then the sizes: patch bands 48, patch columns 32, low bands 16, low columns 8, scalars 22;
//! * N `f64`: times of the attacks in seconds;
//! * N `f32`: strengths, at least 0.35 (0.9 is the threshold without a classifier);
//! * N × 48 × 32 half floats: patches, a band a row;
//! * N × 16 × 8 half floats: low parts, a band a row;
//! * N × 22 half floats: scalars.
//!
//! See `drums::patch` for what they are. Silence has N = 0.
//!
//!     cargo run --release -p loopwright-core --example hit_input < SAMPLES > FEATURES

use std::io::{self, ErrorKind, Read, Write};

use half::f16;
use loopwright_core::drums::onset::RATE;
use loopwright_core::drums::patch::{BANDS, Candidates, FRAMES, LOW_BANDS, LOW_FRAMES, SCALARS};
use loopwright_core::progress::Silent;

fn main() -> io::Result<()> {
    let mut from = io::stdin().lock();
    let mut to = io::stdout().lock();
    let mut bytes = Vec::new();
    loop {
        let mut count = [0u8; 4];
        // Nothing at all before a record is the end; anything less than a whole record is an error.
        match from.read(&mut count[..1])? {
            0 => return Ok(()),
            _ => from.read_exact(&mut count[1..])?,
        }
        let count = u32::from_le_bytes(count) as usize;
        bytes.clear();
        from.by_ref().take(count as u64 * 4).read_to_end(&mut bytes)?;
        if bytes.len() < count * 4 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "a record ends early"));
        }
        let samples: Vec<f32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        let found = Candidates::of(&samples, RATE, &Silent).map_err(io::Error::other)?;
        let mut out = Vec::new();
        for size in [found.len(), BANDS, FRAMES, LOW_BANDS, LOW_FRAMES, SCALARS] {
            out.extend((size as u32).to_le_bytes());
        }
        for onset in &found.onsets {
            out.extend(onset.time.to_le_bytes());
        }
        for onset in &found.onsets {
            out.extend(onset.strength.to_le_bytes());
        }
        for value in found.patch.iter().chain(&found.low).chain(&found.scalars) {
            out.extend(f16::from_f32(*value).to_le_bytes());
        }
        to.write_all(&out)?;
        to.flush()?;
    }
}

//! The beat network's input, for its training: a filter that lives as long as its input.
//!
//! Reads records from standard input, a `u32` with the number of samples and as many `f32` samples (mono, 22.05 kHz), until
//! it ends. Writes for each to standard output: `u32` T, `u32` P, then T × 64 log-mel and P × 48 log-pitch values as
//! IEEE half floats, frame by frame; see `rhythm::input` for what they are. Silence has T = P = 0. All little-endian.
//!
//!     cargo run --release -p loopwright-core --example beat_input < SAMPLES > FEATURES

use std::io::{self, ErrorKind, Read, Write};

use half::f16;
use loopwright_core::rhythm::input::Input;

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
        let input = Input::of(&samples);
        let (frames, pitch_frames) = input.as_ref().map_or((0, 0), |i| (i.frames(), i.pitch_frames()));
        let mut out = Vec::new();
        out.extend((frames as u32).to_le_bytes());
        out.extend((pitch_frames as u32).to_le_bytes());
        for value in input.iter().flat_map(|i| i.mel.iter().chain(&i.pitch)) {
            out.extend(f16::from_f32(*value).to_le_bytes());
        }
        to.write_all(&out)?;
        to.flush()?;
    }
}

//! The one-shot classifier's features, for its training: a filter that lives as long as its input.
//!
//! Reads records from standard input, a `u32` with the number of samples and as many `f32` samples (mono, 44.1 kHz), until
//! it ends. Writes for each to standard output: `u32` K, then K `f32` features in the order of `--names`; see
//! `drums::oneshot::features` for what they are. All little-endian.
//!
//!     cargo run -p loopwright-core --example oneshot_features < SAMPLES > FEATURES
//!     cargo run -p loopwright-core --example oneshot_features -- --names

use std::io::{self, ErrorKind, Read, Write};

use loopwright_core::drums::oneshot::features;
use loopwright_core::drums::oneshot::sound::Sound;

fn main() -> io::Result<()> {
    let mut to = io::stdout().lock();
    if std::env::args().any(|a| a == "--names") {
        return features::names().iter().try_for_each(|name| writeln!(to, "{name}"));
    }
    let mut from = io::stdin().lock();
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
        let words = bytes.as_chunks::<4>().0.iter();
        let samples: Vec<f32> = words.map(|b| f32::from_le_bytes(*b)).collect();
        let row = features::measure(&Sound::of(&samples));
        let mut out = Vec::with_capacity(4 * row.len() + 4);
        out.extend((row.len() as u32).to_le_bytes());
        out.extend(row.iter().flat_map(|x| x.to_le_bytes()));
        to.write_all(&out)?;
        to.flush()?;
    }
}

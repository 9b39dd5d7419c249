//! Draws what was found in a track: its waveform with beats, bars and sections, the regions, and the loops that are
//! suggested, numbered in order.
//!
//! ```text
//! cargo run --release -p loopwright-core --example picture -- assets/demo/loopwright-demo.flac docs/picture.svg
//! ```
//!
//! The picture in the README was made by this command. `loopwright analyze --plot` draws the same without the loops.

use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::export::destination::write_file;
use loopwright_core::export::picture::picture_format;
use loopwright_core::export::plot::{Plot, draw};
use loopwright_core::loops::Candidate;
use loopwright_core::model;
use loopwright_core::pipeline::{load::load, suggest};
use loopwright_core::progress::Silent;

/// Loops in the picture.
const LOOPS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: picture TRACK OUT.svg".into());
    };
    let extension = Path::new(&output).extension().unwrap_or_default().to_string_lossy();
    let format = picture_format(&extension).ok_or("this build writes no such pictures")?;
    let mut config = Config::default();
    config.rank.top_k = LOOPS;
    let track = load(Path::new(&input), &config, &Silent)?.track;
    let found = suggest(&track, &model::heuristic(&config.tuning), &config, &Silent)?;
    let loops: Vec<Candidate> = found.suggestions.iter().map(|s| s.candidate).collect();
    let picture = draw(&Plot {
        analysis: &found.analysis,
        structure: &found.structure,
        loops: &loops,
        range: None,
    });
    let mut bytes = Vec::new();
    format.write(&mut bytes, &picture)?;
    write_file(Path::new(&output), |out| out.write_all(&bytes))?;
    println!("{output}: {:.0} kB", bytes.len() as f64 / 1e3);
    Ok(())
}

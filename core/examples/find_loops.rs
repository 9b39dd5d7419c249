//! The library in thirty lines: the best loops of a recording, with the reasons for each.
//!
//! ```text
//! cargo run --release -p loopwright-core --example find_loops -- song.wav
//! ```

use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::model;
use loopwright_core::pipeline::{load::load, suggest};
use loopwright_core::progress::Silent;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which recording?")?;
    let mut config = Config::default();
    config.rank.top_k = 10;
    let scorer = model::heuristic(&config.tuning);

    let track = load(Path::new(&path), &config, &Silent)?.track;
    let found = suggest(&track, &scorer, &config, &Silent)?;
    let rate = f64::from(track.audio.sample_rate());
    println!("{:.2} BPM", found.analysis.rhythm.grid.tempo.0);
    for s in &found.suggestions {
        let (start, end) = (s.candidate.span.start / rate, s.candidate.span.end / rate);
        println!(
            "{start:8.3} s to {end:8.3} s  {:2} bars  score {:.2}  {}",
            s.candidate.bars,
            s.score,
            s.reasons.join("; ")
        );
    }
    Ok(())
}

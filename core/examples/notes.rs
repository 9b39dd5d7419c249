//! Prints the onsets of the notes in a file: time in seconds and strength. `notes FILE [mix]`.

use std::path::Path;

use loopwright_core::audio::decode::decode_file;
use loopwright_core::config;
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::notes::{Heard, onsets};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let heard = if args.last().is_some_and(|a| a == "mix") {
        Heard::Mix
    } else {
        Heard::Notes
    };
    for file in args.iter().filter(|a| *a != "mix") {
        let decoded = decode_file(Path::new(file), &config::Decode::default())?;
        let started = std::time::Instant::now();
        let notes = onsets(&decoded.audio.mono(), decoded.audio.sample_rate(), heard, &Silent)?;
        eprintln!(
            "{file}: {} notes, {:.0} ms",
            notes.len(),
            started.elapsed().as_secs_f64() * 1e3
        );
        println!("# {file}");
        for note in notes {
            println!("{:.4} {:.2}", note.time, note.strength);
        }
    }
    Ok(())
}

//! Decodes each file named on the command line and prints what it found, with the CPU time that it took.

use std::path::Path;
use std::time::Instant;

use loopwright_core::audio::{decode, resample};
use loopwright_core::config;

fn main() {
    for name in std::env::args().skip(1) {
        let start = Instant::now();
        match decode::decode_file(Path::new(&name), &config::Decode::default()) {
            Err(e) => println!("error: {e}"),
            Ok(d) => {
                let decoded = start.elapsed().as_secs_f64();
                let start = Instant::now();
                let mono = resample::mono_to_rate(&d.audio, 22_050).map_or(0, |m| m.len());
                let resampled = start.elapsed().as_secs_f64();
                let plane = &d.audio.planes()[0];
                let peak = (0..plane.len()).max_by(|&a, &b| plane[a].abs().total_cmp(&plane[b].abs()));
                println!(
                    "{name}: {} ch, {} Hz, {} frames, peak at {:?}, {}, {:?}, {:?}, {:?}; {:.1} ms, mono at 22050: {mono} in {:.1} ms",
                    d.audio.channels(),
                    d.audio.sample_rate(),
                    d.audio.frames(),
                    peak,
                    d.status.name(),
                    d.lead_in,
                    d.tags,
                    d.warnings,
                    decoded * 1e3,
                    resampled * 1e3
                );
            }
        }
    }
}

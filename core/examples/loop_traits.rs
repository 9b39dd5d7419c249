//! What `training/loops/fit.py` learns from, a line of JSON a file: `loop_traits SET_DIR > traits.jsonl`
//!
//! `{"id", "seconds", "candidates": [{"beats", "meter", "traits": [..]}, ..], "content": [..], "cost"}`, the cost in
//! seconds of the whole analysis without decoding; `null` for the lists of what is silent or too long.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use loopwright_core::analysis::loop_file::{self, LoopFile};
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::Config;
use loopwright_core::progress::Silent;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = std::env::args().nth(1).ok_or("which set?")?;
    let manifest: Value = serde_json::from_reader(File::open(Path::new(&set).join("manifest.json"))?)?;
    let config = Config::default();
    for item in manifest.as_array().ok_or("no list in the manifest")? {
        let path = Path::new(&set).join(item["audio"].as_str().ok_or("no audio")?);
        let audio = decode_file(&path, &config.decode)?.audio;
        let begun = Instant::now();
        let told = LoopFile::of(&audio, &Silent)?;
        let cost = begun.elapsed().as_secs_f64();
        let found = loop_file::traits(&audio);
        let rows = found.as_ref().map(|(rows, _)| {
            let row = |(c, t): &(loop_file::Candidate, [f32; loop_file::TRAITS])| {
                json!({"beats": c.beats, "meter": c.meter, "traits": t.to_vec()})
            };
            rows.iter().map(row).collect::<Vec<_>>()
        });
        let content = found.as_ref().map(|(_, content)| content.to_vec());
        println!(
            "{}",
            json!({"id": item["id"], "seconds": audio.seconds(), "candidates": rows, "content": content, "cost": cost,
                "kind": told.kind.name(), "key": told.key.map(|k| k.name()), "bpm": told.tempo().map(|t| t.bpm)})
        );
    }
    Ok(())
}

//! What `training/regions/fit.py` learns from, a line of JSON a track: `bar_traits SET_DIR [--grid G.jsonl] > traits.jsonl`
//!
//! `{"id", "names": [..], "bars": [{"start", "end", "regular", "traits": [..] or null}, ..], "sections": [[from, to), ..]}`;
//! with `--grid` on the beats of `G.jsonl` (`{"id", "beats", "downbeats"}` in seconds), else on the tracker's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use loopwright_core::analysis::Analysis;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::Config;
use loopwright_core::loops::Structure;
use loopwright_core::loops::evidence::{self, TRAITS};
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::Bpm;
use serde_json::{Value, json};

type Fault = Box<dyn std::error::Error>;

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array()
        .map(|a| a.iter().filter_map(Value::as_f64).collect())
        .unwrap_or_default()
}

/// Beats and downbeats in seconds to a grid in frames.
fn grid(beats: &[f64], downbeats: &[f64], rate: f64) -> BeatGrid {
    let nearest = |t: f64| (0..beats.len()).min_by(|a, b| (beats[*a] - t).abs().total_cmp(&(beats[*b] - t).abs()));
    let mut downbeats: Vec<usize> = downbeats.iter().filter_map(|t| nearest(*t)).collect();
    downbeats.dedup();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    downbeats
        .windows(2)
        .for_each(|w| *counts.entry(w[1] - w[0]).or_default() += 1);
    BeatGrid {
        beats: beats.iter().map(|t| t * rate).collect(),
        downbeats,
        beats_per_bar: counts.iter().max_by_key(|(_, n)| **n).map_or(4, |(b, _)| *b as u32),
        tempo: Bpm(120.0),
        constant: false,
        confidence: 1.0,
        source: GridSource::Given,
    }
}

fn main() -> Result<(), Fault> {
    let mut args = std::env::args().skip(1);
    let set = args.next().ok_or("which set?")?;
    let mut grids = BTreeMap::new();
    if args.next().as_deref() == Some("--grid") {
        for line in BufReader::new(File::open(args.next().ok_or("--grid FILE")?)?).lines() {
            let v: Value = serde_json::from_str(&line?)?;
            grids.insert(v["id"].as_str().unwrap_or_default().to_owned(), v);
        }
    }
    let names: Vec<&str> = TRAITS.iter().map(|t| t.name).collect();
    let manifest: Value = serde_json::from_reader(File::open(Path::new(&set).join("manifest.json"))?)?;
    let config = Config::default();
    for item in manifest.as_array().ok_or("no list in the manifest")? {
        let id = item["id"].as_str().ok_or("no id")?;
        let path = Path::new(&set).join(item["audio"].as_str().ok_or("no audio")?);
        let decoded = decode_file(&path, &config.decode)?;
        let rate = f64::from(decoded.audio.sample_rate());
        let given = grids
            .get(id)
            .map(|g| grid(&numbers(&g["beats"]), &numbers(&g["downbeats"]), rate));
        let track = Track {
            id: TrackId::of(&decoded.audio),
            audio: Arc::new(decoded.audio),
            origin: Origin::File(path),
            name: id.to_owned(),
            tags: decoded.tags,
            grid: given,
        };
        let analysis = Analysis::of(&track, None, &config, &Silent)?;
        let structure = Structure::of(&analysis, &config.tuning, &Silent)?;
        let rows = evidence::rows(&structure.traits.measures);
        let bars: Vec<Value> = structure
            .bars
            .bars
            .iter()
            .zip(&rows)
            .zip(&structure.traits.measures)
            .map(|((b, row), m)| {
                json!({"start": b.start, "end": b.end, "regular": b.regular, "traits": row,
                    "hats_only": m.is_hats_only(), "drum_share": m.drum_share, "hits": m.hits_a_beat})
            })
            .collect();
        let sections: Vec<[usize; 2]> = structure.sections.iter().map(|s| [s.bars.start, s.bars.end]).collect();
        println!(
            "{}",
            json!({"id": id, "names": names, "bars": bars, "sections": sections})
        );
    }
    Ok(())
}

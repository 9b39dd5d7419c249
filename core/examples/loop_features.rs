//! What a ranker learns from, measured on a set with true grids:
//! `loop_features SET_DIR --grid G.jsonl --out NAME [--config C.toml]`
//!
//! writes `NAME.f32` (a row a candidate: start and end in seconds, bars, content, then all features but the bands of `pt_mel`;
//! little-endian) and `NAME.json` (the columns; for each track its id, its number of rows, its sections and fills).
//! `training/ranking/explore.py` reads them. For training use `loopwright dataset`; this is for looking.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use loopwright_core::analysis::Analysis;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::Config;
use loopwright_core::features::{FeatureTable, Schema};
use loopwright_core::loops::Structure;
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
    let (mut grids, mut out, mut config) = (BTreeMap::new(), String::new(), Config::default());
    while let Some(a) = args.next() {
        let value = args.next().ok_or("a value is missing")?;
        match a.as_str() {
            "--grid" => {
                for line in BufReader::new(File::open(value)?).lines() {
                    let v: Value = serde_json::from_str(&line?)?;
                    grids.insert(v["id"].as_str().unwrap_or_default().to_owned(), v);
                }
            }
            "--out" => out = value,
            "--config" => config.tuning = toml::from_str(&std::fs::read_to_string(value)?)?,
            _ => return Err(format!("unknown argument {a}").into()),
        }
    }
    config.loops.bars = vec![2, 4, 8, 16];
    let columns: Vec<String> = Schema::full()
        .columns()
        .iter()
        .filter(|c| !c.starts_with("pt_mel"))
        .cloned()
        .collect();
    let schema = Arc::new(Schema::of(&columns)?);
    let manifest: Value = serde_json::from_reader(File::open(Path::new(&set).join("manifest.json"))?)?;
    let mut rows = BufWriter::new(File::create(format!("{out}.f32"))?);
    let mut tracks = Vec::new();
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
        let candidates = structure.candidates(&config.loops);
        let table = FeatureTable::of(schema.clone(), &candidates, &analysis, &structure);
        for (i, c) in candidates.iter().enumerate() {
            let content = structure
                .section_at(c.first_bar)
                .map_or(structure.sections.len() + c.first_bar, |s| {
                    structure.sections[s].content
                });
            let head = [
                (c.span.start / rate) as f32,
                (c.span.end / rate) as f32,
                c.bars as f32,
                content as f32,
            ];
            for x in head.iter().chain(table.row(i)) {
                rows.write_all(&x.to_le_bytes())?;
            }
        }
        let bar_starts: Vec<f64> = structure.bars.bars.iter().map(|b| b.start).collect();
        let sections: Vec<Value> = structure
            .sections
            .iter()
            .map(|s| {
                json!({"bars": [s.bars.start, s.bars.end], "unit": s.unit, "found": s.unit_found, "fills": s.fills,
                    "content": s.content, "drums_only": s.drums_only, "drumless": s.drumless})
            })
            .collect();
        let f = structure.repetition.floor;
        tracks.push(
            json!({"id": id, "rows": candidates.len(), "bars": bar_starts, "sections": sections,
            "floor": [f.mel, f.chroma, f.onset]}),
        );
    }
    rows.flush()?;
    let head: Vec<&str> = ["at", "to", "length", "content"]
        .into_iter()
        .chain(columns.iter().map(String::as_str))
        .collect();
    serde_json::to_writer(
        File::create(format!("{out}.json"))?,
        &json!({"columns": head, "tracks": tracks}),
    )?;
    Ok(())
}

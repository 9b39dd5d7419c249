//! Answers for `../shared/eval/score.py loops`: `predict_loops SET_DIR --grid G.jsonl [--config C.toml --out P.jsonl]...`
//!
//! Each track is analysed once and answered for each configuration. Without `--grid` the tracker's grid is used.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loopwright_core::analysis::Analysis;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::{Config, Order};
use loopwright_core::loops::regions::Region;
use loopwright_core::model;
use loopwright_core::pipeline::suggest;
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
    let beats_per_bar = counts.iter().max_by_key(|(_, n)| **n).map_or(4, |(b, _)| *b as u32);
    let mut periods: Vec<f64> = beats.windows(2).map(|w| w[1] - w[0]).collect();
    periods.sort_by(f64::total_cmp);
    let period = periods.get(periods.len() / 2).copied().unwrap_or(0.5);
    BeatGrid {
        beats: beats.iter().map(|t| t * rate).collect(),
        downbeats,
        beats_per_bar,
        tempo: Bpm::from_period(period).unwrap_or(Bpm(120.0)),
        constant: false,
        confidence: 1.0,
        source: GridSource::Given,
    }
}

fn main() -> Result<(), Fault> {
    let mut args = std::env::args().skip(1);
    let set = args.next().ok_or("which set?")?;
    let (mut grids, mut runs, mut show) = (BTreeMap::new(), Vec::new(), false);
    let mut config = default();
    while let Some(a) = args.next() {
        match a.as_str() {
            "--grid" => {
                for line in BufReader::new(File::open(args.next().ok_or("--grid FILE")?)?).lines() {
                    let v: Value = serde_json::from_str(&line?)?;
                    grids.insert(v["id"].as_str().unwrap_or_default().to_owned(), v);
                }
            }
            "--config" => config = merged(&std::fs::read_to_string(args.next().ok_or("--config FILE")?)?)?,
            "--out" => {
                let out = BufWriter::new(File::create(args.next().ok_or("--out FILE")?)?);
                runs.push((std::mem::replace(&mut config, default()), out));
            }
            "--show" => show = true,
            _ => return Err(format!("unknown argument {a}").into()),
        }
    }
    let manifest: Value = serde_json::from_reader(File::open(Path::new(&set).join("manifest.json"))?)?;
    let mut spent = [0.0; 3];
    for item in manifest.as_array().ok_or("no list in the manifest")? {
        let id = item["id"].as_str().ok_or("no id")?;
        let path = Path::new(&set).join(item["audio"].as_str().ok_or("no audio")?);
        let clock = Instant::now();
        let decoded = decode_file(&path, &Config::default().decode)?;
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
        spent[0] += clock.elapsed().as_secs_f64();
        let clock = Instant::now();
        let analysis = Analysis::of(&track, None, &Config::default(), &Silent)?;
        spent[1] += clock.elapsed().as_secs_f64();
        for (config, out) in &mut runs {
            let clock = Instant::now();
            let scorer = model::heuristic(&config.tuning);
            let found = suggest::from_analysis(analysis.clone(), &scorer, config, &Silent)?;
            spent[2] += clock.elapsed().as_secs_f64();
            let regions = |list: &[Region]| -> Vec<Value> {
                list.iter()
                    .map(|r| json!({"start": r.span.start / rate, "end": r.span.end / rate}))
                    .collect()
            };
            let loops: Vec<Value> = found
                .suggestions
                .iter()
                .map(|s| {
                    let c = &s.candidate;
                    json!({"start": c.span.start / rate, "end": c.span.end / rate, "bars": c.bars})
                })
                .collect();
            let of = &found.structure.regions;
            let answer = json!({"id": id, "loops": loops, "breaks": regions(&of.breaks),
                "drumless": regions(&of.drumless), "quiet": regions(&of.quiet)});
            writeln!(out, "{answer}")?;
            if show {
                println!(
                    "{id}: floor {:?}, {} candidates",
                    found.structure.repetition.floor, found.candidates
                );
                for (i, s) in found.structure.sections.iter().enumerate() {
                    println!("  {i} {s:?}");
                    for lag in [1, 2, 4, 8] {
                        let r = &found.structure.repetition;
                        let at = |k: fn(&loopwright_core::loops::repetition::Unlike) -> f32| {
                            loopwright_core::loops::units::at_lag(r, &s.bars, lag, &config.tuning, k).unwrap_or(-1.0)
                        };
                        println!(
                            "     lag {lag}: mel {:.2} chroma {:.2} onset {:.2} db {:.2}",
                            at(|u| u.mel),
                            at(|u| u.chroma),
                            at(|u| u.onset),
                            at(|u| u.db)
                        );
                    }
                }
                let t = &found.structure.traits;
                for (i, b) in found.structure.bars.bars.iter().enumerate() {
                    println!(
                        "    bar {i} {:.2}s pitched {:.1} drumless {:.1} level {:.1}",
                        b.start, t.pitched[i], t.drumless[i], t.level[i]
                    );
                }
                for s in &found.suggestions {
                    println!(
                        "  {} bars from bar {}: {:.3} {}",
                        s.candidate.bars,
                        s.candidate.first_bar,
                        s.score,
                        s.reasons.join(", ")
                    );
                }
            }
        }
    }
    println!(
        "decode {:.2} s, analyse {:.2} s, rank {:.3} s",
        spent[0], spent[1], spent[2]
    );
    Ok(())
}

/// What the scorer asks for: twenty loops of two bars and more, nothing cut off.
fn default() -> Config {
    let mut c = Config::default();
    c.loops.bars = vec![2, 4, 8, 16];
    c.rank.top_k = 20;
    c.rank.order = Order::Variety;
    c.rank.min_rel_score = None;
    c
}

/// `default` with the settings of a TOML file on top.
fn merged(text: &str) -> Result<Config, Fault> {
    fn lay(base: &mut toml::Value, over: toml::Value) {
        match (base, over) {
            (toml::Value::Table(base), toml::Value::Table(over)) => {
                for (k, v) in over {
                    match base.get_mut(&k) {
                        Some(b) => lay(b, v),
                        None => {
                            base.insert(k, v);
                        }
                    }
                }
            }
            (base, over) => *base = over,
        }
    }
    let mut base = toml::Value::try_from(default())?;
    lay(&mut base, toml::from_str(text)?);
    Ok(base.try_into()?)
}

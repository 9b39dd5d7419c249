//! Cuts loops from a set of songs with known bars and examines every one:
//!
//!     cargo run -p loopwright-core --example seams -- ../shared/eval/songs_from_loops
//!
//! For each song 20 of the true loops and 20 spans of whole bars drawn at random are cut as the exporter cuts them, then
//! put before `loops::seam::verify`. Prints a line a song and the worst loops. With a second argument, and the formats as
//! further ones (`wav24`, `wav16`, `wav32f`, `flac`, `mp3`), the loops are also written to that folder.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::Config;
use loopwright_core::export::cut::cut;
use loopwright_core::export::layout::folders;
use loopwright_core::export::manifest::{SourceKey, settings_hash};
use loopwright_core::export::tree::{Cuts, LOOPS, LoopItem, TrackRequest, Tree};
use loopwright_core::loops::candidate::Candidate;
use loopwright_core::loops::{seam, snap};
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::{Bpm, Span};
use serde_json::Value;

const EACH: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let set = std::env::args().nth(1).ok_or("usage: seams SET_DIR")?;
    let set = Path::new(&set);
    let manifest: Vec<Value> = serde_json::from_slice(&std::fs::read(set.join("manifest.json"))?)?;
    let mut config = Config::default();
    let formats: Vec<_> = std::env::args()
        .skip(3)
        .map(|f| serde_json::from_value(f.into()))
        .collect::<Result<_, _>>()?;
    if !formats.is_empty() {
        config.export.formats = formats;
    }
    let out = std::env::args().nth(2);
    let tree = out
        .map(|o| Tree::open(Path::new(&o), &LOOPS, &settings_hash(&config), false))
        .transpose()?;
    let names: Vec<&str> = manifest.iter().filter_map(|i| i["audio"].as_str()).collect();
    let folders = folders(&names);
    let (mut loops, mut plain, mut mended, mut clicking, mut moved) = (0, 0, 0, 0, 0usize);
    let (mut inexact, mut wrong_length) = (0, 0);
    let mut worst: Vec<(f64, String)> = Vec::new();
    let (mut spent, mut seconds) = (Duration::ZERO, 0.0);
    for (item, folder) in manifest.iter().zip(&folders) {
        let text = |k: &str| item[k].as_str().unwrap_or_default();
        let audio = decode_file(&set.join(text("audio")), &config.decode)?.audio;
        let truth: Value = serde_json::from_slice(&std::fs::read(set.join(text("truth")))?)?;
        let rate = f64::from(audio.sample_rate());
        let list = |k: &str| -> Vec<f64> {
            truth[k]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_f64)
                .map(|t| t * rate)
                .collect()
        };
        let (beats, lines) = (list("beats"), list("downbeats"));
        let downbeats: Vec<usize> = lines.iter().map(|d| beats.partition_point(|b| b + 1.0 < *d)).collect();
        let drifts = truth["tempo_drift"] == true || truth["human"] == true;
        let grid = BeatGrid {
            beats,
            downbeats,
            beats_per_bar: truth["meter"].as_u64().unwrap_or(4) as u32,
            tempo: Bpm(truth["bpm"].as_f64().unwrap_or(120.0)),
            constant: !drifts,
            confidence: 1.0,
            source: GridSource::Given,
        };
        let bars = grid.bars();
        let mut candidates: Vec<Candidate> = Vec::new();
        let span_of = |first: usize, n: usize| {
            let inside = bars.get(first..first + n)?;
            Some(Candidate {
                span: Span {
                    start: inside.first()?.0.start,
                    end: inside.last()?.0.end,
                },
                bars: n as u32,
                beats: inside.iter().map(|b| b.1).sum(),
                first_bar: first,
                beat_offset: 0,
            })
        };
        let truths = truth["true_loops"].as_array().map_or(&[][..], Vec::as_slice);
        let step = truths.len().div_ceil(EACH).max(1);
        for t in truths.iter().step_by(step) {
            let (start, n) = (
                t["start"].as_f64().unwrap_or(0.0) * rate,
                t["bars"].as_u64().unwrap_or(1) as usize,
            );
            let first = bars.partition_point(|b| b.0.start + 100.0 < start);
            candidates.extend(span_of(first, n));
        }
        let mut dice = 12345u64;
        for _ in 0..EACH {
            dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let n = [1, 2, 4, 8, 16][(dice >> 33) as usize % 5];
            let first = (dice >> 40) as usize % bars.len().saturating_sub(n).max(1);
            candidates.extend(span_of(first, n));
        }
        let mut tally = (0, 0, 0);
        for c in &candidates {
            let begun = Instant::now();
            let place = snap::place(&audio, &grid, c);
            let Ok(made) = cut(&audio, place.start, place.frames, &config.export) else {
                println!("{}: {place:?} runs past the end", text("id"));
                continue;
            };
            spent += begun.elapsed();
            let start = made.start.unwrap_or(place.start);
            seconds += place.frames as f64 / rate;
            let verdict = seam::verify(&made.planes, audio.planes(), start, place.frames, audio.sample_rate());
            loops += 1;
            let before = made.seam.before;
            plain += usize::from(before.ratio > seam::MAX_RATIO);
            mended += usize::from(made.seam.crossfade_ms > 0.0);
            clicking += usize::from(verdict.seam.clicks());
            inexact += usize::from(!verdict.exact_head);
            wrong_length += usize::from(!verdict.exact_length);
            moved += usize::from(start as f64 != c.span.start.round());
            tally.0 += 1;
            tally.1 += usize::from(made.seam.crossfade_ms > 0.0);
            tally.2 += usize::from(verdict.seam.clicks());
            worst.push((
                verdict.seam.excess(),
                format!(
                    "{} {:8.3} s {:2} bars: before {:6.2} {:+.2} dB, after {:.2} {:+.2} dB, {:.2} ms, moved {:+.2} ms",
                    text("id"),
                    start as f64 / rate,
                    c.bars,
                    before.ratio,
                    before.energy_db,
                    verdict.seam.ratio,
                    verdict.seam.energy_db,
                    made.seam.crossfade_ms,
                    (start as f64 - c.span.start) / rate * 1e3,
                ),
            ));
        }
        if let Some(tree) = &tree {
            let rows = candidates.iter().enumerate().map(|(i, c)| LoopItem {
                candidate: *c,
                score: 0.0,
                score_prob: 0.0,
                score_share: 0.0,
                number: i as u32 + 1,
                score_rank: i as u32 + 1,
                reasons: Vec::new(),
                columns: Vec::new(),
            });
            let source = SourceKey {
                folder: folder.clone(),
                name: text("audio").into(),
                content: String::new(),
                fingerprint: None,
            };
            let track = Track {
                id: TrackId::of(&audio),
                audio: audio.into(),
                origin: Origin::Live { take: 0 },
                name: text("id").into(),
                tags: Default::default(),
                grid: None,
            };
            let request = TrackRequest {
                source: &source,
                track: &track,
                grid: &grid,
                key: Some("Am"),
                loops: &rows.collect::<Vec<_>>(),
                config: &config.export,
            };
            tree.write(request.source, &Cuts::of(&request)?, &Silent)?;
        }
        println!(
            "{}: {} loops, {} mended, {} clicking",
            text("id"),
            tally.0,
            tally.1,
            tally.2
        );
    }
    if let Some(tree) = &tree {
        let summary = tree.commit()?;
        println!(
            "wrote {} loops, {} mended, {} clicking",
            summary.loops, summary.mended, summary.clicking
        );
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    worst.iter().take(25).for_each(|(_, line)| println!("  {line}"));
    println!(
        "{loops} loops: {plain} would click by ratio, {mended} mended, {moved} snapped, {clicking} click, \
         {inexact} with a changed head, {wrong_length} of a wrong length"
    );
    println!(
        "{:.2} ms a minute of loops",
        spent.as_secs_f64() * 1e3 / (seconds / 60.0)
    );
    Ok(())
}

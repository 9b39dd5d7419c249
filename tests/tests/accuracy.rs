//! The whole way from audio to ranked loops, on songs of which everything is known.
//!
//! The bounds are what a good result may fall to before something is broken, not what is reached: `docs/EVALUATION.md`
//! has the figures. They are means over songs, as a single song may be hard.

use std::path::PathBuf;
use std::sync::Arc;

use loopwright_core::config::{Config, Order};
use loopwright_core::model::heuristic::heuristic;
use loopwright_core::pipeline::{Suggestions, suggest};
use loopwright_core::progress::Silent;
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_tests::score::{Answer, AtK, beat_f, beat_lag, loops_at, region_iou};
use loopwright_tests::synth::{Rendered, Song, Style, Truth};

/// Finds the loops of a song, of which nothing but the audio is given.
fn find(song: Rendered) -> (Truth, Suggestions) {
    let audio = Arc::new(song.audio);
    let track = Track {
        id: TrackId::of(&audio),
        audio,
        origin: Origin::File(PathBuf::from("song.wav")),
        name: "song".into(),
        tags: Default::default(),
        grid: None,
    };
    let mut config = Config::default();
    config.rank.top_k = 20;
    config.rank.order = Order::Variety;
    let found = suggest(&track, &heuristic(&config.tuning), &config, &Silent).unwrap();
    (song.truth, found)
}

/// What is measured of one song.
#[derive(Debug)]
struct Figures {
    beats: f64,
    downbeats: f64,
    lag: f64,
    top: AtK,
    breaks: f64,
    drumless: f64,
    quiet: f64,
}

fn measure(song: Rendered) -> Figures {
    let (truth, found) = find(song);
    let rate = f64::from(found.analysis.track.audio.sample_rate());
    let grid = &found.analysis.rhythm.grid;
    let beats: Vec<f64> = grid.beats.iter().map(|b| b / rate).collect();
    let downbeats: Vec<f64> = grid.downbeats.iter().map(|&i| beats[i]).collect();
    let answers: Vec<Answer> = found
        .suggestions
        .iter()
        .map(|s| Answer {
            start: s.candidate.span.start / rate,
            end: s.candidate.span.end / rate,
            bars: s.candidate.bars,
        })
        .collect();
    let regions = &found.structure.regions;
    let spans = |list: &[loopwright_core::loops::regions::Region]| -> Vec<(f64, f64)> {
        list.iter().map(|r| (r.span.start / rate, r.span.end / rate)).collect()
    };
    Figures {
        beats: beat_f(&truth.beats, &beats),
        downbeats: beat_f(&truth.downbeats, &downbeats),
        lag: beat_lag(&truth.beats, &beats).unwrap_or(f64::INFINITY),
        top: loops_at(&truth, &answers, 10),
        breaks: region_iou(&truth.breaks, &spans(&regions.breaks)),
        drumless: region_iou(&truth.drumless, &spans(&regions.drumless)),
        quiet: region_iou(&truth.quiet, &spans(&regions.quiet)),
    }
}

fn mean(figures: &[Figures], what: impl Fn(&Figures) -> f64) -> f64 {
    figures.iter().map(what).sum::<f64>() / figures.len() as f64
}

fn measure_all(make: impl Fn(Style, u64) -> Song, seed: u64) -> Vec<Figures> {
    let styles = Style::ALL.into_iter().zip(seed..);
    let figures: Vec<Figures> = styles.map(|(style, seed)| measure(make(style, seed).build())).collect();
    // Shown when a bound fails.
    for (style, f) in Style::ALL.iter().zip(&figures) {
        println!("{:8} {f:.3?}", style.name());
    }
    figures
}

#[test]
fn steady_songs() {
    let figures = measure_all(Song::new, 1);
    assert!(mean(&figures, |f| f.beats) >= 0.93, "beats");
    assert!(mean(&figures, |f| f.downbeats) >= 0.88, "downbeats");
    assert!(figures.iter().all(|f| f.lag.abs() < 0.003), "no constant lag");
    assert!(mean(&figures, |f| f.top.precision) >= 0.9, "P@10");
    assert!(mean(&figures, |f| f.top.phrase_precision) >= 0.85, "phrase P@10");
    assert!(mean(&figures, |f| f.top.family_recall) >= 0.7, "family recall@10");
    assert!(mean(&figures, |f| f.breaks) >= 0.55, "breaks");
    assert!(mean(&figures, |f| f.drumless) >= 0.5, "drumless");
    assert!(mean(&figures, |f| f.quiet) >= 0.9, "quiet");
}

#[test]
fn songs_as_people_play_them() {
    let figures = measure_all(Song::wild, 1);
    assert!(mean(&figures, |f| f.beats) >= 0.85, "beats");
    assert!(mean(&figures, |f| f.downbeats) >= 0.8, "downbeats");
    assert!(figures.iter().all(|f| f.lag.abs() < 0.008), "no constant lag");
    assert!(mean(&figures, |f| f.top.precision) >= 0.8, "P@10");
    assert!(mean(&figures, |f| f.top.phrase_precision) >= 0.75, "phrase P@10");
}

#[test]
fn the_demo_track() {
    let f = measure(loopwright_tests::demo::song().build());
    println!("{f:.3?}");
    assert!(f.beats > 0.99 && f.downbeats > 0.97 && f.lag.abs() < 0.002);
    // A short piece: among ten answers are halves of the 8-bar theme and the breakdown with its riser, which loop well
    // enough for the ear but not by the truth's strict rule.
    assert!(f.top.precision >= 0.6 && f.top.family_recall >= 0.8);
    assert!(f.breaks > 0.9 && f.drumless > 0.9);
}

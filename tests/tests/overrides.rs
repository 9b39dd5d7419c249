//! Overrides of the grid, on songs of which every beat is known.

use std::path::PathBuf;
use std::sync::Arc;

use loopwright_core::analysis::Analysis;
use loopwright_core::config::{self, Config};
use loopwright_core::loops::Structure;
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::BeatGrid;
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_tests::synth::{Song, Style, Truth};

fn track(song: &Song) -> (Track, Truth) {
    let song = song.build();
    let audio = Arc::new(song.audio);
    let track = Track {
        id: TrackId::of(&audio),
        audio,
        origin: Origin::File(PathBuf::from("song.wav")),
        name: "song".into(),
        tags: Default::default(),
        grid: None,
    };
    (track, song.truth)
}

/// Beats and downbeats in seconds, from the whole analysis: what the loop finder sees.
fn grid(track: &Track, rhythm: config::Rhythm) -> (BeatGrid, Vec<f64>, Vec<f64>) {
    let config = Config {
        rhythm,
        ..Config::default()
    };
    config.validate().unwrap();
    let analysis = Analysis::of(track, None, &config, &Silent).unwrap();
    let structure = Structure::of(&analysis, &config.tuning, &Silent).unwrap();
    let grid = analysis.rhythm.grid.clone();
    let rate = f64::from(track.audio.sample_rate());
    let beats: Vec<f64> = grid.beats.iter().map(|b| b / rate).collect();
    let downbeats: Vec<f64> = grid.downbeats.iter().map(|d| beats[*d]).collect();
    // The bars of the structure are those of the grid.
    for bar in &structure.bars.bars {
        let start = bar.span.start / rate;
        assert!(downbeats.iter().any(|d| (d - start).abs() < 1e-9));
    }
    (grid, beats, downbeats)
}

/// Distance of `time` from the nearest of the places that divide the beats of `truth` into `parts`, in seconds.
fn off(time: f64, truth: &[f64], parts: usize) -> f64 {
    let places = truth
        .windows(2)
        .flat_map(|w| (0..parts).map(move |k| w[0] + (w[1] - w[0]) * k as f64 / parts as f64))
        .chain(truth.last().copied());
    places.map(|p| (p - time).abs()).fold(f64::INFINITY, f64::min)
}

/// Within the truth: beats go on to the last sound, which lasts longer.
fn inside<'a>(times: &'a [f64], truth: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let (first, last) = (truth[0] - 0.01, truth[truth.len() - 1] + 0.01);
    times.iter().copied().filter(move |t| (first..last).contains(t))
}

#[test]
fn each_override_makes_the_grid_that_it_names() {
    for (style, seed) in [(Style::House, 3), (Style::Rock, 5), (Style::Waltz, 2)] {
        let (track, truth) = track(&Song::new(style, seed).short());
        let meter = truth.meter as usize;
        let (plain, beats, downbeats) = grid(&track, config::Rhythm::default());
        let worst = |times: &[f64], truth: &[f64]| inside(times, truth).map(|t| off(t, truth, 1)).fold(0.0, f64::max);
        assert!(worst(&beats, &truth.beats) < 0.01, "{style:?} is tracked");
        assert!(worst(&downbeats, &truth.downbeats) < 0.01, "{style:?} is barred");

        for ratio in ["2", "1/2", "3/2", "2/3", "4/3", "3/4", "3", "1/3"] {
            let tempo_ratio: config::fraction::Fraction = ratio.parse().unwrap();
            let (g, beats, _) = grid(
                &track,
                config::Rhythm {
                    tempo_ratio: Some(tempo_ratio),
                    ..Default::default()
                },
            );
            assert!(
                (g.tempo.0 / plain.tempo.0 / tempo_ratio.value() - 1.0).abs() < 1e-3,
                "{style:?} {ratio}"
            );
            let parts = tempo_ratio.numerator() as usize;
            for t in inside(&beats, &truth.beats) {
                assert!(off(t, &truth.beats, parts) < 0.012, "{style:?} {ratio}: {t}");
            }
        }
        let half: config::fraction::Fraction = "1/2".parse().unwrap();
        let (g, beats, _) = grid(
            &track,
            config::Rhythm {
                shift_beat: Some(half),
                ..Default::default()
            },
        );
        assert!((g.tempo.0 / plain.tempo.0 - 1.0).abs() < 2e-3, "{style:?}");
        let period = 60.0 / truth.bpm;
        for t in inside(&beats, &truth.beats) {
            assert!(off(t, &truth.beats, 1) > 0.5 * period - 0.04, "{style:?}: {t}");
        }
        for shift_bar in [-1i32, 1, 2] {
            let (g, _, shifted) = grid(
                &track,
                config::Rhythm {
                    shift_bar,
                    ..Default::default()
                },
            );
            assert_eq!(g.beats, plain.beats);
            let by = shift_bar.rem_euclid(meter as i32) as usize;
            let first = (plain.downbeats[0] + by) % meter;
            assert_eq!(g.downbeats[0], first, "{style:?} {shift_bar}");
            assert_eq!(shifted.len(), (g.beats.len() - first).div_ceil(meter));
        }
        let third = truth.beats[meter + 2];
        let (_, _, told) = grid(
            &track,
            config::Rhythm {
                first_downbeat: Some(third + 0.05),
                ..Default::default()
            },
        );
        assert!(told.iter().any(|d| (d - third).abs() < 0.01), "{style:?}");
        let (g, _, _) = grid(
            &track,
            config::Rhythm {
                grid_offset_ms: 15.0,
                ..Default::default()
            },
        );
        let rate = f64::from(track.audio.sample_rate());
        assert!((g.beats[3] - plain.beats[3] - 0.015 * rate).abs() < 1e-6);
        let (g, _, downbeats) = grid(
            &track,
            config::Rhythm {
                bpm: Some(truth.bpm),
                beats_per_bar: Some(5),
                first_downbeat: Some(truth.beats[1]),
                ..Default::default()
            },
        );
        assert_eq!(g.beats_per_bar, 5);
        assert!(
            downbeats.windows(2).all(|w| (w[1] - w[0] - 5.0 * period).abs() < 0.01),
            "{style:?}"
        );
    }
}

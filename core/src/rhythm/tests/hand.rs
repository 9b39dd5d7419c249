//! What the user says of the grid, and the alternatives that can be said.

use super::*;
use crate::config::Rhythm as Settings;

const RATE: f64 = 44_100.0;

fn fraction(text: &str) -> Option<Fraction> {
    Some(text.parse().unwrap())
}

fn with(x: &[f32], settings: &Settings) -> Rhythm {
    let r = track(x, RATE as u32, settings, &Silent).unwrap();
    assert_sound(&r.grid);
    r
}

/// A steady song whose first beat is at 0.3 s and whose beats are half a second long.
fn song() -> Vec<f32> {
    rock(50.0, 4, 0.5, |k| 0.3 + k * 0.5)
}

/// Distance of the beats of `grid` from the lines at `first + k * step` seconds, the largest.
fn off_lines(grid: &BeatGrid, first: f64, step: f64) -> f64 {
    let off = |b: &f64| {
        let x = (b / RATE - first) / step;
        (x - x.round()).abs() * step
    };
    grid.beats.iter().map(off).fold(0.0, f64::max)
}

fn first_downbeat(grid: &BeatGrid) -> f64 {
    grid.beats[grid.downbeats[0]] / RATE
}

#[test]
fn ratios_count_the_tracked_pulse_differently() {
    let x = song();
    let plain = with(&x, &Settings::default()).grid;
    assert!((plain.tempo.0 - 120.0).abs() < 0.05);
    for ratio in ["2", "1/2", "3/2", "2/3", "4/3", "3/4", "3", "1/3"] {
        let tempo_ratio = fraction(ratio);
        let r = with(
            &x,
            &Settings {
                tempo_ratio,
                ..Settings::default()
            },
        );
        let value = tempo_ratio.unwrap().value();
        assert!(
            (r.grid.tempo.0 / 120.0 / value - 1.0).abs() < 1e-3,
            "{ratio}: {}",
            r.grid.tempo.0
        );
        assert!(r.grid.constant);
        // Each new beat lies on the tracked beats, each divided as the ratio says.
        let parts = f64::from(tempo_ratio.unwrap().numerator());
        assert!(off_lines(&r.grid, 0.3, 0.5 / parts) < 0.004, "{ratio}");
        // From the first sound to the last: nothing is missing at the ends.
        let (first, last) = (r.grid.beats[0] / RATE, r.grid.beats[r.grid.beats.len() - 1] / RATE);
        assert!(
            first < 0.3 + 0.5 / value && last > 49.0 - 0.5 / value,
            "{ratio}: {first} to {last}"
        );
        assert_eq!(r.hypotheses[0].beats, r.grid.beats);
        assert_eq!(r.beat_confidence, 1.0);
    }
    let double = with(
        &x,
        &Settings {
            double: true,
            ..Settings::default()
        },
    );
    let two = with(
        &x,
        &Settings {
            tempo_ratio: fraction("2"),
            ..Settings::default()
        },
    );
    assert_eq!(double.grid, two.grid);
}

#[test]
fn beats_are_moved_by_a_part_of_a_beat() {
    let x = song();
    for (shift, seconds) in [("1/2", 0.25), ("-1/2", -0.25), ("1/3", 0.5 / 3.0), ("-1/4", -0.125)] {
        let g = with(
            &x,
            &Settings {
                shift_beat: fraction(shift),
                ..Settings::default()
            },
        )
        .grid;
        // Where nothing sounds the line may lean towards what is near.
        assert!(off_lines(&g, 0.3 + seconds, 0.5) < 0.036, "{shift}");
        assert!((g.tempo.0 - 120.0).abs() < 0.5, "{shift}: {}", g.tempo.0);
    }
    // On the off-beats are hats, and there the beats lie exactly.
    let g = with(
        &x,
        &Settings {
            shift_beat: fraction("1/2"),
            ..Settings::default()
        },
    )
    .grid;
    assert!(off_lines(&g, 0.55, 0.5) < 0.003);
}

#[test]
fn bars_begin_where_they_are_told_to() {
    let x = song();
    let plain = with(&x, &Settings::default()).grid;
    assert!((first_downbeat(&plain) - 0.3).abs() < 0.005);
    for (shift_bar, at) in [(1, 0.8), (2, 1.3), (3, 1.8), (-1, 1.8), (-3, 0.8), (5, 0.8), (4, 0.3)] {
        let r = with(
            &x,
            &Settings {
                shift_bar,
                ..Settings::default()
            },
        );
        assert_eq!(r.grid.beats, plain.beats, "{shift_bar}");
        assert!(
            (first_downbeat(&r.grid) - at).abs() < 0.005,
            "{shift_bar}: {}",
            first_downbeat(&r.grid)
        );
        assert!(r.grid.downbeats.windows(2).all(|w| w[1] - w[0] == 4));
        assert_eq!((r.bar_confidence, r.grid.confidence), (1.0, r.beat_confidence));
        assert_eq!(r.hypotheses[0].bars[0].first as usize, r.grid.downbeats[0]);
        assert_eq!(r.choose(0, 0).as_ref(), Some(&r.grid));
    }
    for (seconds, at) in [(0.82, 0.8), (1.2, 1.3), (30.31, 0.3), (0.0, 0.3)] {
        let g = with(
            &x,
            &Settings {
                first_downbeat: Some(seconds),
                ..Settings::default()
            },
        )
        .grid;
        assert_eq!(g.beats, plain.beats, "{seconds}");
        assert!(
            (first_downbeat(&g) - at).abs() < 0.005,
            "{seconds}: {}",
            first_downbeat(&g)
        );
    }
    let waltz = with(
        &x,
        &Settings {
            beats_per_bar: Some(3),
            first_downbeat: Some(0.8),
            ..Settings::default()
        },
    )
    .grid;
    assert_eq!(waltz.beats_per_bar, 3);
    // With another meter the tracker may hear another tempo; the beat there begins a bar in any case.
    let near = |i: &usize| (waltz.beats[*i] / RATE - 0.8).abs();
    let beat = (0..waltz.beats.len())
        .min_by(|a, b| near(a).total_cmp(&near(b)))
        .unwrap();
    assert!(waltz.downbeats.contains(&beat));
}

#[test]
fn an_offset_moves_the_finished_grid_and_nothing_else() {
    let x = song();
    let plain = with(&x, &Settings::default());
    for ms in [10.0, -20.0, -400.0, 700.0] {
        let r = with(
            &x,
            &Settings {
                grid_offset_ms: ms,
                ..Settings::default()
            },
        );
        let dropped = plain
            .grid
            .beats
            .iter()
            .filter(|b| *b / RATE + ms / 1000.0 < 0.0)
            .count();
        for (a, b) in plain.grid.beats[dropped..].iter().zip(&r.grid.beats) {
            assert!((b - a - ms * RATE / 1000.0).abs() < 1e-6);
        }
        let lost = plain.grid.downbeats[0] < dropped;
        let first = plain.grid.downbeats[usize::from(lost)] - dropped;
        assert_eq!(r.grid.downbeats[0], first);
        assert_eq!(r.grid.confidence, plain.grid.confidence);
    }
}

#[test]
fn a_drifting_pulse_is_counted_differently_too() {
    let time = |k: f64| 0.3 + 0.5 * k - 0.0006 * k * k;
    let x = rock(60.0, 4, 0.5, time);
    let plain = with(&x, &Settings::default()).grid;
    assert!(!plain.constant && (plain.beats[0] / RATE - 0.3).abs() < 0.02);
    let count = plain.beats.len() as f64;
    for (ratio, shift) in [("2", None), ("1/2", None), ("3/2", None), ("1", Some("1/2"))] {
        let ratio: Fraction = ratio.parse().unwrap();
        let settings = Settings {
            tempo_ratio: Some(ratio),
            shift_beat: shift.and_then(fraction),
            ..Settings::default()
        };
        let g = with(&x, &settings).grid;
        assert!(!g.constant);
        let expected = count * ratio.value();
        assert!(
            (g.beats.len() as f64 - expected).abs() <= 2.5,
            "{ratio}: {}",
            g.beats.len()
        );
        // Where each lies in the beats of the song.
        let off = g.beats.iter().map(|b| {
            let k = (0.5 - (0.25 - 0.0024 * (b / RATE - 0.3)).sqrt()) / 0.0012;
            let place = (k - shift.map_or(0.0, |_| 0.5)) * f64::from(ratio.numerator());
            (place - place.round()).abs()
        });
        let worst = off.fold(0.0, f64::max);
        assert!(worst < 0.1, "{ratio}: {worst} of a beat");
    }
}

#[test]
fn every_alternative_is_what_its_settings_make() {
    let x = song();
    let moved = |r: &Rhythm| {
        assert!(!r.alternatives.is_empty());
        for a in &r.alternatives {
            let made = with(&x, &a.settings).grid;
            let what = format!("{}: {:?}", a.name, a.settings);
            // Which reading met an attack first decides on microseconds of it: see `attack::Attacks`.
            assert!(
                (made.tempo.0 / a.tempo.0 - 1.0).abs() < 1e-4,
                "{what}: {} {}",
                made.tempo.0,
                a.tempo.0
            );
            assert_eq!(made.beats_per_bar, a.beats_per_bar, "{what}");
            let near = |x: f64, y: f64| (x - y).abs() < 0.002 * RATE;
            assert!(near(made.beats[0], a.first_beat), "{what}");
            assert!(near(made.beats[made.downbeats[0]], a.first_downbeat.unwrap()), "{what}");
            assert!((0.0..=1.0).contains(&a.probability) && a.score.is_finite(), "{what}");
        }
    };
    let plain = with(&x, &Settings::default());
    moved(&plain);
    let names: Vec<&str> = plain.alternatives.iter().map(|a| a.name.as_str()).collect();
    for name in [
        "x2",
        "/2",
        "x3/2",
        "x2/3",
        "x4/3",
        "x3/4",
        "x3",
        "/3",
        "beats +1/2",
        "beats +1/3",
    ] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    for name in ["bars +1", "bars +2", "bars +3"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    assert!(plain.alternatives.iter().any(|a| a.beats_per_bar == 3));
    assert!(!names.contains(&"as tracked"));
    // No two are one reading, and none is the grid.
    let place = |a: &alternatives::Alternative| {
        let bar = 60.0 / a.tempo.0 * f64::from(a.beats_per_bar);
        (
            a.tempo.0,
            a.beats_per_bar,
            (a.first_downbeat.unwrap() / RATE).rem_euclid(bar),
        )
    };
    let places: Vec<_> = plain.alternatives.iter().map(place).collect();
    for (i, a) in places.iter().enumerate() {
        for b in &places[..i] {
            let apart = (a.0 / b.0 - 1.0).abs() > 0.01 || a.1 != b.1 || (a.2 - b.2).abs() > 0.02;
            assert!(apart, "{a:?} {b:?}");
        }
    }
    let total: f32 = plain.alternatives.iter().map(|a| a.probability).sum();
    assert!(
        total + plain.grid.confidence <= 1.0 + 1e-4,
        "{total} {}",
        plain.grid.confidence
    );
    assert!(
        plain
            .alternatives
            .windows(2)
            .all(|w| w[0].probability >= w[1].probability)
    );

    // From an overridden grid the way back is among them.
    let half = with(
        &x,
        &Settings {
            half: true,
            shift_bar: 1,
            ..Settings::default()
        },
    );
    moved(&half);
    let back = half.alternatives.iter().find(|a| a.name == "as tracked").unwrap();
    assert_eq!(back.settings, Settings::default());
    assert!(half.alternatives.iter().any(|a| a.name == "bars +3" && a.settings.half));
    let said = with(
        &x,
        &Settings {
            bpm: Some(60.0),
            beats_per_bar: Some(3),
            ..Settings::default()
        },
    );
    moved(&said);
    assert!(
        said.alternatives
            .iter()
            .all(|a| a.settings.bpm.is_some() && a.beats_per_bar == 3)
    );
}

#[test]
fn given_beats_are_counted_differently_but_stay_where_they_are() {
    let x = song();
    let times: Vec<f64> = (0..80).map(|k| 0.3 + 0.5 * k as f64).collect();
    let downbeats: Vec<f64> = times.iter().copied().skip(1).step_by(4).collect();
    let given = |downbeats: Option<&[f64]>, settings: &Settings| {
        let g = from_beats(&times, downbeats, &x, RATE as u32, settings, &Silent)
            .unwrap()
            .grid;
        assert_sound(&g);
        g
    };
    let plain = Settings::default();
    for bars in [None, Some(&downbeats[..])] {
        let first = if bars.is_some() { 0.8 } else { 0.3 };
        let g = given(bars, &plain);
        assert!((first_downbeat(&g) - first).abs() < 1e-9);
        let g = given(
            bars,
            &Settings {
                double: true,
                ..plain.clone()
            },
        );
        assert!((g.tempo.0 - 240.0).abs() < 1e-6 && off_lines(&g, 0.3, 0.25) < 1e-9);
        let g = given(
            bars,
            &Settings {
                tempo_ratio: fraction("2/3"),
                ..plain.clone()
            },
        );
        assert!((g.tempo.0 - 80.0).abs() < 1e-6);
        if bars.is_some() {
            assert!(off_lines(&g, 0.8, 0.75) < 1e-9, "the first downbeat stays one");
            assert!((first_downbeat(&g) - 0.8 + 0.1).rem_euclid(3.0) - 0.1 < 1e-9);
        }
        let g = given(
            bars,
            &Settings {
                shift_beat: fraction("-1/5"),
                ..plain.clone()
            },
        );
        assert!(off_lines(&g, 0.2, 0.5) < 1e-9);
        assert!(bars.is_none() || (first_downbeat(&g) - 0.7).abs() < 1e-9);
        let g = given(
            bars,
            &Settings {
                shift_bar: 1,
                grid_offset_ms: 7.0,
                ..plain.clone()
            },
        );
        assert!((first_downbeat(&g) - first - 0.507).abs() < 1e-9);
        let g = given(
            bars,
            &Settings {
                beats_per_bar: Some(3),
                first_downbeat: Some(1.3),
                ..plain.clone()
            },
        );
        assert_eq!(g.beats_per_bar, 3);
        assert!(g.downbeats.contains(&2) && g.downbeats.windows(2).all(|w| w[1] - w[0] == 3));
    }
}

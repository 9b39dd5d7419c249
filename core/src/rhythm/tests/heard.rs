//! The tracker with a model that hears what the test wants it to.

use super::super::activation::{Activations, BeatModel, Sound};
use super::super::{RhythmError, Tracker};
use super::*;

/// Hears given beats and downbeats, as a network would: a frame of 20 ms each, less sure beside it.
#[derive(Debug)]
struct Oracle {
    beats: Vec<f64>,
    downbeats: Vec<f64>,
}

impl Oracle {
    /// Beats every `period` seconds from `first`, every `meter`th from number `down` on a downbeat.
    fn steady(first: f64, period: f64, meter: usize, down: usize) -> Self {
        let beats: Vec<f64> = (0..)
            .map(|k| first + f64::from(k) * period)
            .take_while(|t| *t < 59.5)
            .collect();
        let downbeats = beats.iter().copied().skip(down).step_by(meter).collect();
        Self { beats, downbeats }
    }
}

impl BeatModel for Oracle {
    fn id(&self) -> &str {
        "oracle"
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn activations(&self, sound: Sound<'_>, _: &dyn Progress) -> Result<Activations, RhythmError> {
        let frames = sound.input.map_or(0, input::Input::frames);
        let curve = |times: &[f64], sure: f32| {
            let mut x = vec![0.02f32; frames];
            for t in times {
                let i = (t * input::FRAME_RATE).round() as usize;
                for (j, p) in [(i.wrapping_sub(1), 0.4), (i, 1.0), (i + 1, 0.4)] {
                    if let Some(x) = x.get_mut(j) {
                        *x = x.max(p * sure);
                    }
                }
            }
            x
        };
        Ok(Activations {
            rate: input::FRAME_RATE,
            beat: curve(&self.beats, 0.8),
            downbeat: curve(&self.downbeats, 0.6),
        })
    }
}

/// The same hit every `period` seconds: what the beat is, and the bar, is anyone's guess.
fn even(seconds: f64, first: f64, period: f64) -> Vec<f32> {
    let mut x = vec![0.0f32; (seconds * SR) as usize];
    let mut noise = Noise(11);
    for t in (0..)
        .map(|k| first + f64::from(k) * period)
        .take_while(|t| t + 0.3 < seconds)
    {
        add(&mut x, t, Hit::Kick, &mut noise);
        add(&mut x, t, Hit::Snare, &mut noise);
    }
    x
}

fn run_with(x: &[f32], model: &dyn BeatModel) -> Rhythm {
    let settings = config::Rhythm::default();
    let tracker = Tracker {
        settings: &settings,
        model: Some(model),
    };
    track(x, 44_100, tracker, &Silent).unwrap()
}

/// Share of `times` with a value of `grid` within 30 ms.
fn hit(times: &[f64], grid: &[f64]) -> f64 {
    let near = |t: &&f64| grid.iter().any(|g| (g - **t).abs() < 0.03);
    times.iter().filter(near).count() as f64 / times.len() as f64
}

fn downbeats(grid: &BeatGrid) -> Vec<f64> {
    grid.downbeats.iter().map(|&d| grid.beats[d] / 44_100.0).collect()
}

#[test]
fn the_model_decides_level_and_phase() {
    let x = even(60.0, 0.31, 0.3);
    for (what, first, period) in [
        ("each hit", 0.31, 0.3),
        ("every second", 0.31, 0.6),
        ("the other half", 0.61, 0.6),
        ("every third", 0.61, 0.9),
    ] {
        let model = Oracle::steady(first, period, 4, 0);
        let r = run_with(&x, &model);
        assert_sound(&r.grid);
        let beats = seconds(&r.grid);
        let (found, wanted) = (hit(&model.beats, &beats), hit(&beats, &model.beats));
        assert!(
            found > 0.95 && wanted > 0.95,
            "{what}: {found} {wanted} at {}",
            r.grid.tempo.0
        );
        // The model chooses; the attacks say where.
        let exact = beats.iter().all(|b| {
            let k = ((b - first) / period).round();
            (b - first - k * period).abs() < 0.004
        });
        assert!(exact, "{what}");
        let names: Vec<&str> = r.hypotheses[0].terms.iter().map(|t| t.name).collect();
        assert!(names.contains(&"net_beat") && names.contains(&"net_bar"));
        let sum: f32 = r.hypotheses[0].terms.iter().map(hypothesis::Term::contribution).sum();
        assert!((sum - r.hypotheses[0].score).abs() < 1e-4);
        assert!(r.hypotheses.len() > 10, "the other readings stay");
    }
}

#[test]
fn the_model_decides_the_bars() {
    let x = even(60.0, 0.31, 0.5);
    for (meter, down) in [(4, 0), (4, 1), (4, 2), (4, 3), (3, 0), (3, 2)] {
        let model = Oracle::steady(0.31, 0.5, meter, down);
        let r = run_with(&x, &model);
        assert_eq!(r.grid.beats_per_bar as usize, meter);
        let share = hit(&model.downbeats, &downbeats(&r.grid));
        assert!(share > 0.95, "{meter} beats a bar from beat {down}: {share}");
    }
    let times: Vec<f64> = (0..100).map(|k| 0.31 + 0.5 * f64::from(k)).collect();
    let model = Oracle::steady(0.31, 0.5, 4, 1);
    let settings = config::Rhythm::default();
    let tracker = Tracker {
        settings: &settings,
        model: Some(&model),
    };
    let r = from_beats(&times, None, &x, 44_100, tracker, &Silent).unwrap();
    assert_eq!(r.grid.downbeats[0], 1);
}

#[test]
fn bars_follow_the_model_through_a_change_of_phase() {
    // Thirty bars of four, a bar of two, and another texture for as long again.
    let (period, change) = (0.5, 0.31 + 122.0 * 0.5);
    let mut x = rock(change - 0.02, 4, 0.5, |k| 0.31 + k * period);
    x.resize((126.0 * SR) as usize, 0.0);
    let mut noise = Noise(3);
    for k in 0..128 {
        let t = change + f64::from(k) * period;
        let hit = if k % 2 == 0 { Hit::Kick } else { Hit::Snare };
        add(&mut x, t, hit, &mut noise);
    }
    let mut model = Oracle::steady(0.31, period, 4, 0);
    let time = |k: i32| 0.31 + f64::from(k) * period;
    model.beats = (0..249).map(time).collect();
    model.downbeats = (0..249)
        .filter(|k| if *k < 122 { k % 4 == 0 } else { k % 4 == 2 })
        .map(time)
        .collect();
    let r = run_with(&x, &model);
    let found = downbeats(&r.grid);
    let share = hit(&model.downbeats, &found);
    assert!(share > 0.9, "{share}: {found:?}");
}

#[test]
fn a_model_that_hears_nothing_changes_nothing() {
    let x = rock(40.0, 4, 0.5, |k| 0.31 + k * 0.55);
    let deaf = Oracle {
        beats: vec![],
        downbeats: vec![],
    };
    let (with, without) = (run_with(&x, &deaf), run(&x));
    assert_eq!(with.grid, without.grid);
    assert_eq!(with.hypotheses, without.hypotheses);
    // And with silence it is not even asked.
    assert!(run_with(&vec![0.0; 100_000], &deaf).grid.beats.is_empty());
}

#[test]
fn a_model_that_fails_is_an_error() {
    #[derive(Debug)]
    struct Broken;
    impl BeatModel for Broken {
        fn id(&self) -> &str {
            "broken"
        }

        fn wants_input(&self) -> bool {
            false
        }

        fn activations(&self, sound: Sound<'_>, _: &dyn Progress) -> Result<Activations, RhythmError> {
            assert!(sound.input.is_none(), "no input is made that nobody wants");
            Err(RhythmError::Model {
                model: "broken".into(),
                problem: "a reason".into(),
            })
        }
    }
    let x = rock(20.0, 4, 0.5, |k| 0.31 + k * 0.5);
    let settings = config::Rhythm::default();
    let tracker = Tracker {
        settings: &settings,
        model: Some(&Broken),
    };
    let error = track(&x, 44_100, tracker, &Silent).unwrap_err().to_string();
    assert!(error.contains("broken") && error.contains("a reason"), "{error}");
}

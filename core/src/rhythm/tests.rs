//! The tracker on music of known tempo, made here.

mod hand;

use proptest::prelude::*;

mod heard;

use super::*;
use crate::progress::Silent;

const SR: f64 = 22_050.0;

/// A seeded noise source (LCG), so that every run hears the same.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f32 / (1u64 << 31) as f32) * 2.0 - 1.0
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Hit {
    Kick,
    Snare,
    Hat,
}

/// Adds one hit at `seconds`, exact to a fraction of a sample for the tonal parts.
fn add(x: &mut [f32], seconds: f64, hit: Hit, noise: &mut Noise) {
    let from = (seconds * SR).ceil() as usize;
    let to = (from + (0.25 * SR) as usize).min(x.len());
    for (i, v) in x.iter_mut().enumerate().take(to).skip(from) {
        let s = (i as f64 / SR - seconds) as f32;
        let tone = |f: f32| (std::f32::consts::TAU * f * s).sin();
        *v += match hit {
            Hit::Kick => tone(50.0 + 60.0 * (-s * 30.0).exp()) * (-s * 18.0).exp() * (s / 0.001).min(1.0),
            Hit::Snare => 0.5 * noise.next() * (-s * 25.0).exp() + 0.4 * tone(190.0) * (-s * 30.0).exp(),
            Hit::Hat => 0.2 * noise.next() * (-s * 90.0).exp(),
        };
    }
}

/// A held chord of a root and its fifth and tenth.
fn chord(x: &mut [f32], from: f64, to: f64, root: f64) {
    let (a, b) = ((from * SR) as usize, ((to * SR) as usize).min(x.len()));
    for (i, v) in x.iter_mut().enumerate().take(b).skip(a) {
        let t = i as f64 / SR;
        let env = ((t - from) / 0.01).min((to - t) / 0.01).clamp(0.0, 1.0);
        let s: f64 = [1.0, 1.5, 2.52]
            .iter()
            .map(|m| (std::f64::consts::TAU * root * m * t).sin())
            .sum();
        *v += (0.05 * env * s) as f32;
    }
}

/// Kick on the first and third beat, snare on the second and fourth, hats on eighths, a chord a bar; beats at `time(k)`.
fn rock(seconds: f64, meter: usize, swing: f64, time: impl Fn(f64) -> f64) -> Vec<f32> {
    let mut x = vec![0.0f32; (seconds * SR) as usize];
    let mut noise = Noise(7);
    let roots = [110.0, 146.8, 98.0, 130.8];
    for k in 0.. {
        let t = time(k as f64);
        if t + 0.5 > seconds {
            break;
        }
        let place = k % meter;
        let kick = place == 0 || (meter == 4 && place == 2);
        add(&mut x, t, if kick { Hit::Kick } else { Hit::Snare }, &mut noise);
        if place == 0 {
            add(&mut x, t, Hit::Kick, &mut noise);
            chord(&mut x, t, time((k + meter) as f64), roots[(k / meter) % 4]);
        }
        add(&mut x, t, Hit::Hat, &mut noise);
        let off = t + swing * (time(k as f64 + 1.0) - t);
        if off < seconds - 0.5 {
            add(&mut x, off, Hit::Hat, &mut noise);
        }
    }
    x
}

fn run(x: &[f32]) -> Rhythm {
    track(x, 44_100, &config::Rhythm::default(), &Silent).unwrap()
}

/// Seconds of the beats of a grid at 44.1 kHz.
fn seconds(grid: &BeatGrid) -> Vec<f64> {
    grid.beats.iter().map(|b| b / 44_100.0).collect()
}

fn assert_sound(grid: &BeatGrid) {
    assert!(grid.beats.iter().all(|b| b.is_finite() && *b >= 0.0));
    assert!(grid.beats.windows(2).all(|w| w[1] > w[0]), "beats increase");
    assert!(grid.downbeats.windows(2).all(|w| w[1] > w[0]), "downbeats increase");
    assert!(grid.downbeats.iter().all(|&d| d < grid.beats.len()));
    assert!((0.0..=1.0).contains(&grid.confidence));
}

#[test]
fn constant_tempo_is_exact() {
    for bpm in [62.0, 75.5, 90.0, 101.3, 120.0, 127.77, 140.0, 155.5, 174.0, 198.0] {
        let period = 60.0 / bpm;
        let x = rock(60.0, 4, 0.5, |k| 0.31 + k * period);
        let r = run(&x);
        let g = &r.grid;
        assert_sound(g);
        assert!(g.constant, "{bpm} BPM is constant");
        // Which multiple is counted is taste at the extremes; the line is not.
        let ratio = g.tempo.0 / bpm;
        let multiple = [0.5, 1.0, 2.0]
            .into_iter()
            .min_by(|a, b| (a - ratio).abs().total_cmp(&(b - ratio).abs()))
            .unwrap();
        assert!(
            (ratio / multiple - 1.0).abs() < 1e-4,
            "{bpm} BPM heard as {}",
            g.tempo.0
        );
        if (80.0..=160.0).contains(&bpm) {
            assert_eq!(multiple, 1.0, "{bpm} BPM heard as {}", g.tempo.0);
        }
        for t in seconds(g) {
            let k = (t - 0.31) / period * multiple.max(1.0);
            let late = (k - k.round()) * period / multiple.max(1.0);
            assert!(late.abs() < 0.002, "{bpm} BPM: a beat {:.2} ms off", late * 1000.0);
        }
        let gaps: Vec<f64> = g.beats.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps.iter().all(|d| (d - gaps[0]).abs() < 1e-6), "periods are equal");
        if multiple == 1.0 {
            assert_eq!(g.beats_per_bar, 4);
            let first = seconds(g)[g.downbeats[0]];
            let bar = (first - 0.31) / (4.0 * period);
            assert!((bar - bar.round()).abs() < 0.01, "{bpm} BPM: bars begin at {first}");
        }
    }
}

#[test]
fn waltz_has_three_beats() {
    let r = run(&rock(60.0, 3, 0.5, |k| 0.2 + k * 60.0 / 132.0));
    assert_eq!(r.grid.beats_per_bar, 3);
    assert!((r.grid.tempo.0 - 132.0).abs() < 0.02);
    let first = seconds(&r.grid)[r.grid.downbeats[0]];
    let bar = (first - 0.2) / (3.0 * 60.0 / 132.0);
    assert!((bar - bar.round()).abs() < 0.01);
}

#[test]
fn swing_keeps_the_beat() {
    let r = run(&rock(60.0, 4, 2.0 / 3.0, |k| 0.4 + k * 60.0 / 118.0));
    assert!((r.grid.tempo.0 - 118.0).abs() < 0.02);
    let k = (seconds(&r.grid)[10] - 0.4) * 118.0 / 60.0;
    assert!((k - k.round()).abs() < 0.01);
}

#[test]
fn drift_is_followed() {
    // 100 to 112 BPM over two minutes: beat k at the time where the integral of the tempo reaches k.
    let time = |k: f64| {
        let (a, b) = (100.0 / 60.0, 12.0 / 60.0 / 120.0);
        0.3 + ((a * a + 2.0 * b * k).sqrt() - a) / b
    };
    let r = run(&rock(120.0, 4, 0.5, time));
    assert!(!r.grid.constant);
    assert_sound(&r.grid);
    let truth: Vec<f64> = (0..).map(|k| time(k as f64)).take_while(|t| *t < 119.0).collect();
    let hits = seconds(&r.grid)
        .iter()
        .filter(|t| truth.iter().any(|u| (*t - u).abs() < 0.01))
        .count();
    assert!(hits * 100 >= truth.len() * 95, "{hits} of {}", truth.len());
}

#[test]
fn head_silence_shifts_the_grid() {
    let mut x = vec![0.0f32; (3.7 * SR) as usize];
    x.extend(rock(40.0, 4, 0.5, |k| k * 0.5));
    let r = run(&x);
    let first = seconds(&r.grid)[0];
    assert!((first - 3.7).abs() < 0.003, "first beat at {first}");
    assert_eq!(r.grid.downbeats[0], 0);
}

#[test]
fn a_first_beat_on_the_first_sample_is_kept() {
    let r = run(&rock(40.0, 4, 0.5, |k| k * 0.5));
    assert!(seconds(&r.grid)[0].abs() < 0.003);
    assert_eq!(r.grid.downbeats[0], 0);
}

#[test]
fn nothing_musical_gives_no_beats() {
    let mut noise = Noise(3);
    let white: Vec<f32> = (0..(60.0 * SR) as usize).map(|_| 0.3 * noise.next()).collect();
    let cases: [(&str, Vec<f32>); 6] = [
        ("nothing", vec![]),
        ("one sample", vec![1.0]),
        ("silence", vec![0.0; 441_000]),
        ("a constant", vec![0.5; 441_000]),
        ("two seconds of music", rock(2.0, 4, 0.5, |k| k * 0.5)),
        ("not a number", vec![f32::NAN; 441_000]),
    ];
    for (name, x) in cases {
        let r = run(&x);
        assert!(r.grid.beats.is_empty(), "{name}");
        assert_eq!(r.grid.confidence, 0.0, "{name}");
    }
    let r = run(&white);
    assert!(
        r.grid.confidence < 0.2,
        "noise is no music: {} at clarity {}",
        r.grid.confidence,
        r.clarity
    );
    assert!(r.grid.beats.is_empty(), "white noise at clarity {}", r.clarity);
}

#[test]
fn bad_samples_do_not_spread() {
    let mut x = rock(30.0, 4, 0.5, |k| 0.25 + k * 0.5);
    x[100_000] = f32::NAN;
    x[200_000] = f32::INFINITY;
    let r = run(&x);
    assert!((r.grid.tempo.0 - 120.0).abs() < 0.05, "{}", r.grid.tempo.0);
    assert_sound(&r.grid);
}

#[test]
fn overrides_are_obeyed() {
    let x = rock(50.0, 4, 0.5, |k| 0.3 + k * 0.5);
    let with = |settings: config::Rhythm| track(&x, 44_100, &settings, &Silent).unwrap().grid;
    let asked = with(config::Rhythm {
        bpm: Some(61.0),
        ..Default::default()
    });
    assert!((asked.tempo.0 - 60.0).abs() < 0.02, "{}", asked.tempo.0);
    let asked = with(config::Rhythm {
        bpm: Some(238.0),
        ..Default::default()
    });
    assert!((asked.tempo.0 - 240.0).abs() < 0.05, "{}", asked.tempo.0);
    let double = with(config::Rhythm {
        double: true,
        ..Default::default()
    });
    assert!((double.tempo.0 - 240.0).abs() < 0.05, "{}", double.tempo.0);
    let half = with(config::Rhythm {
        half: true,
        ..Default::default()
    });
    assert!((half.tempo.0 - 60.0).abs() < 0.02, "{}", half.tempo.0);
    for m in [1, 2, 3, 5, 7] {
        let bars = with(config::Rhythm {
            beats_per_bar: Some(m),
            ..Default::default()
        });
        assert_eq!(bars.beats_per_bar, m);
        assert!(bars.downbeats.windows(2).all(|w| w[1] - w[0] == m as usize));
    }
}

#[test]
fn every_kept_reading_can_be_chosen() {
    let r = run(&rock(50.0, 4, 0.5, |k| 0.3 + k * 0.5));
    assert!(r.hypotheses.len() > 4);
    assert_eq!(r.choose(0, 0).as_ref(), Some(&r.grid));
    assert!(r.hypotheses.windows(2).all(|w| w[0].score >= w[1].score));
    for (i, h) in r.hypotheses.iter().enumerate() {
        assert_eq!(h.bars.len(), 7, "four phases of 4/4, three of 3/4");
        let sum: f32 = h.terms.iter().map(hypothesis::Term::contribution).sum();
        assert!((sum - h.score).abs() < 1e-3);
        for b in 0..h.bars.len() {
            assert_sound(&r.choose(i, b).unwrap());
        }
    }
    assert!(r.choose(999, 0).is_none());
}

#[test]
fn the_same_audio_gives_the_same_answer() {
    let x = rock(30.0, 4, 0.5, |k| 0.3 + k * 0.47);
    let (a, b) = (run(&x), run(&x));
    assert_eq!(a.grid, b.grid);
    assert_eq!(a.hypotheses, b.hypotheses);
}

#[test]
fn cancelling_stops() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let x = rock(30.0, 4, 0.5, |k| 0.3 + k * 0.5);
    assert!(matches!(
        track(&x, 44_100, &config::Rhythm::default(), &Stop),
        Err(RhythmError::Cancelled(Cancelled))
    ));
}

#[test]
fn given_beats_make_a_grid() {
    let x = rock(40.0, 4, 0.5, |k| 0.3 + k * 0.5);
    let settings = config::Rhythm::default();
    // Rounded to 2 ms, as a text file has them.
    let times: Vec<f64> = (0..70)
        .map(|k| ((0.3 + 0.5 * k as f64) * 500.0).round() / 500.0)
        .collect();
    let r = from_beats(&times, None, &x, 48_000, &settings, &Silent).unwrap();
    assert!(r.grid.constant);
    assert_eq!(r.grid.source, GridSource::Given);
    assert_eq!(r.grid.downbeats[..3], [0, 4, 8]);
    assert!((r.grid.beats[10] / 48_000.0 - 5.3).abs() < 0.002);
    let uneven: Vec<f64> = times
        .iter()
        .enumerate()
        .map(|(i, t)| t + if i % 7 == 0 { 0.03 } else { 0.0 })
        .collect();
    let r = from_beats(
        &uneven,
        Some(&[uneven[1], uneven[4], uneven[7]]),
        &x,
        48_000,
        &settings,
        &Silent,
    )
    .unwrap();
    assert!(!r.grid.constant);
    assert_eq!(r.grid.beats_per_bar, 3);
    assert_eq!(r.grid.downbeats, [1, 4, 7]);
    assert_eq!(r.grid.beats[7], uneven[7] * 48_000.0);
    let wrong = |t: &[f64]| from_beats(t, None, &x, 48_000, &settings, &Silent).unwrap_err();
    assert_eq!(wrong(&[1.0]), GivenError::TooFew(1));
    assert_eq!(wrong(&[1.0, 0.5]), GivenError::Order { index: 1, seconds: 0.5 });
    assert!(matches!(wrong(&[0.5, f64::NAN]), GivenError::Order { index: 1, .. }));
    let far = from_beats(&times, Some(&[0.55]), &x, 48_000, &settings, &Silent).unwrap_err();
    assert_eq!(far, GivenError::Downbeat { seconds: 0.55 });
}

#[test]
fn attacks_are_found_to_a_millisecond() {
    for hit in [Hit::Kick, Hit::Snare, Hit::Hat] {
        let mut x = vec![0.0f32; (20.0 * SR) as usize];
        let mut noise = Noise(5);
        let times: Vec<f64> = (0..30).map(|k| 0.3 + k as f64 * 0.617_3).collect();
        for &t in &times {
            add(&mut x, t, hit, &mut noise);
        }
        for &t in &times {
            // As far off as the flux maximum may say.
            let (at, rise) = attack::locate(&x, (t + 0.004) * SR).unwrap();
            assert!((at / SR - t).abs() < 0.001, "{:.2} ms", (at / SR - t) * 1000.0);
            assert!(rise > 0.3);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is heard, a grid keeps its promises.
    #[test]
    fn grids_increase(seed in any::<u64>(), rate in 0.5f64..8.0, length in 1.0f64..25.0, level in -6.0f64..1.0) {
        let mut noise = Noise(seed);
        let mut x = vec![0.0f32; (length * SR) as usize];
        let mut t = 0.0;
        while t < length {
            let hit = [Hit::Kick, Hit::Snare, Hit::Hat][(noise.next().abs() * 2.99) as usize];
            add(&mut x, t, hit, &mut noise);
            t += f64::from(noise.next().abs() + 0.02) / rate;
        }
        let gain = 10f64.powf(level) as f32;
        x.iter_mut().for_each(|v| *v *= gain);
        let r = run(&x);
        assert_sound(&r.grid);
        for h in &r.hypotheses {
            prop_assert!(h.beats.windows(2).all(|w| w[1] > w[0]));
            prop_assert!(h.score.is_finite());
        }
    }

    /// Grids read another way are grids, and reading twice as fast and then half as fast is where we were.
    #[test]
    fn other_readings_are_grids(n in 2usize..60, period in 100.0f64..30_000.0, first in 0usize..4, by in -9i32..9) {
        let g = BeatGrid {
            beats: (0..n).map(|k| 10.0 + k as f64 * period).collect(),
            downbeats: (first..n).step_by(4).collect(),
            beats_per_bar: 4,
            tempo: Bpm(120.0),
            constant: true,
            confidence: 0.5,
            source: GridSource::Tracked,
        };
        for h in [g.divided(2), g.divided(3), g.merged(2), g.shifted(by), g.with_meter(3), g.half_beat_later()] {
            assert_sound(&h);
        }
        let back = g.divided(2).merged(2);
        prop_assert!(back.beats.iter().zip(&g.beats).all(|(a, b)| (a - b).abs() < 1e-6));
        if n >= 8 {
            prop_assert_eq!(g.shifted(by).shifted(-by).downbeats, g.downbeats);
        }
    }
}

use std::f64::consts::TAU;

use super::sound::{RATE, Sound};
use super::*;
use crate::drums::class::Drum;

/// Reproducible noise in ±1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}

/// `seconds` of `f(time)` at `rate` Hz.
fn made(rate: u32, seconds: f64, mut f: impl FnMut(f64) -> f64) -> Vec<f32> {
    let n = (seconds * f64::from(rate)) as usize;
    (0..n).map(|i| f(i as f64 / f64::from(rate)) as f32).collect()
}

fn decay(t: f64, t60: f64) -> f64 {
    (-6.9 * t / t60).exp()
}

/// A sine that falls from 160 to 50 Hz.
fn kick(rate: u32) -> Vec<f32> {
    let mut phase = 0.0;
    made(rate, 0.5, |t| {
        phase += TAU * (50.0 + 110.0 * (-t / 0.03).exp()) / f64::from(rate);
        phase.sin() * decay(t, 0.4)
    })
}

/// Noise, differenced three times: only the treble is left.
fn hat(t60: f64) -> Vec<f32> {
    let mut noise = Noise(7);
    let mut past = [0.0; 3];
    made(RATE, 1.2 * t60, |t| {
        let mut x = noise.next();
        for p in &mut past {
            (x, *p) = ((x - *p) / 2.0, x);
        }
        x * decay(t, t60)
    })
}

/// A head at 190 Hz and a burst of noise.
fn snare() -> Vec<f32> {
    let mut noise = Noise(3);
    let mut past = 0.0;
    made(RATE, 0.3, |t| {
        let x = noise.next();
        let wires = x - 0.6 * past;
        past = x;
        0.5 * (TAU * 190.0 * t).sin() * decay(t, 0.12) + 0.5 * wires * decay(t, 0.25)
    })
}

/// A head at 180 Hz that rings.
fn tom() -> Vec<f32> {
    let mut phase = 0.0;
    made(RATE, 0.8, |t| {
        phase += TAU * (180.0 + 50.0 * (-t / 0.05).exp()) / f64::from(RATE);
        (phase.sin() + 0.2 * (1.59 * phase).sin() * decay(t, 0.2)) * decay(t, 0.7)
    })
}

fn row(samples: &[f32]) -> Vec<f32> {
    features::measure(&Sound::of(samples))
}

fn value(row: &[f32], name: &str) -> f32 {
    let at = features::names().iter().position(|n| n == name);
    row[at.unwrap_or_else(|| panic!("no feature `{name}`"))]
}

#[test]
fn names_are_unique_and_as_many_as_values() {
    let names = features::names();
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), names.len());
    assert_eq!(row(&kick(RATE)).len(), names.len());
}

#[test]
fn every_value_is_finite_for_every_input() {
    let mut click = vec![0.0f32; 1000];
    click[500] = 1.0;
    let broken = vec![f32::NAN, f32::INFINITY, 0.5, -0.5, f32::NEG_INFINITY];
    let constant = vec![0.25f32; 100_000];
    let mut noise = Noise(1);
    let long = made(RATE, 40.0, |_| noise.next());
    for (name, sound) in [
        ("nothing", vec![]),
        ("silence", vec![0.0; 50_000]),
        ("one sample", vec![1.0]),
        ("ten samples", vec![0.1, 0.9, -0.4, 0.2, 0.0, 0.3, -0.8, 0.1, 0.0, 0.2]),
        ("a click", click),
        ("broken", broken),
        ("constant", constant),
        ("noise", long),
        ("quiet", vec![1e-5; 3000]),
        ("square wave", made(RATE, 0.5, |t| (TAU * 100.0 * t).sin().signum())),
    ] {
        let row = row(&sound);
        assert!(row.iter().all(|x| x.is_finite() && x.abs() < 1e4), "{name}: {row:?}");
    }
}

#[test]
fn level_and_silence_before_make_no_difference() {
    let plain = snare();
    let expected = row(&plain);
    let quiet: Vec<f32> = plain.iter().map(|x| x * 0.01).collect();
    // A whole number of milliseconds' steps, so that the steps fall alike.
    let late: Vec<f32> = vec![0.0; 44 * 300].into_iter().chain(plain.iter().copied()).collect();
    for (what, other) in [("quiet", row(&quiet)), ("late", row(&late))] {
        for ((name, a), b) in features::names().iter().zip(&expected).zip(&other) {
            assert!((a - b).abs() < 0.05 + 0.01 * a.abs(), "{what} {name}: {a} {b}");
        }
    }
}

#[test]
fn features_tell_what_they_are_named_after() {
    let (kick, closed, open) = (row(&kick(RATE)), row(&hat(0.06)), row(&hat(0.8)));
    // Half of a kick's energy lies near its 50 Hz, of a hat's above 5 kHz.
    assert!(value(&kick, "shape_9") < (100.0f32 / 55.0).log2());
    assert!(value(&closed, "shape_2") > (5000.0f32 / 55.0).log2());
    assert!((value(&kick, "tone_1") - (50.0f32 / 55.0).log2()).abs() < 0.35);
    // 20 dB of a decay of 60 dB in 60 ms take 20 ms, in 800 ms 267 ms.
    let ms = |row: &[f32]| value(row, "fall_2").exp2() - 1.0;
    assert!((ms(&closed) - 20.0).abs() < 8.0, "{}", ms(&closed));
    assert!((ms(&open) - 267.0).abs() < 40.0, "{}", ms(&open));
    // Noise is flat, a tone is not.
    assert!(value(&open, "flatness_early_4") > -5.5);
    let beep = row(&made(RATE, 0.3, |t| (TAU * 3000.0 * t).sin()));
    assert!(value(&beep, "flatness_early_3") < -15.0);
    let hum = row(&made(RATE, 0.3, |t| (TAU * 220.0 * t).sin()));
    assert!(value(&hum, "periodicity_0") > 0.98);
    assert!(value(&open, "periodicity_0") < 0.3);
}

#[test]
fn the_bursts_of_a_clap_are_counted() {
    let mut noise = Noise(9);
    let clap = made(RATE, 0.3, |t| {
        let burst = if t < 0.036 {
            decay(t % 0.012, 0.012)
        } else {
            0.8 * decay(t - 0.036, 0.2)
        };
        noise.next() * burst
    });
    assert_eq!(value(&row(&clap), "bumps_0"), 3.0);
    assert_eq!(value(&row(&kick(RATE)), "bumps_0"), 0.0);
}

#[test]
fn cepstrum_is_that_of_the_bands() {
    let row = row(&snare());
    let bands: Vec<f64> = (0..20)
        .map(|b| f64::from(value(&row, &format!("mel_0_20_{b}"))))
        .collect();
    assert!(bands.iter().all(|x| (-80.01..=0.01).contains(x)));
    // The first cepstral coefficient of 0-50 ms falls with treble: of a hat it is below that of a kick.
    assert!(value(&self::row(&hat(0.06)), "mfcc_0_50_0") < value(&self::row(&kick(RATE)), "mfcc_0_50_0") - 50.0);
}

fn sounds() -> [(Drum, Vec<f32>); 5] {
    [
        (Drum::Kick, kick(RATE)),
        (Drum::Snare, snare()),
        (Drum::HatClosed, hat(0.06)),
        (Drum::HatOpen, hat(0.8)),
        (Drum::Tom, tom()),
    ]
}

#[test]
fn rules_know_the_plainest_sounds() {
    let rules = Classifier::default();
    assert_eq!(rules.id(), "rules");
    for (drum, sound) in sounds() {
        if matches!(drum, Drum::Kick | Drum::Snare | Drum::HatClosed) {
            assert_eq!(rules.classify(&sound, RATE).unwrap().best(), Class::Drum(drum));
        }
    }
}

#[test]
fn silence_is_silence() {
    let ranked = Classifier::default().classify(&[0.0; 4000], 48_000).unwrap();
    assert_eq!(ranked.best(), Class::Silence);
    assert_eq!(ranked.probability(Class::Silence), 1.0);
}

#[test]
fn ranks_by_probability_and_sums_to_one() {
    let (a, b, c) = (Class::Drum(Drum::Kick), Class::Drum(Drum::Tom), Class::Drum(Drum::Perc));
    let ranked = Ranked::new(vec![(a, 1.0), (b, 3.0), (c, f32::NAN)]);
    assert_eq!(ranked.classes(), [(b, 0.75), (a, 0.25), (c, 0.0)]);
    assert_eq!(ranked.best(), b);
    assert_eq!(Ranked::new(vec![]).best(), Class::Silence);
}

#[cfg(feature = "onnx")]
mod with_network {
    use super::super::network::OneShotNetwork;
    use super::*;

    const ONNX: &[u8] = include_bytes!("../../../../models/drums/oneshots.onnx");
    const DESCRIPTION: &str = include_str!("../../../../models/drums/oneshots.json");

    #[test]
    fn knows_the_plainest_sounds_at_any_rate() {
        let classifier = load::shipped().unwrap();
        for (drum, sound) in sounds() {
            let ranked = classifier.classify(&sound, RATE).unwrap();
            assert_eq!(ranked.best(), Class::Drum(drum), "{ranked:?}");
            let sum: f32 = ranked.classes().iter().map(|(_, p)| p).sum();
            assert!((sum - 1.0).abs() < 1e-4);
        }
        for rate in [22_050, 48_000, 96_000] {
            let ranked = classifier.classify(&kick(rate), rate).unwrap();
            assert_eq!(ranked.best(), Class::Drum(Drum::Kick), "{rate}: {ranked:?}");
        }
    }

    #[test]
    fn answers_whatever_is_asked() {
        let classifier = load::shipped().unwrap();
        for sound in [vec![1.0f32], vec![0.3; 10], vec![0.5; 200_000]] {
            let ranked = classifier.classify(&sound, RATE).unwrap();
            assert!(ranked.classes().iter().all(|(_, p)| (0.0..=1.0).contains(p)));
        }
    }

    #[test]
    fn descriptions_that_do_not_fit_are_refused() {
        let refused = |from: &str, to: &str| {
            let changed = DESCRIPTION.replacen(from, to, 1);
            assert_ne!(changed, DESCRIPTION, "{from}");
            OneShotNetwork::of("x", ONNX, &changed).unwrap_err().to_string()
        };
        assert!(refused("\"mel_0_20_0\"", "\"mel_0_20_99\"").contains("`mel_0_20_99`, which is not known"));
        assert!(refused("\"kick\"", "\"gong\"").contains("`gong`"));
        assert!(refused("\"rate\": 44100", "\"rate\": 22050").contains("22050"));
        assert!(refused("\"version\": 1", "\"version\": 2").contains("version 2"));
        assert!(refused("\"kick\", ", "").contains("for 12 classes"));
        assert!(refused("{", "[").contains("description"));
    }
}

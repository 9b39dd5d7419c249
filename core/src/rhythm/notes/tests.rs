use std::f64::consts::TAU;

use super::*;
use crate::dsp::median::running_median;
use crate::dsp::stft::hann;
use crate::progress::Silent;

const RATE: u32 = 44_100;

/// Uniform noise from −1 to 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

/// Music in the making.
struct Score {
    x: Vec<f32>,
    noise: Noise,
}

impl Score {
    fn new(seconds: f64) -> Self {
        Self {
            x: vec![0.0; (seconds * f64::from(RATE)) as usize],
            noise: Noise(7),
        }
    }

    fn add(&mut self, at: f64, seconds: f64, mut wave: impl FnMut(f64) -> f64) {
        let from = (at * f64::from(RATE)).round() as usize;
        let n = (seconds * f64::from(RATE)) as usize;
        for (i, x) in self.x.iter_mut().skip(from).take(n).enumerate() {
            *x += wave(i as f64 / f64::from(RATE)) as f32;
        }
    }

    /// Eight partials that die away, the higher the sooner.
    fn pluck(&mut self, at: f64, midi: i32, level: f64) {
        let hz = pitch(midi);
        self.add(at, 1.0, |t| {
            let partial = |k: f64| (TAU * hz * k * t).sin() / k * (-t * (3.0 + 2.0 * k)).exp();
            level * (t / 0.002).min(1.0) * (1..=8).map(|k| partial(f64::from(k))).sum::<f64>()
        });
    }

    /// Partials that swell for `attack` seconds and hold.
    fn pad(&mut self, at: f64, seconds: f64, midi: i32, attack: f64, level: f64) {
        let hz = pitch(midi);
        self.add(at, seconds, |t| {
            let gain = (t / attack).min(1.0) * ((seconds - t) / 0.08).clamp(0.0, 1.0);
            let partial = |k: f64| (TAU * hz * k * t + k).sin() / k;
            level * gain * (1..=6).map(|k| partial(f64::from(k))).sum::<f64>()
        });
    }

    /// Noise without its lows.
    fn hat(&mut self, at: f64, level: f64) {
        let mut noise = Noise(self.noise.0 ^ 0x5555);
        let mut last = [0.0f32; 3];
        self.add(at, 0.12, |t| {
            let n = noise.next();
            let high = n - 3.0 * last[0] + 3.0 * last[1] - last[2];
            last = [n, last[0], last[1]];
            level * f64::from(high) * (-t * 50.0).exp()
        });
        self.noise.next();
    }

    /// A sine that falls from 200 to 50 Hz.
    fn kick(&mut self, at: f64, level: f64) {
        let mut phase = 0.0;
        self.add(at, 0.4, |t| {
            phase += TAU * (50.0 + 150.0 * (-t * 40.0).exp()) / f64::from(RATE);
            level * phase.sin() * (-t * 12.0).exp()
        });
    }

    fn heard(&self, heard: Heard) -> Vec<f64> {
        let notes = onsets(&self.x, RATE, heard, &Silent).unwrap();
        assert!(notes.windows(2).all(|w| w[0].time < w[1].time));
        assert!(notes.iter().all(|n| n.strength >= THRESHOLD && n.time >= 0.0));
        notes.iter().map(|n| n.time).collect()
    }
}

fn pitch(midi: i32) -> f64 {
    440.0 * (f64::from(midi - 69) / 12.0).exp2()
}

/// How many of `truth` were heard within `tolerance`, each once; and the median error of those in seconds.
fn compare(heard: &[f64], truth: &[f64], tolerance: f64) -> (usize, f64) {
    let mut free = heard.to_vec();
    let mut errors = Vec::new();
    for t in truth {
        let nearest = (0..free.len()).min_by(|a, b| (free[*a] - t).abs().total_cmp(&(free[*b] - t).abs()));
        if let Some(i) = nearest.filter(|i| (free[*i] - t).abs() <= tolerance) {
            errors.push((free.remove(i) - t).abs());
        }
    }
    errors.sort_by(f64::total_cmp);
    (errors.len(), errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN))
}

/// 64 sixteenths at 120 BPM, after half a second.
fn arpeggio() -> (Score, Vec<f64>) {
    let mut score = Score::new(9.5);
    let times: Vec<f64> = (0..64).map(|i| 0.5 + 0.125 * f64::from(i)).collect();
    for (i, &t) in times.iter().enumerate() {
        let midi = [57, 60, 64, 69, 72, 67, 60, 64][i % 8] + [0, 3, -2, 5][i / 16];
        score.pluck(t, midi, 0.15);
    }
    (score, times)
}

#[test]
fn every_sixteenth_of_an_arpeggio_is_heard_at_its_attack() {
    let (score, times) = arpeggio();
    let heard = score.heard(Heard::Notes);
    let (found, error) = compare(&heard, &times, 0.025);
    assert!(found >= 62 && heard.len() <= 66, "{found} of 64 in {}", heard.len());
    assert!(error < 0.004, "{error}");
}

#[test]
fn hats_and_kicks_over_the_notes_change_little() {
    let (mut score, times) = arpeggio();
    for i in 0..16 {
        score.kick(0.5 + 0.5 * f64::from(i), 0.5);
        score.hat(0.75 + 0.5 * f64::from(i), 0.05);
    }
    let heard = score.heard(Heard::Notes);
    let (found, error) = compare(&heard, &times, 0.025);
    assert!(found >= 60 && heard.len() <= 70, "{found} of 64 in {}", heard.len());
    assert!(error < 0.005, "{error}");
}

#[test]
fn chords_that_swell_are_heard() {
    let mut score = Score::new(17.0);
    let times: Vec<f64> = (0..16).map(|i| 0.5 + f64::from(i)).collect();
    for (i, &t) in times.iter().enumerate() {
        let attack = [0.03, 0.05, 0.08][i % 3];
        for third in [0, 4, 7] {
            score.pad(t, 1.02, 52 + third + [0, 5, -4, 3][i % 4], attack, 0.08);
        }
    }
    let heard = score.heard(Heard::Notes);
    let (found, error) = compare(&heard, &times, 0.06);
    assert!(found >= 15 && heard.len() <= 18, "{found} of 16 in {heard:?}");
    // The middle of the swell.
    assert!(error < 0.045, "{error}");
}

#[test]
fn drums_between_the_notes_are_no_notes() {
    let mut score = Score::new(17.0);
    let mut truth = Vec::new();
    for bar in 0..8 {
        let t = 0.5 + 2.0 * f64::from(bar);
        truth.push(t);
        for third in [0, 3, 7] {
            score.pad(t, 2.02, 57 + third + [0, -4, 3, 5][bar as usize % 4], 0.04, 0.06);
        }
        for i in 1..16 {
            score.hat(t + 0.125 * f64::from(i), 0.04);
        }
    }
    let heard = score.heard(Heard::Notes);
    let (found, _) = compare(&heard, &truth, 0.06);
    let false_ones = heard.len() - found;
    // 120 hats.
    assert!(
        found >= 7 && false_ones <= 6,
        "{found} of 8, {false_ones} hats in {heard:?}"
    );
    // They are there to be heard, where everything is wanted.
    let all = score.heard(Heard::Mix);
    assert!(all.len() >= 60, "{}", all.len());
}

#[test]
fn nothing_is_heard_in_silence_and_little_in_noise() {
    assert_eq!(onsets(&[], RATE, Heard::Notes, &Silent), Ok(Vec::new()));
    assert_eq!(onsets(&[0.0; 50_000], RATE, Heard::Mix, &Silent), Ok(Vec::new()));
    assert_eq!(onsets(&[f32::NAN; 50_000], RATE, Heard::Mix, &Silent), Ok(Vec::new()));
    let mut noise = Noise(3);
    let x: Vec<f32> = (0..RATE as usize * 10).map(|_| 0.3 * noise.next()).collect();
    let heard = onsets(&x, RATE, Heard::Notes, &Silent).unwrap();
    assert!(heard.len() <= 5, "{heard:?}");
    // Rates that make no sense are no reason to fail.
    for rate in [1, 50, 8000, 192_000] {
        assert!(onsets(&x[..20_000], rate, Heard::Notes, &Silent).is_ok());
    }
}

#[test]
fn level_and_rate_do_not_matter() {
    let (score, times) = arpeggio();
    let soft: Vec<f32> = score.x.iter().map(|x| 0.01 * x).collect();
    let at = |x: &[f32], rate| onsets(x, rate, Heard::Notes, &Silent).unwrap();
    let (a, b) = (at(&score.x, RATE), at(&soft, RATE));
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(&b).all(|(a, b)| (a.time - b.time).abs() < 1e-3));
    let halved: Vec<f64> = at(&halve(&score.x), RATE / 2).iter().map(|n| n.time).collect();
    let (found, error) = compare(&halved, &times, 0.025);
    assert!(found >= 62 && error < 0.004, "{found}, {error}");
}

#[test]
fn cancelled_work_is_given_up() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let (score, _) = arpeggio();
    assert_eq!(onsets(&score.x, RATE, Heard::Notes, &Stop), Err(Cancelled));
}

/// The curve by its definition: a DFT in double precision, medians by sorting, every frame kept.
#[test]
fn the_curve_is_what_it_is_defined_to_be() {
    let rate = 4000.0;
    let n_fft = 256;
    let hop = n_fft / OVERLAP;
    let mut noise = Noise(1);
    let x: Vec<f32> = (0..2100)
        .map(|i| {
            let t = i as f64 / rate;
            let hz = if i < 900 { 440.0 } else { 587.0 };
            (0.2 * (TAU * hz * t).sin() + 0.1 * (TAU * 3.0 * hz * t).sin()) as f32 + 0.02 * noise.next()
        })
        .collect();
    let bands = Bands::new(rate, n_fft, PITCHED);
    let bins = (bands.reach() + 15).min(n_fft / 2 + 1);
    let window = hann(n_fft);
    let frames = frame_count(x.len(), hop);
    let levels: Vec<Vec<f64>> = (0..frames)
        .map(|t| {
            let magnitude = |k: usize| {
                let (mut re, mut im) = (0.0f64, 0.0f64);
                for (i, w) in window.iter().enumerate() {
                    let at = (t * hop + i).checked_sub(n_fft / 2).and_then(|at| x.get(at));
                    let v = at.map_or(0.0, |v| f64::from(*v) * f64::from(*w));
                    let angle = TAU * (i * k) as f64 / n_fft as f64;
                    re += v * angle.cos();
                    im += v * angle.sin();
                }
                re.hypot(im)
            };
            let s: Vec<f64> = (0..bins).map(magnitude).collect();
            let single: Vec<f32> = s.iter().map(|x| *x as f32).collect();
            let mut median = vec![0.0; bins];
            running_median(&single, 31, &mut median);
            let pitched: Vec<f64> = s
                .iter()
                .zip(&median)
                .map(|(s, m)| s * s * s / (s * s + f64::from(MARGIN * m).powi(2)))
                .collect();
            let level = |(first, weights): &(usize, Vec<f32>)| {
                let sum: f64 = weights
                    .iter()
                    .zip(&pitched[*first..])
                    .map(|(w, p)| f64::from(*w) * p)
                    .sum();
                (1.0 + f64::from(GAIN) * 4.0 / n_fft as f64 * sum).log10()
            };
            bands.0.iter().map(level).collect()
        })
        .collect();
    let of = |seconds: f64| ((seconds * rate / hop as f64).round() as usize).max(1);
    let (lag, hold) = (of(LAG), of(HOLD));
    let made = curve(&x, rate, n_fft, Heard::Notes, &Silent).unwrap();
    assert_eq!(made.len(), frames);
    for (t, made) in made.iter().enumerate() {
        let after = &levels[t..(t + hold + 1).min(frames)];
        let exact: f64 = (0..bands.0.len())
            .filter(|_| t >= lag)
            .map(|b| {
                let mean = after.iter().map(|l| l[b]).sum::<f64>() / after.len() as f64;
                let from = &levels[t - lag];
                let widest = from[b.saturating_sub(1)..(b + 2).min(from.len())]
                    .iter()
                    .copied()
                    .fold(0.0, f64::max);
                (mean - widest).max(0.0)
            })
            .sum();
        assert!((f64::from(*made) - exact).abs() < 2e-3, "frame {t}: {made} for {exact}");
    }
    assert!(made.iter().copied().fold(0.0, f32::max) > THRESHOLD);
}

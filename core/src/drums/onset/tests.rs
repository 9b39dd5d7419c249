use super::*;
use crate::progress::Silent;

/// A decaying burst of noise from sample `at` on, `gain` loud.
fn burst(signal: &mut [f32], at: usize, gain: f32, decay: f32) {
    let mut state = 0x1234_5678u32 ^ at as u32;
    for (i, x) in signal[at..].iter_mut().take((decay * 8.0) as usize).enumerate() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0;
        *x += gain * noise * (-(i as f32) / decay).exp();
    }
}

/// A kick: a sine that falls from 120 to 50 Hz.
fn kick(signal: &mut [f32], at: usize, gain: f32) {
    let mut phase = 0.0f32;
    for (i, x) in signal[at..].iter_mut().take(12_000).enumerate() {
        let t = i as f32 / 44100.0;
        phase += std::f32::consts::TAU * (50.0 + 70.0 * (-t * 40.0).exp()) / 44100.0;
        *x += gain * phase.sin() * (-t * 30.0).exp();
    }
}

fn times(signal: &[f32], rate: u32) -> Vec<f64> {
    let found = find(signal, rate, PLAIN, &Silent).unwrap();
    found.iter().map(|o| o.time).collect()
}

#[test]
fn attacks_are_found_to_the_millisecond() {
    // Positions that no hop divides, hits loud and 20 dB softer, of short and long decay.
    let at: Vec<usize> = (0..24).map(|i| 3001 + i * 10_007 + (i * i * 37) % 211).collect();
    let mut signal = vec![0.0; 260_000];
    for (i, &at) in at.iter().enumerate() {
        burst(
            &mut signal,
            at,
            if i % 3 == 2 { 0.1 } else { 0.8 },
            if i % 2 == 0 { 400.0 } else { 1500.0 },
        );
    }
    let got = times(&signal, RATE);
    assert_eq!(got.len(), at.len());
    for (got, at) in got.iter().zip(&at) {
        let error = got - *at as f64 / 44100.0;
        assert!(error.abs() < 0.001, "{at}: {:.2} ms", error * 1e3);
    }
}

#[test]
fn kicks_are_found_to_two_milliseconds() {
    // A sine has no edge: it takes a millisecond or two to be there.
    let mut signal = vec![0.0; 200_000];
    for i in 0..8 {
        kick(&mut signal, 5003 + i * 22_051, 0.8);
    }
    let got = times(&signal, RATE);
    assert_eq!(got.len(), 8);
    for (i, got) in got.iter().enumerate() {
        let error = got - (5003 + i * 22_051) as f64 / 44100.0;
        assert!(error.abs() < 0.002, "{:.2} ms", error * 1e3);
    }
}

#[test]
fn other_rates_and_gains_give_the_same_times() {
    let mut signal = vec![0.0; 100_000];
    for i in 0..8 {
        burst(&mut signal, 4000 + i * 12_000, 0.5, 900.0);
    }
    let expected = times(&signal, RATE);
    let quiet: Vec<f32> = signal.iter().map(|x| x * 0.01).collect();
    for (a, b) in expected.iter().zip(times(&quiet, RATE)) {
        assert!((a - b).abs() < 1e-6);
    }
    let other = crate::audio::resample::to_rate(&signal, RATE, 48_000).unwrap();
    let other = times(&other, 48_000);
    assert_eq!(other.len(), expected.len());
    for (a, b) in expected.iter().zip(other) {
        assert!((a - b).abs() < 0.0005, "{a} {b}");
    }
}

#[test]
fn a_hit_at_the_very_start_counts() {
    let mut signal = vec![0.0; 40_000];
    burst(&mut signal, 0, 0.8, 900.0);
    burst(&mut signal, 20_000, 0.8, 900.0);
    let got = times(&signal, RATE);
    assert_eq!(got.len(), 2);
    assert!(got[0] < 0.002, "{}", got[0]);
}

#[test]
fn vibrato_is_no_onset() {
    let mut phase = 0.0f64;
    let mut signal: Vec<f32> = (0..220_500)
        .map(|i| {
            let t = f64::from(i) / 44100.0;
            let hz = 880.0 * (1.0 + 0.01 * (std::f64::consts::TAU * 6.0 * t).sin());
            phase += std::f64::consts::TAU * hz / 44100.0;
            ((1..6).map(|h| (phase * f64::from(h)).sin() / f64::from(h)).sum::<f64>() * 0.2) as f32
        })
        .collect();
    for i in 0..4 {
        burst(&mut signal, 20_000 + i * 50_000, 0.5, 900.0);
    }
    let got = times(&signal, RATE);
    let hits = got
        .iter()
        .filter(|t| (0..4).any(|i| (**t - f64::from(20_000 + i * 50_000) / 44100.0).abs() < 0.005));
    assert_eq!(hits.count(), 4);
    // The tone's own beginning, and little else.
    assert!(got.len() <= 6, "{got:?}");
}

#[test]
fn silence_nothing_and_nonsense_have_no_onsets() {
    assert!(times(&[], RATE).is_empty());
    assert!(times(&[0.0; 50_000], RATE).is_empty());
    assert!(times(&[f32::NAN; 5000], RATE).is_empty());
    assert!(find(&[0.5; 100], 0, PLAIN, &Silent).is_err());
    assert!(times(&[0.5], RATE).len() <= 1);
}

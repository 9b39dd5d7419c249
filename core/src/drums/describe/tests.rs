use std::f64::consts::TAU;

use super::*;
use crate::progress::Silent;

fn noise(n: usize) -> Vec<f32> {
    let mut state = 5u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

fn tone(n: usize, hz: f64) -> Vec<f32> {
    (0..n)
        .map(|i| (0.5 * (TAU * hz * i as f64 / 44100.0).sin()) as f32)
        .collect()
}

/// Centroid, roll-off and flatness by the definition, in double precision.
fn textbook(x: &[f32], n_fft: usize, hop: usize) -> [f64; 3] {
    let frames = 1 + x.len() / hop;
    let mut sums = [0.0; 3];
    for t in 0..frames {
        let mut mags = Vec::new();
        for k in 0..=n_fft / 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for i in 0..n_fft {
                let at = (t * hop + i) as isize - (n_fft / 2) as isize;
                let v = usize::try_from(at)
                    .ok()
                    .and_then(|a| x.get(a))
                    .map_or(0.0, |v| f64::from(*v));
                let w = 0.5 - 0.5 * (TAU * i as f64 / n_fft as f64).cos();
                let a = TAU * (i * k % n_fft) as f64 / n_fft as f64;
                re += v * w * a.cos();
                im -= v * w * a.sin();
            }
            mags.push(re.hypot(im));
        }
        let hz = |k: usize| k as f64 * 44100.0 / n_fft as f64;
        let total: f64 = mags.iter().sum();
        sums[0] += mags.iter().enumerate().map(|(k, m)| hz(k) * m).sum::<f64>() / total;
        let mut below = 0.0;
        sums[1] += hz(mags
            .iter()
            .position(|m| {
                below += m;
                below >= 0.85 * total
            })
            .unwrap());
        let p: Vec<f64> = mags.iter().map(|m| (m * m).max(1e-10)).collect();
        let n = p.len() as f64;
        sums[2] += (p.iter().map(|p| p.ln()).sum::<f64>() / n).exp() / (p.iter().sum::<f64>() / n);
    }
    sums.map(|s| s / frames as f64)
}

#[test]
fn spectra_follow_their_definitions() {
    for x in [noise(700), tone(1000, 3000.0)] {
        let got = spectrum(&x);
        let expected = textbook(&x, 512, 128);
        for (got, expected) in got.iter().zip(expected) {
            assert!(
                (f64::from(*got) - expected).abs() < 2e-3 * expected + 1e-4,
                "{got} {expected}"
            );
        }
    }
}

#[test]
fn tones_and_noise_are_told_apart() {
    let mut passage = noise(44_100);
    passage.extend(tone(44_100, 300.0));
    let describer = Describer::new(&passage, &Silent).unwrap();
    let (n, t) = (describer.describe(8000, 20_000), describer.describe(60_000, 72_000));
    assert!(n.flatness > 0.4 && t.flatness < 0.01, "{} {}", n.flatness, t.flatness);
    assert!(
        n.perc_ratio > 0.45 && t.perc_ratio < 0.1,
        "{} {}",
        n.perc_ratio,
        t.perc_ratio
    );
    assert!((n.harm_ratio + n.perc_ratio - 1.0).abs() < 1e-5);
    // Two crossings a period; half the samples of white noise.
    assert!((t.zcr - 600.0 / 44100.0).abs() < 2e-4, "{}", t.zcr);
    assert!((n.zcr - 0.5).abs() < 0.02, "{}", n.zcr);
    assert!((t.rms - 0.5 / 2f32.sqrt()).abs() < 1e-3);
    assert!((t.f0_median.unwrap() - 300.0).abs() < 1.0 && t.f0_std.unwrap() < 1.0);
    assert!((t.duration - 12_000.0 / 44_100.0).abs() < 1e-6);
    assert!(t.f0_frames >= 5);
}

#[test]
fn nothing_and_short_hits_are_described() {
    let x = tone(3000, 200.0);
    let describer = Describer::new(&x, &Silent).unwrap();
    assert_eq!(describer.describe(100, 100), Description::default());
    assert_eq!(describer.describe(9000, 9100).duration, 0.0);
    let short = describer.describe(0, 300);
    assert!(short.f0_median.is_none() && short.centroid.is_finite() && short.rms > 0.0);
    let silent = vec![0.0; 5000];
    let d = Describer::new(&silent, &Silent).unwrap().describe(0, 5000);
    assert_eq!((d.rms, d.centroid, d.zcr, d.harm_ratio), (0.0, 0.0, 0.0, 0.0));
    assert!((f64::from(d.flatness) - 1.0).abs() < 1e-3);
}

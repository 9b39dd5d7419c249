use super::*;
use crate::progress::Silent;

/// Bursts of noise 0.3 s apart, the odd ones low sines, over a soft noise floor.
fn signal() -> Vec<f32> {
    let mut state = 7u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    let mut x: Vec<f32> = (0..120_000).map(|_| 1e-4 * noise()).collect();
    for hit in 0..8usize {
        for i in 0..9000 {
            let t = i as f32 / 44100.0;
            let tone = (std::f32::consts::TAU * 60.0 * t).sin() * (-t * 15.0).exp();
            let burst = noise() * (-t * 60.0).exp();
            x[4001 + hit * 13_230 + i] += 0.5 * if hit % 2 == 0 { burst } else { tone };
        }
    }
    x
}

#[test]
fn columns_cover_the_time_without_gaps() {
    let mut step = -10;
    for (first, width) in COLUMNS {
        assert_eq!(first, step);
        step += width as isize;
    }
    assert_eq!(step, 54);
    assert_eq!(COLUMNS[ATTACK], (0, 1));
}

#[test]
fn shapes_fit_and_values_are_sane() {
    let found = Candidates::of(&signal(), RATE, &Silent).unwrap();
    let n = found.len();
    assert!(n >= 8);
    assert_eq!(found.patch.len(), n * BANDS * FRAMES);
    assert_eq!(found.low.len(), n * LOW_BANDS * LOW_FRAMES);
    assert_eq!(found.scalars.len(), n * SCALARS);
    for x in found.patch.iter().chain(&found.low) {
        assert!((FLOOR..2.0).contains(x), "{x}");
    }
    assert!(found.scalars.iter().all(|x| x.is_finite() && x.abs() < 12.0));
}

#[test]
fn a_patch_rises_at_the_attack_and_low_bands_know_a_low_tone() {
    let found = Candidates::of(&signal(), RATE, &Silent).unwrap();
    let near = |t: f64| {
        let by = |i: &usize| ((found.onsets[*i].time - t).abs() * 1e6) as u64;
        (0..found.len()).min_by_key(by).unwrap()
    };
    for hit in 0..8usize {
        let i = near((4001 + hit * 13_230) as f64 / 44100.0);
        let patch = found.patch(i);
        let column = |c: usize| (0..BANDS).map(|b| patch[b * FRAMES + c]).sum::<f32>() / BANDS as f32;
        if hit % 2 == 0 {
            assert!(column(ATTACK + 2) - column(ATTACK - 4) > 1.0, "hit {hit}");
            assert!(column(ATTACK + 2) > column(FRAMES - 1) + 1.0, "hit {hit}");
        }
        let low = found.low(i);
        // 60 Hz lies in bin 5.6, so in bands 3 and 4; its window begins at the attack.
        let tone = low[3 * LOW_FRAMES + 3].max(low[4 * LOW_FRAMES + 3]);
        assert_eq!(tone > -0.5, hit % 2 == 1, "hit {hit}: {tone}");
    }
}

#[test]
fn gain_does_not_matter() {
    let loud = signal();
    let quiet: Vec<f32> = loud.iter().map(|x| x * 0.05).collect();
    let (a, b) = (
        Candidates::of(&loud, RATE, &Silent).unwrap(),
        Candidates::of(&quiet, RATE, &Silent).unwrap(),
    );
    assert_eq!(a.len(), b.len());
    for (a, b) in [(&a.patch, &b.patch), (&a.low, &b.low), (&a.scalars, &b.scalars)] {
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 0.02, "{a} {b}");
        }
    }
}

#[test]
fn a_patch_is_the_mean_of_interpolated_frames() {
    // A ramp in time: interpolation and means of a line are exact.
    let mel: Vec<f32> = (0..400 * BANDS).map(|i| -60.0 + 0.1 * (i / BANDS) as f32).collect();
    let mut out = vec![0.0; BANDS * FRAMES];
    let time = 100.3 * HOP as f64 / f64::from(RATE);
    spectrum(&mel, 0.0, time, &mut out);
    for (c, (first, width)) in COLUMNS.into_iter().enumerate() {
        let centre = 100.3 + first as f64 + (width - 1) as f64 / 2.0;
        let expected = (-60.0 + 0.1 * centre) / 20.0;
        assert!((f64::from(out[c]) - expected).abs() < 1e-4, "column {c}");
    }
}

#[test]
fn silence_has_no_candidates() {
    assert!(Candidates::of(&[0.0; 10_000], RATE, &Silent).unwrap().is_empty());
    assert!(Candidates::of(&[], RATE, &Silent).unwrap().is_empty());
}

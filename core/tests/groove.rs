//! A break becomes a kit and a groove; played together they give the break back.

use std::f64::consts::TAU;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::drums::class::{Class, Drum};
use loopwright_core::drums::{assemble, hits, model, render};
use loopwright_core::progress::Silent;
use loopwright_core::units::Span;

const RATE: u32 = 44_100;
const BEAT: f64 = 60.0 / 126.0;

/// Two bars of kick, snare and hat, each hit of a drum the same but for its level; and where they were struck.
fn machine() -> (Vec<f32>, Vec<f64>) {
    let rate = f64::from(RATE);
    let mut x = vec![0.0f32; (8.0 * BEAT * rate).round() as usize];
    let mut struck = Vec::new();
    for eighth in 0..16u32 {
        let time = f64::from(eighth) * BEAT / 2.0;
        struck.push(time);
        let from = (time * rate).round() as usize;
        let level = if eighth % 2 == 0 { 1.0 } else { 0.6 };
        let mut noise = 7u32;
        for (i, v) in x[from..].iter_mut().take(8_000).enumerate() {
            let t = i as f64 / rate;
            let fade = 1.0 - i as f64 / 8_000.0;
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise) / f64::from(u32::MAX) * 2.0 - 1.0;
            let sound = match eighth % 8 {
                0 | 5 => (-t * 14.0).exp() * (TAU * (50.0 * t + 5.0 * (1.0 - (-t * 35.0).exp()))).sin() * 0.7,
                2 | 6 => (-t * 22.0).exp() * (0.4 * hiss + 0.3 * (TAU * 190.0 * t).sin()),
                _ => (-t * 70.0).exp() * hiss * 0.25 * level,
            };
            *v += (fade * sound) as f32;
        }
    }
    (x, struck)
}

/// RMS in steps of 5 ms.
fn envelope(x: &[f32]) -> Vec<f64> {
    let step = RATE as usize / 200;
    let rms = |c: &[f32]| (c.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / step as f64).sqrt();
    x.chunks(step).map(rms).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let mean = |x: &[f64]| x[..n].iter().sum::<f64>() / n as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
    sum(&|i| (a[i] - ma) * (b[i] - mb))
        / (sum(&|i| (a[i] - ma).powi(2)) * sum(&|i| (b[i] - mb).powi(2)))
            .sqrt()
            .max(1e-30)
}

#[test]
fn a_break_played_on_its_own_kit_is_the_break() {
    let (x, struck) = machine();
    let frames = x.len();
    let audio = AudioBuffer::new(vec![x.clone(), x.iter().map(|v| 0.5 * v).collect()], RATE).unwrap();
    let span = Span {
        start: 0.0,
        end: frames as f64,
    };
    let model = model::shipped().unwrap();
    let hits = hits::of(&audio, span, model.as_deref(), &Silent).unwrap();
    assert_eq!(hits.hits.len(), struck.len());
    let kit = assemble::kit("test", &audio, &hits);
    let groove = assemble::groove("test", &audio, &kit, &hits, (0, frames), (8, 4));

    // Near-duplicates are one piece: three drums, the snare and the hat perhaps in two levels.
    assert!((3..=8).contains(&kit.pieces.len()), "{} pieces", kit.pieces.len());
    assert_eq!(groove.notes.len(), struck.len());
    assert!((groove.bpm - 126.0).abs() < 0.01);
    for note in &groove.notes {
        assert!(kit.pieces.iter().any(|p| p.note == note.note));
        assert!(note.time >= 0.0 && note.time + note.duration <= frames as f64 / f64::from(RATE) + 1e-9);
    }
    if model.is_some() {
        let has = |d: Drum| hits.clusters.iter().any(|c| c.class == Class::Drum(d));
        assert!(
            has(Drum::Kick) && has(Drum::Snare),
            "{:?}",
            hits.clusters.iter().map(|c| c.class).collect::<Vec<_>>()
        );
    }

    let played = render::render(&kit, &groove, frames);
    assert_eq!(played.len(), 2);
    let same = correlation(&envelope(&x), &envelope(&played[0]));
    assert!(same > 0.97, "envelopes correlate by {same}");
    // The hits lie on each other to the sample, so that the waveforms do too.
    let wave = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let same = correlation(&wave(&x), &wave(&played[0]));
    assert!(same > 0.9, "waveforms correlate by {same}");
}

#[test]
fn a_renamed_kind_plays_on_under_its_new_name() {
    let (x, _) = machine();
    let audio = AudioBuffer::new(vec![x], RATE).unwrap();
    let span = Span {
        start: 0.0,
        end: audio.frames() as f64,
    };
    let mut hits = hits::of(&audio, span, None, &Silent).unwrap();
    let count = hits.clusters[0].hits.len();
    assert!(hits.relabel(0, Class::Drum(Drum::Clap)));
    assert!(!hits.relabel(99, Class::Drum(Drum::Clap)));
    let kit = assemble::kit("test", &audio, &hits);
    let clap = kit.pieces.iter().find(|p| p.name == "clap_01").unwrap();
    assert_eq!(clap.note, 39);
    let groove = assemble::groove("test", &audio, &kit, &hits, (0, audio.frames()), (8, 4));
    assert!(groove.notes.iter().filter(|n| n.note == 39).count() >= count);
}

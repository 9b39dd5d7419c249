//! Cost of the drum work and its parts: `cargo bench -p loopwright-core --bench drums`.
//!
//! All on ten seconds at 44.1 kHz of a drum machine with eight hits a second, so that "× real time" is ten over the time
//! shown.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use loopwright_core::audio::AudioBuffer;
use loopwright_core::drums::patch::Candidates;
use loopwright_core::drums::{hits, model, onset, stem};
use loopwright_core::progress::Silent;
use loopwright_core::units::Span;

const RATE: u32 = 44_100;

fn machine() -> Vec<f32> {
    let mut noise = 1u32;
    (0..10 * RATE as usize)
        .map(|i| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hit = i / (RATE as usize / 8);
            let t = (i % (RATE as usize / 8)) as f32 / RATE as f32;
            let hiss = noise as f32 / u32::MAX as f32 * 2.0 - 1.0;
            match hit % 4 {
                0 => (-t * 20.0).exp() * (360.0 * t).sin() * 0.8,
                2 => (-t * 25.0).exp() * hiss * 0.5,
                _ => (-t * 80.0).exp() * hiss * 0.2,
            }
        })
        .collect()
}

fn drums(c: &mut Criterion) {
    let mut group = c.benchmark_group("ten seconds");
    group.sample_size(20);
    let signal = machine();
    group.bench_function("onsets", |b| {
        b.iter(|| onset::find(black_box(&signal), RATE, onset::PLAIN, &Silent));
    });
    group.bench_function("candidates", |b| {
        b.iter(|| Candidates::of(black_box(&signal), RATE, &Silent));
    });
    group.bench_function("percussive stem, stereo", |b| {
        b.iter(|| stem::percussive(black_box(&[&signal, &signal]), RATE));
    });
    let span = Span {
        start: 0.0,
        end: signal.len() as f64,
    };
    let Ok(audio) = AudioBuffer::new(vec![signal], RATE) else {
        return;
    };
    group.bench_function("hits by rules", |b| {
        b.iter(|| hits::of(black_box(&audio), span, None, &Silent));
    });
    if let Ok(Some(network)) = model::shipped() {
        group.bench_function("hits by network", |b| {
            b.iter(|| hits::of(black_box(&audio), span, Some(network.as_ref()), &Silent));
        });
    }
    group.finish();
}

criterion_group!(benches, drums);
criterion_main!(benches);

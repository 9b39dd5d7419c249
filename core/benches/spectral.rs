//! Cost of the spectral pass and its parts: `cargo bench -p loopwright-core --bench spectral`.
//!
//! All on ten seconds of noise at 44.1 kHz (862 frames of 2048/512), so that "× real time" is ten over the time shown.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use loopwright_core::analysis::key::Pitches;
use loopwright_core::analysis::spectrum::{BINS, HOP, N_FFT, RATE, analyse};
use loopwright_core::dsp::hpss::{Separator, separate};
use loopwright_core::dsp::median::{LANES, Padded, REACH, TILE, median_columns, running_median, tile31};
use loopwright_core::dsp::stft::{power, stream};
use loopwright_core::progress::Silent;

fn noise(n: usize) -> Vec<f32> {
    let mut state = 1u64;
    (0..n)
        .map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

fn medians(c: &mut Criterion) {
    let mut group = c.benchmark_group("median of 31, 16 frames of 1025 bins");
    let rows = noise(REACH * BINS);
    let reach: [&[f32]; REACH] = std::array::from_fn(|i| &rows[i * BINS..(i + 1) * BINS]);
    let mut out = vec![0.0; TILE * BINS];
    group.bench_function("along time", |b| b.iter(|| tile31(black_box(&reach), &mut out)));
    let mut padded = Padded::new(BINS);
    for (row, x) in padded.lines_mut().iter_mut().zip(rows.chunks_exact(LANES)) {
        row.copy_from_slice(x);
    }
    let mut lanes = vec![[0.0; LANES]; BINS];
    group.bench_function("along frequency", |b| {
        b.iter(|| black_box(&mut padded).median31(&mut lanes))
    });
    group.bench_function("one line at a time", |b| {
        b.iter(|| {
            for (line, out) in rows.chunks_exact(BINS).zip(out.chunks_exact_mut(BINS)) {
                running_median(black_box(line), 31, out);
            }
        })
    });
    group.bench_function("along time, width 19", |b| {
        b.iter(|| median_columns(black_box(&rows[..TILE * BINS]), BINS, 19))
    });
    group.finish();
}

fn passes(c: &mut Criterion) {
    let mut group = c.benchmark_group("ten seconds");
    group.sample_size(20);
    let signal = noise(10 * RATE as usize);
    let mut row = vec![0.0; BINS];
    group.bench_function("stft and power", |b| {
        b.iter(|| stream(black_box(&signal), N_FFT, HOP, |_, spectrum| power(spectrum, &mut row)))
    });
    let frames = noise(64 * BINS);
    group.bench_function("hpss masks", |b| {
        b.iter(|| {
            let mut separator = Separator::new(BINS);
            for t in 0..862 {
                let at = t % 64 * BINS;
                separator.push(&frames[at..at + BINS], |block| {
                    black_box(block);
                });
            }
            separator.finish(|block| {
                black_box(block);
            });
        })
    });
    group.bench_function("spectral pass", |b| {
        b.iter(|| {
            let sink = &mut |_: usize, magnitude: &[f32]| {
                black_box(magnitude);
            };
            analyse(black_box(&signal), RATE, sink, &Silent)
        })
    });
    group.bench_function("hpss waveforms", |b| {
        b.iter(|| separate(black_box(&signal), N_FFT, HOP))
    });
    group.bench_function("pitches", |b| {
        b.iter(|| Pitches::of(black_box(&signal), f64::from(RATE)))
    });
    group.finish();
}

criterion_group!(benches, medians, passes);
criterion_main!(benches);

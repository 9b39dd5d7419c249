//! Cost of comparing loops: `cargo bench -p loopwright-core --bench similarity`.
//!
//! Throughput is in cells of the cost matrix. 345 frames are eight seconds, 600 the most that is kept by default.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loopwright_core::similarity::dtw::exact::warp;
use loopwright_core::similarity::dtw::{Aligner, Frames};
use loopwright_core::similarity::sequence::{ROWS, Sequence};
use loopwright_core::similarity::spectral::eigen::symmetric;

fn noise(n: usize, mut state: u64) -> Vec<f32> {
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn sequence(frames: usize, seed: u64) -> Sequence {
    Sequence {
        frames: noise(frames * ROWS, seed).as_chunks::<ROWS>().0.to_vec(),
        step: 512.0 / 22_050.0,
    }
}

fn alignment(c: &mut Criterion) {
    let mut group = c.benchmark_group("subsequence DTW of a pair");
    for frames in [87, 345, 600] {
        let (a, b) = (sequence(frames, 1), sequence(frames, 2));
        let (query, other) = (Frames::of(&a), Frames::of(&b));
        group.throughput(Throughput::Elements((frames * frames) as u64));
        let mut aligner = Aligner::default();
        group.bench_function(format!("{frames} frames"), |bench| {
            bench.iter(|| aligner.pair(black_box(&query), black_box(&other)))
        });
    }
    let (a, b) = (sequence(345, 1), sequence(345, 2));
    group.throughput(Throughput::Elements(345 * 345));
    group.bench_function("345 frames, exact with path", |bench| {
        bench.iter(|| warp(black_box(&a), black_box(&b)))
    });
    // Noise lies about 0.5 apart; a neighbour would be a fifth of that.
    let (query, other) = (Frames::of(&a), Frames::of(&b));
    let mut aligner = Aligner::default();
    group.bench_function("345 frames, given up beyond 0.1", |bench| {
        bench.iter(|| aligner.pair_below(black_box(&query), black_box(&other), 0.1))
    });
    group.finish();
}

fn sequences(c: &mut Criterion) {
    let mono = noise(8 * 22_050, 3);
    c.bench_function("sequence of eight seconds", |bench| {
        bench.iter(|| Sequence::of(black_box(&mono)))
    });
}

fn eigenvectors(c: &mut Criterion) {
    let n = 200;
    let mut a: Vec<f64> = noise(n * n, 4).into_iter().map(f64::from).collect();
    for i in 0..n {
        for j in 0..i {
            a[j * n + i] = a[i * n + j];
        }
    }
    c.bench_function("all eigenvectors of 200", |bench| {
        bench.iter(|| symmetric(black_box(a.clone()), n))
    });
}

criterion_group!(benches, alignment, sequences, eigenvectors);
criterion_main!(benches);

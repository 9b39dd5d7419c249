//! One query against many loops: what `neighbors` does, and what an index saves.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loopwright_core::similarity::neighbors::index::Index;
use loopwright_core::similarity::neighbors::{Weights, rank};
use loopwright_core::similarity::profile::{CURVES, Profile, RHYTHM, TIMBRE};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

const LOOPS: usize = 5_000;

fn profiles() -> Vec<Profile> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    (0..LOOPS)
        .map(|_| {
            let mut rhythm: Vec<f32> = (0..RHYTHM).map(|_| rng.random_range(-1.0..1.0)).collect();
            for curve in rhythm.chunks_mut(RHYTHM / CURVES) {
                let length = curve.iter().map(|x| x * x).sum::<f32>().sqrt();
                curve.iter_mut().for_each(|x| *x /= length);
            }
            Profile {
                seconds: rng.random_range(1.0..16.0),
                rhythm,
                timbre: vec![0.0; TIMBRE],
                harmony: Vec::new(),
            }
        })
        .collect()
}

fn search(c: &mut Criterion) {
    let all = profiles();
    let all: Vec<&Profile> = all.iter().collect();
    let index = Index::build(&all, 1);
    let mut group = c.benchmark_group("neighbors");
    group.sample_size(20);
    group.throughput(Throughput::Elements(LOOPS as u64));
    group.bench_function("scan 5000 loops", |b| {
        b.iter(|| rank(black_box(all[7]), &all, &Weights::default(), 10))
    });
    group.bench_function("propose among 5000 loops", |b| {
        b.iter(|| index.propose(black_box(7), 10))
    });
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);

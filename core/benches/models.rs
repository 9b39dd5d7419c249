//! Cost of scoring a track: `cargo bench -p loopwright-core --bench models`.
//!
//! 1,500 candidates of 60 features, a tenth of the values missing; 300 trees of depth 6 with random thresholds, so that no
//! path is more likely than another.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loopwright_core::model::trees::{Objective, Tree, Trees};

const ROWS: usize = 1_500;
const WIDTH: usize = 60;
const TREES: usize = 300;
const DEPTH: usize = 6;

struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }
}

fn tree(noise: &mut Noise) -> Tree {
    let mut tree = Tree::leaf(0.0);
    let mut edge = vec![0];
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for node in edge {
            let feature = (noise.next() * WIDTH as f32) as u32;
            let (left, right) = tree.split(node, feature, noise.next(), noise.next() < 0.5, 1.0);
            below.extend([left, right]);
        }
        edge = below;
    }
    for leaf in edge {
        tree.value[leaf] = noise.next() - 0.5;
    }
    tree
}

fn scoring(c: &mut Criterion) {
    let mut noise = Noise(1);
    let features = (0..WIDTH).map(|i| format!("feature {i}")).collect();
    let mut trees = Trees::new(features, "rank:ndcg", Objective::Identity, vec![0.5]);
    for _ in 0..TREES {
        trees.push_round([(tree(&mut noise), 0)]);
    }
    let rows: Vec<f32> = (0..ROWS * WIDTH)
        .map(|_| if noise.next() < 0.1 { f32::NAN } else { noise.next() })
        .collect();
    let Ok(forest) = trees.forest() else { return };
    let json = trees.to_json();
    let mut group = c.benchmark_group("trees");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("score 1500 rows", |b| b.iter(|| forest.predict(black_box(&rows))));
    group.finish();
    let mut group = c.benchmark_group("files");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("read JSON", |b| {
        b.iter(|| Trees::read("bench", black_box(json.as_bytes())))
    });
    group.finish();
}

criterion_group!(benches, scoring);
criterion_main!(benches);

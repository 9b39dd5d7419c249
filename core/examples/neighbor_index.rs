//! How fast, and how exactly, loops that go together are found among many: `neighbor_index FOLDER [SIZE..]`.
//!
//! The profiles of the audio files in FOLDER are the parents of families of 20, each a parent whose curves are disturbed and
//! whose length is another. For each size: how long the index takes to build, how long it takes for a query (all of
//! them, of which some are asked), and how many of the ten best it proposes, beside comparing with each. Times are of the
//! processor, on one thread.

use std::error::Error;
use std::path::PathBuf;

use loopwright_core::config::Config;
use loopwright_core::pipeline::neighbors::hear;
use loopwright_core::pipeline::run::Source;
use loopwright_core::progress::Silent;
use loopwright_core::similarity::neighbors::index::Index;
use loopwright_core::similarity::neighbors::{Weights, rank};
use loopwright_core::similarity::profile::{CURVES, Profile, RHYTHM};
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

const QUERIES: usize = 100;
const BEST: usize = 10;

/// Processor time of this thread in seconds; 0 where the system does not tell it.
fn cpu() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("neighbor_index FOLDER [SIZE..]")?);
    let mut sizes: Vec<usize> = arguments.map(|a| a.parse()).collect::<Result<_, _>>()?;
    if sizes.is_empty() {
        sizes = vec![200, 2_000, 50_000];
    }
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|e| Ok(e?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    let started = cpu();
    let mut parents = Vec::new();
    for path in &paths {
        let name = path.to_string_lossy().into_owned();
        let source = Source {
            place: path.clone().into(),
            name,
        };
        if let Ok(entry) = hear(&source, &Config::default(), &Silent) {
            parents.push(entry.profile);
        }
    }
    let each = (cpu() - started) * 1e3 / parents.len().max(1) as f64;
    println!("{} files heard, {each:.1} ms each", parents.len());
    println!("loops  build s  query ms  all pairs s (from it)  exact query ms  recall@{BEST}");
    for size in sizes {
        let all = relatives(&parents, size);
        let all: Vec<&Profile> = all.iter().collect();
        let started = cpu();
        let index = Index::build(&all, 1);
        let built = cpu() - started;
        let asked: Vec<usize> = (0..QUERIES.min(size)).map(|i| i * size / QUERIES.min(size)).collect();
        let started = cpu();
        let proposed: Vec<Vec<usize>> = asked.iter().map(|i| index.propose(*i, BEST)).collect();
        let fast = (cpu() - started) / asked.len() as f64;
        let started = cpu();
        let exact: Vec<Vec<usize>> = asked
            .iter()
            .map(|i| {
                let found = rank(all[*i], &all, &Weights::default(), BEST + 1);
                found
                    .into_iter()
                    .map(|(j, _)| j)
                    .filter(|j| j != i)
                    .take(BEST)
                    .collect()
            })
            .collect();
        let slow = (cpu() - started) / asked.len() as f64;
        let (mut right, mut wanted) = (0, 0);
        for (proposed, exact) in proposed.iter().zip(&exact) {
            right += exact.iter().filter(|j| proposed.contains(j)).count();
            wanted += exact.len();
        }
        println!(
            "{size:>5}  {built:>7.2}  {:>8.3}  {:>21.1}  {:>14.3}  {:.4}",
            fast * 1e3,
            built + fast * size as f64,
            slow * 1e3,
            right as f64 / wanted.max(1) as f64
        );
    }
    Ok(())
}

/// Families whose parents are mixtures of two of `parents`.
fn relatives(parents: &[Profile], size: usize) -> Vec<Profile> {
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let mut out: Vec<Profile> = Vec::with_capacity(size);
    let mut family = Profile::default();
    for i in 0..size {
        if i % 20 == 0 {
            let pick = |rng: &mut Pcg64Mcg| &parents[rng.random_range(0..parents.len())];
            let (a, b) = (pick(&mut rng), pick(&mut rng));
            let share = rng.random_range(0.0..1.0f32);
            family = a.clone();
            family
                .rhythm
                .iter_mut()
                .zip(&b.rhythm)
                .for_each(|(x, y)| *x += share * (y - *x));
        }
        let mut child = family.clone();
        child.seconds *= rng.random_range(0.8..1.25);
        let spread = rng.random_range(0.3..1.0f32);
        for curve in child.rhythm.chunks_mut(RHYTHM / CURVES) {
            let noise: Vec<f32> = curve.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
            // Noise of the curve's own colour.
            curve
                .iter_mut()
                .zip(noise)
                .for_each(|(x, n)| *x += spread * n * x.abs());
            let length = curve.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                curve.iter_mut().for_each(|x| *x /= length);
            }
        }
        out.push(child);
    }
    out
}

//! Candidates among many loops, without looking at each.
//!
//! An inverted file (J. Sivic and A. Zisserman, "Video Google", ICCV 2003): spherical k-means on the low harmonics sorts
//! the loops into cells, and only the loops of the cells nearest to a query are compared with it, exactly. Cells are in
//! number as `PER_ROOT` times the root of the loops, so that a query costs about the root of their number. A query
//! looks from all its ratios of bars: the loop of one bar that it repeats lies in another cell.

use rand::seq::index::sample;
use rand::{RngExt as _, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Probe, RATIOS, best_first};
use crate::dsp::simd::pulp::Arch;
use crate::similarity::neighbors::{Affinity, Weights, compare};
use crate::similarity::profile::{CURVES, HARMONICS, Profile, RHYTHM};

/// Up to this many loops each is looked at: that is exact, and takes less than learning cells.
pub const EXACT: usize = 1024;
/// Harmonics of each curve by which loops are sorted.
const LOW: usize = 40;
const DIMS: usize = CURVES * 2 * LOW;
/// Cells for each of the root of the number of loops.
const PER_ROOT: f64 = 3.0;
/// Loops for each cell that k-means learns from, and its rounds.
const SAMPLE: usize = 24;
const ROUNDS: usize = 6;
/// Cells that a query looks into, for each of [`RATIOS`].
const LOOKS: [usize; RATIOS.len()] = [20, 8, 8, 4, 4];

/// An index of profiles by rhythm.
#[derive(Debug)]
pub struct Index<'a> {
    profiles: Vec<&'a Profile>,
    /// Unit vectors, [`DIMS`] numbers each; none where every loop is looked at.
    centres: Vec<f32>,
    cells: Vec<Vec<usize>>,
}

impl<'a> Index<'a> {
    /// Of these profiles; the same ones and the same seed give the same index.
    pub fn build(profiles: &[&'a Profile], seed: u64) -> Self {
        let profiles = profiles.to_vec();
        let n = profiles.len();
        if n <= EXACT {
            let (centres, cells) = (Vec::new(), vec![(0..n).collect()]);
            return Self {
                profiles,
                centres,
                cells,
            };
        }
        let count = (PER_ROOT * (n as f64).sqrt()) as usize;
        let points: Vec<f32> = profiles.iter().flat_map(|p| low(&p.rhythm)).collect();
        let centres = learn(&points, count, seed);
        let mut cells = vec![Vec::new(); count];
        for (i, point) in points.chunks_exact(DIMS).enumerate() {
            cells[nearest(point, &centres)].push(i);
        }
        Self {
            profiles,
            centres,
            cells,
        }
    }

    /// Some `k` that go best with profile `i`, best first, without itself. Nearly always the best there are; all the best
    /// where there are no more than [`EXACT`] profiles.
    pub fn propose(&self, i: usize, k: usize) -> Vec<usize> {
        let Some(query) = self.profiles.get(i) else {
            return Vec::new();
        };
        // One more, as the query finds itself.
        let mut found: Vec<usize> = self.rank(query, k + 1).into_iter().map(|(j, _)| j).collect();
        found.retain(|j| *j != i);
        found.truncate(k);
        found
    }

    /// Some `k` that go best with `query`, by rhythm, best first.
    pub fn rank(&self, query: &Profile, k: usize) -> Vec<(usize, Affinity)> {
        let probe = Probe::of(query);
        let weights = Weights::default();
        let mut found: Vec<(usize, Affinity)> = self
            .looked_into(&probe)
            .iter()
            .flat_map(|cell| &self.cells[*cell])
            .map(|j| (*j, compare(&probe, query, self.profiles[*j], &weights)))
            .collect();
        best_first(&mut found, k);
        found
    }

    /// The cells near a query, each once.
    fn looked_into(&self, probe: &Probe) -> Vec<usize> {
        let count = self.centres.len() / DIMS;
        if count == 0 {
            return (0..self.cells.len()).collect();
        }
        let mut cells = Vec::new();
        for (which, looks) in LOOKS.iter().enumerate() {
            let point = low(probe.variant(which));
            if point.iter().all(|x| *x == 0.0) {
                continue;
            }
            let mut order: Vec<(f32, usize)> = dots(&point, &self.centres).into_iter().zip(0..).collect();
            let looks = (*looks).min(count);
            let near = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            if looks < count {
                order.select_nth_unstable_by(looks, near);
            }
            cells.extend(order[..looks].iter().map(|(_, c)| *c));
        }
        cells.sort_unstable();
        cells.dedup();
        cells
    }
}

/// The low harmonics of each curve, together of unit length.
fn low(rhythm: &[f32]) -> Vec<f32> {
    if rhythm.len() != RHYTHM {
        return vec![0.0; DIMS];
    }
    let mut out: Vec<f32> = rhythm
        .chunks_exact(2 * HARMONICS)
        .flat_map(|curve| &curve[..2 * LOW])
        .copied()
        .collect();
    to_unit(&mut out);
    out
}

fn to_unit(point: &mut [f32]) {
    let length = point.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        point.iter_mut().for_each(|x| *x /= length);
    }
}

/// Spherical k-means of some of `points`.
fn learn(points: &[f32], count: usize, seed: u64) -> Vec<f32> {
    let n = points.len() / DIMS;
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let point = |i: usize| &points[i * DIMS..(i + 1) * DIMS];
    let chosen = sample(&mut rng, n, (SAMPLE * count).min(n)).into_vec();
    // The choice is random already: the first are as good as any.
    let mut centres: Vec<f32> = chosen[..count].iter().flat_map(|i| point(*i)).copied().collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0f32; centres.len()];
        let mut sizes = vec![0usize; count];
        for i in &chosen {
            let c = nearest(point(*i), &centres);
            sizes[c] += 1;
            let sum = &mut sums[c * DIMS..(c + 1) * DIMS];
            sum.iter_mut().zip(point(*i)).for_each(|(s, x)| *s += x);
        }
        for (c, size) in sizes.iter().enumerate() {
            let centre = &mut sums[c * DIMS..(c + 1) * DIMS];
            if *size == 0 {
                // Nobody is near it: it goes where somebody is.
                centre.copy_from_slice(point(chosen[rng.random_range(0..chosen.len())]));
            }
            to_unit(centre);
        }
        centres = sums;
    }
    centres
}

fn nearest(point: &[f32], centres: &[f32]) -> usize {
    let mut best = (f32::MIN, 0);
    for (c, dot) in dots(point, centres).into_iter().enumerate() {
        if dot > best.0 {
            best = (dot, c);
        }
    }
    best.1
}

/// The dot product of `point` with each centre, summed in a fixed order.
fn dots(point: &[f32], centres: &[f32]) -> Vec<f32> {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let one = |centre: &[f32]| {
                let mut lanes = [0.0f32; 16];
                for (a, b) in point.chunks_exact(16).zip(centre.chunks_exact(16)) {
                    for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                        *lane += a * b;
                    }
                }
                lanes.iter().sum()
            };
            centres.chunks_exact(DIMS).map(one).collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution as _, StandardNormal};

    use super::*;

    const FAMILY: usize = 6;

    /// Profiles in families of six that are alike.
    fn profiles(families: usize) -> Vec<Profile> {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let mut noise = |around: Option<&Profile>, spread: f32| {
            let mut rhythm: Vec<f32> = (0..RHYTHM)
                .map(|i| {
                    let x: f32 = StandardNormal.sample(&mut rng);
                    let fall = 1.0 / (1.0 + (i % (2 * HARMONICS)) as f32 / 16.0);
                    around.map_or(0.0, |p| p.rhythm[i]) + spread * fall * x
                })
                .collect();
            rhythm.chunks_mut(2 * HARMONICS).for_each(to_unit);
            Profile {
                seconds: 4.0,
                rhythm,
                ..Profile::default()
            }
        };
        let mut out = Vec::new();
        for _ in 0..families {
            let parent = noise(None, 1.0);
            out.extend((0..FAMILY).map(|_| noise(Some(&parent), 0.1)));
        }
        out
    }

    #[test]
    fn few_are_all_looked_at() {
        let all = profiles(20);
        let all: Vec<&Profile> = all.iter().collect();
        let index = Index::build(&all, 1);
        for i in [0, 7, 119] {
            let family = i / FAMILY;
            let found = index.propose(i, FAMILY - 1);
            assert!(found.iter().all(|j| j / FAMILY == family && *j != i), "{found:?}");
            assert_eq!(found.len(), FAMILY - 1);
        }
        assert!(index.propose(120, 5).is_empty() && index.propose(0, 0).is_empty());
        assert!(Index::build(&[], 1).propose(0, 5).is_empty());
    }

    #[test]
    fn many_are_sorted_and_found_and_always_the_same() {
        let all = profiles(400);
        let all: Vec<&Profile> = all.iter().collect();
        assert!(all.len() > EXACT);
        let (index, again) = (Index::build(&all, 5), Index::build(&all, 5));
        let mut right = 0;
        for i in (0..all.len()).step_by(40) {
            let found = index.propose(i, FAMILY - 1);
            assert_eq!(found, again.propose(i, FAMILY - 1));
            right += found.iter().filter(|j| *j / FAMILY == i / FAMILY).count();
        }
        let wanted = all.len().div_ceil(40) * (FAMILY - 1);
        assert!(right * 100 >= wanted * 95, "{right} of {wanted}");
        let looked: usize = index
            .looked_into(&Probe::of(all[0]))
            .iter()
            .map(|c| index.cells[*c].len())
            .sum();
        assert!(looked < all.len() * 3 / 4, "{looked}");
        assert_eq!(index.cells.iter().map(Vec::len).sum::<usize>(), all.len());
    }

    #[test]
    fn profiles_without_rhythm_do_no_harm() {
        let mut all = profiles(200);
        all[3] = Profile::default();
        all[4].rhythm.fill(0.0);
        let all: Vec<&Profile> = all.iter().collect();
        let index = Index::build(&all, 5);
        assert_eq!(index.propose(9, 3).len(), 3);
        index.propose(3, 3);
        index.propose(4, 3);
    }
}

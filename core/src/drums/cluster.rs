//! Hits that sound alike: Ward's clustering of the hits of one break.
//!
//! Clusters are what a person corrects. Inside one track they are nearly pure, far purer than any classifier is right:
//! sixteen corrections name nearly all the hits of half a minute.

use super::patch::{ATTACK, BANDS, Candidates, FRAMES, LOW_BANDS, LOW_FRAMES};

/// Pairs of mel bands, and of low bands.
const PAIRS: usize = BANDS / 2;
const LOW_PAIRS: usize = LOW_BANDS / 2;
/// Numbers that describe a hit.
pub(crate) const SIZE: usize = 3 * PAIRS + LOW_PAIRS;
/// Columns of the patch: before the attack (−50 to −15 ms), at it (0 to 20 ms), after it (50 to 110 ms).
const BEFORE: std::ops::Range<usize> = 0..4;
const AT: std::ops::Range<usize> = ATTACK..ATTACK + 5;
const AFTER: std::ops::Range<usize> = ATTACK + 10..ATTACK + 17;
/// Columns of the low part: before the attack, and the window that begins with it.
const LOW_BEFORE: usize = 0;
const LOW_AT: usize = 3;
/// Least deviation that a number is scaled by, in units of 20 dB: in a break whose hits are all alike, their small
/// differences are not to count as large ones.
const LEAST_DEVIATION: f64 = 0.15;
/// Clusters whose centroids are nearer than this (RMS over the numbers, in deviations) are one.
const SAME: f64 = 0.45;
/// Clusters that half a minute of drums is divided into; they grow with the square root of the length.
const CLUSTERS: f64 = 16.0;
const OF_SECONDS: f64 = 32.0;
const RANGE: (f64, f64) = (4.0, 40.0);

/// Number of clusters for `hits` hits in `seconds` seconds: 16 in 32 s, 8 in 8 s, at most one for two hits.
pub(crate) fn count(hits: usize, seconds: f64) -> usize {
    let k = (CLUSTERS * (seconds / OF_SECONDS).max(0.0).sqrt()).clamp(RANGE.0, RANGE.1);
    (k.round() as usize).min(hits.div_ceil(2))
}

/// [`SIZE`] numbers for each of `members`: level of the attack, its rise, its decay, the rise of the low bands; each
/// scaled by its deviation among the members.
pub(crate) fn vectors(candidates: &Candidates, members: &[usize]) -> Vec<f64> {
    let mut out = Vec::with_capacity(members.len() * SIZE);
    for &i in members {
        let (patch, low) = (candidates.patch(i), candidates.low(i));
        let mean = |pair: usize, columns: std::ops::Range<usize>| -> f64 {
            let n = 2 * columns.len();
            let sum: f32 = (2 * pair..2 * pair + 2)
                .flat_map(|b| &patch[b * FRAMES..][columns.clone()])
                .sum();
            f64::from(sum) / n as f64
        };
        out.extend((0..PAIRS).map(|b| mean(b, AT)));
        out.extend((0..PAIRS).map(|b| mean(b, AT) - mean(b, BEFORE)));
        out.extend((0..PAIRS).map(|b| mean(b, AFTER) - mean(b, AT)));
        let rise = |b: usize| f64::from(low[b * LOW_FRAMES + LOW_AT] - low[b * LOW_FRAMES + LOW_BEFORE]);
        out.extend((0..LOW_PAIRS).map(|b| 0.5 * (rise(2 * b) + rise(2 * b + 1))));
    }
    let n = members.len().max(1) as f64;
    for d in 0..SIZE {
        let column = || out.iter().skip(d).step_by(SIZE);
        let mean = column().sum::<f64>() / n;
        let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let scale = 1.0 / deviation.max(LEAST_DEVIATION);
        out.iter_mut()
            .skip(d)
            .step_by(SIZE)
            .for_each(|x| *x = (*x - mean) * scale);
    }
    out
}

/// The cluster of each of the points of `size` numbers: at most `k` clusters, numbered in order of their first points.
/// Clusters that are practically the same are joined.
pub(crate) fn clusters(points: &[f64], size: usize, k: usize) -> Vec<usize> {
    let mut of = ward(points, size, k);
    while let Some((a, b)) = nearest_alike(points, size, &of) {
        of.iter_mut().for_each(|c| {
            if *c == b {
                *c = a;
            }
        });
        of = numbered(&of);
    }
    of
}

/// The two clusters whose centroids are nearest, if they are so near that they are one.
fn nearest_alike(points: &[f64], size: usize, of: &[usize]) -> Option<(usize, usize)> {
    let count = of.iter().max()? + 1;
    let mut centroids = vec![0.0; count * size];
    let mut sizes = vec![0.0; count];
    for (point, &c) in points.chunks_exact(size).zip(of) {
        sizes[c] += 1.0;
        centroids[c * size..(c + 1) * size]
            .iter_mut()
            .zip(point)
            .for_each(|(s, x)| *s += x);
    }
    for (centroid, n) in centroids.chunks_exact_mut(size).zip(&sizes) {
        centroid.iter_mut().for_each(|x| *x /= n);
    }
    let centroid = |c: usize| &centroids[c * size..(c + 1) * size];
    let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
    let (d, pair) = pairs
        .map(|(a, b)| (square(centroid(a), centroid(b)), (a, b)))
        .min_by(|x, y| x.0.total_cmp(&y.0))?;
    (d / (size as f64) < SAME * SAME).then_some(pair)
}

/// Ward's clustering (J. H. Ward, "Hierarchical grouping to optimize an objective function", 1963): the two clusters are
/// joined whose union adds least to the sum of squares about the centroids, until `k` are left.
///
/// Found by chains of nearest neighbours (F. Murtagh, 1983), in O(n²) time and O(n) memory: in this order of joining
/// nothing comes nearer by a union, so mutual neighbours may be joined at once, and the unions sorted afterwards.
pub(crate) fn ward(points: &[f64], size: usize, k: usize) -> Vec<usize> {
    let n = points.len() / size.max(1);
    let mut centroids = points[..n * size].to_vec();
    let mut sizes = vec![1.0f64; n];
    let mut alive: Vec<usize> = (0..n).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut unions: Vec<(f64, usize, usize)> = Vec::with_capacity(n);
    while alive.len() > 1 {
        let Some(&top) = chain.last().or(alive.first()) else {
            break;
        };
        if chain.is_empty() {
            chain.push(top);
        }
        let before = chain.len().checked_sub(2).map(|i| chain[i]);
        let cost = |other: usize| {
            let (a, b) = (&centroids[top * size..][..size], &centroids[other * size..][..size]);
            sizes[top] * sizes[other] / (sizes[top] + sizes[other]) * square(a, b)
        };
        // Of equals, the one before in the chain, or it would never end; else the first.
        let mut best = before.map(|b| (cost(b), b));
        for &other in alive.iter().filter(|o| **o != top) {
            let cost = cost(other);
            if best.is_none_or(|b| cost < b.0) {
                best = Some((cost, other));
            }
        }
        let Some((height, nearest)) = best else { break };
        if Some(nearest) != before {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (top.min(nearest), top.max(nearest));
        unions.push((height, a, b));
        let (na, nb) = (sizes[a], sizes[b]);
        for d in 0..size {
            let (x, y) = (centroids[a * size + d], centroids[b * size + d]);
            centroids[a * size + d] = (na * x + nb * y) / (na + nb);
        }
        sizes[a] += nb;
        alive.retain(|&c| c != b);
    }
    // A stable sort keeps a union before one that it is part of.
    unions.sort_by(|x, y| x.0.total_cmp(&y.0));
    let mut parent: Vec<usize> = (0..n).collect();
    for (_, a, b) in unions.into_iter().take(n.saturating_sub(k.max(1))) {
        let (a, b) = (root(&parent, a), root(&parent, b));
        parent[a.max(b)] = a.min(b);
    }
    let roots: Vec<usize> = (0..n).map(|i| root(&parent, i)).collect();
    numbered(&roots)
}

fn root(parent: &[usize], mut i: usize) -> usize {
    while parent[i] != i {
        i = parent[i];
    }
    i
}

/// The same clusters, numbered in order of their first points.
fn numbered(of: &[usize]) -> Vec<usize> {
    let mut names: Vec<usize> = Vec::new();
    of.iter()
        .map(|c| {
            names.iter().position(|n| n == c).unwrap_or_else(|| {
                names.push(*c);
                names.len() - 1
            })
        })
        .collect()
}

/// Squared distance, in four lanes.
pub(crate) fn square(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 4];
    let (x, y) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = x
        .remainder()
        .iter()
        .zip(y.remainder())
        .map(|(a, b)| (a - b).powi(2))
        .sum();
    for (x, y) in x.zip(y) {
        for i in 0..4 {
            let d = x[i] - y[i];
            lanes[i] += d * d;
        }
    }
    rest + lanes.iter().sum::<f64>()
}

#[cfg(test)]
mod tests;

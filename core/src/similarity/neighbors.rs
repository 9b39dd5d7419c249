//! Which loops go with one: how alike two profiles are, by aspect, and how fast one must run to meet the other.

pub mod index;
mod rhythm;

use std::cmp::Ordering;

pub use rhythm::{Probe, RATIOS, RhythmMatch};

use super::profile::Profile;

/// A difference of timbre, in dB (root mean square over bands), at which half the similarity is left.
const HALF_DB: f32 = 5.0;

/// How much each aspect counts; they are brought to a sum of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of rhythm.
    pub rhythm: f32,
    /// Of timbre.
    pub timbre: f32,
    /// Of harmony.
    pub harmony: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            rhythm: 1.0,
            timbre: 0.0,
            harmony: 0.0,
        }
    }
}

impl Weights {
    /// True where each is finite and not negative, and not all are 0.
    pub fn is_valid(&self) -> bool {
        let all = [self.rhythm, self.timbre, self.harmony];
        all.iter().all(|w| w.is_finite() && *w >= 0.0) && all.iter().any(|w| *w > 0.0)
    }
}

/// How two loops go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affinity {
    /// The aspects' weighted mean, 0 to 1. An aspect that one of the two does not have (harmony of drums) is left out.
    pub similarity: f32,
    /// How alike their rhythms are, 0 to 1.
    pub rhythm: f32,
    /// How alike they sound, 0 to 1: halved for every 5 dB between their spectra.
    pub timbre: f32,
    /// How alike their pitch classes are, 0 to 1; none where one of them has no pitch.
    pub harmony: Option<f32>,
    /// Semitones, −5 to 6, by which the neighbour's pitch classes would have to be moved to fit best.
    pub transposition: Option<i8>,
    /// Bars of the neighbour for each bar of the query: a power of 2.
    pub bars: f64,
    /// Length of a bar of the neighbour for one of the query: above 1 the neighbour is slower.
    pub stretch: f64,
}

impl Affinity {
    /// `1 − similarity`.
    pub fn distance(&self) -> f32 {
        1.0 - self.similarity
    }
}

/// How `neighbour` goes with the query that `probe` was made of.
pub fn compare(probe: &Probe, query: &Profile, neighbour: &Profile, weights: &Weights) -> Affinity {
    let rhythm = probe.matched(neighbour);
    let timbre = timbre(query, neighbour);
    let (harmony, transposition) = match harmony(query, neighbour) {
        Some((same, moved)) => (Some(same), Some(moved)),
        None => (None, None),
    };
    let aspects = [
        (weights.rhythm, Some(rhythm.similarity)),
        (weights.timbre, Some(timbre)),
        (weights.harmony, harmony),
    ];
    let (mut sum, mut total) = (0.0, 0.0);
    for (weight, value) in aspects {
        if let Some(value) = value {
            sum += weight * value;
            total += weight;
        }
    }
    Affinity {
        similarity: if total > 0.0 {
            (sum / total).clamp(0.0, 1.0)
        } else {
            0.0
        },
        rhythm: rhythm.similarity,
        timbre,
        harmony,
        transposition,
        bars: rhythm.bars,
        stretch: rhythm.stretch,
    }
}

/// The `k` of `others` that go best with `query`, best first; equally good ones in their own order. Indices are those of
/// `others`. Looks at each: some 2 µs.
pub fn rank(query: &Profile, others: &[&Profile], weights: &Weights, k: usize) -> Vec<(usize, Affinity)> {
    let probe = Probe::of(query);
    let mut found: Vec<(usize, Affinity)> = others
        .iter()
        .enumerate()
        .map(|(i, other)| (i, compare(&probe, query, other, weights)))
        .collect();
    best_first(&mut found, k);
    found
}

/// Keeps the best `k`, in order.
fn best_first(found: &mut Vec<(usize, Affinity)>, k: usize) {
    let order = |a: &(usize, Affinity), b: &(usize, Affinity)| -> Ordering {
        b.1.similarity.total_cmp(&a.1.similarity).then(a.0.cmp(&b.0))
    };
    if k < found.len() && k > 0 {
        found.select_nth_unstable_by(k, order);
    }
    found.truncate(k);
    found.sort_by(order);
}

fn timbre(a: &Profile, b: &Profile) -> f32 {
    if a.timbre.len() != b.timbre.len() || a.timbre.is_empty() {
        return 0.0;
    }
    let squares: f32 = a.timbre.iter().zip(&b.timbre).map(|(x, y)| (x - y).powi(2)).sum();
    let rms = (squares / a.timbre.len() as f32).sqrt();
    (-rms / HALF_DB).exp2()
}

/// How alike they are as they stand, and the move of `b` that fits best.
fn harmony(a: &Profile, b: &Profile) -> Option<(f32, i8)> {
    let n = a.harmony.len();
    if n == 0 || b.harmony.len() != n {
        return None;
    }
    let moved = |by: usize| -> f32 { (0..n).map(|c| a.harmony[(c + by) % n] * b.harmony[c]).sum() };
    let mut best = (0, moved(0));
    for by in 1..n {
        let fit = moved(by);
        // A move must be worth it.
        if fit > best.1 + 1e-3 {
            best = (by, fit);
        }
    }
    let semitones = if best.0 > n / 2 {
        best.0 as i8 - n as i8
    } else {
        best.0 as i8
    };
    Some((moved(0).clamp(0.0, 1.0), semitones))
}

#[cfg(test)]
mod tests;

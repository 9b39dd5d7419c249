//! How good a ranking is: measures of one track, their mean over tracks, and how sure that mean is.
//!
//! A candidate's *weight* is how good it is, 0 and up; it is *relevant* where its weight reaches a threshold. Candidates of
//! equal score stand in no order, so a measure is its **expected value over all orders of the ties**: a model that gives
//! every candidate the same score measures exactly what chance does ([`Ordering::chance`]), and no accident of the input's
//! order counts. Where a measure means nothing (no relevant candidate: no recall) it is `None`, and the track is left out of
//! its mean.

mod interval;

use std::fmt;

pub use interval::{Interval, bootstrap, difference};

/// From which weight a candidate is relevant, unless told otherwise.
pub const RELEVANT: f32 = 0.5;

/// A measure of the ranking of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Relevant candidates among the first K, over K (also where the track has fewer than K).
    Precision(usize),
    /// Relevant candidates among the first K, over all relevant ones.
    Recall(usize),
    /// Normalised discounted cumulative gain of the first K: `Σ weight / log2(place + 1)` over the same of the ideal order
    /// (Järvelin and Kekäläinen 2002, with linear gain).
    Ndcg(usize),
    /// Probability that at least one of the first K is relevant.
    Hit(usize),
    /// Probability that a candidate of the greatest weight is among the first K: "correct" in the earlier Python pipeline.
    Best(usize),
    /// One over the place of the first relevant candidate; over tracks, the mean reciprocal rank.
    ReciprocalRank,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Precision(k) => write!(f, "precision@{k}"),
            Self::Recall(k) => write!(f, "recall@{k}"),
            Self::Ndcg(k) => write!(f, "ndcg@{k}"),
            Self::Hit(k) => write!(f, "hit@{k}"),
            Self::Best(k) => write!(f, "best@{k}"),
            Self::ReciprocalRank => write!(f, "mrr"),
        }
    }
}

/// Candidates of equal score.
#[derive(Debug, Clone, Copy)]
struct Tie {
    /// Places before them.
    from: usize,
    /// How many they are.
    count: usize,
    /// Sum of their weights.
    weight: f64,
    /// How many are relevant.
    relevant: usize,
    /// How many have the track's greatest weight.
    best: usize,
}

impl Tie {
    /// How many of them stand among the first `k`.
    fn within(&self, k: usize) -> usize {
        k.saturating_sub(self.from).min(self.count)
    }
}

/// The candidates of one track, ordered by score.
#[derive(Debug, Clone)]
pub struct Ordering {
    ties: Vec<Tie>,
    ideal: Vec<f32>,
    relevant: usize,
}

impl Ordering {
    /// Orders the candidates by `scores`, the greatest first. Scores that are not numbers come last.
    pub fn of(scores: &[f32], weights: &[f32], threshold: f32) -> Self {
        let mut order: Vec<(f32, f32)> = scores
            .iter()
            .zip(weights)
            .map(|(&s, &w)| (if s.is_nan() { f32::NEG_INFINITY } else { s }, w))
            .collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let most = order.iter().map(|x| x.1).fold(f32::NEG_INFINITY, f32::max);
        let mut from = 0;
        let ties: Vec<Tie> = order
            .chunk_by(|a, b| a.0 == b.0)
            .map(|tie| {
                let tie = Tie {
                    from,
                    count: tie.len(),
                    weight: tie.iter().map(|x| f64::from(x.1)).sum(),
                    relevant: tie.iter().filter(|x| x.1 >= threshold).count(),
                    best: tie.iter().filter(|x| x.1 == most).count(),
                };
                from += tie.count;
                tie
            })
            .collect();
        let mut ideal: Vec<f32> = order.iter().map(|x| x.1).collect();
        ideal.sort_unstable_by(|a, b| b.total_cmp(a));
        Self {
            relevant: ties.iter().map(|t| t.relevant).sum(),
            ties,
            ideal,
        }
    }

    /// The same candidates in random order: every measure of it is what chance reaches on average.
    pub fn chance(weights: &[f32], threshold: f32) -> Self {
        Self::of(&vec![0.0; weights.len()], weights, threshold)
    }

    /// The measure's value; `None` where it means nothing on this track.
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        let any = !self.ties.is_empty();
        match measure {
            Measure::Precision(k) => (any && k > 0).then(|| self.found(k) / k as f64),
            Measure::Recall(k) => (self.relevant > 0).then(|| self.found(k) / self.relevant as f64),
            Measure::Ndcg(k) => self.ndcg(k),
            Measure::Hit(k) => (self.relevant > 0).then(|| self.any_of(k, |t| t.relevant)),
            Measure::Best(k) => any.then(|| self.any_of(k, |t| t.best)),
            Measure::ReciprocalRank => (self.relevant > 0).then(|| self.reciprocal_rank()),
        }
    }

    /// Expected number of relevant candidates among the first `k`.
    fn found(&self, k: usize) -> f64 {
        let part = |t: &Tie| t.relevant as f64 * t.within(k) as f64 / t.count as f64;
        self.ties.iter().map(part).sum()
    }

    fn ndcg(&self, k: usize) -> Option<f64> {
        let ideal: f64 = (0..k).zip(&self.ideal).map(|(i, w)| f64::from(*w) * discount(i)).sum();
        let part = |t: &Tie| {
            let discounts: f64 = (t.from..t.from + t.within(k)).map(discount).sum();
            discounts * t.weight / t.count as f64
        };
        (ideal > 0.0).then(|| self.ties.iter().map(part).sum::<f64>() / ideal)
    }

    /// Probability that at least one of those that `count` counts is among the first `k`.
    fn any_of(&self, k: usize, count: impl Fn(&Tie) -> usize) -> f64 {
        // Of n tied candidates c are among the first k: none of m is with probability C(n-m, c) / C(n, c).
        let none = |t: &Tie| {
            let (n, m) = (t.count, count(t));
            (0..t.within(k))
                .map(|i| n.saturating_sub(m + i) as f64 / (n - i) as f64)
                .product::<f64>()
        };
        1.0 - self.ties.iter().map(none).product::<f64>()
    }

    fn reciprocal_rank(&self) -> f64 {
        let Some(tie) = self.ties.iter().find(|t| t.relevant > 0) else {
            return 0.0;
        };
        let (n, m) = (tie.count, tie.relevant);
        let (mut none_yet, mut sum) = (1.0, 0.0);
        for i in 0..=n - m {
            let first = m as f64 / (n - i) as f64;
            sum += none_yet * first / (tie.from + i + 1) as f64;
            none_yet *= 1.0 - first;
        }
        sum
    }
}

/// What the place `index` (from 0) is worth in discounted cumulative gain.
pub fn discount(index: usize) -> f64 {
    1.0 / (index as f64 + 2.0).log2()
}

/// [`Measure::Ndcg`] of one track; `None` where no weight is positive.
pub fn ndcg(scores: &[f32], weights: &[f32], k: usize) -> Option<f64> {
    Ordering::of(scores, weights, RELEVANT).measure(Measure::Ndcg(k))
}

#[cfg(test)]
mod tests;

//! A person's taste from a few ratings.
//!
//! What is learnt is a [`Taste`]: weights of a few things that can be said of a loop, added to the log odds of a ranking
//! that is there already. Within a track, of two loops rated differently the better is preferred with probability
//! σ(f·Δbase + w·Δz) (Bradley and Terry 1952); tracks whose ratings are all alike add how likely each is to please. How far
//! the person follows the base (f, about 1) is learnt beside and not kept: without it, weights would make up for a base that
//! the person disregards. Gaussian priors hold all of it back, and the posterior mode is found by Newton's method.
//!
//! Twenty ratings can mislead. So each comparison is predicted from those of other loops, with the taste applied in part, from not at all to
//! wholly ([`Fit::shrink`]). The part is taken that predicts best less one and a half standard errors; where none predicts better than
//! no taste, as for someone who rates at random or as the base does, the taste is none and the ranking stays as it was.

mod solve;

use std::collections::BTreeMap;

use crate::model::adapted::{BOUND, TERMS, Taste, base_log_odds, steps};
use crate::model::{ModelInfo, Scorer};

use super::ratings::Rating;
use crate::features::{FeatureTable, Schema};
use solve::{DIMENSIONS, FOLLOWS, Observation, PLEASED};

/// Standard deviation of the prior of each weight, in log odds a step.
const PRIOR: f64 = 0.5;

/// Comparisons that are left out, each in its turn; of more, that many are drawn evenly.
const MOST_FOLDS: usize = 60;

/// Each loop is compared with at most this many others of its track.
const MOST_RIVALS: usize = 40;

/// Fewer comparisons than this say nothing about how far they can be trusted.
const LEAST: usize = 3;

/// How much better a part of the taste must predict than none, in standard errors.
const DOUBT: f64 = 1.5;

/// A rated loop, ready to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Which track, by any number: loops are compared within one.
    pub track: usize,
    /// 1 to 5.
    pub rating: f64,
    /// The base's log odds, see [`base_log_odds`].
    pub base: f64,
    /// Steps from the usual in each of [`TERMS`].
    pub steps: [f64; TERMS.len()],
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The taste, with [`Self::shrink`] in it.
    pub taste: Taste,
    /// The part, 0 to 1, of what the ratings say that is kept.
    pub shrink: f64,
    /// Ratings that it was learnt of.
    pub ratings: usize,
    /// Tracks that those are of.
    pub tracks: usize,
    /// Pairs of loops of one track with different ratings.
    pub pairs: usize,
    /// How much better left-out comparisons are predicted than by the base alone: mean log likelihood (nats) with the taste
    /// less that without; 0 where no taste was learnt.
    pub gain: f64,
    /// Of the left-out pairs, the part that the base alone has in the right order, and the part that base and taste have.
    pub agreement: Option<(f64, f64)>,
}

/// Why ratings cannot be learnt from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdaptError {
    /// The base cannot score the rated loops.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
}

/// The columns that must be known of a rated loop: those that `base` reads, and those of tastes.
pub fn columns(base: &ModelInfo) -> Vec<String> {
    let mut columns = base.columns.clone();
    for term in TERMS {
        if !columns.iter().any(|c| c == term.column) {
            columns.push(term.column.into());
        }
    }
    columns
}

/// Ratings with all of their [`columns`], as examples for a taste on top of `base`; in their order, without those that lack
/// features or that the base gives no number for.
///
/// # Errors
///
/// [`AdaptError::Model`] where the base fails.
pub fn examples(ratings: &[Rating], base: &dyn Scorer) -> Result<Vec<Example>, AdaptError> {
    let wanted = columns(base.info());
    let whole: Vec<&Rating> = ratings.iter().filter(|r| r.lacks(&wanted).is_empty()).collect();
    let values = whole
        .iter()
        .flat_map(|r| wanted.iter().map(|c| r.features.get(c).copied().unwrap_or(f32::NAN)));
    let table = FeatureTable::from_values(std::sync::Arc::new(Schema::plain(wanted.clone())), values.collect());
    let scores = base.score(&table)?;
    let mut tracks: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for (row, rating) in whole.iter().enumerate() {
        let count = tracks.len();
        let track = *tracks.entry(&rating.track).or_insert(count);
        let (Some(value), Some(score)) = (rating.value, scores.get(row).filter(|s| s.is_finite())) else {
            continue;
        };
        out.push(Example {
            track,
            rating: value,
            base: base_log_odds(*score, base.info()),
            steps: steps(|column| table.get(row, column)),
        });
    }
    Ok(out)
}

/// Learns a taste. The same examples give the same taste; none, or contradictory ones, give none.
pub fn fit(examples: &[Example]) -> Fit {
    let all = observations(examples);
    let pairs = all.iter().filter(|o| !o.alone).count();
    let tracks: std::collections::BTreeSet<usize> = examples.iter().map(|e| e.track).collect();
    let mut fit = Fit {
        taste: Taste::none(),
        shrink: 0.0,
        ratings: examples.len(),
        tracks: tracks.len(),
        pairs,
        gain: 0.0,
        agreement: None,
    };
    if all.len() < LEAST {
        return fit;
    }
    let folds = folds(&all);
    let (shrink, gain) = trusted(&folds, examples.len());
    fit.agreement = agreement(&folds, shrink);
    if shrink == 0.0 {
        return fit;
    }
    let mode = solve::mode(all.iter(), PRIOR);
    for (weight, found) in fit.taste.weights.iter_mut().zip(mode) {
        *weight = shrink * found;
    }
    fit.shrink = shrink;
    fit.gain = gain;
    fit
}

/// What the examples say: which of two is better, and for tracks of one opinion how good each is.
fn observations(examples: &[Example]) -> Vec<Observation> {
    let mut by_track: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, example) in examples.iter().enumerate() {
        by_track.entry(example.track).or_default().push(i);
    }
    let mut out = Vec::new();
    let mut alone = Vec::new();
    for rated in by_track.values() {
        let before = out.len();
        // Comparisons share loops: all those of one loop count as one or two.
        let share = 2.0 / rated.len().min(MOST_RIVALS) as f64;
        for (n, &a) in rated.iter().enumerate() {
            let rest = rated.get(n + 1..).unwrap_or_default();
            for &b in rest.iter().step_by(rest.len().div_ceil(MOST_RIVALS).max(1)) {
                let gap = examples[a].rating - examples[b].rating;
                if gap == 0.0 {
                    continue;
                }
                let (better, worse) = if gap > 0.0 { (a, b) } else { (b, a) };
                let mut inputs = [0.0; DIMENSIONS];
                for (input, (x, y)) in inputs
                    .iter_mut()
                    .zip(examples[better].steps.iter().zip(&examples[worse].steps))
                {
                    *input = x - y;
                }
                inputs[FOLLOWS] = examples[better].base - examples[worse].base;
                out.push(Observation {
                    loops: (better, worse),
                    alone: false,
                    base: examples[better].base - examples[worse].base,
                    inputs,
                    target: 1.0,
                    weight: share * (gap.abs() / 2.0).min(1.0),
                });
            }
        }
        if out.len() == before {
            alone.extend(rated.iter().copied());
        }
    }
    // Praise alone, or blame alone, says nothing about what sets the liked apart.
    let liked = |i: &&usize| examples[**i].rating > 3.0;
    if alone.iter().any(|i| liked(&i)) && alone.iter().any(|i| examples[*i].rating < 3.0) {
        out.extend(alone.iter().map(|&i| {
            let mut inputs = [0.0; DIMENSIONS];
            inputs[..TERMS.len()].copy_from_slice(&examples[i].steps);
            // How easily somebody is pleased is learnt beside.
            inputs[PLEASED] = 1.0;
            inputs[FOLLOWS] = examples[i].base;
            Observation {
                loops: (i, i),
                alone: true,
                base: examples[i].base,
                inputs,
                target: (examples[i].rating - 1.0) / 4.0,
                weight: 1.0,
            }
        }));
    }
    out
}

/// A comparison that was left out, and what was learnt without its loops.
struct Fold<'a> {
    left_out: &'a Observation,
    weights: [f64; DIMENSIONS],
}

/// Leaves comparisons out, one by one, each with all else that is known of its two loops: learning from (a, c) and judging by
/// (b, c) would find a taste in any three loops, for both pairs share what c happens to be.
fn folds(all: &[Observation]) -> Vec<Fold<'_>> {
    let fold = |left_out: &'_ Observation| {
        let (a, b) = left_out.loops;
        let shares = |o: &&Observation| o.loops.0 == a || o.loops.0 == b || o.loops.1 == a || o.loops.1 == b;
        solve::mode(all.iter().filter(|o| !shares(o)), PRIOR)
    };
    let judged = all.iter().step_by(all.len().div_ceil(MOST_FOLDS).max(1));
    judged
        .map(|left_out| Fold {
            left_out,
            weights: fold(left_out),
        })
        .collect()
}

/// The log odds of an observation with `part` of a taste.
fn odds(o: &Observation, weights: &[f64; DIMENSIONS], part: f64) -> f64 {
    let sum: f64 = o.inputs[..TERMS.len()].iter().zip(weights).map(|(x, w)| x * w).sum();
    let beside = o.inputs[PLEASED] * weights[PLEASED] + o.inputs[FOLLOWS] * weights[FOLLOWS];
    // Two loops differ by at most twice what one is moved by.
    let most = if o.alone { BOUND } else { 2.0 * BOUND };
    o.base + beside + most * (part * sum / most).tanh()
}

/// The part of the taste that predicts left-out comparisons best less its doubt, and how much better than none on average.
/// `ratings` bounds how many of them count as independent: two loops make one comparison.
fn trusted(folds: &[Fold<'_>], ratings: usize) -> (f64, f64) {
    let total: f64 = folds.iter().map(|f| f.left_out.weight).sum();
    let independent = folds.len().min(ratings / 2).max(1) as f64;
    let mut best = (0.0, 0.0);
    let mut most = 0.0;
    for tenth in 1..=10 {
        let part = f64::from(tenth) / 10.0;
        let gain = |fold: &Fold<'_>| {
            let o = fold.left_out;
            let without = o.log_likelihood(odds(o, &fold.weights, 0.0));
            o.log_likelihood(odds(o, &fold.weights, part)) - without
        };
        let mean = folds.iter().map(|f| f.left_out.weight * gain(f)).sum::<f64>() / total;
        let spread = folds
            .iter()
            .map(|f| f.left_out.weight * (gain(f) - mean).powi(2))
            .sum::<f64>()
            / total;
        let sure = mean - DOUBT * (spread / independent).sqrt();
        if sure > most {
            most = sure;
            best = (part, mean);
        }
    }
    best
}

/// The parts of the left-out pairs that the base has in order, and that base and taste have.
fn agreement(folds: &[Fold<'_>], shrink: f64) -> Option<(f64, f64)> {
    let (mut weight, mut without, mut with) = (0.0, 0.0, 0.0);
    let right = |odds: f64| {
        if odds == 0.0 {
            0.5
        } else {
            f64::from(u8::from(odds > 0.0))
        }
    };
    for fold in folds.iter().filter(|f| !f.left_out.alone) {
        let o = fold.left_out;
        weight += o.weight;
        without += o.weight * right(odds(o, &fold.weights, 0.0));
        with += o.weight * right(odds(o, &fold.weights, shrink));
    }
    (weight > 0.0).then(|| (without / weight, with / weight))
}

#[cfg(test)]
mod tests;

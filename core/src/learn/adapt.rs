//! A person's taste from a few ratings.
//!
//! What is learnt is a [`Taste`]: weights of a few things that can be said of a loop, added to the log odds of a ranking
//! that is there already. Within a track, of two loops rated differently the better is preferred with probability
//! σ(Δbase + w·Δz) (Bradley and Terry 1952); tracks whose ratings are all alike add how likely each is to please. A Gaussian
//! prior around 0 holds the weights back, and the posterior mode is found by Newton's method.
//!
//! Twenty ratings can mislead. So each rating is predicted from the others with the taste applied in part, from not at all to
//! wholly ([`Fit::shrink`]). The part is taken that predicts best less one standard error; where none predicts better than
//! no taste, as for someone who rates at random or as the base does, the taste is none and the ranking stays as it was.

mod solve;

use std::collections::BTreeMap;

use crate::model::adapted::{BOUND, TERMS, Taste, base_log_odds, steps};
use crate::model::{ModelInfo, Scorer};

use super::ratings::Rating;
use crate::features::{FeatureTable, Schema};
use solve::{DIMENSIONS, Observation};

/// Standard deviation of the prior of each weight, in log odds a step.
const PRIOR: f64 = 0.5;

/// Left-out parts: each rating alone, up to this many; then that many groups.
const MOST_FOLDS: usize = 40;

/// Each loop is compared with at most this many others of its track.
const MOST_RIVALS: usize = 40;

/// Fewer comparisons than this say nothing about how far they can be trusted.
const LEAST: usize = 3;

/// How much better a part of the taste must predict than none, in standard errors.
const DOUBT: f64 = 1.0;

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
    let folds = folds(examples.len(), &all);
    let (shrink, gain) = trusted(&folds);
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
            inputs[TERMS.len()] = 1.0;
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

/// Comparisons that were left out, and the taste that was learnt without them.
struct Fold<'a> {
    left_out: Vec<&'a Observation>,
    weights: [f64; DIMENSIONS],
}

fn folds(examples: usize, all: &[Observation]) -> Vec<Fold<'_>> {
    let count = examples.min(MOST_FOLDS);
    let touches = |o: &Observation, fold: usize| o.loops.0 % count == fold || o.loops.1 % count == fold;
    (0..count)
        .map(|fold| Fold {
            left_out: all.iter().filter(|o| touches(o, fold)).collect(),
            weights: solve::mode(all.iter().filter(|o| !touches(o, fold)), PRIOR),
        })
        .filter(|fold| !fold.left_out.is_empty())
        .collect()
}

/// The log odds of an observation with `part` of a taste.
fn odds(o: &Observation, weights: &[f64; DIMENSIONS], part: f64) -> f64 {
    let sum: f64 = o.inputs[..TERMS.len()].iter().zip(weights).map(|(x, w)| x * w).sum();
    let intercept = o.inputs[TERMS.len()] * weights[TERMS.len()];
    // Two loops differ by at most twice what one is moved by.
    let most = if o.alone { BOUND } else { 2.0 * BOUND };
    o.base + intercept + most * (part * sum / most).tanh()
}

/// The part of the taste that predicts left-out comparisons best less its doubt, and how much better than none on average.
fn trusted(folds: &[Fold<'_>]) -> (f64, f64) {
    let mut best = (0.0, 0.0);
    let mut most = 0.0;
    for tenth in 1..=10 {
        let part = f64::from(tenth) / 10.0;
        let gains: Vec<f64> = folds
            .iter()
            .map(|fold| {
                let gain = |o: &&Observation| {
                    let with = o.log_likelihood(odds(o, &fold.weights, part));
                    o.weight * (with - o.log_likelihood(odds(o, &fold.weights, 0.0)))
                };
                let weight: f64 = fold.left_out.iter().map(|o| o.weight).sum();
                fold.left_out.iter().map(gain).sum::<f64>() / weight
            })
            .collect();
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let spread = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let sure = mean - DOUBT * (spread / n).sqrt();
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
    for fold in folds {
        for o in fold.left_out.iter().filter(|o| !o.alone) {
            weight += o.weight;
            without += o.weight * right(odds(o, &fold.weights, 0.0));
            with += o.weight * right(odds(o, &fold.weights, shrink));
        }
    }
    (weight > 0.0).then(|| (without / weight, with / weight))
}

#[cfg(test)]
mod tests;

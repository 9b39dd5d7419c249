//! From scores to an ordered list: probabilities, cut-offs, near-duplicates, variety.

pub mod calibrate;
pub mod cutoff;
pub mod metrics;
pub mod order;
pub mod probability;

use crate::config;
use crate::config::tuning::Tuning;
use crate::loops::Candidate;
use crate::model::ModelInfo;

/// A candidate's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Which candidate.
    pub index: usize,
    /// Its score, after [`config::Rank::alpha`].
    pub score: f32,
    /// The probability that it is a good loop, see [`probability::probabilities`].
    pub score_prob: f32,
    /// Its place by score among all candidates of the track, from 1.
    pub score_rank: usize,
    /// Its share among the track's candidates, see [`probability::shares`].
    pub score_share: f32,
}

/// What ranking needs to know of each candidate besides its score.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Where it lies.
    pub candidate: &'a Candidate,
    /// Candidates of one number have the same content.
    pub content: usize,
    /// Its `boundary_quiet_score`; read only where [`config::Rank::alpha`] is not 0.
    pub boundary: f32,
}

/// The list of suggestions, best first: scores, cut-offs, near-duplicates, then the order.
///
/// `scores` has one score an entry; `model` says what they mean. Ties go to the earlier candidate, so that the result depends on nothing else.
pub fn rank(
    entries: &[Entry<'_>],
    scores: &[f32],
    model: &ModelInfo,
    config: &config::Rank,
    tuning: &Tuning,
) -> Vec<Ranked> {
    let scores: Vec<f32> = entries
        .iter()
        .zip(scores)
        .map(|(e, s)| {
            if config.alpha == 0.0 {
                *s
            } else {
                s - config.alpha as f32 * e.boundary
            }
        })
        .collect();
    let output = model.output;
    let shares = probability::shares(&scores, output);
    let probabilities = probability::probabilities(&scores, output, model.calibration.as_ref());
    let mut by_score: Vec<usize> = (0..scores.len()).collect();
    by_score.sort_by(|&a, &b| {
        let start = |i: usize| entries[i].candidate.span.start;
        scores[b]
            .total_cmp(&scores[a])
            .then(start(a).total_cmp(&start(b)))
            .then(a.cmp(&b))
    });
    let mut ranked: Vec<Ranked> = by_score
        .iter()
        .enumerate()
        .map(|(place, &index)| Ranked {
            index,
            score: scores[index],
            score_prob: probabilities[index],
            score_rank: place + 1,
            score_share: shares[index],
        })
        .collect();
    cutoff::apply(&mut ranked, output, config);
    order::without_duplicates(&mut ranked, entries, tuning);
    match config.order {
        config::Order::Best => {}
        config::Order::Variety => {
            let worth = probability::worth(&ranked.iter().map(|r| r.score).collect::<Vec<_>>(), output);
            ranked = order::variety(&ranked, &worth, entries, config.top_k, tuning);
        }
    }
    if config.top_k > 0 {
        ranked.truncate(config.top_k);
    }
    ranked
}

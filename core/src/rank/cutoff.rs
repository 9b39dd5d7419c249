//! Which candidates are dropped before anything is chosen.

use super::Ranked;
use crate::config;

/// Applies `min_score`, `min_score_prob`, `min_rel_score`, in this order, to candidates sorted by score. The first two
/// may leave nothing; the third always leaves the best.
pub fn apply(ranked: &mut Vec<Ranked>, config: &config::Rank) {
    let best = ranked.first().map_or(0.0, |r| f64::from(r.score));
    let keeps = |limit: Option<f64>, value: f64| limit.is_none_or(|limit| value >= limit);
    ranked.retain(|r| {
        let score = f64::from(r.score);
        keeps(config.min_score, score)
            && keeps(config.min_score_prob, f64::from(r.score_prob))
            && keeps(config.min_rel_score.map(|rel| best + rel.min(0.0)), score)
    });
}

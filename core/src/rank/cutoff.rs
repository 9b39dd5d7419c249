//! Which candidates are dropped before anything is chosen.

use super::Ranked;
use crate::config;
use crate::model::Output;

/// Applies `min_score`, `min_score_prob`, `min_rel_score`, in this order, to candidates sorted by score. The first two
/// may leave nothing; the third always leaves the best. Relative scores have no scale of their own, so the third then
/// compares probabilities.
pub fn apply(ranked: &mut Vec<Ranked>, output: Output, config: &config::Rank) {
    let judged = |r: &Ranked| {
        f64::from(match output {
            Output::Probability => r.score,
            Output::Relative => r.score_prob,
        })
    };
    let best = ranked.first().map_or(0.0, judged);
    let keeps = |limit: Option<f64>, value: f64| limit.is_none_or(|limit| value >= limit);
    ranked.retain(|r| {
        let score = f64::from(r.score);
        keeps(config.min_score, score)
            && keeps(config.min_score_prob, f64::from(r.score_prob))
            && keeps(config.min_rel_score.map(|rel| best + rel.min(0.0)), judged(r))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(config: &config::Rank, scores: &[f32]) -> usize {
        left_of(Output::Probability, config, scores)
    }

    fn left_of(output: Output, config: &config::Rank, scores: &[f32]) -> usize {
        let mut ranked: Vec<Ranked> = scores
            .iter()
            .enumerate()
            .map(|(index, &score)| Ranked {
                index,
                score,
                score_prob: score / 10.0,
                score_rank: index + 1,
                score_share: 0.0,
            })
            .collect();
        apply(&mut ranked, output, config);
        ranked.len()
    }

    #[test]
    fn defaults_never_leave_nothing() {
        for scores in [&[0.9, 0.5, 0.3][..], &[0.001, 0.0], &[-7.0, -7.2, -9.0]] {
            assert!(left(&config::Rank::default(), scores) > 0);
        }
        assert_eq!(left(&config::Rank::default(), &[0.9, 0.5, 0.3]), 2);
    }

    #[test]
    fn each_limit_cuts() {
        let none = config::Rank {
            min_rel_score: None,
            ..config::Rank::default()
        };
        let scores = [0.9, 0.5, 0.3];
        assert_eq!(left(&none, &scores), 3);
        let with = |f: fn(&mut config::Rank)| {
            let mut c = none.clone();
            f(&mut c);
            left(&c, &scores)
        };
        assert_eq!(with(|c| c.min_score = Some(0.4)), 2);
        assert_eq!(with(|c| c.min_score_prob = Some(0.06)), 1);
        assert_eq!(with(|c| c.min_rel_score = Some(-0.45)), 2);
        assert_eq!(with(|c| c.min_rel_score = Some(1.0)), 1);
        assert_eq!(with(|c| c.min_score = Some(2.0)), 0);
    }

    /// The probabilities here are a tenth of the scores.
    #[test]
    fn relative_scores_are_cut_by_probability() {
        let config = config::Rank::default();
        assert_eq!(left_of(Output::Relative, &config, &[9.0, 5.0, 3.9, -2.0]), 2);
        assert_eq!(left_of(Output::Relative, &config, &[0.9, 0.1, -3.0]), 3);
    }
}

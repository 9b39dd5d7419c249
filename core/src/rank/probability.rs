//! What scores mean beside each other.

use crate::model::Output;

/// Each candidate's share of the track: the probability that someone who takes one good loop of this track takes this
/// one. The shares of a track sum to 1, and 1/share is the number of equally good loops it would stand among.
///
/// It is a softmax at temperature 1 of log scores where scores are probabilities (so the shares are proportional to
/// them), and of the scores themselves where those are relative, as list-wise training makes them. A track with a
/// thousand candidates has small shares even for its best: cut by [`crate::config::Rank::min_rel_score`] rather.
pub fn shares(scores: &[f32], output: Output) -> Vec<f32> {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = match output {
        Output::Probability => scores.iter().map(|s| f64::from(s.max(0.0))).collect(),
        Output::Relative => scores.iter().map(|s| f64::from(s - best).exp()).collect(),
    };
    let sum: f64 = weights.iter().sum();
    let even = 1.0 / scores.len().max(1) as f64;
    weights
        .iter()
        .map(|w| (if sum > 0.0 { w / sum } else { even }) as f32)
        .collect()
}

/// Scores as positive amounts that variety can multiply: probabilities as they are, relative scores as e to their
/// distance from the best.
pub fn worth(scores: &[f32], output: Output) -> Vec<f64> {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores
        .iter()
        .map(|s| match output {
            Output::Probability => f64::from(s.max(0.0)),
            Output::Relative => f64::from(s - best).exp(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_and_mean_odds() {
        for (scores, output) in [
            (vec![0.9, 0.3, 0.0], Output::Probability),
            (vec![4.0, 3.0, -200.0], Output::Relative),
            (vec![0.0, 0.0, 0.0], Output::Probability),
        ] {
            let p = shares(&scores, output);
            assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(p.iter().all(|p| p.is_finite()));
        }
        let p = shares(&[4.0, 3.0], Output::Relative);
        assert!((p[0] / p[1] - std::f32::consts::E).abs() < 1e-5);
        let p = shares(&[0.9, 0.3], Output::Probability);
        assert!((p[0] / p[1] - 3.0).abs() < 1e-5);
        assert!(shares(&[], Output::Probability).is_empty());
    }
}

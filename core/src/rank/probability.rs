//! What scores mean beside each other.

use crate::model::{Calibration, Output};

/// The probability that each candidate is a good loop: it means the same for a track of 50 candidates and for one of 1,500.
///
/// By the model's calibration where it has one (scores are taken as they are, after `alpha`). Without one, scores that are
/// probabilities stand for themselves, between 0 and 1. Relative scores tell only how a candidate compares with others of
/// its track: what is given is odds against the track's average candidate, `odds/(1 + odds)` with `odds` = share · number of
/// candidates. The average candidate has 1/2, whatever their number; the best of a track in which all are bad is far above
/// that, so calibrate a model before cutting by it.
pub fn probabilities(scores: &[f32], output: Output, calibration: Option<&Calibration>) -> Vec<f32> {
    match (calibration, output) {
        (Some(c), _) => scores.iter().map(|s| c.probability(f64::from(*s)) as f32).collect(),
        (None, Output::Probability) => scores.iter().map(|s| s.clamp(0.0, 1.0)).collect(),
        (None, Output::Relative) => {
            let count = scores.len() as f32;
            let odds = shares(scores, output).into_iter().map(|share| share * count);
            odds.map(|odds| odds / (1.0 + odds)).collect()
        }
    }
}

/// Each candidate's share of the track: the probability that someone who takes one good loop of this track takes this
/// one. The shares of a track sum to 1, and 1/share is the number of equally good loops it would stand among.
///
/// It is a softmax at temperature 1 of log scores where scores are probabilities (so the shares are proportional to
/// them), and of the scores themselves where those are relative, as list-wise training makes them. A track with a
/// thousand candidates has small shares even for its best: cut by [`probabilities`]
/// or by [`crate::config::Rank::min_rel_score`] rather.
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

    /// Scores as a model gives them, and every thirtieth of them.
    fn many_and_few() -> (Vec<f32>, Vec<f32>) {
        let many: Vec<f32> = (0..1500)
            .map(|i| ((i * 7919) % 1500) as f32 / 1500.0 * 6.0 - 4.0)
            .collect();
        let few = many.iter().copied().step_by(30).collect();
        (many, few)
    }

    #[test]
    fn the_number_of_candidates_does_not_change_a_probability() {
        let (many, few) = many_and_few();
        let calibration = Calibration {
            slope: 1.7,
            offset: -1.0,
        };
        for (output, calibration) in [
            (Output::Relative, Some(&calibration)),
            (Output::Probability, Some(&calibration)),
            (Output::Probability, None),
        ] {
            let all = probabilities(&many, output, calibration);
            let some = probabilities(&few, output, calibration);
            assert!(some.iter().zip(all.iter().step_by(30)).all(|(a, b)| a == b));
        }
        // Relative scores without calibration are told by the track's average, which a sample moves a little.
        let all = probabilities(&many, Output::Relative, None);
        let some = probabilities(&few, Output::Relative, None);
        assert!(
            some.iter()
                .zip(all.iter().step_by(30))
                .all(|(a, b)| (a - b).abs() < 0.03)
        );
        // Shares do change: thirty times as many candidates have a thirtieth each.
        let all = shares(&many, Output::Relative)[0];
        let some = shares(&few, Output::Relative)[0];
        assert!(some / all > 20.0);
    }

    #[test]
    fn probabilities_lie_between_0_and_1() {
        assert_eq!(
            probabilities(&[-0.5, 0.3, 1.5], Output::Probability, None),
            [0.0, 0.3, 1.0]
        );
        let p = probabilities(&[-300.0, 0.0, 300.0], Output::Relative, None);
        assert!(p[0] == 0.0 && p[1] < 1e-6 && (p[2] - 0.75).abs() < 1e-6, "{p:?}");
        assert_eq!(probabilities(&[2.0, 2.0], Output::Relative, None), [0.5, 0.5]);
        assert!(probabilities(&[], Output::Relative, None).is_empty());
    }

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

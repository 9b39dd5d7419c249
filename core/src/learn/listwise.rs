//! What a network is to make small: losses over the candidates of one track, with their gradients.
//!
//! Scores and weights have one number a candidate. All but [`Loss::Squared`] look at differences within the track only,
//! and give a track in which all weights are equal nothing to learn. Each loss is divided by what makes tracks of
//! different sizes count alike. Sums run in a fixed order in `f64`.

use rand::Rng;
use rand::seq::SliceRandom;

use super::LearnError;

/// Places of the list that count for [`Loss::ListMle`].
const MLE_PLACES: usize = 10;
/// Of each pair that [`Loss::LambdaRank`] compares, one is among the first so many.
const LAMBDA_PLACES: usize = 15;

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Mean squared error of the weight.
    Squared,
    /// Cross-entropy between softmax(weight/temperature) and softmax(score) (Cao et al. 2007, top one).
    ListNet,
    /// Negative log-likelihood of the best ten in their order under Plackett–Luce (Xia et al. 2008; Lan et al. 2014 for the
    /// cut). Candidates of equal weight are put in random order, anew each time.
    ListMle,
    /// Pairwise logistic loss, each pair weighted by what swapping it would change of NDCG (Burges 2010), with the weight as
    /// its gain.
    LambdaRank,
}

impl Loss {
    /// Its name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Squared => "squared",
            Self::ListNet => "listnet",
            Self::ListMle => "listmle",
            Self::LambdaRank => "lambdarank",
        }
    }
}

/// True where the weights of a track say that one candidate is better than another.
pub fn ranks(weights: &[f32]) -> bool {
    weights.windows(2).any(|w| w[0] != w[1])
}

/// The loss of one track and, in `gradient`, its derivative by each score; `None` where the track teaches nothing.
pub(super) fn loss(
    loss: Loss,
    scores: &[f32],
    weights: &[f32],
    temperature: f32,
    rng: &mut impl Rng,
    gradient: &mut Vec<f32>,
) -> Option<f64> {
    gradient.clear();
    gradient.resize(scores.len(), 0.0);
    if loss == Loss::Squared {
        return squared(scores, weights, gradient);
    }
    if !ranks(weights) {
        return None;
    }
    Some(match loss {
        Loss::Squared | Loss::ListNet => listnet(scores, weights, f64::from(temperature), gradient),
        Loss::ListMle => listmle(scores, weights, rng, gradient),
        Loss::LambdaRank => lambdarank(scores, weights, gradient),
    })
}

fn squared(scores: &[f32], weights: &[f32], gradient: &mut [f32]) -> Option<f64> {
    let n = scores.len() as f64;
    let mut sum = 0.0;
    for ((s, w), g) in scores.iter().zip(weights).zip(gradient) {
        let error = f64::from(*s) - f64::from(*w);
        sum += error * error;
        *g = (2.0 * error / n) as f32;
    }
    (n > 0.0).then(|| sum / n)
}

/// exp(x − max) and its sum.
fn exponentials(x: impl Iterator<Item = f64> + Clone) -> (Vec<f64>, f64, f64) {
    let max = x.clone().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = x.map(|x| (x - max).exp()).collect();
    let sum = e.iter().sum();
    (e, sum, max)
}

fn listnet(scores: &[f32], weights: &[f32], temperature: f64, gradient: &mut [f32]) -> f64 {
    let (p, p_sum, _) = exponentials(weights.iter().map(|w| f64::from(*w) / temperature));
    let (q, q_sum, max) = exponentials(scores.iter().map(|s| f64::from(*s)));
    let log_sum = q_sum.ln() + max;
    let mut sum = 0.0;
    for (i, g) in gradient.iter_mut().enumerate() {
        let target = p[i] / p_sum;
        sum += target * (log_sum - f64::from(scores[i]));
        *g = (q[i] / q_sum - target) as f32;
    }
    sum
}

fn listmle(scores: &[f32], weights: &[f32], rng: &mut impl Rng, gradient: &mut [f32]) -> f64 {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.shuffle(rng);
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let least = order.last().map_or(0.0, |&i| weights[i]);
    // Those that share the last place have no order among them.
    let places = order
        .iter()
        .take(MLE_PLACES)
        .take_while(|&&i| weights[i] > least)
        .count();
    let (e, _, max) = exponentials(order.iter().map(|&i| f64::from(scores[i])));
    // Sums of what is left at each place; from the back, so that nothing is subtracted.
    let mut left = vec![0.0; e.len()];
    let mut sum = 0.0;
    for (left, e) in left.iter_mut().zip(&e).rev() {
        sum += e;
        *left = sum.max(f64::MIN_POSITIVE);
    }
    let share = 1.0 / places.max(1) as f64;
    let (mut loss, mut inverse) = (0.0, 0.0);
    for (place, &i) in order.iter().enumerate() {
        let mut g = 0.0;
        if place < places {
            loss += share * (left[place].ln() + max - f64::from(scores[i]));
            inverse += 1.0 / left[place];
            g -= share;
        }
        gradient[i] = (g + share * e[place] * inverse) as f32;
    }
    loss
}

fn lambdarank(scores: &[f32], weights: &[f32], gradient: &mut [f32]) -> f64 {
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let mut best = weights.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal: f64 = best
        .iter()
        .take(LAMBDA_PLACES)
        .enumerate()
        .map(|(place, w)| f64::from(*w) * discount(place))
        .sum();
    let discounts: Vec<f64> = (0..scores.len()).map(discount).collect();
    let mut sums = vec![0.0; scores.len()];
    let mut loss = 0.0;
    for (place, &i) in order.iter().enumerate().take(LAMBDA_PLACES) {
        for (other, &j) in order.iter().enumerate().skip(place + 1) {
            if weights[i] == weights[j] {
                continue;
            }
            let gain = (f64::from(weights[i]) - f64::from(weights[j])).abs();
            let change = gain * (discounts[place] - discounts[other]) / ideal;
            let (better, worse) = if weights[i] > weights[j] { (i, j) } else { (j, i) };
            let lead = f64::from(scores[better]) - f64::from(scores[worse]);
            let e = (-lead.abs()).exp();
            loss += change * (e.ln_1p() + (-lead).max(0.0));
            let pull = change * if lead > 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
            sums[better] -= pull;
            sums[worse] += pull;
        }
    }
    for (g, sum) in gradient.iter_mut().zip(sums) {
        *g = sum as f32;
    }
    loss
}

/// Checks that every weight is a number of at least 0.
pub(super) fn check_weights(data: &super::dataset::Dataset, tracks: &[usize]) -> Result<(), LearnError> {
    for &track in tracks {
        for row in data.tracks[track].rows.clone() {
            let weight = data.weights[row];
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(LearnError::Data(format!(
                    "`weight` is {} at row {} (track {:?}): it must be a number of at least 0",
                    if weight.is_nan() {
                        "missing".into()
                    } else {
                        weight.to_string()
                    },
                    row + 1,
                    data.tracks[track].track_id
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    const ALL: [Loss; 4] = [Loss::Squared, Loss::ListNet, Loss::ListMle, Loss::LambdaRank];

    fn run(kind: Loss, scores: &[f32], weights: &[f32]) -> (Option<f64>, Vec<f32>) {
        let mut gradient = Vec::new();
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        let loss = loss(kind, scores, weights, 0.125, &mut rng, &mut gradient);
        (loss, gradient)
    }

    #[test]
    fn gradients_are_those_of_the_losses() {
        // Scores apart by more than the step, or LambdaRank's places would change under it.
        let scores: Vec<f32> = (0..24).map(|i| ((i * 7) % 24) as f32 * 0.17 - 1.5).collect();
        let weights: Vec<f32> = (0..24).map(|i| ((i * 5) % 9) as f32 / 8.0).collect();
        for kind in ALL {
            let (_, gradient) = run(kind, &scores, &weights);
            let mut largest = 0f64;
            for i in 0..scores.len() {
                let step = 1.0 / 64.0;
                let at = |d: f32| {
                    let mut moved = scores.clone();
                    moved[i] += d;
                    run(kind, &moved, &weights).0.unwrap()
                };
                let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
                assert!(
                    (slope - f64::from(gradient[i])).abs() < 2e-5,
                    "{kind:?} {i}: {slope} {}",
                    gradient[i]
                );
                largest = largest.max(slope.abs());
            }
            assert!(largest > 1e-3, "{kind:?}: a flat loss proves nothing");
        }
    }

    #[test]
    fn a_perfect_order_costs_less_than_its_reverse() {
        let weights: Vec<f32> = (0..30).map(|i| (i as f32 / 29.0).powi(3)).collect();
        let reverse: Vec<f32> = weights.iter().map(|w| 1.0 - w).collect();
        for kind in ALL {
            let (good, bad) = (run(kind, &weights, &weights).0, run(kind, &reverse, &weights).0);
            assert!(good < bad, "{kind:?} {good:?} {bad:?}");
        }
        assert_eq!(run(Loss::Squared, &weights, &weights).0, Some(0.0));
    }

    #[test]
    fn tracks_that_rank_nothing_teach_nothing() {
        for kind in [Loss::ListNet, Loss::ListMle, Loss::LambdaRank] {
            for weights in [&[][..], &[0.7], &[0.5, 0.5, 0.5]] {
                let (loss, gradient) = run(kind, &vec![0.3; weights.len()], weights);
                assert_eq!(loss, None);
                assert!(gradient.iter().all(|g| *g == 0.0));
            }
        }
        assert_eq!(run(Loss::Squared, &[], &[]).0, None);
        assert_eq!(run(Loss::Squared, &[1.0], &[0.5]).0, Some(0.25));
    }

    #[test]
    fn huge_scores_stay_finite() {
        for kind in ALL {
            let (loss, gradient) = run(kind, &[1e4, -1e4, 3e3], &[0.0, 1.0, 0.5]);
            assert!(
                loss.unwrap().is_finite() && gradient.iter().all(|g| g.is_finite()),
                "{kind:?}"
            );
        }
    }
}

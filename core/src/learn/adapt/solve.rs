//! The mode of a logistic likelihood with a Gaussian prior.

use crate::model::adapted::TERMS;

/// Terms, and what is learnt beside them: how easily somebody is pleased, and how far somebody follows the base.
pub(super) const DIMENSIONS: usize = TERMS.len() + 2;
pub(super) const PLEASED: usize = TERMS.len();
pub(super) const FOLLOWS: usize = TERMS.len() + 1;

/// Variance of how easily somebody is pleased, against that of the weights.
const EASILY: f64 = 16.0;

/// Newton's method ends at steps below this, or after this many.
const STEP: f64 = 1e-9;
const MOST_STEPS: usize = 50;

/// Something that was said.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// The better and the worse of two loops, or one loop twice.
    pub(super) loops: (usize, usize),
    /// About one loop.
    pub(super) alone: bool,
    /// Log odds without taste.
    pub(super) base: f64,
    pub(super) inputs: [f64; DIMENSIONS],
    /// How much of it came true, 0 to 1.
    pub(super) target: f64,
    pub(super) weight: f64,
}

impl Observation {
    pub(super) fn log_likelihood(&self, odds: f64) -> f64 {
        -(self.target * softplus(-odds) + (1.0 - self.target) * softplus(odds))
    }
}

pub(super) fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log(1 + exp(x)) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The weights of highest posterior density, with a prior of standard deviation `prior` around 0. The density is
/// log-concave: there is one mode, and damped Newton steps lead to it.
pub(super) fn mode<'a>(observations: impl Iterator<Item = &'a Observation> + Clone, prior: f64) -> [f64; DIMENSIONS] {
    let mut precision = [1.0 / (prior * prior); DIMENSIONS];
    precision[PLEASED] /= EASILY;
    let odds = |o: &Observation, w: &[f64; DIMENSIONS]| o.base + dot(&o.inputs, w);
    let cost = |w: &[f64; DIMENSIONS]| {
        let prior: f64 = w.iter().zip(&precision).map(|(w, p)| 0.5 * p * w * w).sum();
        let likelihood: f64 = observations
            .clone()
            .map(|o| o.weight * o.log_likelihood(odds(o, w)))
            .sum();
        prior - likelihood
    };
    let mut w = [0.0; DIMENSIONS];
    let mut at = cost(&w);
    for _ in 0..MOST_STEPS {
        let mut gradient = [0.0; DIMENSIONS];
        let mut hessian = [[0.0; DIMENSIONS]; DIMENSIONS];
        for i in 0..DIMENSIONS {
            gradient[i] = precision[i] * w[i];
            hessian[i][i] = precision[i];
        }
        for o in observations.clone() {
            let p = logistic(odds(o, &w));
            let (pull, curve) = (o.weight * (p - o.target), o.weight * p * (1.0 - p));
            for (i, row) in hessian.iter_mut().enumerate() {
                gradient[i] += pull * o.inputs[i];
                for (h, x) in row.iter_mut().zip(&o.inputs).take(i + 1) {
                    *h += curve * o.inputs[i] * x;
                }
            }
        }
        let step = solved(&mut hessian, gradient);
        let mut length = 1.0;
        // The full step all but always does; far out it may overshoot.
        let (next, cost_there) = loop {
            let next: [f64; DIMENSIONS] = std::array::from_fn(|i| w[i] - length * step[i]);
            let there = cost(&next);
            if there <= at || length < 1e-6 {
                break (next, there);
            }
            length *= 0.5;
        };
        let moved = step.iter().map(|s| (length * s).abs()).fold(0.0, f64::max);
        if cost_there <= at {
            (w, at) = (next, cost_there);
        }
        if moved < STEP || cost_there > at {
            break;
        }
    }
    w
}

fn dot(a: &[f64; DIMENSIONS], b: &[f64; DIMENSIONS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a positive definite system, given by its lower triangle, by Cholesky's factors. The prior keeps the diagonal above
/// 0 by far.
fn solved(matrix: &mut [[f64; DIMENSIONS]; DIMENSIONS], mut right: [f64; DIMENSIONS]) -> [f64; DIMENSIONS] {
    for i in 0..DIMENSIONS {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let value = matrix[i][j] - inner;
            matrix[i][j] = if i == j {
                value.max(1e-12).sqrt()
            } else {
                value / matrix[j][j]
            };
        }
    }
    for i in 0..DIMENSIONS {
        let inner: f64 = (0..i).map(|k| matrix[i][k] * right[k]).sum();
        right[i] = (right[i] - inner) / matrix[i][i];
    }
    for i in (0..DIMENSIONS).rev() {
        let inner: f64 = (i + 1..DIMENSIONS).map(|k| matrix[k][i] * right[k]).sum();
        right[i] = (right[i] - inner) / matrix[i][i];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(inputs: [f64; DIMENSIONS], target: f64) -> Observation {
        Observation {
            loops: (0, 1),
            alone: false,
            base: 0.3,
            inputs,
            target,
            weight: 1.5,
        }
    }

    #[test]
    fn at_the_mode_the_gradient_is_zero() {
        let some: Vec<Observation> = (0..30u32)
            .map(|n| {
                let inputs =
                    std::array::from_fn(|i| f64::from((n * 7 + i as u32 * 13 + n * i as u32) % 11) / 3.0 - 1.5);
                observation(inputs, f64::from(n % 3) / 2.0)
            })
            .collect();
        let w = mode(some.iter(), 0.5);
        assert!(w.iter().any(|w| w.abs() > 0.05));
        for i in 0..DIMENSIONS {
            let precision = if i == PLEASED { 4.0 / EASILY } else { 4.0 };
            let pull: f64 = some
                .iter()
                .map(|o| o.weight * (logistic(o.base + dot(&o.inputs, &w)) - o.target) * o.inputs[i])
                .sum();
            assert!((precision * w[i] + pull).abs() < 1e-6, "{i}");
        }
    }

    #[test]
    fn nothing_said_is_nothing_learnt_and_extremes_stay_finite() {
        assert_eq!(mode([].iter(), 0.5), [0.0; DIMENSIONS]);
        let mut far = observation([3.0; DIMENSIONS], 1.0);
        far.base = -1e6;
        assert!(mode([far].iter(), 0.5).iter().all(|w| w.is_finite()));
        assert!(softplus(1e9).is_finite() && softplus(-1e9) == 0.0);
    }
}

//! Gradients of a ranking: LambdaMART.
//!
//! Every pair of candidates of a track, the one better than the other, pulls them apart by how wrong their order seems
//! (`ρ = 1/(1 + exp(s_i − s_j))`) times how much NDCG would change if they changed places (`Δ`):
//!
//! ```text
//! Δ_ij = |g_i − g_j| · |d(place_i) − d(place_j)| / ideal DCG        d(place) = 1/log2(place + 1), place from 1
//! λ_i −= ρΔ,   λ_j += ρΔ,   h_i += 2ρ(1 − ρ)Δ,   h_j += 2ρ(1 − ρ)Δ
//! ```
//!
//! The factor 2 makes the diagonal an upper bound of the pair's Hessian, whose other half lies off the diagonal; XGBoost has
//! it too. Only pairs with a member among the first `top` places count: the others cannot change what the top of the list
//! holds much, and are most of the work. Ref: Burges, "From RankNet to LambdaRank to LambdaMART", 2010.

use crate::rank::metrics::discount;

/// What a weight is worth at the top of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gain {
    /// The weight.
    Linear,
    /// 2^weight − 1, for graded weights (0, 1, 2, …).
    Exponential,
}

impl Gain {
    fn of(self, weight: f32) -> f64 {
        match self {
            Self::Linear => f64::from(weight),
            Self::Exponential => f64::from(weight).exp2() - 1.0,
        }
    }
}

/// One track, ready to be differentiated.
#[derive(Debug, Clone)]
pub(super) struct List {
    gains: Vec<f64>,
    /// One over the ideal DCG of the first places; 0 where no order is better than another.
    scale: f64,
    top: usize,
    normalise: bool,
}

/// Pull and curvature of one row.
pub(super) type Gradient = [f64; 2];

impl List {
    pub(super) fn of(weights: &[f32], gain: Gain, top: usize, normalise: bool) -> Self {
        let gains: Vec<f64> = weights.iter().map(|w| gain.of(*w)).collect();
        let mut ideal = gains.clone();
        ideal.sort_unstable_by(|a, b| b.total_cmp(a));
        let even = ideal.first() == ideal.last();
        let dcg: f64 = ideal.iter().take(top).enumerate().map(|(i, g)| g * discount(i)).sum();
        Self {
            gains,
            scale: if even || dcg <= 0.0 { 0.0 } else { 1.0 / dcg },
            top,
            normalise,
        }
    }

    /// True where no order is better than another.
    pub(super) fn is_even(&self) -> bool {
        self.scale == 0.0
    }

    /// The gradients at these scores. Equal scores are ordered by `salt`, so that no order of the rows in the file is
    /// learnt from.
    pub(super) fn gradients(&self, scores: &[f32], salt: u64, out: &mut [Gradient]) {
        out.fill([0.0; 2]);
        if self.is_even() {
            return;
        }
        let mut order: Vec<(f32, u64, usize)> = scores
            .iter()
            .enumerate()
            .map(|(i, s)| (*s, scatter(salt ^ i as u64), i))
            .collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let discounts: Vec<f64> = (0..order.len()).map(discount).collect();
        // As in XGBoost and LightGBM, pairs that are apart already weigh less, once scores differ at all.
        let apart = self.normalise && order.first().map(|x| x.0) != order.last().map(|x| x.0);
        let mut sum = 0.0;
        for (a, &(score_a, _, row_a)) in order.iter().enumerate().take(self.top) {
            let (gain_a, mut own) = (self.gains[row_a], [0.0; 2]);
            for (b, &(score_b, _, row_b)) in order.iter().enumerate().skip(a + 1) {
                let better = gain_a - self.gains[row_b];
                if better == 0.0 {
                    continue;
                }
                let ahead = f64::from(score_a) - f64::from(score_b);
                let mut delta = better.abs() * (discounts[a] - discounts[b]) * self.scale;
                if apart {
                    delta /= ahead + 0.01;
                }
                // `ahead` is positive or 0: whichever is better, one exponential.
                let e = (-ahead).exp();
                let behind = e / (1.0 + e);
                let wrong = if better > 0.0 { behind } else { 1.0 - behind };
                let pull = wrong * delta;
                let bend = 2.0 * (behind * (1.0 - behind)).max(1e-16) * delta;
                let toward = if better > 0.0 { -pull } else { pull };
                own[0] += toward;
                own[1] += bend;
                out[row_b][0] -= toward;
                out[row_b][1] += bend;
                sum += 2.0 * pull;
            }
            out[row_a][0] += own[0];
            out[row_a][1] += own[1];
        }
        if self.normalise && sum > 0.0 {
            let norm = (1.0 + sum).log2() / sum;
            out.iter_mut().flatten().for_each(|x| *x *= norm);
        }
    }
}

/// Well-mixed bits (SplitMix64).
pub(super) fn scatter(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f32; 6] = [0.3, -0.2, 1.1, 0.25, -0.9, 0.7];
    const WEIGHTS: [f32; 6] = [1.0, 0.0, 0.4, 0.7, 0.4, 0.0];

    /// The definition, pair by pair, over all ordered pairs.
    fn defined(scores: &[f32], weights: &[f32], gain: Gain, top: usize) -> Vec<Gradient> {
        let gains: Vec<f64> = weights.iter().map(|w| gain.of(*w)).collect();
        let place = |i: usize| scores.iter().filter(|s| **s > scores[i]).count() + 1;
        let d = |place: usize| 1.0 / ((place + 1) as f64).log2();
        let mut best = gains.clone();
        best.sort_by(|a, b| b.total_cmp(a));
        let ideal: f64 = best.iter().take(top).enumerate().map(|(i, g)| g * d(i + 1)).sum();
        let mut out = vec![[0.0; 2]; scores.len()];
        for i in 0..scores.len() {
            for j in 0..scores.len() {
                if gains[i] > gains[j] && place(i).min(place(j)) <= top {
                    let rho = 1.0 / (1.0 + f64::from(scores[i] - scores[j]).exp());
                    let delta = (gains[i] - gains[j]) * (d(place(i)) - d(place(j))).abs() / ideal;
                    out[i][0] -= rho * delta;
                    out[j][0] += rho * delta;
                    out[i][1] += 2.0 * rho * (1.0 - rho) * delta;
                    out[j][1] += 2.0 * rho * (1.0 - rho) * delta;
                }
            }
        }
        out
    }

    #[test]
    fn gradients_follow_the_definition() {
        for gain in [Gain::Linear, Gain::Exponential] {
            for top in [1, 3, 6, 10] {
                let mut out = vec![[0.0; 2]; 6];
                List::of(&WEIGHTS, gain, top, false).gradients(&SCORES, 1, &mut out);
                for (a, b) in out.iter().zip(defined(&SCORES, &WEIGHTS, gain, top)) {
                    assert!((a[0] - b[0]).abs() < 1e-7 && (a[1] - b[1]).abs() < 1e-7, "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn pulls_cancel_out_and_normalisation_keeps_their_signs() {
        let (mut plain, mut normal) = ([[0.0; 2]; 6], [[0.0; 2]; 6]);
        List::of(&WEIGHTS, Gain::Linear, 6, false).gradients(&[0.0; 6], 7, &mut plain);
        List::of(&WEIGHTS, Gain::Linear, 6, true).gradients(&[0.0; 6], 7, &mut normal);
        for g in [&plain, &normal] {
            assert!(g.iter().map(|x| x[0]).sum::<f64>().abs() < 1e-12);
        }
        // No score differs, so all that is left of it is one factor.
        let factor = normal[0][0] / plain[0][0];
        assert!(
            plain
                .iter()
                .zip(&normal)
                .all(|(a, b)| (a[0] * factor - b[0]).abs() < 1e-12)
        );
        assert!(plain[0][0] < 0.0 && plain[1][0] > 0.0);
    }

    #[test]
    fn lists_without_contrast_pull_nothing() {
        for weights in [[0.0; 3], [0.7; 3]] {
            let mut out = [[1.0; 2]; 3];
            let list = List::of(&weights, Gain::Linear, 10, true);
            list.gradients(&[1.0, 2.0, 3.0], 0, &mut out);
            assert!(list.is_even() && out == [[0.0; 2]; 3]);
        }
    }
}

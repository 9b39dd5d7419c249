//! From scores to the probability that a loop is good, and how far such probabilities can be trusted.
//!
//! What a model calls a score depends on how it was trained. [`platt`] fits two numbers, on tracks that the training did not
//! see, by which any score becomes a probability. It looks at one candidate at a time, so that the same loop has the
//! same probability among 50 candidates and among 1,500.

use crate::model::Calibration;

/// Fits 1/(1 + exp(−(slope·score + offset))) to scores and whether each loop is good, by maximum likelihood with Platt's
/// smoothed labels ("Probabilistic outputs for support vector machines", 1999), which keep it finite where scores separate
/// the classes. Newton's method with step halving, after Lin, Lin and Weng ("A note on Platt's probabilistic outputs", 2007).
///
/// `None` where there is nothing to fit: fewer than two distinct finite scores, no good or no bad loop, or good loops that do
/// not score higher.
pub fn platt(scores: &[f32], good: &[bool]) -> Option<Calibration> {
    let rows: Vec<(f64, bool)> = scores
        .iter()
        .zip(good)
        .filter(|(s, _)| s.is_finite())
        .map(|(s, g)| (f64::from(*s), *g))
        .collect();
    let n = rows.len() as f64;
    let goods = rows.iter().filter(|r| r.1).count() as f64;
    if goods == 0.0 || goods == n {
        return None;
    }
    let mean = rows.iter().map(|r| r.0).sum::<f64>() / n;
    let deviation = (rows.iter().map(|r| (r.0 - mean).powi(2)).sum::<f64>() / n).sqrt();
    if deviation == 0.0 {
        return None;
    }
    // On standardised scores, so that the steps are of the order of 1.
    let (yes, no) = ((goods + 1.0) / (goods + 2.0), 1.0 / (n - goods + 2.0));
    let rows: Vec<(f64, f64)> = rows
        .into_iter()
        .map(|(s, g)| ((s - mean) / deviation, if g { yes } else { no }))
        .collect();
    let loss = |a: f64, b: f64| {
        let of = |(x, t): &(f64, f64)| {
            let f = a * x + b;
            // log(1 + e^f) − t·f, without overflow.
            f.max(0.0) + (-f.abs()).exp().ln_1p() - t * f
        };
        rows.iter().map(of).sum::<f64>()
    };
    let (mut a, mut b) = (0.0, (goods / (n - goods)).ln());
    let mut now = loss(a, b);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
        for (x, t) in &rows {
            let p = 1.0 / (1.0 + (-(a * x + b)).exp());
            let (d, w) = (p - t, p * (1.0 - p));
            ga += d * x;
            gb += d;
            haa += w * x * x;
            hab += w * x;
            hbb += w;
        }
        if ga.abs().max(gb.abs()) < 1e-9 * n {
            break;
        }
        let det = haa * hbb - hab * hab;
        let (da, db) = (-(hbb * ga - hab * gb) / det, -(haa * gb - hab * ga) / det);
        let slope = ga * da + gb * db;
        let mut step = 1.0;
        loop {
            let next = loss(a + step * da, b + step * db);
            if next < now + 1e-4 * step * slope {
                (a, b, now) = (a + step * da, b + step * db, next);
                break;
            }
            step /= 2.0;
            if step < 1e-10 {
                break;
            }
        }
        if step < 1e-10 {
            break;
        }
    }
    let slope = a / deviation;
    let offset = b - slope * mean;
    (slope > 0.0 && slope.is_finite() && offset.is_finite()).then_some(Calibration { slope, offset })
}

/// Loops of similar probability.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Mean of their probabilities.
    pub said: f64,
    /// Part of them that is good.
    pub found: f64,
    /// How many they are.
    pub count: usize,
}

/// How probabilities compare with what came true.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Reliability {
    /// Mean squared error (Brier 1950); always saying the part of good loops gives `part · (1 − part)`.
    pub brier: f64,
    /// Expected calibration error: mean distance of [`Bin::said`] and [`Bin::found`], weighted by the bins' counts (Guo et
    /// al. 2017).
    pub ece: f64,
    /// Part of all loops that is good.
    pub part: f64,
    /// Ten bins of equal width from 0 to 1; those that hold nothing are left out.
    pub bins: Vec<Bin>,
}

/// Compares probabilities with whether each loop is good; `None` for none.
pub fn reliability(probabilities: &[f32], good: &[bool]) -> Option<Reliability> {
    const BINS: usize = 10;
    let rows: Vec<(f64, f64)> = probabilities
        .iter()
        .zip(good)
        .filter(|(p, _)| p.is_finite())
        .map(|(p, g)| (f64::from(p.clamp(0.0, 1.0)), f64::from(*g)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let n = rows.len() as f64;
    let mut sums = [(0.0, 0.0, 0usize); BINS];
    for (p, g) in &rows {
        let bin = &mut sums[((p * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + p, bin.1 + g, bin.2 + 1);
    }
    let bins: Vec<Bin> = sums
        .iter()
        .filter(|b| b.2 > 0)
        .map(|&(said, found, count)| Bin {
            said: said / count as f64,
            found: found / count as f64,
            count,
        })
        .collect();
    let gap = |b: &Bin| (b.said - b.found).abs() * b.count as f64;
    Some(Reliability {
        brier: rows.iter().map(|(p, g)| (p - g).powi(2)).sum::<f64>() / n,
        ece: bins.iter().map(gap).sum::<f64>() / n,
        part: rows.iter().map(|r| r.1).sum::<f64>() / n,
        bins,
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Reference {
        cases: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        scores: Vec<f32>,
        weights: Vec<f32>,
        platt: Option<[f64; 2]>,
    }

    #[test]
    fn it_is_a_logistic_regression() {
        // Of many copies of the rows the smoothing of the labels is lost, and scikit-learn's fit remains.
        let text = include_str!("../../../tests/reference/ranking.json");
        let reference: Reference = serde_json::from_str(text).unwrap();
        let mut compared = 0;
        for case in reference.cases {
            let Some([slope, offset]) = case.platt else { continue };
            let scores = case.scores.repeat(2000);
            let good: Vec<bool> = case.weights.iter().map(|w| *w >= 0.5).collect();
            let c = platt(&scores, &good.repeat(2000)).unwrap();
            assert!((c.slope - slope).abs() < 2e-3 * slope, "{c:?} {slope}");
            assert!((c.offset - offset).abs() < 2e-3 * offset.abs(), "{c:?} {offset}");
            compared += 1;
        }
        assert_eq!(compared, 4);
    }

    #[test]
    fn what_was_drawn_by_a_logistic_is_found_again_at_any_scale() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let mut draw = |slope: f32, offset: f32, mean: f32, deviation: f32| {
            let scores: Vec<f32> = (0..20_000)
                .map(|_| mean + deviation * random.random_range(-2.0f32..2.0))
                .collect();
            let good: Vec<bool> = scores
                .iter()
                .map(|s| random.random_range(0.0f32..1.0) < 1.0 / (1.0 + (-(slope * s + offset)).exp()))
                .collect();
            (scores, good)
        };
        for (slope, offset, mean, deviation) in [
            (1.0, -3.0, 0.0, 1.0),
            (800.0, -2.0, 0.0, 1e-3),
            (0.01, -50.0, 5000.0, 100.0),
        ] {
            let (scores, good) = draw(slope, offset, mean, deviation);
            let c = platt(&scores, &good).unwrap();
            assert!((c.slope / f64::from(slope) - 1.0).abs() < 0.1, "{c:?}");
            let said: Vec<f32> = scores.iter().map(|s| c.probability(f64::from(*s)) as f32).collect();
            let r = reliability(&said, &good).unwrap();
            assert!(r.ece < 0.02 && r.brier < r.part * (1.0 - r.part), "{r:?}");
        }
    }

    #[test]
    fn separated_scores_stay_finite_and_hopeless_ones_are_refused() {
        let c = platt(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]).unwrap();
        assert!(c.probability(4.0) > 0.7 && c.probability(4.0) < 1.0);
        assert_eq!(platt(&[1.0, 2.0, 3.0, 4.0], &[true, true, false, false]), None);
        assert_eq!(platt(&[1.0; 4], &[true, false, true, false]), None);
        assert_eq!(platt(&[1.0, 2.0], &[true, true]), None);
        assert_eq!(platt(&[], &[]), None);
        assert!(platt(&[1.0, f32::NAN, 2.0], &[false, true, true]).is_some());
    }

    #[test]
    fn reliability_by_hand() {
        let r = reliability(&[0.05, 0.05, 0.95, 1.0], &[false, true, true, true]).unwrap();
        assert!((r.brier - (0.0025 + 0.9025 + 0.0025) / 4.0).abs() < 1e-6);
        assert!((r.ece - (0.45 * 2.0 + 0.025 * 2.0) / 4.0).abs() < 1e-6);
        assert_eq!((r.part, r.bins.len()), (0.75, 2));
        assert_eq!(reliability(&[], &[]), None);
    }
}

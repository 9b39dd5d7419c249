//! From probabilities to labels.

use crate::drums::class::{Class, Drum};
use crate::drums::cluster::square;
use crate::drums::pick::logit;

const CLASSES: usize = Drum::ALL.len();
/// Probability from which a class is a label beside the surest.
const LABEL: f32 = 0.4;
/// Hits most alike over which labels are smoothed, and what these count together.
const LIKE: usize = 6;
const SHARE: f64 = 0.5;

/// The labels of a hit, surest first, and how sure the first is.
pub(super) fn labels(probabilities: &[f32; CLASSES]) -> (Vec<Class>, f32) {
    let mut order: Vec<Drum> = Drum::ALL.to_vec();
    let p = |d: &Drum| probabilities[d.index()];
    order.sort_by(|a, b| p(b).total_cmp(&p(a)));
    let confidence = order.first().map_or(0.0, p);
    let kept = order.iter().enumerate().filter(|(i, d)| *i == 0 || p(d) >= LABEL);
    (kept.map(|(_, d)| Class::Drum(*d)).collect(), confidence)
}

/// Probabilities that say what a rule says; the rest is shared out.
pub(super) fn spread(class: Class, confidence: f32) -> [f32; CLASSES] {
    match class {
        Class::Drum(d) => {
            let mut out = [(1.0 - confidence) / (CLASSES - 1) as f32; CLASSES];
            out[d.index()] = confidence;
            out
        }
        _ => [1.0 / CLASSES as f32 * 0.5; CLASSES],
    }
}

/// The probabilities of each hit, half of whose log-odds are the mean of the [`LIKE`] hits nearest to it among `points`
/// of `size` numbers: the same drum sounds alike each time, and the model's errors differ.
pub(super) fn smoothed(raw: &[[f32; CLASSES]], points: &[f64], size: usize) -> Vec<[f32; CLASSES]> {
    let odds: Vec<[f64; CLASSES]> = raw.iter().map(|p| p.map(logit)).collect();
    let point = |i: usize| &points[i * size..(i + 1) * size];
    (0..raw.len())
        .map(|i| {
            let mut near: Vec<(f64, usize)> = (0..raw.len())
                .filter(|j| *j != i)
                .map(|j| (square(point(i), point(j)), j))
                .collect();
            if near.is_empty() {
                return raw[i];
            }
            if near.len() > LIKE {
                near.select_nth_unstable_by(LIKE - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                near.truncate(LIKE);
            }
            // In one order, so that the sum is the same.
            near.sort_by_key(|n| n.1);
            std::array::from_fn(|c| {
                let mean = near.iter().map(|(_, j)| odds[*j][c]).sum::<f64>() / near.len() as f64;
                let x = (1.0 - SHARE) * odds[i][c] + SHARE * mean;
                (1.0 / (1.0 + (-x).exp())) as f32
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_all_that_are_likely_and_at_least_one() {
        let mut p = [0.05; CLASSES];
        p[Drum::HatClosed.index()] = 0.4;
        p[Drum::Kick.index()] = 0.8;
        let got = labels(&p);
        assert_eq!(got, (vec![Class::Drum(Drum::Kick), Class::Drum(Drum::HatClosed)], 0.8));
        let mut p = [0.01; CLASSES];
        p[Drum::Tom.index()] = 0.02;
        assert_eq!(labels(&p).0, [Class::Drum(Drum::Tom)]);
    }

    #[test]
    fn an_outlier_follows_its_like() {
        // Ten hits at one place, ten at another; one of the first is heard as the other class.
        let points: Vec<f64> = (0..20)
            .map(|i| if i < 10 { 0.0 } else { 9.0 } + 0.01 * f64::from(i))
            .collect();
        let heard = |kick: f32| {
            let mut p = [0.02; CLASSES];
            p[Drum::Kick.index()] = kick;
            p[Drum::Snare.index()] = 1.0 - kick;
            p
        };
        let mut raw: Vec<_> = (0..20).map(|i| heard(if i < 10 { 0.95 } else { 0.05 })).collect();
        raw[4] = heard(0.4);
        let got = smoothed(&raw, &points, 1);
        assert!(got[4][Drum::Kick.index()] > 0.6);
        assert!(got[15][Drum::Kick.index()] < 0.1);
        assert_eq!(smoothed(&raw[..1], &points[..1], 1), raw[..1]);
    }
}

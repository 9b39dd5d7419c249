//! The cleanest hit of a cluster.
//!
//! What spoils a hit is what sounds with it, so purity comes first: how far the model is from hearing any other class in
//! it. Where drums play alone a long tail counts as well; in a mix the longest tails follow the loudest coincidences, and
//! there the own class counts in its place. Loudness never counts: accents are coincidences.
//!
//! Purity must be judged by the raw probabilities. Those that are smoothed over like hits say nothing about this one.

use super::class::{Class, Drum};

/// Hits that are offered for each cluster.
pub const OFFERED: usize = 5;
/// Part of the loud onsets that are not drums above which a passage is a mix.
pub(crate) const BLEED: f32 = 0.15;
/// Longest tail that counts, and the one that counts nothing, in seconds.
const TAIL: (f64, f64) = (0.6, 0.1);
/// Probabilities nearer than this to 0 or 1 are no surer.
const SURE: f32 = 1e-4;

/// What a pick is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'a> {
    /// Raw probabilities of the classes.
    pub(crate) probabilities: &'a [f32; Drum::ALL.len()],
    /// Time to the next hit in seconds.
    pub(crate) tail: f64,
}

/// Log-odds of `p`.
pub(crate) fn logit(p: f32) -> f64 {
    let p = f64::from(p.clamp(SURE, 1.0 - SURE));
    (p / (1.0 - p)).ln()
}

/// How good a piece for `class` this hit is; only differences mean something.
pub(crate) fn score(hit: Judged<'_>, class: Class, mix: bool) -> f64 {
    let own = match class {
        Class::Drum(d) => Some(d.index()),
        _ => None,
    };
    let others = hit.probabilities.iter().enumerate().filter(|(i, _)| Some(*i) != own);
    let others: f64 = others.map(|(_, p)| logit(*p).exp()).sum::<f64>().ln();
    if mix {
        own.map_or(0.0, |own| logit(hit.probabilities[own])) - others
    } else {
        (hit.tail.clamp(0.001, TAIL.0) / TAIL.1).log2() - others
    }
}

/// The best of `hits` (numbers with what they are judged by), best first, at most [`OFFERED`]; of equals the first.
pub(crate) fn best<'a>(hits: impl IntoIterator<Item = (usize, Judged<'a>)>, class: Class, mix: bool) -> Vec<usize> {
    let mut scored: Vec<(f64, usize)> = hits.into_iter().map(|(i, h)| (score(h, class, mix), i)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(OFFERED).map(|(_, i)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pairs: &[(Drum, f32)]) -> [f32; 9] {
        let mut p = [0.01; 9];
        pairs.iter().for_each(|(d, x)| p[d.index()] = *x);
        p
    }

    #[test]
    fn the_pure_hit_wins_over_the_loud_coincidence_and_the_long_tail() {
        let pure = heard(&[(Drum::Kick, 0.9)]);
        let with_hat = heard(&[(Drum::Kick, 0.99), (Drum::HatClosed, 0.7)]);
        let hits = [
            (
                0,
                Judged {
                    probabilities: &with_hat,
                    tail: 0.6,
                },
            ),
            (
                1,
                Judged {
                    probabilities: &pure,
                    tail: 0.1,
                },
            ),
            (
                2,
                Judged {
                    probabilities: &pure,
                    tail: 0.4,
                },
            ),
            (
                3,
                Judged {
                    probabilities: &pure,
                    tail: 5.0,
                },
            ),
            (
                4,
                Judged {
                    probabilities: &pure,
                    tail: 0.7,
                },
            ),
        ];
        let class = Class::Drum(Drum::Kick);
        // Tails beyond 0.6 s are alike.
        assert_eq!(best(hits, class, false), [3, 4, 2, 1, 0]);
        // In a mix tails do not count.
        assert_eq!(best(hits, class, true), [1, 2, 3, 4, 0]);
        // As a hat, the one with the hat in it is the better.
        assert_eq!(best(hits, Class::Drum(Drum::HatClosed), true)[0], 0);
    }

    #[test]
    fn no_more_are_offered_than_asked() {
        let p = heard(&[]);
        let hits = (0..9).map(|i| {
            (
                i,
                Judged {
                    probabilities: &p,
                    tail: 0.2,
                },
            )
        });
        assert_eq!(best(hits, Class::Silence, false), [0, 1, 2, 3, 4]);
    }
}

//! From distances to a graph of who belongs with whom.
//!
//! The *raw* similarity of a pair is exp(−d / median d) · overlap: it falls smoothly, so that everything resembles everything
//! a little. Sharpening takes that haze away.

use super::graph::Graph;
use super::pairs::Pairs;

/// How similarities are sharpened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharpening {
    /// Mutual nearest neighbours, each distance measured by both sides' own scale (L. Zelnik-Manor and P. Perona,
    /// "Self-tuning spectral clustering", 2004).
    #[default]
    SelfTunedKnn,
    /// Rows and columns brought to the same sum (R. Sinkhorn, 1964).
    Sinkhorn,
    /// Left as they are.
    None,
}

impl Sharpening {
    /// Its name in settings and summaries.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelfTunedKnn => "self_tuned_knn",
            Self::Sinkhorn => "sinkhorn",
            Self::None => "none",
        }
    }
}

/// Raw similarities from distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raw {
    scale: f32,
}

impl Raw {
    /// With the median distance of these pairs.
    pub fn of(pairs: &Pairs) -> Self {
        Self {
            scale: pairs.median_distance().max(1e-6),
        }
    }

    /// The similarity of two that are `distance` apart, from 0 to 1.
    pub fn similarity(self, distance: f32, overlap: f32) -> f32 {
        if distance.is_finite() {
            (-distance / self.scale).exp() * overlap
        } else {
            0.0
        }
    }
}

/// Raw similarities as a graph, 1 from each to itself.
pub fn none(pairs: &Pairs) -> Graph {
    let raw = Raw::of(pairs);
    rows(pairs, |_, _, distance, overlap| raw.similarity(distance, overlap))
}

/// Similarities exp(−d² / (σᵢ σⱼ)) · overlap, where σᵢ is the distance from i to its `k`-th nearest that is not the same to
/// the bit (the farthest, where there are fewer); kept where each is among the `k` most similar of the other (the earlier in
/// order on ties), 0 elsewhere, 1 from each to itself.
pub fn self_tuned_knn(pairs: &Pairs, k: usize) -> Graph {
    let k = k.max(1);
    let n = pairs.len();
    let scale: Vec<f32> = (0..n)
        .map(|i| {
            let mut row: Vec<f32> = pairs.row(i).map(|(_, p)| p.distance).collect();
            row.retain(|d| *d > 0.0 && d.is_finite());
            let at = k.min(row.len()).checked_sub(1);
            at.map_or(0.0, |at| *row.select_nth_unstable_by(at, f32::total_cmp).1)
        })
        .collect();
    let weight = |i: usize, j: usize, distance: f32, overlap: f32| {
        let product = scale[i] * scale[j] + 1e-12;
        if distance.is_finite() {
            (-distance * distance / product).exp() * overlap
        } else {
            0.0
        }
    };
    let nearest: Vec<Vec<(u32, f32)>> = (0..n)
        .map(|i| {
            let mut row: Vec<(u32, f32)> = pairs
                .row(i)
                .map(|(j, p)| (j as u32, weight(i, j, p.distance, p.overlap)))
                .collect();
            row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row.truncate(k);
            row.retain(|(_, w)| *w > 0.0);
            row.sort_by_key(|(j, _)| *j);
            row
        })
        .collect();
    let mutual = |i: usize, j: u32| {
        nearest[j as usize]
            .binary_search_by_key(&(i as u32), |(i, _)| *i)
            .is_ok()
    };
    Graph::from_rows((0..n).map(|i| {
        let mut row: Vec<(u32, f32)> = nearest[i].iter().copied().filter(|(j, _)| mutual(i, *j)).collect();
        let at = row.partition_point(|(j, _)| (*j as usize) < i);
        row.insert(at, (i as u32, 1.0));
        row
    }))
}

/// Raw similarities, scaled until each row sums to 1: S = D K D for a diagonal D, found by `iterations` of
/// dᵢ ← √(dᵢ / (K d)ᵢ). Every iterate is symmetric, unlike that of alternating between rows and columns. (P. Knight, D. Ruiz and
/// B. Uçar, "A symmetry preserving algorithm for matrix scaling", 2014.)
pub fn sinkhorn(pairs: &Pairs, iterations: usize) -> Graph {
    let raw = none(pairs);
    let n = raw.len();
    let mut d = vec![1.0f64; n];
    for _ in 0..iterations {
        let sums: Vec<f64> = (0..n)
            .map(|i| raw.row(i).map(|(j, w)| f64::from(w) * d[j]).sum())
            .collect();
        for (d, sum) in d.iter_mut().zip(sums) {
            *d = (*d / f64::max(sum, 1e-8)).sqrt();
        }
    }
    Graph::from_rows((0..n).map(|i| {
        raw.row(i)
            .map(|(j, w)| (j as u32, (f64::from(w) * d[i] * d[j]) as f32))
            .collect()
    }))
}

fn rows(pairs: &Pairs, weight: impl Fn(usize, usize, f32, f32) -> f32) -> Graph {
    Graph::from_rows((0..pairs.len()).map(|i| {
        let mut row: Vec<(u32, f32)> = pairs
            .row(i)
            .map(|(j, p)| (j as u32, weight(i, j, p.distance, p.overlap)))
            .collect();
        let at = row.partition_point(|(j, _)| (*j as usize) < i);
        row.insert(at, (i as u32, 1.0));
        row.retain(|(_, w)| *w > 0.0);
        row
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::dtw::Pair;

    /// Points on a line: distances between them.
    fn line(points: &[f32]) -> Pairs {
        let pair = |a: f32, b: f32| Pair {
            distance: (a - b).abs(),
            overlap: 1.0,
            stretch: 1.0,
        };
        let rows = (0..points.len()).map(|i| points[i + 1..].iter().map(|b| pair(points[i], *b)).collect());
        Pairs::all(points.len(), rows)
    }

    fn assert_symmetric(graph: &Graph) {
        for i in 0..graph.len() {
            let mut last = None;
            for (j, w) in graph.row(i) {
                assert!(last < Some(j), "rows rise");
                last = Some(j);
                assert_eq!(graph.weight(j, i), w, "{i} {j}");
                assert!((0.0..=1.0).contains(&w));
            }
        }
    }

    const POINTS: [f32; 9] = [0.0, 0.1, 0.25, 5.0, 5.05, 5.2, 9.0, 9.3, 9.31];

    #[test]
    fn sharpened_graphs_are_symmetric_and_groups_fall_apart() {
        let pairs = line(&POINTS);
        for graph in [none(&pairs), self_tuned_knn(&pairs, 2), sinkhorn(&pairs, 25)] {
            assert_eq!(graph.len(), 9);
            assert_symmetric(&graph);
        }
        let knn = self_tuned_knn(&pairs, 2);
        assert_eq!(knn.components().0, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
        assert!((0..9).all(|i| knn.row(i).count() <= 3 && knn.weight(i, i) == 1.0));
    }

    #[test]
    fn self_tuned_weights_are_their_definition() {
        let pairs = line(&[0.0, 1.0, 3.0]);
        // Nearest by distance: 1, 1, 2.
        let graph = self_tuned_knn(&pairs, 1);
        assert!((graph.weight(0, 1) - (-1.0f32).exp()).abs() < 1e-6);
        // 1 is nearest to 2, but 2 is not nearest to 1.
        assert_eq!(graph.weight(1, 2), 0.0);
        let graph = self_tuned_knn(&pairs, 2);
        // Second nearest: 3, 2, 3.
        assert!((graph.weight(1, 2) - (-4.0f32 / 6.0).exp()).abs() < 1e-6);
        // More neighbours than there are.
        assert_eq!(self_tuned_knn(&pairs, 50), graph);
    }

    #[test]
    fn sinkhorn_rows_sum_to_one() {
        let graph = sinkhorn(&line(&POINTS), 25);
        for (i, sum) in graph.degrees().iter().enumerate() {
            assert!((sum - 1.0).abs() < 1e-6, "row {i}: {sum}");
        }
        // The first round alone does not do it: the bound above can fail.
        assert!(
            sinkhorn(&line(&POINTS), 1)
                .degrees()
                .iter()
                .any(|s| (s - 1.0).abs() > 1e-3)
        );
    }

    #[test]
    fn duplicates_and_the_very_small_are_no_trouble() {
        for points in [&[][..], &[1.0], &[1.0, 1.0], &[1.0; 6], &[0.0, 0.0, 1.0]] {
            let pairs = line(points);
            for graph in [none(&pairs), self_tuned_knn(&pairs, 7), sinkhorn(&pairs, 25)] {
                assert_eq!(graph.len(), points.len());
                assert_symmetric(&graph);
                assert!(graph.degrees().iter().all(|d| d.is_finite() && *d > 0.0));
            }
            let knn = self_tuned_knn(&pairs, 7);
            if points.len() > 1 {
                assert_eq!(knn.weight(0, 1), 1.0, "the same loop twice");
            }
        }
    }

    #[test]
    fn what_was_not_aligned_has_nothing_in_common() {
        let pairs = Pairs::all(
            3,
            [vec![
                Pair {
                    distance: 0.5,
                    ..Pair::SAME
                },
                Pair::APART,
            ]],
        );
        assert_eq!((pairs.count(), pairs.median_distance()), (3, 0.5));
        for graph in [none(&pairs), self_tuned_knn(&pairs, 2), sinkhorn(&pairs, 25)] {
            assert_eq!(graph.weight(0, 2), 0.0);
            assert!(graph.weight(0, 1) > 0.0);
            assert_symmetric(&graph);
        }
    }
}

//! Boosted trees that tell one tag: perfect trees of one depth, which an ONNX graph of matrix products evaluates (the `GEMM`
//! strategy of Nakandala et al., "A tensor compiler for unified machine learning prediction serving", OSDI 2020). Tree
//! ensembles as an operator are known to few engines.

use crate::learn::LearnError;
use crate::learn::boost::{Goal, Settings, boost};
use crate::learn::dataset::{Dataset, Group};
use crate::learn::recorder::Nowhere;
use crate::learn::split::Split;
use crate::model::trees::Tree;
use crate::progress::Silent;

/// Levels of splits.
pub const DEPTH: usize = 3;
/// Splits of a tree: node `i` has the children `2i + 1` and `2i + 2`.
pub const SPLITS: usize = (1 << DEPTH) - 1;
/// Leaves of a tree, from left to right.
pub const LEAVES: usize = 1 << DEPTH;

/// Perfect trees whose leaves add up to log odds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ensemble {
    /// Log odds before any tree.
    pub base: f32,
    /// What each split asks about, [`SPLITS`] a tree.
    pub features: Vec<u32>,
    /// Values below this go left.
    pub thresholds: Vec<f32>,
    /// Values of the leaves, [`LEAVES`] a tree.
    pub leaves: Vec<f32>,
}

impl Ensemble {
    /// Learns `targets` from `x`, rows of `width` numbers, none of them missing. Where nothing can be learnt it has no trees.
    ///
    /// # Errors
    ///
    /// Settings out of range.
    pub(super) fn fit(x: &[f32], width: usize, targets: &[f64], rounds: usize, seed: u64) -> Result<Self, LearnError> {
        let n = targets.len();
        let data = Dataset {
            columns: (0..width).map(|c| c.to_string()).collect(),
            values: x.to_vec(),
            weights: targets.iter().map(|y| *y as f32).collect(),
            spans: vec![(0.0, 0.0); n],
            tracks: (0..n)
                .map(|row| Group {
                    track_id: row.to_string(),
                    rows: row..row + 1,
                })
                .collect(),
        };
        let split = Split {
            train: (0..n).collect(),
            ..Split::default()
        };
        let settings = Settings {
            goal: Goal::Logistic,
            rounds,
            depth: DEPTH,
            seed,
            threads: 1,
            ..Settings::default()
        };
        match boost(&data, &split, &settings, &mut Nowhere, &Silent) {
            Ok(made) => {
                let mut out = Self {
                    base: made.trees.base.first().copied().unwrap_or(0.0),
                    ..Self::default()
                };
                made.trees.trees.iter().for_each(|tree| out.add(tree));
                Ok(out)
            }
            // No split gains anything: what is left is the share.
            Err(LearnError::Data(_)) => {
                let with = targets.iter().sum::<f64>();
                Ok(Self {
                    base: ((with + 1.0) / (n as f64 - with + 1.0)).ln() as f32,
                    ..Self::default()
                })
            }
            Err(e) => Err(e),
        }
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.leaves.len() / LEAVES
    }

    fn add(&mut self, tree: &Tree) {
        let mut nodes = [0usize; SPLITS + LEAVES];
        for i in 0..SPLITS {
            let node = nodes[i];
            let (left, right) = (usize::try_from(tree.left[node]), usize::try_from(tree.right[node]));
            let (feature, threshold) = match (left, right) {
                (Ok(left), Ok(right)) => {
                    (nodes[2 * i + 1], nodes[2 * i + 2]) = (left, right);
                    (tree.feature[node], tree.value[node])
                }
                // A leaf above the last level: both ways lead to it.
                _ => {
                    (nodes[2 * i + 1], nodes[2 * i + 2]) = (node, node);
                    (0, f32::MAX)
                }
            };
            self.features.push(feature);
            self.thresholds.push(threshold);
        }
        self.leaves.extend(nodes[SPLITS..].iter().map(|&node| tree.value[node]));
    }

    /// Adds trees that say nothing until there are `trees`.
    pub(super) fn pad(&mut self, trees: usize) {
        self.features.resize(trees * SPLITS, 0);
        self.thresholds.resize(trees * SPLITS, f32::MAX);
        self.leaves.resize(trees * LEAVES, 0.0);
    }

    /// Log odds of a row.
    pub fn score(&self, row: &[f32]) -> f64 {
        let trees = self
            .features
            .chunks_exact(SPLITS)
            .zip(self.thresholds.chunks_exact(SPLITS));
        let values = trees
            .zip(self.leaves.chunks_exact(LEAVES))
            .map(|((features, thresholds), leaves)| {
                let mut at = 0;
                while at < SPLITS {
                    let right = row[features[at] as usize] >= thresholds[at];
                    at = 2 * at + 1 + usize::from(right);
                }
                f64::from(leaves[at - SPLITS])
            });
        f64::from(self.base) + values.sum::<f64>()
    }
}

/// The matrix and bias that make of the splits of a tree (1 where the value is below the threshold, else 0) a number a leaf: 1
/// at the leaf that is reached, 0 or less at the others.
pub(super) fn paths() -> (Vec<f32>, Vec<f32>) {
    let mut matrix = vec![0.0; SPLITS * LEAVES];
    let mut bias = vec![1.0 - DEPTH as f32; LEAVES];
    for leaf in 0..LEAVES {
        let mut at = leaf + SPLITS;
        while at > 0 {
            let (parent, is_left) = ((at - 1) / 2, at % 2 == 1);
            matrix[parent * LEAVES + leaf] = if is_left { 1.0 } else { -1.0 };
            bias[leaf] += if is_left { 0.0 } else { 1.0 };
            at = parent;
        }
    }
    (matrix, bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_tell_what_no_line_can() {
        let x: Vec<f32> = (0..400 * 2).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
        let y: Vec<f64> = x
            .chunks(2)
            .map(|r| f64::from(u8::from((r[0] > 0.0) == (r[1] > 0.2))))
            .collect();
        let made = Ensemble::fit(&x, 2, &y, 60, 1).unwrap();
        let right = x
            .chunks(2)
            .zip(&y)
            .filter(|(r, y)| (made.score(r) > 0.0) == (**y > 0.5))
            .count();
        assert!(right > 380, "{right}");
        let mut padded = made.clone();
        padded.pad(made.trees() + 5);
        assert!(x.chunks(2).all(|r| padded.score(r) == made.score(r)));
        assert_eq!(Ensemble::fit(&x, 2, &[1.0; 400], 60, 1).unwrap().trees(), 0);
    }

    #[test]
    fn one_leaf_is_reached_by_any_answers() {
        let (matrix, bias) = paths();
        for answers in 0..1usize << SPLITS {
            let below = |i: usize| answers >> i & 1;
            let mut at = 0;
            while at < SPLITS {
                at = 2 * at + 2 - below(at);
            }
            for leaf in 0..LEAVES {
                let sum: f32 = (0..SPLITS)
                    .map(|i| below(i) as f32 * matrix[i * LEAVES + leaf])
                    .sum::<f32>()
                    + bias[leaf];
                assert_eq!(sum.max(0.0), f32::from(u8::from(leaf == at - SPLITS)));
            }
        }
    }
}

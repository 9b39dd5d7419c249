//! Gradient-boosted decision trees: what an XGBoost file holds, and what our own trainer makes.
//!
//! All numbers are `f32`, and margins are summed in the order of the trees: scores are then bit-equal to XGBoost's own.
//!
//! [`Trees::read`] takes XGBoost's JSON and UBJSON, [`Trees::to_json`] writes what XGBoost loads since 2.0 (since 3.1 where
//! outputs begin at different margins), and [`Trees::forest`] checks all of it once and gives a [`Forest`], which scores.
//! References: the XGBoost documentation, "Introduction to Model IO" and its JSON schema; Chen and Guestrin, "XGBoost: a
//! scalable tree boosting system", KDD 2016; Rashmi and Gilad-Bachrach, "DART", AISTATS 2015.

mod forest;
mod json;
mod objective;
mod read;
mod ubj;
mod value;
mod write;

pub use forest::{Forest, TreesError};
pub use objective::Objective;
pub(super) use read::is_ubj;

use std::collections::BTreeMap;

/// One tree, as parallel arrays over its nodes; node 0 is the root.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// Left child of each node, -1 at a leaf.
    pub left: Vec<i32>,
    /// Right child of each node, -1 at a leaf.
    pub right: Vec<i32>,
    /// Which feature a node asks about.
    pub feature: Vec<u32>,
    /// Smaller values go left (strictly); at a leaf, its value, with the learning rate applied.
    pub value: Vec<f32>,
    /// True where missing values (NaN) go left.
    pub default_left: Vec<bool>,
    /// At a categorical node, the categories that go right, ascending.
    pub categories: Vec<Option<Box<[u32]>>>,
    /// Gain of each split; 0 at leaves. Kept for files and reports.
    pub gain: Vec<f32>,
    /// Sum of hessians at each node. Kept for files and reports.
    pub cover: Vec<f32>,
}

impl Tree {
    /// A tree of one leaf.
    pub fn leaf(value: f32) -> Self {
        let mut tree = Self::default();
        tree.push_leaf(value, 0.0);
        tree
    }

    /// Adds a leaf, to be hung under a node by [`Tree::split`]; gives its number.
    pub fn push_leaf(&mut self, value: f32, cover: f32) -> usize {
        self.left.push(-1);
        self.right.push(-1);
        self.feature.push(0);
        self.value.push(value);
        self.default_left.push(false);
        self.categories.push(None);
        self.gain.push(0.0);
        self.cover.push(cover);
        self.left.len() - 1
    }

    /// Makes of the leaf `node` a split: values of `feature` under `threshold` go to the new leaf `left`, others to the
    /// new leaf `right`; their numbers are given back. The new leaves have value 0 and cover 0 until set.
    ///
    /// # Panics
    ///
    /// Where there is no node of this number.
    pub fn split(
        &mut self,
        node: usize,
        feature: u32,
        threshold: f32,
        default_left: bool,
        gain: f32,
    ) -> (usize, usize) {
        let left = self.push_leaf(0.0, 0.0);
        let right = self.push_leaf(0.0, 0.0);
        self.left[node] = left as i32;
        self.right[node] = right as i32;
        self.feature[node] = feature;
        self.value[node] = threshold;
        self.default_left[node] = default_left;
        self.gain[node] = gain;
        (left, right)
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.left.len()
    }

    /// The tree with these of its nodes, in their order; the others must be such as nothing leads to.
    fn only(&self, kept: &[bool]) -> Self {
        let mut number = vec![-1i32; self.nodes()];
        let nodes = number.iter_mut().zip(kept).filter(|(_, kept)| **kept);
        for ((number, _), next) in nodes.zip(0..) {
            *number = next;
        }
        let child = |c: &i32| usize::try_from(*c).ok().and_then(|c| number.get(c)).map_or(-1, |n| *n);
        fn keep<T: Clone>(all: &[T], kept: &[bool]) -> Vec<T> {
            let pairs = all.iter().zip(kept);
            pairs.filter(|(_, kept)| **kept).map(|(x, _)| x.clone()).collect()
        }
        Self {
            left: keep(&self.left, kept).iter().map(child).collect(),
            right: keep(&self.right, kept).iter().map(child).collect(),
            feature: keep(&self.feature, kept),
            value: keep(&self.value, kept),
            default_left: keep(&self.default_left, kept),
            categories: keep(&self.categories, kept),
            gain: keep(&self.gain, kept),
            cover: keep(&self.cover, kept),
        }
    }
}

/// How the parts of a model make a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Booster {
    /// Trees that add up: `gbtree`.
    #[default]
    Tree,
    /// Trees that add up, each by its weight: `dart`.
    Dart,
    /// No trees but one linear function an output: `gblinear`.
    Linear,
}

/// Trees that add up.
#[derive(Debug, Clone, PartialEq)]
pub struct Trees {
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// The objective's name, such as `rank:ndcg`.
    pub objective_name: String,
    /// Its kind.
    pub objective: Objective,
    /// Where the margin of each output begins (in margin space).
    pub base: Vec<f32>,
    /// The trees, in order.
    pub trees: Vec<Tree>,
    /// To which output each adds.
    pub output: Vec<u32>,
    /// By how much each counts: 1 but for `dart`.
    pub weight: Vec<f32>,
    /// First tree of each round of boosting, and the number of trees at the end.
    pub rounds: Vec<usize>,
    /// False where the file names no features and [`Trees::features`] only counts them: `f0`, `f1`, …
    pub named: bool,
    /// What XGBoost calls each feature's type (`float`, `int`, `i`, `q`, `c`); empty where the file does not say.
    pub feature_types: Vec<String>,
    /// How the parts make a margin.
    pub booster: Booster,
    /// Of a linear booster: weights, feature by feature with the outputs side by side, then the biases.
    pub linear: Vec<f32>,
    /// The file's attributes: `best_iteration`, `scikit_learn` and whatever else was set.
    pub attributes: BTreeMap<String, String>,
}

impl Trees {
    /// A model without trees. `base` is the margin of each output, so its length says how many there are.
    pub fn new(features: Vec<String>, objective_name: &str, objective: Objective, base: Vec<f32>) -> Self {
        Self {
            features,
            objective_name: objective_name.to_owned(),
            objective,
            base,
            trees: Vec::new(),
            output: Vec::new(),
            weight: Vec::new(),
            rounds: vec![0],
            named: true,
            feature_types: Vec::new(),
            booster: Booster::Tree,
            linear: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }

    /// Adds one round of boosting: for each tree the output that it adds to.
    pub fn push_round(&mut self, trees: impl IntoIterator<Item = (Tree, u32)>) {
        for (tree, output) in trees {
            self.trees.push(tree);
            self.output.push(output);
            self.weight.push(1.0);
        }
        self.rounds.push(self.trees.len());
    }

    /// The round at which validation was best, counted from 0, where training noted it.
    pub fn best_iteration(&self) -> Option<usize> {
        self.attributes.get("best_iteration")?.trim().parse().ok()
    }

    /// How many trees count. XGBoost's own `Booster.predict` uses all of a file; its scikit-learn classes, which mark the
    /// file with an attribute, use those up to `best_iteration`: so do we for such files.
    pub fn used(&self) -> usize {
        let all = self.trees.len();
        match self.best_iteration() {
            Some(best) if self.attributes.contains_key("scikit_learn") => {
                self.rounds.get(best.saturating_add(1)).map_or(all, |n| (*n).min(all))
            }
            _ => all,
        }
    }

    /// Number of rounds of boosting.
    pub fn rounds(&self) -> usize {
        self.rounds.len().saturating_sub(1)
    }
}

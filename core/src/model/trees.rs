//! Gradient-boosted decision trees: what an XGBoost file holds, and what our own trainer makes.
//!
//! All numbers are `f32`, and margins are summed in the order of the trees: scores are then bit-equal to XGBoost's own.

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

/// What margins mean, and what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Margins as they are: `reg:squarederror`, `rank:*` and the like.
    Identity,
    /// 1/(1 + e^-margin): `binary:logistic`, `reg:logistic`.
    Logistic,
    /// e^margin: `count:poisson`, `reg:gamma`, `reg:tweedie`.
    Exponential,
    /// Softmax over the classes: `multi:softprob`.
    Softmax,
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
}

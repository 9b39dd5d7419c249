//! Trees laid out for scoring.
//!
//! Nodes are twelve bytes, breadth first, with the children of a node side by side, so that a step is one comparison and
//! one addition. Eight rows walk a tree together: their loads from memory overlap, and no branch is guessed wrong.

use super::{Booster, Objective, Trees};

/// Rows that walk a tree together.
const LANES: usize = 8;
/// Rows of which the margins are kept at hand while all trees are walked.
const BLOCK: usize = 64;
/// Categories reach to here; numbers beyond are in no set, as XGBoost has it.
const MAX_CATEGORY: f32 = 16_777_216.0;

/// Trees that contradict themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreesError {
    /// A tree's arrays do not describe a tree.
    #[error("tree {tree}: {problem}")]
    Tree {
        /// Which one, from 0.
        tree: usize,
        /// What is wrong.
        problem: String,
    },
    /// The arrays beside the trees do not fit them.
    #[error("{0}")]
    Shape(String),
}

/// Which nodes the root leads to; an error where the children of one are no tree.
pub(super) fn reached(left: &[i32], right: &[i32]) -> Result<Vec<bool>, String> {
    let nodes = left.len();
    if nodes == 0 || nodes > i32::MAX as usize {
        return Err(format!("{nodes} nodes"));
    }
    let mut seen = vec![false; nodes];
    let mut open = vec![0usize];
    seen[0] = true;
    while let Some(node) = open.pop() {
        let children = (left[node], right[node]);
        if children == (-1, -1) {
            continue;
        }
        for child in [children.0, children.1] {
            match usize::try_from(child).ok().filter(|c| *c < nodes) {
                None => return Err(format!("node {node} leads to node {child} of {nodes}")),
                Some(c) if seen[c] => return Err(format!("node {c} is reached twice")),
                Some(c) => {
                    seen[c] = true;
                    open.push(c);
                }
            }
        }
    }
    Ok(seen)
}

impl Trees {
    /// Whether all parts fit each other.
    pub(super) fn check(&self) -> Result<(), TreesError> {
        let shape = |ok: bool, problem: &str| {
            if ok {
                Ok(())
            } else {
                Err(TreesError::Shape(problem.to_owned()))
            }
        };
        let count = self.trees.len();
        let outputs = self.base.len();
        shape(outputs > 0, "it has no output")?;
        shape(self.output.len() == count, "not every tree has an output")?;
        shape(self.weight.len() == count, "not every tree has a weight")?;
        shape(
            self.output.iter().all(|o| (*o as usize) < outputs),
            "a tree adds to an output that does not exist",
        )?;
        shape(
            self.base
                .iter()
                .chain(&self.weight)
                .chain(&self.linear)
                .all(|x| x.is_finite()),
            "a base score or weight is not finite",
        )?;
        if self.booster == Booster::Linear {
            let wanted = (self.features.len() + 1) * outputs;
            shape(
                self.linear.len() == wanted,
                "the linear weights do not fit the features",
            )?;
        }
        for (i, tree) in self.trees.iter().enumerate() {
            let wrong = |problem: String| TreesError::Tree { tree: i, problem };
            let nodes = tree.nodes();
            let lengths = [
                tree.right.len(),
                tree.feature.len(),
                tree.value.len(),
                tree.default_left.len(),
                tree.categories.len(),
                tree.gain.len(),
                tree.cover.len(),
            ];
            if lengths.iter().any(|l| *l != nodes) {
                return Err(wrong("its arrays differ in length".into()));
            }
            let seen = reached(&tree.left, &tree.right).map_err(wrong)?;
            if let Some(node) = seen.iter().position(|s| !s) {
                return Err(wrong(format!("nothing leads to node {node}")));
            }
            for node in 0..nodes {
                let leaf = tree.left[node] < 0;
                if leaf && !tree.value[node].is_finite() {
                    return Err(wrong(format!("leaf {node} is not finite")));
                }
                if !leaf && tree.feature[node] as usize >= self.features.len() {
                    return Err(wrong(format!("node {node} asks for a feature that does not exist")));
                }
                if !leaf && tree.categories[node].is_none() && tree.value[node].is_nan() {
                    return Err(wrong(format!("node {node} compares with no number")));
                }
            }
        }
        Ok(())
    }

    /// Lays out the first [`Trees::used`] trees for scoring, once all parts are known to fit each other.
    pub fn forest(&self) -> Result<Forest, TreesError> {
        self.forest_of(self.used())
    }

    /// The same with this number of trees.
    pub fn forest_of(&self, used: usize) -> Result<Forest, TreesError> {
        self.check()?;
        let mut forest = Forest {
            width: self.features.len(),
            base: self.base.clone(),
            objective: self.objective,
            nodes: Vec::new(),
            roots: Vec::new(),
            sets: Vec::new(),
            linear: match self.booster {
                Booster::Linear => self.linear.clone(),
                _ => Vec::new(),
            },
            dart: self.booster == Booster::Dart,
        };
        for i in 0..used.min(self.trees.len()) {
            forest.add(self, i)?;
        }
        Ok(forest)
    }
}

/// A node: where to go on, or a leaf.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// What a value is compared with; at a leaf its value; at a categorical node which set, as bits.
    value: f32,
    /// The feature, with the flags above it.
    feature: u32,
    /// The left child, which the right one follows; at a leaf the leaf itself.
    left: u32,
}

const DEFAULT_LEFT: u32 = 1 << 31;
const CATEGORICAL: u32 = 1 << 30;
const LEAF: u32 = 1 << 29;
const FEATURE: u32 = LEAF - 1;

/// One tree of a [`Forest`].
#[derive(Debug, Clone, Copy)]
struct Root {
    node: u32,
    output: u32,
    weight: f32,
    categorical: bool,
}

/// Trees checked and laid out for scoring. Scores are bit-equal to XGBoost's, whatever the number of rows.
#[derive(Debug, Clone)]
pub struct Forest {
    width: usize,
    base: Vec<f32>,
    objective: Objective,
    nodes: Vec<Node>,
    roots: Vec<Root>,
    sets: Vec<Box<[u32]>>,
    linear: Vec<f32>,
    dart: bool,
}

impl Forest {
    fn add(&mut self, trees: &Trees, index: usize) -> Result<(), TreesError> {
        let tree = &trees.trees[index];
        let full = || TreesError::Shape("it has too many nodes".to_owned());
        let first = u32::try_from(self.nodes.len()).map_err(|_| full())?;
        // Breadth first: a node's place is settled when its parent is.
        let mut order = vec![0usize];
        let mut categorical = false;
        let mut at = 0;
        while let Some(&node) = order.get(at) {
            let own = u32::try_from(self.nodes.len()).map_err(|_| full())?;
            if tree.left[node] < 0 {
                self.nodes.push(Node {
                    value: tree.value[node],
                    feature: LEAF,
                    left: own,
                });
            } else {
                let left = u32::try_from(order.len())
                    .ok()
                    .and_then(|n| n.checked_add(first))
                    .ok_or_else(full)?;
                order.push(tree.left[node] as usize);
                order.push(tree.right[node] as usize);
                let mut feature = tree.feature[node];
                if feature > FEATURE {
                    return Err(TreesError::Shape("it has too many features".to_owned()));
                }
                if tree.default_left[node] {
                    feature |= DEFAULT_LEFT;
                }
                let value = match &tree.categories[node] {
                    Some(set) => {
                        categorical = true;
                        feature |= CATEGORICAL;
                        self.sets.push(set.clone());
                        f32::from_bits(u32::try_from(self.sets.len() - 1).map_err(|_| full())?)
                    }
                    None => tree.value[node],
                };
                self.nodes.push(Node { value, feature, left });
            }
            at += 1;
        }
        self.roots.push(Root {
            node: first,
            output: trees.output[index],
            weight: trees.weight[index],
            categorical,
        });
        Ok(())
    }

    /// Features that a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Margins that a row gets: 1, or one a class or target.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Trees that are used.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// The margins of `rows`, row by row, as `Booster.predict(output_margin=True)` gives them. Values are in row-major
    /// order, [`Forest::width`] a row, NaN where missing; what is beyond the last whole row is ignored.
    pub fn margins(&self, rows: &[f32]) -> Vec<f32> {
        let outputs = self.outputs();
        let count = rows.len().checked_div(self.width).unwrap_or(0);
        let mut margins: Vec<f32> = self.base.iter().copied().cycle().take(count * outputs).collect();
        if !self.linear.is_empty() && count > 0 {
            for (row, margins) in rows.chunks_exact(self.width).zip(margins.chunks_exact_mut(outputs)) {
                self.add_linear(row, margins);
            }
        }
        if self.roots.is_empty() || count == 0 {
            return margins;
        }
        for (rows, margins) in rows.chunks(BLOCK * self.width).zip(margins.chunks_mut(BLOCK * outputs)) {
            self.add_block(rows, margins);
        }
        margins
    }

    /// Predictions as `Booster.predict` gives them: [`Objective::width`] numbers a row.
    pub fn predict(&self, rows: &[f32]) -> Vec<f32> {
        let outputs = self.outputs();
        let mut margins = self.margins(rows);
        for row in margins.chunks_exact_mut(outputs) {
            self.objective.predict(row);
        }
        if self.objective.width(outputs) == outputs {
            return margins;
        }
        margins.chunks_exact(outputs).map(|row| row[0]).collect()
    }

    /// Adds each tree in turn to the margins of a block of rows.
    fn add_block(&self, rows: &[f32], margins: &mut [f32]) {
        let outputs = self.outputs();
        for root in &self.roots {
            let output = root.output as usize;
            for (rows, margins) in rows.chunks(LANES * self.width).zip(margins.chunks_mut(LANES * outputs)) {
                let count = margins.len() / outputs;
                if count == LANES && !root.categorical {
                    let leaves = self.walk(root.node, rows);
                    for (lane, leaf) in leaves.into_iter().enumerate() {
                        self.add_leaf(&mut margins[lane * outputs + output], leaf, root);
                    }
                } else {
                    for (lane, row) in rows.chunks_exact(self.width).enumerate() {
                        let leaf = self.walk_one(root.node, row);
                        self.add_leaf(&mut margins[lane * outputs + output], leaf, root);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn add_leaf(&self, margin: &mut f32, leaf: f32, root: &Root) {
        *margin += if self.dart { leaf * root.weight } else { leaf };
    }

    /// The leaves that eight rows reach in a tree without categories.
    #[inline(always)]
    fn walk(&self, root: u32, rows: &[f32]) -> [f32; LANES] {
        let mut at = [root; LANES];
        loop {
            let mut inner = 0;
            for (lane, at) in at.iter_mut().enumerate() {
                let node = self.nodes[*at as usize];
                // A leaf asks for feature 0 and goes nowhere.
                let x = rows[lane * self.width + (node.feature & FEATURE) as usize];
                // Without a branch, since which way it goes cannot be guessed; DEFAULT_LEFT is the highest bit.
                let right = u32::from(x >= node.value) | (u32::from(x.is_nan()) & (!node.feature >> 31));
                let goes = (!node.feature >> LEAF.trailing_zeros()) & 1;
                *at = node.left + (right & goes);
                inner |= goes;
            }
            if inner == 0 {
                return at.map(|at| self.nodes[at as usize].value);
            }
        }
    }

    /// The leaf that a row reaches in any tree.
    fn walk_one(&self, root: u32, row: &[f32]) -> f32 {
        let mut at = root;
        loop {
            let node = self.nodes[at as usize];
            if node.feature & LEAF != 0 {
                return node.value;
            }
            let x = row[(node.feature & FEATURE) as usize];
            let right = if x.is_nan() {
                node.feature & DEFAULT_LEFT == 0
            } else if node.feature & CATEGORICAL != 0 {
                // What is no category goes left, whatever the set.
                (0.0..MAX_CATEGORY).contains(&x)
                    && self.sets[node.value.to_bits() as usize]
                        .binary_search(&(x as u32))
                        .is_ok()
            } else {
                x >= node.value
            };
            at = node.left + u32::from(right);
        }
    }

    /// Bias first, then the features in order; missing ones add nothing.
    fn add_linear(&self, row: &[f32], margins: &mut [f32]) {
        let outputs = margins.len();
        let biases = &self.linear[self.width * outputs..];
        for (output, (margin, bias)) in margins.iter_mut().zip(biases).enumerate() {
            let mut sum = bias + *margin;
            for (x, weights) in row.iter().zip(self.linear.chunks_exact(outputs)) {
                if !x.is_nan() {
                    sum += x * weights[output];
                }
            }
            *margin = sum;
        }
    }
}

//! From [`Trees`] to XGBoost's JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::{Booster, Objective, Tree, Trees};

/// XGBoost's mark of a root's parent.
const NO_PARENT: i32 = i32::MAX;

#[derive(Serialize)]
struct Root<'a> {
    learner: Learner<'a>,
    version: [u32; 3],
}

#[derive(Serialize)]
struct Learner<'a> {
    attributes: &'a BTreeMap<String, String>,
    feature_names: &'a [String],
    feature_types: &'a [String],
    gradient_booster: Gradient<'a>,
    learner_model_param: Param,
    objective: serde_json::Value,
}

#[derive(Serialize)]
struct Param {
    base_score: String,
    boost_from_average: &'static str,
    num_class: String,
    num_feature: String,
    num_target: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Gradient<'a> {
    Tree(Grown<'a>),
    Dart {
        gbtree: Grown<'a>,
        name: &'static str,
        weight_drop: &'a [f32],
    },
    Linear {
        model: Line<'a>,
        name: &'static str,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    boosted_rounds: usize,
    weights: &'a [f32],
}

#[derive(Serialize)]
struct Grown<'a> {
    model: Model<'a>,
    name: &'static str,
}

#[derive(Serialize)]
struct Model<'a> {
    gbtree_model_param: ModelParam,
    iteration_indptr: &'a [usize],
    tree_info: &'a [u32],
    trees: Vec<Written>,
}

#[derive(Serialize)]
struct ModelParam {
    num_parallel_tree: String,
    num_trees: String,
}

#[derive(Serialize)]
struct Written {
    base_weights: Vec<f32>,
    categories: Vec<u32>,
    categories_nodes: Vec<usize>,
    categories_segments: Vec<usize>,
    categories_sizes: Vec<usize>,
    default_left: Vec<u8>,
    id: usize,
    left_children: Vec<i32>,
    loss_changes: Vec<f32>,
    parents: Vec<i32>,
    right_children: Vec<i32>,
    split_conditions: Vec<f32>,
    split_indices: Vec<u32>,
    split_type: Vec<u8>,
    sum_hessian: Vec<f32>,
    tree_param: TreeParam,
}

#[derive(Serialize)]
struct TreeParam {
    num_deleted: &'static str,
    num_feature: String,
    num_nodes: String,
    size_leaf_vector: &'static str,
}

impl Trees {
    /// The content of a file that XGBoost loads, with predictions equal in all bits (see [`Objective::base_score`] for the
    /// one reservation). The same trees give the same bytes. Numbers that are not finite are written as the nearest that
    /// are, since JSON knows no others.
    pub fn to_json(&self) -> String {
        let root = Root {
            learner: Learner {
                attributes: &self.attributes,
                feature_names: if self.named { &self.features } else { &[] },
                feature_types: &self.feature_types,
                gradient_booster: self.gradient(),
                learner_model_param: self.param(),
                objective: objective(&self.objective_name, self.base.len()),
            },
            version: self.version(),
        };
        // Maps have string keys and numbers are finite: nothing here can fail.
        serde_json::to_string(&root).unwrap_or_default()
    }

    /// One base score serves all outputs.
    fn one_base(&self) -> bool {
        self.base.iter().all(|b| Some(b) == self.base.first())
    }

    /// The oldest version that reads everything in the file: a base score an output came with 3.1.
    fn version(&self) -> [u32; 3] {
        if self.one_base() { [2, 0, 0] } else { [3, 1, 0] }
    }

    fn param(&self) -> Param {
        let score = |margin: &f32| format!("{:E}", Objective::base_score(&self.objective_name, *margin));
        let base_score = if self.one_base() {
            self.base.first().map_or_else(|| "5E-1".to_owned(), score)
        } else {
            format!("[{}]", self.base.iter().map(score).collect::<Vec<_>>().join(","))
        };
        let classes = matches!(self.objective, Objective::Softmax | Objective::Argmax);
        let outputs = self.base.len();
        Param {
            base_score,
            boost_from_average: "1",
            num_class: if classes { outputs } else { 0 }.to_string(),
            num_feature: self.features.len().to_string(),
            num_target: if classes { 1 } else { outputs }.to_string(),
        }
    }

    fn gradient(&self) -> Gradient<'_> {
        match self.booster {
            Booster::Linear => Gradient::Linear {
                model: Line {
                    boosted_rounds: self.rounds(),
                    weights: &self.linear,
                },
                name: "gblinear",
            },
            Booster::Tree if self.weight.iter().all(|w| *w == 1.0) => Gradient::Tree(self.grown()),
            Booster::Tree | Booster::Dart => Gradient::Dart {
                gbtree: self.grown(),
                name: "dart",
                weight_drop: &self.weight,
            },
        }
    }

    fn grown(&self) -> Grown<'_> {
        let outputs = self.base.len().max(1);
        let first = self.rounds.get(1).map_or(outputs, |n| *n);
        let width = self.features.len();
        Grown {
            model: Model {
                gbtree_model_param: ModelParam {
                    num_parallel_tree: (first / outputs).max(1).to_string(),
                    num_trees: self.trees.len().to_string(),
                },
                iteration_indptr: &self.rounds,
                tree_info: &self.output,
                trees: self
                    .trees
                    .iter()
                    .enumerate()
                    .map(|(id, t)| written(id, t, width))
                    .collect(),
            },
            name: "gbtree",
        }
    }
}

fn written(id: usize, tree: &Tree, width: usize) -> Written {
    let nodes = tree.nodes();
    let finite = |x: &f32| if x.is_nan() { 0.0 } else { x.clamp(f32::MIN, f32::MAX) };
    let leaf = |node: usize| tree.left.get(node).is_none_or(|l| *l < 0);
    let mut parents = vec![NO_PARENT; nodes];
    for (node, (left, right)) in tree.left.iter().zip(&tree.right).enumerate() {
        for child in [left, right] {
            if let Some(parent) = usize::try_from(*child).ok().and_then(|c| parents.get_mut(c)) {
                *parent = node as i32;
            }
        }
    }
    let mut out = Written {
        base_weights: tree
            .value
            .iter()
            .enumerate()
            .map(|(n, v)| if leaf(n) { finite(v) } else { 0.0 })
            .collect(),
        categories: Vec::new(),
        categories_nodes: Vec::new(),
        categories_segments: Vec::new(),
        categories_sizes: Vec::new(),
        default_left: tree.default_left.iter().map(|d| u8::from(*d)).collect(),
        id,
        left_children: tree.left.clone(),
        loss_changes: tree.gain.iter().map(finite).collect(),
        parents,
        right_children: tree.right.clone(),
        split_conditions: tree.value.iter().map(finite).collect(),
        split_indices: tree.feature.clone(),
        split_type: tree.categories.iter().map(|c| u8::from(c.is_some())).collect(),
        sum_hessian: tree.cover.iter().map(finite).collect(),
        tree_param: TreeParam {
            num_deleted: "0",
            num_feature: width.to_string(),
            num_nodes: nodes.to_string(),
            size_leaf_vector: "1",
        },
    };
    for (node, set) in tree.categories.iter().enumerate() {
        if let Some(set) = set {
            out.categories_nodes.push(node);
            out.categories_segments.push(out.categories.len());
            out.categories_sizes.push(set.len());
            out.categories.extend_from_slice(set);
        }
    }
    out
}

/// The objective with the settings that XGBoost asks of it when it loads; they matter to further training only.
fn objective(name: &str, outputs: usize) -> serde_json::Value {
    let (key, settings) = match name {
        "multi:softprob" | "multi:softmax" => ("softmax_multiclass_param", json!({ "num_class": outputs.to_string() })),
        "count:poisson" => ("poisson_regression_param", json!({ "max_delta_step": "0.7" })),
        "reg:tweedie" => ("tweedie_regression_param", json!({ "tweedie_variance_power": "1.5" })),
        "reg:pseudohubererror" => ("pseudo_huber_param", json!({ "huber_slope": "1" })),
        "reg:quantileerror" => ("quantile_loss_param", json!({ "quantile_alpha": quantiles(outputs) })),
        "survival:aft" => (
            "aft_loss_param",
            json!({ "aft_loss_distribution": "normal", "aft_loss_distribution_scale": "1" }),
        ),
        "rank:ndcg" | "rank:pairwise" | "rank:map" => (
            "lambdarank_param",
            json!({
                "lambdarank_bias_norm": "1",
                "lambdarank_normalization": "1",
                "lambdarank_num_pair_per_sample": "4294967295",
                "lambdarank_pair_method": "topk",
                "lambdarank_score_normalization": "1",
                "lambdarank_unbiased": "0",
                "ndcg_exp_gain": "1",
            }),
        ),
        "reg:absoluteerror" | "binary:hinge" | "survival:cox" => return json!({ "name": name }),
        _ => ("reg_loss_param", json!({ "scale_pos_weight": "1" })),
    };
    json!({ "name": name, key: settings })
}

/// Evenly spread quantiles, one an output: a file does not say to us which they were.
fn quantiles(outputs: usize) -> String {
    let each = (1..=outputs).map(|i| (i as f64 / (outputs + 1) as f64).to_string());
    format!("[{}]", each.collect::<Vec<_>>().join(","))
}

//! From XGBoost's JSON and UBJSON to [`Trees`].
//!
//! Tolerant where versions differ: numbers as strings or not, flags as 0/1 or true/false, base scores as one number or a
//! list, no categories (before 1.3), no rounds (before 2.0). Strict where a mistake would give other scores.

use super::value::Value;
use super::{Booster, Objective, Tree, Trees, json, ubj};
use crate::model::file::ModelFileError;

/// Largest file, in bytes.
const MAX_BYTES: usize = 1 << 28;
/// Most features that a model may have.
const MAX_FEATURES: usize = 1 << 20;
/// Most outputs (classes, targets) that a model may have.
const MAX_OUTPUTS: usize = 1 << 16;
/// Categories from here on are always "not in the set", as `f32` cannot count further.
const MAX_CATEGORY: u32 = 1 << 24;

const KIND: &str = "XGBoost";

impl Trees {
    /// Takes the content of an XGBoost model file, JSON or UBJSON; `name` is what errors call it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ModelFileError> {
        let broken = |problem: String| ModelFileError::Broken {
            name: name.to_owned(),
            kind: KIND,
            problem,
        };
        if bytes.len() > MAX_BYTES {
            return Err(broken(format!("{} bytes are too many", bytes.len())));
        }
        let value = if is_ubj(bytes) {
            ubj::parse(bytes)
        } else {
            json::parse(bytes)
        };
        let value = value.map_err(&broken)?;
        let trees = of(&value).map_err(|problem| match problem {
            Problem::Broken(problem) => broken(problem),
            Problem::Unsupported(problem) => ModelFileError::Unsupported {
                name: name.to_owned(),
                problem,
            },
        })?;
        trees.check().map_err(|e| broken(e.to_string()))?;
        Ok(trees)
    }
}

/// Both begin with a brace; in UBJSON the type of a length, a type or a count follows, in JSON a quote or a space.
pub(in crate::model) fn is_ubj(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#' | b'N', ..])
}

enum Problem {
    Broken(String),
    Unsupported(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Broken(problem)
    }
}

/// A value and where it stands in the file.
#[derive(Clone)]
struct At<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> At<'a> {
    fn maybe(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        Some(Self { value, path })
    }

    fn get(&self, name: &str) -> Result<Self, String> {
        self.maybe(name).ok_or_else(|| {
            let within = if self.path.is_empty() {
                "the file"
            } else {
                self.path.as_str()
            };
            format!("{within} has no `{name}`")
        })
    }

    fn wrong(&self, wanted: &str) -> String {
        format!("{} is {}, not {wanted}", self.path, self.value.what())
    }

    fn number(&self) -> Result<f64, String> {
        self.value.number().ok_or_else(|| self.wrong("a number"))
    }

    fn count(&self, most: usize) -> Result<usize, String> {
        let n = self.number()?;
        if n >= 0.0 && n <= most as f64 && n.fract() == 0.0 {
            Ok(n as usize)
        } else {
            Err(format!("{} is {n}, not a count up to {most}", self.path))
        }
    }

    fn text(&self) -> Result<&'a str, String> {
        self.value.text().ok_or_else(|| self.wrong("a string"))
    }

    fn numbers(&self) -> Result<Vec<f64>, String> {
        self.value.numbers().ok_or_else(|| self.wrong("an array of numbers"))
    }

    fn floats(&self) -> Result<Vec<f32>, String> {
        Ok(self.numbers()?.into_iter().map(|n| n as f32).collect())
    }

    fn integers(&self, least: f64, most: f64) -> Result<Vec<i64>, String> {
        let numbers = self.numbers()?;
        match numbers
            .iter()
            .find(|n| !(**n >= least && **n <= most && n.fract() == 0.0))
        {
            Some(n) => Err(format!("{} holds {n}", self.path)),
            None => Ok(numbers.into_iter().map(|n| n as i64).collect()),
        }
    }

    fn list(&self) -> Result<&'a [Value], String> {
        self.value.list().ok_or_else(|| self.wrong("an array"))
    }

    fn texts(&self) -> Result<Vec<String>, String> {
        self.list()?
            .iter()
            .map(|v| {
                v.text()
                    .map(str::to_owned)
                    .ok_or_else(|| self.wrong("an array of strings"))
            })
            .collect()
    }
}

fn of(root: &Value) -> Result<Trees, Problem> {
    let root = At {
        value: root,
        path: String::new(),
    };
    // A snapshot for checkpoints holds the model beside the settings of its training.
    let root = match (root.maybe("Model"), root.maybe("Config")) {
        (Some(model), Some(_)) => model,
        _ => root,
    };
    if root.maybe("nodeid").is_some() || root.value.list().is_some() {
        return Err(Problem::Unsupported(
            "it is a dump of the trees for people to read, which lacks the objective: save the model by save_model"
                .into(),
        ));
    }
    let learner = root.get("learner")?;
    let objective_name = learner.get("objective")?.get("name")?.text()?;
    let objective = Objective::of(objective_name)
        .ok_or_else(|| Problem::Unsupported(format!("the objective `{objective_name}` is not known")))?;
    let param = learner.get("learner_model_param")?;
    let count = |name: &str, most| param.maybe(name).map_or(Ok(0), |p| p.count(most));
    let width = count("num_feature", MAX_FEATURES)?;
    let outputs = count("num_class", MAX_OUTPUTS)?
        .max(count("num_target", MAX_OUTPUTS)?)
        .max(1);
    let base = base_scores(&param, outputs)?
        .into_iter()
        .map(|b| Objective::base_margin(objective_name, b))
        .collect();

    let texts = |name: &str| learner.maybe(name).map_or(Ok(Vec::new()), |a| a.texts());
    let names = texts("feature_names")?;
    let feature_types = texts("feature_types")?;
    for (what, given) in [("feature_names", &names), ("feature_types", &feature_types)] {
        if !given.is_empty() && given.len() != width {
            return Err(format!("learner.{what} has {} entries for {width} features", given.len()).into());
        }
    }
    let named = !names.is_empty();
    let features = if named {
        names
    } else {
        (0..width).map(|i| format!("f{i}")).collect()
    };

    let mut trees = Trees::new(features, objective_name, objective, base);
    trees.named = named;
    trees.feature_types = feature_types;
    if let Some(Value::Object(members)) = learner.maybe("attributes").map(|a| a.value) {
        let texts = members
            .iter()
            .filter_map(|(n, v)| Some((n.clone(), v.text()?.to_owned())));
        trees.attributes = texts.collect();
    }

    let booster = learner.get("gradient_booster")?;
    let name = booster.get("name")?.text()?;
    match name {
        "gbtree" => grow(&mut trees, &booster.get("model")?, outputs)?,
        "dart" => {
            grow(&mut trees, &booster.get("gbtree")?.get("model")?, outputs)?;
            let dropped = booster.get("weight_drop")?;
            trees.weight = dropped.floats()?;
            trees.booster = Booster::Dart;
            if trees.weight.len() != trees.trees.len() {
                let (n, m) = (trees.weight.len(), trees.trees.len());
                return Err(format!("{} has {n} entries for {m} trees", dropped.path).into());
            }
        }
        "gblinear" => {
            let weights = booster.get("model")?.get("weights")?;
            trees.linear = weights.floats()?;
            trees.booster = Booster::Linear;
            // Its linear booster begins every output at the first one's base score.
            let first = trees.base[0];
            trees.base.fill(first);
            let wanted = (width + 1) * outputs;
            if trees.linear.len() != wanted {
                let n = trees.linear.len();
                return Err(format!("{} has {n} entries, not {wanted}", weights.path).into());
            }
        }
        other => return Err(Problem::Unsupported(format!("the booster `{other}` is not known"))),
    }
    Ok(trees)
}

/// One base score an output: `"5E-1"`, `"[3.7E-1]"`, `"[1E-1,2E-1]"`, or numbers.
fn base_scores(param: &At<'_>, outputs: usize) -> Result<Vec<f32>, String> {
    let Some(at) = param.maybe("base_score") else {
        return Ok(vec![0.5; outputs]);
    };
    let scores: Option<Vec<f32>> = match at.value {
        // Read as single precision at once, as XGBoost does.
        Value::Text(text) => text
            .trim()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .split(',')
            .map(|part| part.trim().parse().ok())
            .collect(),
        Value::Number(n) => Some(vec![*n as f32]),
        other => other.numbers().map(|n| n.into_iter().map(|n| n as f32).collect()),
    };
    let mut scores = scores.ok_or_else(|| format!("{} is no number: {:?}", at.path, at.value))?;
    if scores.len() == 1 {
        scores.resize(outputs, scores[0]);
    }
    if scores.len() != outputs {
        return Err(format!(
            "{} has {} entries for {outputs} outputs",
            at.path,
            scores.len()
        ));
    }
    Ok(scores)
}

/// Takes the trees of a `gbtree`.
fn grow(trees: &mut Trees, model: &At<'_>, outputs: usize) -> Result<(), Problem> {
    if let Some(feature) = recoded(model) {
        let name = trees.features.get(feature).map_or("", String::as_str);
        return Err(Problem::Unsupported(format!(
            "its feature {name} is a column of categories (pandas) whose codes stand for values: train with numbers"
        )));
    }
    let list = model.get("trees")?;
    for (i, value) in list.list()?.iter().enumerate() {
        let path = format!("{}[{i}]", list.path);
        trees.trees.push(tree(&At { value, path }, trees.features.len())?);
    }
    let count = trees.trees.len();
    let info = model.get("tree_info")?;
    trees.output = info
        .integers(0.0, (outputs - 1) as f64)?
        .into_iter()
        .map(|o| o as u32)
        .collect();
    if trees.output.len() != count {
        return Err(format!("{} has {} entries for {count} trees", info.path, trees.output.len()).into());
    }
    trees.weight = vec![1.0; count];
    trees.rounds = match model.maybe("iteration_indptr") {
        Some(at) => at
            .integers(0.0, count as f64)?
            .into_iter()
            .map(|n| n as usize)
            .collect(),
        None => {
            let parallel = model
                .maybe("gbtree_model_param")
                .and_then(|p| p.maybe("num_parallel_tree"));
            let parallel = parallel.map_or(Ok(1), |p| p.count(1 << 20))?.max(1);
            let step = parallel.saturating_mul(outputs);
            (0..=count / step).map(|r| r * step).collect()
        }
    };
    let whole = trees.rounds.first() == Some(&0) && trees.rounds.last() == Some(&count);
    if !whole || !trees.rounds.is_sorted() {
        return Err(format!("the rounds of boosting do not add up to its {count} trees").into());
    }
    Ok(())
}

/// The first feature whose categories are codes that the file gives values for (since 3.1). Categories that are but
/// numbers have none.
fn recoded(model: &At<'_>) -> Option<usize> {
    let codes = model.maybe("cats")?.maybe("enc")?;
    let has = |v: &Value| match v.get("values") {
        Some(Value::Numbers(values)) => !values.is_empty(),
        Some(Value::List(values)) => !values.is_empty(),
        _ => false,
    };
    codes.value.list()?.iter().position(has)
}

fn tree(at: &At<'_>, width: usize) -> Result<Tree, Problem> {
    if let Some(size) = at.maybe("tree_param").and_then(|p| p.maybe("size_leaf_vector"))
        && size.number()? > 1.0
    {
        return Err(Problem::Unsupported(
            "its leaves hold vectors (multi_strategy=multi_output_tree): train with one_output_per_tree".into(),
        ));
    }
    let int = f64::from(i32::MAX);
    let index = |name: &str| -> Result<Vec<i32>, String> {
        Ok(at
            .get(name)?
            .integers(-1.0, int)?
            .into_iter()
            .map(|n| n as i32)
            .collect())
    };
    let left = index("left_children")?;
    let right = index("right_children")?;
    let nodes = left.len();
    let sized = |name: &str, n: usize| {
        if n == nodes {
            Ok(())
        } else {
            Err(format!("{}.{name} has {n} entries for {nodes} nodes", at.path))
        }
    };
    sized("right_children", right.len())?;
    let value = at.get("split_conditions")?.floats()?;
    sized("split_conditions", value.len())?;
    let flags = at.get("default_left")?.integers(0.0, 1.0)?;
    sized("default_left", flags.len())?;
    // Nodes that pruning removed hold u32::MAX here; nothing leads to them.
    let asked = at.get("split_indices")?.integers(-1.0, f64::from(u32::MAX))?;
    sized("split_indices", asked.len())?;
    let reached = reached(&left, &right).map_err(|problem| format!("{}: {problem}", at.path))?;
    let mut feature = vec![0u32; nodes];
    for (node, asks) in asked.iter().enumerate() {
        if reached[node] && left[node] >= 0 {
            feature[node] = u32::try_from(*asks)
                .ok()
                .filter(|f| (*f as usize) < width)
                .ok_or_else(|| format!("{}: node {node} asks for feature {asks} of {width}", at.path))?;
        }
    }
    let categories = categories(at, nodes)?;
    let optional = |name: &str| -> Result<Vec<f32>, String> {
        let floats = at.maybe(name).map_or(Ok(Vec::new()), |a| a.floats())?;
        Ok(if floats.len() == nodes {
            floats
        } else {
            vec![0.0; nodes]
        })
    };
    let tree = Tree {
        gain: optional("loss_changes")?,
        cover: optional("sum_hessian")?,
        left,
        right,
        feature,
        value,
        default_left: flags.into_iter().map(|f| f == 1).collect(),
        categories,
    };
    Ok(if reached.iter().all(|r| *r) {
        tree
    } else {
        tree.only(&reached)
    })
}

/// Which nodes the root leads to. Says what is wrong where one has one child, is reached twice, or leads nowhere.
fn reached(left: &[i32], right: &[i32]) -> Result<Vec<bool>, String> {
    super::forest::reached(left, right).map_err(|e| e.to_string())
}

/// The sets of categories that go right.
fn categories(at: &At<'_>, nodes: usize) -> Result<Vec<Option<Box<[u32]>>>, Problem> {
    let mut sets = vec![None; nodes];
    let integers = |name: &str| {
        let found = at.maybe(name);
        found.map_or(Ok(Vec::new()), |a| a.integers(0.0, f64::from(i32::MAX)))
    };
    let holders = integers("categories_nodes")?;
    let starts = integers("categories_segments")?;
    let sizes = integers("categories_sizes")?;
    let all = at
        .maybe("categories")
        .map_or(Ok(Vec::new()), |a| a.integers(-1.0, f64::from(u32::MAX)))?;
    if starts.len() != holders.len() || sizes.len() != holders.len() {
        return Err(format!("{}: the arrays of categories differ in length", at.path).into());
    }
    let mut total = 0usize;
    for ((node, start), size) in holders.into_iter().zip(starts).zip(sizes) {
        let (node, start, size) = (node as usize, start as usize, size as usize);
        let set = start.checked_add(size).and_then(|end| all.get(start..end));
        total = total.saturating_add(size);
        // Segments do not overlap, so together they are no longer than the array.
        let (Some(set), Some(slot), true) = (set, sets.get_mut(node), total <= all.len()) else {
            return Err(format!("{}: the categories of node {node} are not there", at.path).into());
        };
        let mut set: Vec<u32> = set.iter().filter_map(|c| u32::try_from(*c).ok()).collect();
        set.retain(|c| *c < MAX_CATEGORY);
        set.sort_unstable();
        set.dedup();
        *slot = Some(set.into_boxed_slice());
    }
    if let Some(types) = at.maybe("split_type") {
        let types = types.integers(0.0, 1.0)?;
        let differs = types.iter().zip(&sets).position(|(t, s)| (*t == 1) != s.is_some());
        if types.len() != nodes || differs.is_some() {
            let node = differs.unwrap_or(0);
            return Err(format!("{}: node {node} is marked otherwise than its categories say", at.path).into());
        }
    }
    Ok(sets)
}

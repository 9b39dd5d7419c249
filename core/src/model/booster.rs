//! XGBoost models as scorers.

use super::load::{Interface, Source};
use super::trees::{Booster, Forest, Objective, Trees};
use super::{ModelError, ModelFileError, ModelInfo, Output, Scorer, binding};
use crate::features::FeatureTable;

/// What XGBoost files are called.
pub(super) const KIND: &str = "XGBoost";

/// Boosted trees, or a boosted linear function, that score candidates.
#[derive(Debug, Clone)]
pub struct BoosterScorer {
    info: ModelInfo,
    forest: Forest,
    objective: Objective,
    details: Vec<(String, String)>,
}

impl BoosterScorer {
    /// A scorer of trees that are at hand; columns are their features. Attributes under `loopwright.` say what scores mean,
    /// as metadata do in ONNX files.
    pub fn of(name: &str, trees: &Trees) -> Result<Self, ModelFileError> {
        let interface = interface(name, trees)?;
        Self::new(name, trees, interface)
    }

    fn new(name: &str, trees: &Trees, interface: Interface) -> Result<Self, ModelFileError> {
        let forest = trees.forest().map_err(|e| ModelFileError::Broken {
            name: name.to_owned(),
            kind: KIND,
            problem: e.to_string(),
        })?;
        let outputs = forest.outputs();
        let classes = matches!(trees.objective, Objective::Softmax | Objective::Argmax);
        if outputs > 1 && !classes {
            return Err(ModelFileError::Unsupported {
                name: name.to_owned(),
                problem: format!(
                    "it predicts {outputs} numbers a loop ({}), and a score is one",
                    trees.objective_name
                ),
            });
        }
        Ok(Self {
            info: interface.into_info(),
            objective: trees.objective,
            details: details(trees),
            forest,
        })
    }

    /// Reads a file.
    pub(super) fn load(source: &Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError> {
        let trees = Trees::read(source.name, source.bytes)?;
        let mut interface = interface(source.name, &trees)?;
        interface.bind(
            source,
            trees.named.then_some(trees.features.as_slice()),
            trees.features.len(),
        )?;
        Ok(Box::new(Self::new(source.name, &trees, interface)?))
    }
}

fn interface(name: &str, trees: &Trees) -> Result<Interface, ModelFileError> {
    let output = match trees.objective {
        Objective::Logistic | Objective::Hinge => Output::Probability,
        Objective::Softmax | Objective::Argmax if trees.base.len() == 2 => Output::Probability,
        _ => Output::Relative,
    };
    let mut interface = Interface::new("xgboost", trees.features.clone(), output);
    interface.read_metadata(name, |key| trees.attributes.get(key).map(String::as_str))?;
    Ok(interface)
}

impl Scorer for BoosterScorer {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The prediction as XGBoost gives it; of classes the mean of their numbers, weighted by their probabilities: the
    /// expected grade, of two classes the probability of the second.
    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let values = binding::gather(&self.info.columns, rows)?;
        let scores = match self.objective {
            // A table of no columns has rows all the same.
            _ if self.forest.width() == 0 => vec![0.0; rows.rows()],
            Objective::Softmax | Objective::Argmax => {
                let outputs = self.forest.outputs();
                let mut margins = self.forest.margins(&values);
                margins
                    .chunks_exact_mut(outputs)
                    .map(|row| {
                        Objective::Softmax.predict(row);
                        row.iter().enumerate().map(|(grade, p)| grade as f32 * p).sum()
                    })
                    .collect()
            }
            _ => self.forest.predict(&values),
        };
        binding::finite(scores, &self.info.name)
    }

    fn details(&self) -> Vec<(String, String)> {
        self.details.clone()
    }
}

fn details(trees: &Trees) -> Vec<(String, String)> {
    let mut out = vec![
        ("kind".to_owned(), KIND.to_owned()),
        ("objective".to_owned(), trees.objective_name.clone()),
    ];
    if trees.booster == Booster::Linear {
        out.push(("booster".to_owned(), "linear".to_owned()));
        return out;
    }
    let (all, used) = (trees.trees.len(), trees.used());
    let dart = if trees.booster == Booster::Dart { " (dart)" } else { "" };
    let count = match (trees.best_iteration(), used == all) {
        (Some(best), false) => {
            format!("{used} of {all}{dart}: up to best_iteration {best}, as scikit-learn's interface predicts")
        }
        (Some(best), true) if best + 1 < trees.rounds() => {
            format!("all {all}{dart}, as Booster.predict does; best_iteration is {best}")
        }
        _ => format!("{all}{dart}"),
    };
    out.push(("trees".to_owned(), count));
    out
}

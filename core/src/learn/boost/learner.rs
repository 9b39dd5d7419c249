//! Boosting as a [`Learner`]: settings in, a file that Python's xgboost loads out.

use super::{Boosted, Settings, boost};
use crate::learn::dataset::Dataset;
use crate::learn::recorder::Recorder;
use crate::learn::split::Split;
use crate::learn::{Fitted, LearnError, Learner};
use crate::model::booster::BoosterScorer;
use crate::model::trees::Trees;
use crate::progress::Progress;

/// How many features a model's facts name.
const NAMED: usize = 10;

/// Learns gradient-boosted trees.
#[derive(Debug, Clone, Default)]
pub struct Boost {
    /// How.
    pub settings: Settings,
}

impl Learner for Boost {
    fn name(&self) -> &'static str {
        "boost"
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.settings.listed()
    }

    fn fit(
        &self,
        data: &Dataset,
        split: &Split,
        recorder: &mut dyn Recorder,
        progress: &dyn Progress,
    ) -> Result<Fitted, LearnError> {
        let made = boost(data, split, &self.settings, recorder, progress)?;
        let facts = facts(&made);
        let bytes = made.trees.to_json().into_bytes();
        let scorer = BoosterScorer::of("boost", &made.trees).map_err(|e| LearnError::Model(e.to_string()))?;
        Ok(Fitted {
            bytes,
            extension: "json",
            scorer: Box::new(scorer),
            best_round: made.best_round,
            facts,
        })
    }
}

/// What a card should say of the trees.
fn facts(made: &Boosted) -> Vec<(String, String)> {
    let splits: usize = made
        .trees
        .trees
        .iter()
        .map(|t| t.left.iter().filter(|l| **l >= 0).count())
        .sum();
    let mut facts = vec![
        ("trees".to_owned(), made.best_round.to_string()),
        ("rounds tried".to_owned(), made.tried.to_string()),
        ("splits".to_owned(), splits.to_string()),
    ];
    if let Some(valid) = made.valid {
        facts.push(("NDCG@10 of the validation tracks".to_owned(), format!("{valid:.4}")));
    }
    let gains = importance(&made.trees);
    let all: f64 = gains.iter().map(|g| g.1).sum();
    for (name, gain) in gains.iter().take(NAMED).filter(|g| g.1 > 0.0) {
        facts.push((format!("gain by {name}"), format!("{:.1} %", 100.0 * gain / all)));
    }
    facts
}

/// The sum of the gains of each feature's splits, the greatest first: XGBoost's `total_gain`.
pub fn importance(trees: &Trees) -> Vec<(String, f64)> {
    let mut gains = vec![0.0; trees.features.len()];
    for tree in &trees.trees {
        for (node, feature) in tree
            .feature
            .iter()
            .enumerate()
            .filter(|(node, _)| tree.left[*node] >= 0)
        {
            if let Some(gain) = gains.get_mut(*feature as usize) {
                *gain += f64::from(tree.gain[node]);
            }
        }
    }
    let mut named: Vec<(String, f64)> = trees.features.iter().cloned().zip(gains).collect();
    // Stable: equal gains stay in the order of the columns.
    named.sort_by(|a, b| b.1.total_cmp(&a.1));
    named
}

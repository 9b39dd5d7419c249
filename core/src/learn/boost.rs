//! Gradient-boosted decision trees (Friedman 2001) on histograms, depth by depth as XGBoost grows them, for ranking
//! (LambdaMART) and for regression.
//!
//! What is learnt is a [`Trees`], the same that is read from an XGBoost file: it is saved as one and loads in Python with
//! equal predictions. Tracks are split, drawn and ranked whole. After each round the validation tracks are ranked;
//! where NDCG@10 has not risen for [`Settings::patience`] rounds the best round is kept and the rest dropped.
//!
//! Every sum over rows is exact and every other one is in the order of the data, so the number of threads does not show in
//! the result.

mod bins;
mod data;
mod grow;
mod lambda;
mod learner;
pub(in crate::learn) mod parallel;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::LearnError;
use super::dataset::Dataset;
use super::recorder::Recorder;
use super::split::Split;
use crate::model::trees::{Objective, Trees};
use crate::progress::{Progress, Stage};
use crate::rank::metrics;
use data::Prepared;
use grow::{Grown, Limits};
use lambda::{Gradient, List, scatter};
use parallel::each;

pub use lambda::Gain;
pub use learner::{Boost, importance};

/// Places at the top that early stopping looks at.
const PLACES: usize = 10;

/// What the trees are to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Rank the candidates of a track: `rank:ndcg`.
    Rank {
        /// What a weight is worth.
        gain: Gain,
        /// Only pairs with a member among the first so many are looked at.
        top: usize,
        /// Weigh down pairs that are apart already and tracks with many pairs, as XGBoost and LightGBM do.
        normalise: bool,
    },
    /// Tell a candidate's weight: `reg:squarederror`.
    Regression,
    /// Tell the log odds of a weight of 0 or 1: `binary:logistic`.
    Logistic,
}

impl Goal {
    /// Ranking as it does best on what it was tried on; see `docs/EVALUATION.md`.
    pub const RANK: Self = Self::Rank {
        gain: Gain::Linear,
        top: 30,
        normalise: true,
    };

    /// The name that XGBoost has for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rank { .. } => "rank:ndcg",
            Self::Regression => "reg:squarederror",
            Self::Logistic => "binary:logistic",
        }
    }
}

/// How trees are boosted. Names and meanings are XGBoost's.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What they are to do.
    pub goal: Goal,
    /// Most rounds, one tree each; from 1.
    pub rounds: usize,
    /// Levels of splits, 1 to 12.
    pub depth: usize,
    /// What part of a tree's correction is made, above 0 to 1.
    pub learning_rate: f64,
    /// Added to the sum of hessians of a leaf (L2), from 0.
    pub lambda: f64,
    /// Least gain of a split, from 0.
    pub gamma: f64,
    /// Least sum of hessians of a child, from 0.
    pub min_child_weight: f64,
    /// Part of the tracks that each tree is grown on, above 0 to 1.
    pub subsample: f64,
    /// Part of the features that each tree is grown from, above 0 to 1.
    pub colsample: f64,
    /// Most bins of a feature, 2 to 255; missing values have one of their own.
    pub bins: usize,
    /// Rounds without a better validation until the training ends.
    pub patience: usize,
    /// Seed of all random choices.
    pub seed: u64,
    /// Threads at work, from 1.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            goal: Goal::RANK,
            rounds: 400,
            depth: 6,
            learning_rate: 0.1,
            lambda: 1.0,
            gamma: 0.0,
            min_child_weight: 1.0,
            subsample: 0.8,
            colsample: 0.8,
            bins: 255,
            patience: 40,
            seed: 1337,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), LearnError> {
        let part = |name: &str, x: f64| {
            let problem = format!("{name} is {x}; it must be above 0, and at most 1");
            (x > 0.0 && x <= 1.0).then_some(()).ok_or(problem)
        };
        let from_0 = |name: &str, x: f64| {
            let problem = format!("{name} is {x}; it must be a number from 0");
            (x >= 0.0 && x.is_finite()).then_some(()).ok_or(problem)
        };
        let within = |name: &str, x: usize, low: usize, high: usize| {
            let problem = format!("{name} is {x}; it must be from {low} to {high}");
            (low..=high).contains(&x).then_some(()).ok_or(problem)
        };
        let top = match self.goal {
            Goal::Rank { top, .. } => top,
            Goal::Regression | Goal::Logistic => 1,
        };
        within("rounds", self.rounds, 1, 1_000_000)
            .and(within("depth", self.depth, 1, 12))
            .and(part("learning-rate", self.learning_rate))
            .and(from_0("lambda", self.lambda))
            .and(from_0("gamma", self.gamma))
            .and(from_0("min-child-weight", self.min_child_weight))
            .and(part("subsample", self.subsample))
            .and(part("colsample", self.colsample))
            .and(within("bins", self.bins, 2, bins::MOST))
            .and(within("top", top, 1, 1_000_000))
            .and(within("threads", self.threads, 1, 1024))
            .map_err(LearnError::Setting)
    }

    /// By name, for records and cards. The number of threads is not among them: it makes no difference.
    pub fn listed(&self) -> Vec<(String, String)> {
        let mut out = vec![("objective", self.goal.name().to_owned())];
        if let Goal::Rank { gain, top, normalise } = self.goal {
            let gain = match gain {
                Gain::Linear => "linear",
                Gain::Exponential => "exponential",
            };
            out.push(("gain", gain.to_owned()));
            out.push(("top", top.to_string()));
            out.push(("normalise", normalise.to_string()));
        }
        out.extend([
            ("rounds", self.rounds.to_string()),
            ("depth", self.depth.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("lambda", self.lambda.to_string()),
            ("gamma", self.gamma.to_string()),
            ("min_child_weight", self.min_child_weight.to_string()),
            ("subsample", self.subsample.to_string()),
            ("colsample", self.colsample.to_string()),
            ("bins", self.bins.to_string()),
            ("patience", self.patience.to_string()),
            ("seed", self.seed.to_string()),
        ]);
        out.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
    }
}

/// Boosted trees and how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosted {
    /// The trees up to the best round.
    pub trees: Trees,
    /// Their number: rounds until the best.
    pub best_round: usize,
    /// Mean NDCG@10 of the validation tracks there; `None` where there were none to tell.
    pub valid: Option<f64>,
    /// How many rounds were tried.
    pub tried: usize,
}

/// Boosts trees on the tracks of `split.train` and stops by those of `split.valid`; without usable ones all rounds are run.
///
/// # Errors
///
/// Settings out of range; weights that are no numbers from 0; values that are infinite; nothing to learn from: one track, no
/// track with candidates of different weight, no feature that differs, no split that gains anything.
pub fn boost(
    data: &Dataset,
    split: &Split,
    settings: &Settings,
    recorder: &mut dyn Recorder,
    progress: &dyn Progress,
) -> Result<Boosted, LearnError> {
    settings.check()?;
    let prepared = Prepared::of(data, split, settings)?;
    let lists = lists(&prepared, settings.goal)?;
    let base = match settings.goal {
        Goal::Rank { .. } => 0.0,
        Goal::Regression => {
            let sum: f64 = prepared.weights[..prepared.train].iter().map(|w| f64::from(*w)).sum();
            (sum / prepared.train as f64) as f32
        }
        Goal::Logistic => {
            let sum: f64 = prepared.weights[..prepared.train].iter().map(|w| f64::from(*w)).sum();
            // As if two more rows were there, one of each: finite where all are alike.
            ((sum + 1.0) / (prepared.train as f64 - sum + 1.0)).ln() as f32
        }
    };
    let mut state = State {
        margins: vec![base; prepared.weights.len()],
        gradients: vec![[0.0; 2]; prepared.train],
        random: Pcg64Mcg::seed_from_u64(settings.seed),
        lists,
    };
    let limits = Limits {
        depth: settings.depth,
        lambda: settings.lambda,
        gamma: settings.gamma,
        min_child_weight: settings.min_child_weight,
        learning_rate: settings.learning_rate,
        threads: settings.threads,
    };
    let mut trees = Vec::new();
    // Rounds and validation at the best; before the first round there is nothing.
    let (mut best, mut valid) = (0, None);
    for round in 0..settings.rounds {
        progress.check()?;
        progress.report(Stage::Learn, round as f32 / settings.rounds as f32);
        state.differentiate(&prepared, settings, round);
        let rows = prepared.draw_rows(settings.subsample, &mut state.random);
        let chosen = prepared.draw_columns(settings.colsample, &mut state.random);
        let Some(grown) = grow::grow(&prepared.columns, &chosen, rows, &state.gradients, limits) else {
            // With all rows and features the next round would end here too.
            if settings.subsample < 1.0 || settings.colsample < 1.0 {
                continue;
            }
            break;
        };
        state.add(&prepared, &grown, settings.threads);
        trees.push(grown.tree);
        let now = state.validate(&prepared, settings.threads);
        if let Some(now) = now {
            recorder.metric("valid_ndcg_at_10", trees.len() as u64, now)?;
        }
        if valid.is_none() || now > valid {
            (best, valid) = (trees.len(), now);
        } else if trees.len() - best >= settings.patience.max(1) {
            break;
        }
        if now.is_none() {
            best = trees.len();
        }
    }
    if trees.is_empty() {
        return Err(LearnError::Data(format!(
            "no split of any feature gains anything: the features do not tell good loops from others, or \
             min-child-weight {} asks too much of {} rows",
            settings.min_child_weight, prepared.train
        )));
    }
    let tried = trees.len();
    trees.truncate(best);
    let mut made = Trees::new(
        data.columns.clone(),
        settings.goal.name(),
        Objective::Identity,
        vec![base],
    );
    for tree in trees {
        made.push_round([(tree, 0)]);
    }
    Ok(Boosted {
        trees: made,
        best_round: best,
        valid,
        tried,
    })
}

/// The training tracks as lists to be ranked; none for regression.
fn lists(prepared: &Prepared, goal: Goal) -> Result<Vec<List>, LearnError> {
    let Goal::Rank { gain, top, normalise } = goal else {
        return Ok(Vec::new());
    };
    let lists: Vec<List> = prepared
        .train_tracks()
        .map(|rows| List::of(&prepared.weights[rows.clone()], gain, top, normalise))
        .collect();
    if lists.iter().all(List::is_even) {
        return Err(LearnError::Data(format!(
            "none of the {} training tracks has candidates of different weight: there is nothing to rank. Check the \
             column weight, and that the labels' track names are those of the dataset",
            lists.len()
        )));
    }
    Ok(lists)
}

/// What changes from round to round.
struct State {
    /// Each row's sum so far: in `f32` and in the order of the trees, as the file will be evaluated.
    margins: Vec<f32>,
    /// Those of the training rows.
    gradients: Vec<Gradient>,
    random: Pcg64Mcg,
    lists: Vec<List>,
}

impl State {
    fn differentiate(&mut self, prepared: &Prepared, settings: &Settings, round: usize) {
        if self.lists.is_empty() {
            let rows = self.margins.iter().zip(&prepared.weights);
            for (g, (margin, weight)) in self.gradients.iter_mut().zip(rows) {
                let (margin, weight) = (f64::from(*margin), f64::from(*weight));
                *g = match settings.goal {
                    Goal::Logistic => {
                        let p = 1.0 / (1.0 + (-margin).exp());
                        [p - weight, (p * (1.0 - p)).max(1e-16)]
                    }
                    _ => [margin - weight, 1.0],
                };
            }
            return;
        }
        let mut rest = self.gradients.as_mut_slice();
        let mut work = Vec::with_capacity(self.lists.len());
        for (track, (list, rows)) in self.lists.iter().zip(prepared.train_tracks()).enumerate() {
            let (own, after) = rest.split_at_mut(rows.len());
            rest = after;
            let salt = scatter(settings.seed ^ scatter(((round as u64) << 32) | track as u64));
            work.push((list, &self.margins[rows], salt, own));
        }
        each(settings.threads, &mut work, |(list, scores, salt, out)| {
            list.gradients(scores, *salt, out);
        });
    }

    fn add(&mut self, prepared: &Prepared, grown: &Grown, threads: usize) {
        const ROWS: usize = 4096;
        let mut work: Vec<(usize, &mut [f32])> = self
            .margins
            .chunks_mut(ROWS)
            .enumerate()
            .map(|(i, m)| (i * ROWS, m))
            .collect();
        each(threads, &mut work, |(first, margins)| {
            for (i, m) in margins.iter_mut().enumerate() {
                *m += grown.value(&prepared.columns, *first + i);
            }
        });
    }

    /// Mean NDCG@10 of the validation tracks that have any positive weight.
    fn validate(&self, prepared: &Prepared, threads: usize) -> Option<f64> {
        let mut work: Vec<(std::ops::Range<usize>, Option<f64>)> =
            prepared.valid_tracks().map(|rows| (rows.clone(), None)).collect();
        each(threads, &mut work, |(rows, out)| {
            *out = metrics::ndcg(&self.margins[rows.clone()], &prepared.weights[rows.clone()], PLACES);
        });
        let values: Vec<f64> = work.into_iter().filter_map(|(_, x)| x).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

#[cfg(test)]
mod tests;

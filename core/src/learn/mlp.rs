//! A multilayer perceptron that scores candidates: by regression on their weight, or by ranking those of each track.
//!
//! The network reads what [`super::scaler`] makes of a track, and learns by AdamW from batches of whole tracks, each of
//! which counts alike. After each epoch the tracks for validation are ranked; the parameters of the best epoch are kept
//! (by NDCG at 10), and learning ends when none was better for a while. The file is ONNX and holds all of it, from raw
//! features to scores ([`super::onnx_write`]).
//!
//! # Determinism
//!
//! The gradient of each track is computed alone, by one thread, and those of a batch are added in order: the same data,
//! settings and seed give the same bytes for any number of threads.

mod fit;
mod kernels;
pub(in crate::learn) mod net;

use std::num::NonZeroUsize;

use super::dataset::Dataset;
use super::listwise::Loss;
use super::recorder::Recorder;
use super::scaler::{Options, Scaler};
use super::split::Split;
use super::{Fitted, LearnError, Learner, onnx_write};
use crate::features::FeatureTable;
use crate::model::{ModelError, ModelInfo, Output, Scorer};
use crate::progress::Progress;
use net::{Net, Workspace};

/// How a network learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Units of each hidden layer; none for a linear model.
    pub hidden: Vec<usize>,
    /// Share of hidden units silenced at each step, 0 to below 1.
    pub dropout: f32,
    /// What is made small.
    pub loss: Loss,
    /// Of [`Loss::ListNet`]: the target is softmax(weight/temperature).
    pub temperature: f32,
    /// Most epochs.
    pub epochs: usize,
    /// Epochs without a better one after which learning ends.
    pub patience: usize,
    /// Highest learning rate. It rises to this over the first epoch and falls to a twentieth along a cosine.
    pub rate: f32,
    /// Weight decay of AdamW.
    pub decay: f32,
    /// Tracks in a batch.
    pub batch: usize,
    /// Most candidates of a track that a step learns from: the best half of so many, and others drawn anew each epoch. All
    /// of a track count in its mean and variance, and in validation.
    pub max_candidates: Option<usize>,
    /// What becomes of the features.
    pub scaling: Options,
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads that share the work; they do not change the result.
    pub threads: NonZeroUsize,
}

impl Settings {
    /// Good settings for a loss.
    pub fn of(loss: Loss) -> Self {
        Self {
            hidden: vec![128, 64],
            dropout: 0.1,
            loss,
            temperature: 0.125,
            epochs: 60,
            patience: 12,
            rate: 1e-3,
            decay: 1e-2,
            batch: 8,
            max_candidates: Some(512),
            scaling: Options::default(),
            seed: 1337,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }

    fn check(&self) -> Result<(), LearnError> {
        let fault = |what: String| Err(LearnError::Setting(what));
        if self.hidden.contains(&0) || self.hidden.iter().any(|&n| n > 4096) || self.hidden.len() > 8 {
            return fault(format!(
                "hidden layers {:?}: up to eight, of 1 to 4096 units each",
                self.hidden
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fault(format!("dropout {}: from 0 to below 1", self.dropout));
        }
        if self.epochs == 0 || self.batch == 0 || self.max_candidates.is_some_and(|n| n < 2) {
            return fault("epochs and tracks in a batch are at least 1, candidates of a track at least 2".into());
        }
        let positive = |name: &str, value: f32| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(LearnError::Setting(format!("{name} {value}: above 0")))
            }
        };
        positive("learning rate", self.rate)?;
        positive("temperature", self.temperature)?;
        positive("clip", self.scaling.clip)?;
        if !(self.decay.is_finite() && self.decay >= 0.0) {
            return fault(format!("weight decay {}: at least 0", self.decay));
        }
        Ok(())
    }
}

/// Trains networks. `mlp` where the loss is [`Loss::Squared`], else `rank`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// How it learns.
    pub settings: Settings,
}

impl Learner for Mlp {
    fn name(&self) -> &'static str {
        match self.settings.loss {
            Loss::Squared => "mlp",
            _ => "rank",
        }
    }

    fn extension(&self) -> &'static str {
        "onnx"
    }

    fn settings(&self) -> Vec<(String, String)> {
        let s = &self.settings;
        let hidden: Vec<String> = s.hidden.iter().map(usize::to_string).collect();
        let mut all = vec![
            ("loss", s.loss.name().to_owned()),
            ("hidden", hidden.join(",")),
            ("dropout", s.dropout.to_string()),
            ("epochs", s.epochs.to_string()),
            ("patience", s.patience.to_string()),
            ("lr", s.rate.to_string()),
            ("weight_decay", s.decay.to_string()),
            ("batch_tracks", s.batch.to_string()),
            (
                "max_candidates",
                s.max_candidates.map_or("all".into(), |n| n.to_string()),
            ),
            ("trackwise", s.scaling.trackwise.to_string()),
            ("missing_indicators", s.scaling.indicators.to_string()),
            ("clip", s.scaling.clip.to_string()),
            ("seed", s.seed.to_string()),
        ];
        if s.loss == Loss::ListNet {
            all.push(("temperature", s.temperature.to_string()));
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn fit(
        &self,
        data: &Dataset,
        split: &Split,
        recorder: &mut dyn Recorder,
        progress: &dyn Progress,
    ) -> Result<Fitted, LearnError> {
        self.settings.check()?;
        let scaler = Scaler::fit(data, &split.train, &self.settings.scaling)?;
        let done = fit::fit(&self.settings, &scaler, data, split, recorder, progress)?;
        let network = Network::new(self.name(), scaler, done.net);
        let mut facts = vec![
            ("features".to_owned(), network.scaler.names.len().to_string()),
            ("network inputs".to_owned(), network.scaler.width().to_string()),
            ("parameters".to_owned(), network.net.parameters().to_string()),
            ("epochs run".to_owned(), done.epochs.to_string()),
            ("best epoch".to_owned(), done.best.to_string()),
        ];
        if let Some(ndcg) = done.ndcg {
            facts.push(("validation NDCG@10".to_owned(), format!("{ndcg:.4}")));
        }
        if done.idle > 0 {
            facts.push((
                "training tracks without a better and a worse loop".to_owned(),
                done.idle.to_string(),
            ));
        }
        if !network.scaler.constant.is_empty() {
            facts.push((
                "constant columns, left out".to_owned(),
                network.scaler.constant.join(", "),
            ));
        }
        Ok(Fitted {
            bytes: onnx_write::model(&network.info, &network.scaler, &network.net),
            extension: "onnx",
            scorer: Box::new(network),
            best_round: done.best,
            facts,
        })
    }
}

/// A network that was trained, as a scorer.
#[derive(Debug, Clone)]
pub(super) struct Network {
    info: ModelInfo,
    scaler: Scaler,
    net: Net,
}

impl Network {
    fn new(name: &str, scaler: Scaler, net: Net) -> Self {
        Self {
            info: ModelInfo {
                name: name.into(),
                columns: scaler.names.clone(),
                output: Output::Relative,
                alpha: None,
                calibration: None,
                embedding: None,
            },
            scaler,
            net,
        }
    }
}

impl Scorer for Network {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let missing = |name: &String| ModelError::Missing(name.clone());
        let at = self
            .scaler
            .names
            .iter()
            .map(|name| rows.schema().column(name).ok_or_else(|| missing(name)))
            .collect::<Result<Vec<usize>, _>>()?;
        let values: Vec<f32> = (0..rows.rows())
            .flat_map(|r| at.iter().map(move |&c| rows.row(r)[c]))
            .collect();
        let (mut inputs, mut space) = (Vec::new(), Workspace::default());
        self.scaler.apply(&values, &mut inputs);
        self.net.forward(&inputs, &mut space, None);
        let scores = space.scores().to_vec();
        match scores.iter().position(|s| !s.is_finite()) {
            Some(row) => Err(ModelError::BadScore {
                model: self.info.name.clone(),
                row,
            }),
            None => Ok(scores),
        }
    }
}

#[cfg(test)]
mod tests;

//! Learning and judging: folds, learners, calibration, thresholds.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use super::calibrate::{Platt, threshold};
use super::ensemble::{DEPTH, Ensemble};
use super::examples::Examples;
use super::scores::Scores;
use super::{folds, logistic, onnx};
use crate::learn::LearnError;
use crate::learn::boost::parallel::each;
use crate::learn::mlp::net::{AdamW, Net, Workspace};
use crate::learn::scaler::{Options, Scaler};
use crate::model::multilabel::{Tag, decide};
use crate::progress::{Progress, Stage};

/// What learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Logistic regression with a ridge.
    Linear,
    /// A network with one hidden layer.
    Network,
    /// Boosted trees.
    #[default]
    Trees,
}

impl Kind {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Network => "network",
            Self::Trees => "trees",
        }
    }
}

/// How models of tags are learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What learns.
    pub kind: Kind,
    /// Folds that judge and calibrate, from 2.
    pub folds: usize,
    /// Of linear models: the ridge, in units of files.
    pub l2: f64,
    /// Of networks: hidden units of each tag.
    pub hidden: usize,
    /// Of networks: passes over the files.
    pub epochs: usize,
    /// Of networks: weight decay (AdamW).
    pub decay: f32,
    /// Of networks: share of hidden units silenced at each step.
    pub dropout: f32,
    /// Of trees: how many there are of each tag.
    pub rounds: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads that share the work; they do not change the result.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: Kind::default(),
            folds: 5,
            l2: 10.0,
            hidden: 16,
            epochs: 60,
            decay: 0.1,
            dropout: 0.2,
            rounds: 100,
            seed: 1337,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

impl Settings {
    /// By name, for records and cards. The number of threads is not among them: it makes no difference.
    pub fn listed(&self) -> Vec<(String, String)> {
        let mut out = vec![
            ("learner", self.kind.name().to_owned()),
            ("folds", self.folds.to_string()),
        ];
        match self.kind {
            Kind::Linear => out.push(("l2", self.l2.to_string())),
            Kind::Network => out.extend([
                ("hidden", self.hidden.to_string()),
                ("epochs", self.epochs.to_string()),
                ("weight_decay", self.decay.to_string()),
                ("dropout", self.dropout.to_string()),
            ]),
            Kind::Trees => out.extend([("rounds", self.rounds.to_string()), ("depth", DEPTH.to_string())]),
        }
        out.push(("seed", self.seed.to_string()));
        out.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
    }

    fn check(&self) -> Result<(), LearnError> {
        let fault = |what: String| Err(LearnError::Setting(what));
        if self.folds < 2 {
            return fault(format!("{} folds: at least 2", self.folds));
        }
        if !(self.l2.is_finite() && self.l2 > 0.0) {
            return fault(format!("l2 {}: above 0", self.l2));
        }
        if !(1..=1024).contains(&self.hidden) || self.epochs == 0 {
            return fault("hidden units: 1 to 1024; epochs: at least 1".into());
        }
        if !(1..=10_000).contains(&self.rounds) {
            return fault(format!("{} rounds: 1 to 10000", self.rounds));
        }
        if !((0.0..1.0).contains(&self.dropout) && self.decay.is_finite() && self.decay >= 0.0) {
            return fault("dropout: from 0 to below 1; weight decay: at least 0".into());
        }
        Ok(())
    }
}

/// A tag that could not be learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The tag.
    pub label: String,
    /// Files that have it.
    pub support: usize,
    /// Why.
    pub why: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Trained {
    /// The model's file.
    pub bytes: Vec<u8>,
    /// The tags that it tells, with thresholds.
    pub tags: Vec<Tag>,
    /// The features that it reads.
    pub features: Vec<String>,
    /// Tags that could not be learnt.
    pub left_out: Vec<LeftOut>,
    /// How each file is told by models, calibrations and thresholds that had not seen it.
    pub scores: Scores,
    /// Folds that judged.
    pub folds: usize,
    /// The model, to be applied here.
    pub applied: Applied,
}

/// A trained model in memory: what the file holds.
#[derive(Debug, Clone)]
pub struct Applied {
    scaler: Scaler,
    parts: Parts,
    platts: Vec<Platt>,
}

/// What tells each tag; all of one kind.
#[derive(Debug, Clone)]
pub(super) enum Parts {
    /// Linear models and networks, all with as many layers.
    Nets(Vec<Net>),
    /// Trees, all as many.
    Trees(Vec<Ensemble>),
}

impl Parts {
    /// Log odds of each tag before calibration.
    fn scores(&self, inputs: &[f32]) -> Vec<f64> {
        match self {
            Self::Nets(nets) => {
                let mut space = Workspace::default();
                let score = |net: &Net| {
                    net.forward(inputs, &mut space, None);
                    f64::from(space.scores().first().copied().unwrap_or(0.0))
                };
                nets.iter().map(score).collect()
            }
            Self::Trees(ensembles) => ensembles.iter().map(|e| e.score(inputs)).collect(),
        }
    }
}

impl Applied {
    /// Probabilities of one file, by its description.
    pub fn probabilities(&self, features: &[f32]) -> Vec<f64> {
        let scores = raw(&self.scaler, &self.parts, features);
        scores
            .into_iter()
            .zip(&self.platts)
            .map(|(s, platt)| platt.probability(s))
            .collect()
    }
}

/// Learns the labels of `examples`. `kind` is what the file says it is: [`crate::model::multilabel::TAGS`] or `CONTACT`.
///
/// # Errors
///
/// Settings out of range; fewer than two groups; no label that could be learnt.
pub fn train(
    examples: &Examples,
    kind: &str,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Trained, LearnError> {
    settings.check()?;
    let (keep, left_out) = learnable(examples);
    if keep.is_empty() {
        let shown: Vec<String> = left_out
            .iter()
            .take(8)
            .map(|l| format!("{}: {}", l.label, l.why))
            .collect();
        let more = left_out.len().saturating_sub(shown.len());
        let sources = examples.groups.iter().max().map_or(0, |g| g + 1);
        let remedy = match left_out.iter().any(|l| l.why.contains("one source")) && sources < examples.len() {
            true => "; if the files of a source have nothing to do with each other, say --group file",
            false => "",
        };
        return Err(LearnError::Data(format!(
            "none of {} tags can be learnt from {} files of {sources} sources ({}{}){remedy}",
            left_out.len(),
            examples.len(),
            shown.join("; "),
            if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            }
        )));
    }
    let examples = &examples.with_labels(&keep);
    let n = examples.labels.len();
    let groups = examples.groups.iter().max().map_or(0, |g| g + 1);
    let folds = settings.folds.min(groups);
    let fold_of = folds::assign(examples, folds, settings.seed);
    // Scores of every file by a model that did not see it.
    let mut scores = vec![0.0f64; examples.len() * n];
    let part = |done: usize| done as f32 / (folds + 1) as f32;
    for fold in 0..folds {
        progress.check()?;
        let (test, rest): (Vec<usize>, Vec<usize>) = (0..examples.len()).partition(|&f| fold_of[f] == fold);
        let (scaler, parts) = fit(examples, &rest, settings, fold as u64 + 1, progress)?;
        for file in test {
            scores[file * n..(file + 1) * n].copy_from_slice(&raw(&scaler, &parts, examples.data.row(file)));
        }
        progress.report(Stage::Learn, part(fold + 1));
    }
    let known = |files: &dyn Fn(usize) -> bool, label: usize| -> Vec<(f64, bool)> {
        let files = (0..examples.len()).filter(|&f| files(f));
        files
            .filter_map(|f| Some((scores[f * n + label], examples.truth(f, label)?)))
            .collect()
    };
    let set = |files: &dyn Fn(usize) -> bool| -> (Vec<Platt>, Vec<Tag>) {
        (0..n)
            .map(|l| {
                let seen = known(files, l);
                let platt = Platt::fit(&seen);
                let told: Vec<(f64, bool)> = seen.iter().map(|(s, y)| (platt.probability(*s), *y)).collect();
                let label = &examples.labels[l];
                let tag = Tag {
                    name: label.name.clone(),
                    threshold: threshold(&told),
                    family: label.family.clone(),
                };
                (platt, tag)
            })
            .unzip()
    };
    // Each fold is judged by what the others say of calibration and thresholds.
    let (mut given, mut probabilities) = (vec![false; scores.len()], vec![0.0; scores.len()]);
    for fold in 0..folds {
        let (platts, tags) = set(&|f| fold_of[f] != fold);
        for file in (0..examples.len()).filter(|&f| fold_of[f] == fold) {
            let own = file * n..(file + 1) * n;
            for ((p, s), platt) in probabilities[own.clone()]
                .iter_mut()
                .zip(&scores[own.clone()])
                .zip(&platts)
            {
                *p = platt.probability(*s);
            }
            decide(&tags, &probabilities[own])
                .into_iter()
                .for_each(|l| given[file * n + l] = true);
        }
    }
    let judged = Scores::of(examples, &given, &probabilities);
    let (platts, tags) = set(&|_| true);
    let all: Vec<usize> = (0..examples.len()).collect();
    let (scaler, parts) = fit(examples, &all, settings, 0, progress)?;
    progress.report(Stage::Learn, 1.0);
    Ok(Trained {
        bytes: onnx::model(kind, &tags, &scaler, &parts, &platts),
        tags,
        features: scaler.names.clone(),
        left_out,
        scores: judged,
        folds,
        applied: Applied { scaler, parts, platts },
    })
}

/// Labels that can be learnt and judged, and the others with reasons: both classes must be in two groups at least, one to
/// learn from and one to judge by.
fn learnable(examples: &Examples) -> (Vec<usize>, Vec<LeftOut>) {
    let (mut keep, mut left_out) = (Vec::new(), Vec::new());
    for (l, label) in examples.labels.iter().enumerate() {
        let s = examples.support(l);
        let why = match (s.groups, s.groups_without) {
            (0, _) => "no file has it",
            (1, _) => "the files that have it are of one source",
            (_, 0) => "every file has it",
            (_, 1) => "the files without it are of one source",
            _ => {
                keep.push(l);
                continue;
            }
        };
        left_out.push(LeftOut {
            label: label.name.clone(),
            support: s.files,
            why: why.into(),
        });
    }
    (keep, left_out)
}

/// Scores of one description: log odds before calibration.
fn raw(scaler: &Scaler, parts: &Parts, features: &[f32]) -> Vec<f64> {
    let row: Vec<f32> = scaler.columns.iter().map(|&c| features[c]).collect();
    let mut inputs = Vec::new();
    scaler.apply(&row, &mut inputs);
    parts.scores(&inputs)
}

struct Work {
    label: usize,
    made: Option<Result<Part, LearnError>>,
}

enum Part {
    Net(Net),
    Trees(Ensemble),
}

/// Learns each label from `files`; `stream` sets the random choices of one fold apart from those of others.
fn fit(
    examples: &Examples,
    files: &[usize],
    settings: &Settings,
    stream: u64,
    progress: &dyn Progress,
) -> Result<(Scaler, Parts), LearnError> {
    let options = Options {
        trackwise: false,
        indicators: false,
        clip: 5.0,
    };
    let scaler = Scaler::fit(&examples.data, files, &options)?;
    let mut inputs = Vec::new();
    let rows: Vec<f32> = files
        .iter()
        .flat_map(|&f| {
            let row = examples.data.row(f);
            scaler.columns.iter().map(move |&c| row[c])
        })
        .collect();
    scaler.apply(&rows, &mut inputs);
    let width = scaler.width();
    let mut work: Vec<Work> = (0..examples.labels.len())
        .map(|label| Work { label, made: None })
        .collect();
    each(settings.threads, &mut work, |work| {
        if progress.is_cancelled() {
            return;
        }
        let known: Vec<(usize, bool)> = files
            .iter()
            .enumerate()
            .filter_map(|(i, &f)| Some((i, examples.truth(f, work.label)?)))
            .collect();
        let x: Vec<f32> = known
            .iter()
            .flat_map(|(i, _)| &inputs[i * width..(i + 1) * width])
            .copied()
            .collect();
        let y: Vec<f64> = known.iter().map(|(_, y)| f64::from(u8::from(*y))).collect();
        let rng = || seed_of(settings.seed, stream, &examples.labels[work.label].name);
        work.made = Some(match settings.kind {
            Kind::Linear => {
                let (weights, bias) = logistic::fit(&x, width, &y, settings.l2);
                let weights = weights.into_iter().map(|w| w as f32).collect();
                Ok(Part::Net(Net::linear(weights, bias as f32)))
            }
            Kind::Network => Ok(Part::Net(network(&x, width, &y, settings, rng()))),
            Kind::Trees => Ensemble::fit(&x, width, &y, settings.rounds, rng().next_u64()).map(Part::Trees),
        });
    });
    progress.check()?;
    let (mut nets, mut trees) = (Vec::new(), Vec::new());
    for made in work.into_iter().filter_map(|w| w.made) {
        match made? {
            Part::Net(net) => nets.push(net),
            Part::Trees(ensemble) => trees.push(ensemble),
        }
    }
    if nets.is_empty() {
        let most = trees.iter().map(Ensemble::trees).max().unwrap_or(0).max(1);
        trees.iter_mut().for_each(|e| e.pad(most));
        return Ok((scaler, Parts::Trees(trees)));
    }
    Ok((scaler, Parts::Nets(nets)))
}

/// By the label's name: a label that is added changes no other.
fn seed_of(seed: u64, stream: u64, label: &str) -> Pcg64Mcg {
    let mut hash = blake3::Hasher::new();
    hash.update(&seed.to_le_bytes());
    hash.update(&stream.to_le_bytes());
    hash.update(label.as_bytes());
    let bytes = hash.finalize();
    Pcg64Mcg::seed_from_u64(u64::from_le_bytes(std::array::from_fn(|i| bytes.as_bytes()[i])))
}

/// Files in a batch.
const BATCH: usize = 32;
/// Highest learning rate; it falls to nothing along a cosine.
const RATE: f32 = 5e-3;
/// Most steps, so that large sets take no more passes than they need.
const MOST_STEPS: usize = 12_000;

fn network(x: &[f32], width: usize, y: &[f64], settings: &Settings, mut rng: Pcg64Mcg) -> Net {
    let mut net = Net::new(width, &[settings.hidden], &mut rng);
    let mean = (y.iter().sum::<f64>() / y.len().max(1) as f64).clamp(1e-3, 1.0 - 1e-3);
    net.rescale(1.0, (mean / (1.0 - mean)).ln() as f32);
    let per_epoch = y.len().div_ceil(BATCH).max(1);
    let steps = (settings.epochs * per_epoch).min(MOST_STEPS.max(2 * per_epoch));
    let mut adam = AdamW::new(&net, settings.decay);
    let (mut space, mut gradient) = (Workspace::default(), vec![0.0f32; net.parameters()]);
    let (mut inputs, mut by_score) = (Vec::new(), Vec::new());
    let mut order: Vec<usize> = (0..y.len()).collect();
    let mut step = 0;
    while step < steps && !y.is_empty() {
        order.shuffle(&mut rng);
        for batch in order.chunks(BATCH) {
            inputs.clear();
            batch
                .iter()
                .for_each(|&i| inputs.extend_from_slice(&x[i * width..(i + 1) * width]));
            net.forward(&inputs, &mut space, Some((settings.dropout, &mut rng)));
            by_score.clear();
            let share = 1.0 / batch.len() as f64;
            let error = |(s, i): (&f32, &usize)| ((logistic::logistic(f64::from(*s)) - y[*i]) * share) as f32;
            by_score.extend(space.scores().iter().zip(batch).map(error));
            gradient.fill(0.0);
            net.backward(&inputs, &by_score, settings.dropout, &mut space, &mut gradient);
            let left = 0.5 * (1.0 + (std::f32::consts::PI * step as f32 / steps as f32).cos());
            adam.step(&mut net, &gradient, RATE * left);
            step += 1;
            if step == steps {
                break;
            }
        }
    }
    net
}

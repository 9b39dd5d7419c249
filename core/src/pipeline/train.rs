//! Trains a ranker on datasets and writes it into a folder: the model, `features.json`, the card `MODEL.md`; or, where the
//! model is given a name, `x.onnx`, all of them under that name. Datasets are tables, or what
//! [`gather`](super::dataset::gather) heard just now.
//!
//! [`prepare`] reads and checks everything that can be wrong before hours of work, and takes hold of the folder; [`train`]
//! does the work. Files are written at the end, each whole or not at all; a run that fails or is stopped leaves the model of
//! an earlier one as it was.

mod columns;
mod scores;
mod write;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::analysis::embedding;
use crate::config::tuning::Tuning;
use crate::export::ExportError;
use crate::export::destination::Destination;
use crate::learn::dataset::{Dataset, DatasetError};
use crate::learn::recorder::{Ending, RecordError, Recorder};
use crate::learn::split::{self, Split, SplitError};
use crate::learn::{LearnError, Learner};
use crate::model::schema_file::Embedding;
use crate::model::{self, Calibration, Scorer};
use crate::pipeline::dataset::record;
use crate::progress::Progress;
use crate::store::Target;

pub use columns::ColumnError;
pub use scores::{Judged, Judgement};

/// What is to be trained on, and where to.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Datasets; several are joined.
    pub data: &'a [PathBuf],
    /// The folder, or the model's file.
    pub out: &'a Target,
    /// The extension of the model's file: [`Learner::extension`].
    pub extension: &'static str,
    /// Patterns of the columns to learn from (`*` and `?` stand for any characters and any one); none for all.
    pub include: &'a [String],
    /// Patterns of columns to leave out.
    pub exclude: &'a [String],
    /// Share of the tracks that stops the learning.
    pub valid: f64,
    /// Share of the tracks that judges the result.
    pub test: f64,
    /// Judge by so many folds in place of one share: each track is then judged once, by a model that has not seen it, and
    /// the model that is written learns from all of them.
    pub folds: Option<usize>,
    /// Seed of the split.
    pub seed: u64,
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The tracks cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The columns cannot be chosen so.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// Whose the columns of an embedding are is not clear.
    #[error(transparent)]
    Embedding(#[from] record::RecordError),
    /// Nothing was learnt.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The model's file is named as another kind of model.
    #[error("{}: this learner writes .{extension}; name a file that ends so, or a folder", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What it must end in.
        extension: &'static str,
    },
    /// The folder holds a file of ours by name only.
    #[error("{}: is there, but not from here; remove it, or choose another folder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The folder cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl From<RecordError> for TrainError {
    fn from(e: RecordError) -> Self {
        Self::Learn(e.into())
    }
}

/// Everything that [`train`] needs, checked.
#[derive(Debug)]
pub struct Prepared {
    data: Dataset,
    /// What each file held: name and BLAKE3.
    sources: Vec<write::Source>,
    /// The split of the model that is written.
    split: Split,
    /// The splits that only judge.
    folds: Vec<Split>,
    /// `boundary_quiet_score` of each row, if the datasets have it.
    boundary: Option<Vec<f32>>,
    /// The heuristic's score of each row, if the datasets have its columns.
    heuristic: Option<Vec<f32>>,
    /// The network whose columns the datasets have.
    embedding: Option<Embedding>,
    destination: Destination,
    names: write::Names,
}

impl Prepared {
    /// Rows, tracks and columns to learn from.
    pub fn size(&self) -> (usize, usize, usize) {
        (self.data.rows(), self.data.tracks.len(), self.data.columns.len())
    }

    /// Tracks that are learnt from, that stop the learning, that judge.
    pub fn parts(&self) -> (usize, usize, usize) {
        let judge = match self.folds.len() {
            0 => self.split.test.len(),
            _ => self.data.tracks.len(),
        };
        (self.split.train.len(), self.split.valid.len(), judge)
    }

    /// The folder, which is there.
    pub fn folder(&self) -> &Path {
        self.destination.root()
    }

    /// Where the record of the run belongs.
    pub fn record(&self) -> Target {
        self.names.record()
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What learnt: `mlp`, `rank`, `boost`.
    pub learner: &'static str,
    /// The model's file.
    pub model: PathBuf,
    /// All files that were written, as they are called in the folder.
    pub files: Vec<String>,
    /// Tracks that were learnt from.
    pub train_tracks: usize,
    /// Tracks that stopped the learning.
    pub valid_tracks: usize,
    /// Rounds or epochs until the best one.
    pub best_round: usize,
    /// Weight of `boundary_quiet_score`, where the datasets have that column and tracks for validation.
    pub alpha: Option<f64>,
    /// From scores to probabilities, where that was found.
    pub calibration: Option<Calibration>,
    /// How the model, the heuristic and chance do on the tracks that judge.
    pub judgement: Option<Judgement>,
    /// What else is to be said of the model.
    #[serde(serialize_with = "by_name")]
    pub facts: Vec<(String, String)>,
}

/// Names with values as an object.
fn by_name<T: Serialize, S: serde::Serializer>(pairs: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// An error where `request` could not be carried out whatever the data are: before hours of listening.
///
/// # Errors
///
/// [`TrainError::Name`], [`TrainError::Foreign`], [`TrainError::Export`].
pub fn check(request: &Request<'_>) -> Result<(), TrainError> {
    write::Names::of(request.out, request.extension)?.check()
}

/// Reads the datasets, chooses columns, splits the tracks, makes the folder and takes hold of it.
///
/// # Errors
///
/// [`TrainError`]; the folder is made last, so that an error leaves hardly anything behind.
pub fn prepare(request: &Request<'_>, progress: &dyn Progress) -> Result<Prepared, TrainError> {
    let data = Dataset::read_all(request.data)?;
    progress.check().map_err(LearnError::from)?;
    let sources = request
        .data
        .iter()
        .map(|p| write::Source::of(p))
        .collect::<Result<_, _>>()?;
    let read = |columns: &[String]| record::read(request.data, columns);
    prepared(request, data, sources, read, progress)
}

/// A dataset that no file holds.
#[derive(Debug)]
pub struct Gathered {
    /// The dataset.
    pub data: Dataset,
    /// What it is called in the card.
    pub name: String,
    /// The network whose columns it has.
    pub embedding: Option<Embedding>,
}

/// As [`prepare`], with `gathered` in place of [`Request::data`].
///
/// # Errors
///
/// As [`prepare`].
pub fn prepare_gathered(
    request: &Request<'_>,
    gathered: Gathered,
    progress: &dyn Progress,
) -> Result<Prepared, TrainError> {
    let sources = vec![write::Source::gathered(&gathered)];
    let embedding = gathered.embedding;
    let read = |columns: &[String]| Ok(embedding.filter(|_| columns.iter().any(|c| embedding::is_column(c))));
    prepared(request, gathered.data, sources, read, progress)
}

fn prepared(
    request: &Request<'_>,
    data: Dataset,
    sources: Vec<write::Source>,
    embedding: impl FnOnce(&[String]) -> Result<Option<Embedding>, record::RecordError>,
    progress: &dyn Progress,
) -> Result<Prepared, TrainError> {
    let names = write::Names::of(request.out, request.extension)?;
    let boundary = data
        .column("boundary_quiet_score")
        .map(|c| (0..data.rows()).map(|r| data.row(r)[c]).collect());
    let heuristic = scores::of_all(&model::heuristic(&Tuning::default()), &data);
    let data = columns::choose(data, request.include, request.exclude)?;
    let embedding = embedding(&data.columns)?;
    let (split, folds) = match request.folds {
        None => (
            split::split(&data.tracks, request.valid, request.test, request.seed)?,
            Vec::new(),
        ),
        Some(n) => (
            split::split(&data.tracks, request.valid, 0.0, request.seed)?,
            split::folds(&data.tracks, n, request.valid, request.seed)?,
        ),
    };
    progress.check().map_err(LearnError::from)?;
    let destination = names.open()?;
    Ok(Prepared {
        data,
        sources,
        split,
        folds,
        boundary,
        heuristic,
        embedding,
        destination,
        names,
    })
}

/// Trains, judges, writes. The record is brought to its end in any case.
///
/// # Errors
///
/// [`TrainError`]: nothing is written then.
pub fn train(
    request: &Request<'_>,
    prepared: &Prepared,
    learner: &dyn Learner,
    recorder: &mut dyn Recorder,
    progress: &dyn Progress,
) -> Result<Report, TrainError> {
    let result = run(request, prepared, learner, recorder, progress);
    let ending = match &result {
        Ok(_) => Ending::Finished,
        Err(TrainError::Learn(LearnError::Cancelled(_))) => Ending::Killed,
        Err(_) => Ending::Failed,
    };
    let ended = recorder.finish(ending);
    let report = result?;
    ended?;
    Ok(report)
}

fn run(
    request: &Request<'_>,
    prepared: &Prepared,
    learner: &dyn Learner,
    recorder: &mut dyn Recorder,
    progress: &dyn Progress,
) -> Result<Report, TrainError> {
    for (name, value) in learner.settings().iter().chain(&settings(request, prepared)) {
        recorder.param(name, value)?;
    }
    let mut judged = scores::Bench::new(prepared);
    for (number, fold) in prepared.folds.iter().enumerate() {
        let mut named = Prefixed {
            prefix: format!("fold_{}_", number + 1),
            inner: &mut *recorder,
        };
        let fitted = learner.fit(&prepared.data, fold, &mut named, progress)?;
        let found = findings(prepared, fold, &*fitted.scorer);
        judged.add(&*fitted.scorer, found.alpha, &fold.test);
    }
    let fitted = learner.fit(&prepared.data, &prepared.split, recorder, progress)?;
    let found = findings(prepared, &prepared.split, &*fitted.scorer);
    judged.add(&*fitted.scorer, found.alpha, &prepared.split.test);
    progress.check().map_err(LearnError::from)?;
    let judgement = judged.finish();
    if let Some(judgement) = &judgement {
        for (name, value) in judgement.summary() {
            recorder.metric(&name, fitted.best_round as u64, value)?;
        }
    }
    let (train_tracks, valid_tracks, _) = prepared.parts();
    let mut report = Report {
        learner: learner.name(),
        model: PathBuf::new(),
        files: Vec::new(),
        train_tracks,
        valid_tracks,
        best_round: fitted.best_round,
        alpha: found.alpha,
        calibration: found.calibration,
        judgement,
        facts: fitted.facts.clone(),
    };
    let mut all = learner.settings();
    all.extend(settings(request, prepared));
    report.files = write::files(prepared, &fitted, &all, &report)?;
    if let Some(model) = report.files.first() {
        report.model = prepared.names.folder().join(model).shown();
    }
    for file in &report.files {
        let content = prepared.destination.read(file)?.unwrap_or_default();
        recorder.artifact(file, &content)?;
    }
    Ok(report)
}

/// What of a run is not the learner's own.
fn settings(request: &Request<'_>, prepared: &Prepared) -> Vec<(String, String)> {
    let mut all = vec![("split_seed".to_owned(), request.seed.to_string())];
    all.push(("valid".into(), request.valid.to_string()));
    match request.folds {
        Some(folds) => all.push(("folds".into(), folds.to_string())),
        None => all.push(("test".into(), request.test.to_string())),
    }
    for (name, patterns) in [("include", request.include), ("exclude", request.exclude)] {
        if !patterns.is_empty() {
            all.push((name.into(), patterns.join(" ")));
        }
    }
    if let Some(e) = &prepared.embedding {
        all.push((
            "embedding".into(),
            format!("{} (digest {}), {}*", e.model, e.digest, e.prefix),
        ));
    }
    let (rows, tracks, columns) = prepared.size();
    for (name, n) in [("rows", rows), ("tracks", tracks), ("columns", columns)] {
        all.push((name.into(), n.to_string()));
    }
    all
}

/// What is found about a model on the tracks for validation.
struct Findings {
    alpha: Option<f64>,
    calibration: Option<Calibration>,
}

fn findings(prepared: &Prepared, split: &Split, scorer: &dyn Scorer) -> Findings {
    let data = &prepared.data;
    let scored = scores::of_tracks(scorer, data, &split.valid);
    let alpha = prepared
        .boundary
        .as_ref()
        .filter(|_| !scored.is_empty())
        .map(|boundary| scores::alpha(data, &scored, boundary));
    let penalty = alpha.zip(prepared.boundary.as_deref());
    Findings {
        alpha,
        calibration: scores::calibration(data, &scored, penalty),
    }
}

/// Puts a prefix before the names of measures.
struct Prefixed<'a> {
    prefix: String,
    inner: &'a mut dyn Recorder,
}

impl Recorder for Prefixed<'_> {
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
        self.inner.param(&format!("{}{name}", self.prefix), value)
    }

    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
        self.inner.metric(&format!("{}{name}", self.prefix), step, value)
    }

    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        self.inner.artifact(name, content)
    }

    fn finish(&mut self, _: Ending) -> Result<(), RecordError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

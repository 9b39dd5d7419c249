//! Trains models of tags from audio: what a user's files are called, how they sound, or where a contact map puts them.
//!
//! [`listen`] describes the files, a few at a time; [`train`] learns, judges, and writes the model, `features.json`, the card.

pub mod labels;
pub mod write;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::batch::{self, Panicked};
use super::load::{LoadError, load_place};
use super::run::{Observer, OfItem};
use crate::config::Config;
use crate::export::ExportError;
use crate::learn::LearnError;
use crate::learn::multilabel::examples::Examples;
use crate::learn::multilabel::scores::Scores;
use crate::learn::multilabel::sources::{Grouping, groups};
use crate::learn::multilabel::train::{LeftOut, Settings, train as learn};
use crate::learn::multilabel::{DescribeError, Described, describe};
use crate::learn::recorder::{Ending, RecordError, Recorder};
use crate::model::multilabel::{CONTACT, Tag};
use crate::progress::Progress;
use crate::store::Place;
use crate::track::TrackId;
use labels::{Labels, LabelsError};

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub place: Place,
    /// What tables call it.
    pub file: String,
    /// Its name with those of the folders that count, with `/` between them: genres and sources are told from it.
    pub name: String,
}

/// Why a file has no tags.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be described.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// The model failed on it.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TagsError {
    /// The labels cannot be read.
    #[error(transparent)]
    Labels(#[from] LabelsError),
    /// Nothing was learnt.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The files cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A file of that name is there, and not ours.
    #[error("{}: is there, but not from here; remove it, or choose another name", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The name of the model does not do.
    #[error("--out {}: the name must end in .onnx", path.display())]
    Name {
        /// The name.
        path: PathBuf,
    },
    /// No threads can be started.
    #[error("cannot start working: {0}")]
    Threads(#[from] std::io::Error),
}

impl From<RecordError> for TagsError {
    fn from(e: RecordError) -> Self {
        Self::Learn(e.into())
    }
}

/// What was heard of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Which of the inputs.
    pub index: usize,
    /// Its content.
    pub id: TrackId,
    /// Its description.
    pub described: Described,
}

/// The files that could be described, in order, and the others.
#[derive(Debug, Default)]
pub struct Listened {
    /// Described files.
    pub heard: Vec<Heard>,
    /// Files in which there is nothing to hear.
    pub silent: Vec<usize>,
    /// Files that failed.
    pub failed: Vec<(usize, FileError)>,
}

/// Describes `inputs` on `jobs` threads. `done` is called on the calling thread as each ends, in order: with whether there
/// was anything to hear.
///
/// # Errors
///
/// Where no thread can be started. A file that fails is among [`Listened::failed`].
pub fn listen(
    inputs: &[Input],
    with_measures: bool,
    config: &Config,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<bool, &FileError>),
) -> std::io::Result<Listened> {
    let mut listened = Listened::default();
    let work = |index: usize| hear(&inputs[index].place, with_measures, config, &OfItem { observer, index });
    batch::in_order(
        inputs.len(),
        jobs,
        &|| observer.is_cancelled(),
        &work,
        |index, result| match result.map_err(FileError::from).flatten() {
            Ok(Some((id, described))) => {
                done(index, Ok(true));
                listened.heard.push(Heard { index, id, described });
            }
            Ok(None) => {
                done(index, Ok(false));
                listened.silent.push(index);
            }
            Err(e) => {
                done(index, Err(&e));
                listened.failed.push((index, e));
            }
        },
    )?;
    Ok(listened)
}

/// Describes what is at `place`; `None` where there is nothing to hear.
pub(super) fn hear(
    place: &Place,
    with_measures: bool,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Option<(TrackId, Described)>, FileError> {
    let loaded = load_place(place, config, progress)?;
    let described = describe(&loaded.track.audio, with_measures, progress)?;
    Ok(described.map(|d| (loaded.track.id, d)))
}

/// What is to be trained.
#[derive(Debug)]
pub struct Request<'a> {
    /// The files.
    pub inputs: &'a [Input],
    /// What was heard of them.
    pub listened: &'a Listened,
    /// What they are.
    pub labels: &'a Labels,
    /// The model's file; the others lie beside it.
    pub out: &'a Path,
    /// How files are grouped.
    pub grouping: Grouping,
    /// How it is learnt.
    pub settings: &'a Settings,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `tags` or `contact`.
    pub kind: &'static str,
    /// The model's file.
    pub model: PathBuf,
    /// All files that were written.
    pub files: Vec<PathBuf>,
    /// Files that were learnt from.
    pub heard: usize,
    /// Groups that they are of.
    pub groups: usize,
    /// Files in which there is nothing to hear.
    pub silent: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Folds that judged.
    pub folds: usize,
    /// The tags that the model tells, with thresholds.
    pub tags: Vec<Tag>,
    /// Tags that could not be learnt.
    pub left_out: Vec<LeftOut>,
    /// How every file was told by a model that had not seen it.
    pub scores: Scores,
}

/// Learns, judges, writes. The record is brought to its end in any case.
///
/// # Errors
///
/// [`TagsError`]: nothing is written then.
pub fn train(request: &Request<'_>, recorder: &mut dyn Recorder, progress: &dyn Progress) -> Result<Report, TagsError> {
    let result = run(request, recorder, progress);
    let ending = match &result {
        Ok(_) => Ending::Finished,
        Err(TagsError::Learn(LearnError::Cancelled(_))) => Ending::Killed,
        Err(_) => Ending::Failed,
    };
    let ended = recorder.finish(ending);
    let report = result?;
    ended?;
    Ok(report)
}

/// The files with their labels, ready to be learnt from.
pub fn examples(request: &Request<'_>) -> Examples {
    let files: Vec<(&str, [u8; 32])> = request
        .listened
        .heard
        .iter()
        .map(|h| (request.inputs[h.index].name.as_str(), h.id.0))
        .collect();
    let groups = groups(&files, request.grouping);
    let of: Vec<(&Input, &Heard)> = request
        .listened
        .heard
        .iter()
        .map(|h| (&request.inputs[h.index], h))
        .collect();
    let labelled = request.labels.of(&of);
    let mut examples = Examples::new(labelled.labels);
    for (((input, heard), group), truth) in of.iter().zip(groups).zip(labelled.truth) {
        examples.push(&input.file, group, &heard.described.features, truth);
    }
    examples
}

fn run(request: &Request<'_>, recorder: &mut dyn Recorder, progress: &dyn Progress) -> Result<Report, TagsError> {
    let names = write::Names::of(request.out)?;
    let mut settings = vec![
        ("label_source".to_owned(), request.labels.source().to_owned()),
        ("group".to_owned(), request.grouping.name().to_owned()),
    ];
    settings.extend(request.settings.listed());
    for (name, value) in &settings {
        recorder.param(name, value)?;
    }
    let examples = examples(request);
    if examples.is_empty() {
        return Err(LearnError::Data("there is no file to learn from".into()).into());
    }
    let kind = request.labels.kind();
    let trained = learn(&examples, kind, request.settings, progress)?;
    let s = &trained.scores;
    for (name, value) in [
        ("macro_f1", s.macro_f1),
        ("micro_f1", s.micro_f1),
        ("baseline_macro_f1", s.baseline_macro_f1),
        ("baseline_micro_f1", s.baseline_micro_f1),
    ] {
        recorder.metric(&format!("test_{name}"), 0, value)?;
    }
    for label in &s.labels {
        // Servers take no other characters in names of measures.
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = label.label.chars().map(safe).take(100).collect();
        recorder.metric(&format!("test_f1_{name}"), 0, label.f1)?;
    }
    let mut report = Report {
        kind,
        model: names.model.clone(),
        files: Vec::new(),
        heard: examples.len(),
        groups: examples.groups.iter().max().map_or(0, |g| g + 1),
        silent: request.listened.silent.len(),
        failed: request.listened.failed.len(),
        folds: trained.folds,
        tags: trained.tags.clone(),
        left_out: trained.left_out.clone(),
        scores: trained.scores.clone(),
    };
    report.files = write::files(&names, &trained, &report, request.labels.words(), &settings)?;
    for file in &report.files {
        let content = std::fs::read(file).map_err(ExportError::io(file, "read"))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        recorder.artifact(&name, &content)?;
    }
    debug_assert!(kind == CONTACT || kind == crate::model::multilabel::TAGS);
    Ok(report)
}

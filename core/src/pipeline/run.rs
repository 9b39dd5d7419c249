//! Many files to one tree: what the commands that write folders have in common.
//!
//! Each file is decoded, worked on, written. Tracks are worked on side by side and reported in the order of the files; the
//! tree does not depend on how many are worked on at once. A file that fails is reported and the others go on, unless what
//! failed is the output folder itself. What an earlier run has finished under the same settings is left alone.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::ahead::Ahead;
use super::batch::{self, Panicked};
use super::collection::MemberError;
use super::given::GivenBeats;
use super::load::{Fetched, LoadError, Loaded};
use super::shard::Shard;
use crate::analysis::Analysis;
use crate::audio::decode::{DecodeError, DecodeErrorKind};
use crate::config::Config;
use crate::drums::hits::HitsError;
use crate::export::manifest::{SourceKey, Status, TrackRecord};
use crate::export::table::Table;
use crate::export::tree::{Kind, Plan, RunSummary, Tree};
use crate::export::{ExportError, layout};
use crate::progress::{Cancelled, Progress, Stage};
use crate::similarity::SoundError;
use crate::store::{Place, StoreError, StoreErrorKind, Target};
use crate::track::Track;

/// What is done with each track.
pub trait Task: Sync {
    /// One thing found in a track, as it is reported.
    type Item: Send;

    /// What kind of tree is written.
    fn kind(&self) -> &'static Kind;

    /// Hash of everything that the outcome depends on but the source: see
    /// [`settings_hash`](crate::export::manifest::settings_hash).
    fn settings(&self) -> String;

    /// Works on a track and writes what it finds through `job`.
    fn work(&self, job: &Job<'_>, track: &Track, progress: &dyn Progress) -> Result<Outcome<Self::Item>, TrackError>;

    /// What an earlier run found in a track, from its record and its rows in that run's table.
    fn recall(&self, record: &TrackRecord, rows: &Table) -> Vec<Self::Item>;
}

/// One track's place in the tree.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The track's source.
    pub source: &'a SourceKey,
    tree: &'a Tree,
}

impl Job<'_> {
    /// Writes the track's files.
    pub fn write(&self, plan: &dyn Plan, progress: &dyn Progress) -> Result<TrackRecord, TrackError> {
        Ok(self.tree.write(self.source, plan, progress)?)
    }

    /// Records that there is nothing in the track, and why.
    pub fn nothing<T>(&self, detail: &str, facts: Option<TrackFacts>) -> Result<Outcome<T>, TrackError> {
        let record = self.tree.write_status(self.source, Status::NothingFound, detail)?;
        Ok(Outcome {
            found: Vec::new(),
            facts,
            record,
        })
    }
}

/// What came of a track.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What was found, in order.
    pub found: Vec<T>,
    /// What is known of the track.
    pub facts: Option<TrackFacts>,
    /// What was written.
    pub record: TrackRecord,
}

/// A file to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub place: Place,
    /// What it is called in outputs: its path from the folder that was named, with `/`.
    pub name: String,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The files, in the order in which they are to be reported.
    pub sources: &'a [Source],
    /// Which of them are worked on here; `None` for all. The others still have their say in the names of folders, so that
    /// the trees of all parts fit together.
    pub shard: Option<Shard>,
    /// The folder to write to.
    pub out: &'a Target,
    /// Write nothing.
    pub dry_run: bool,
    /// Write each table as Parquet too.
    pub parquet: bool,
    /// Leave alone what an earlier run with the same settings has finished.
    pub resume: bool,
    /// Tracks worked on at once. Of those that lie in a store as many more are fetched meanwhile.
    pub jobs: NonZeroUsize,
    /// Beats in place of tracked ones, for every source.
    pub beats: Option<&'a GivenBeats>,
}

impl Request<'_> {
    /// The places, among the sources, of those that are worked on: what is reported counts these.
    pub fn chosen(&self) -> Vec<usize> {
        let holds = |i: &usize| self.shard.is_none_or(|s| s.holds(&self.sources[*i].name));
        (0..self.sources.len()).filter(holds).collect()
    }
}

/// Follows the work. Called from the threads that do it.
pub trait Observer: Sync {
    /// `fraction` of `stage` is done for the source at `index`.
    fn report(&self, _index: usize, _stage: Stage, _fraction: f32) {}

    /// True once the work should be given up.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The progress of one item of several, told to an observer of all.
pub struct OfItem<'a> {
    /// Who follows.
    pub observer: &'a dyn Observer,
    /// The item's place.
    pub index: usize,
}

impl Progress for OfItem<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        self.observer.report(self.index, stage, fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.observer.is_cancelled()
    }
}

/// What is known of a track after the work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackFacts {
    /// Length in seconds.
    pub seconds: f64,
    /// Frames a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: usize,
    /// Tempo in beats a minute; none without beats.
    pub bpm: Option<f64>,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// True where one tempo holds throughout.
    pub constant_tempo: bool,
    /// How far the grid can be trusted, 0 to 1.
    pub grid_confidence: f32,
    /// Key, such as `Am`.
    pub key: Option<String>,
}

/// A track that was dealt with.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackDone<T> {
    /// True where an earlier run had done it.
    pub resumed: bool,
    /// What is known of it; `None` where an earlier run had done it.
    pub facts: Option<TrackFacts>,
    /// Why nothing was found, where nothing was.
    pub detail: String,
    /// What was found in it, in order.
    pub found: Vec<T>,
    /// What was odd about the file, in words.
    pub warnings: Vec<String>,
    /// Files written.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
}

/// Why a track was not dealt with.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It cannot be decoded.
    #[error(transparent)]
    Decode(DecodeError),
    /// It cannot be analysed.
    #[error(transparent)]
    Suggest(super::Error),
    /// Its hits cannot be found.
    #[error(transparent)]
    Hits(HitsError),
    /// What was found cannot be written.
    #[error(transparent)]
    Export(ExportError),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// There is nothing to compare.
    #[error(transparent)]
    Compare(MemberError),
    /// The store that it lies in does not give it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for TrackError {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Cancelled(c) => Self::Cancelled(c),
            _ => Self::Store(error),
        }
    }
}

impl From<LoadError> for TrackError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Decode(e) => e.into(),
            LoadError::Store(e) => e.into(),
        }
    }
}

impl From<MemberError> for TrackError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Load(e) => e.into(),
            MemberError::Panicked(e) => Self::Panicked(e),
            MemberError::Sound(SoundError::Cancelled(c)) => Self::Cancelled(c),
            other => Self::Compare(other),
        }
    }
}

impl From<DecodeError> for TrackError {
    fn from(error: DecodeError) -> Self {
        match error.kind {
            DecodeErrorKind::Cancelled(c) => Self::Cancelled(c),
            _ => Self::Decode(error),
        }
    }
}

impl From<HitsError> for TrackError {
    fn from(error: HitsError) -> Self {
        match error {
            HitsError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Hits(other),
        }
    }
}

impl From<ExportError> for TrackError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Export(other),
        }
    }
}

impl From<super::Error> for TrackError {
    fn from(error: super::Error) -> Self {
        match error {
            super::Error::Cancelled(c) => Self::Cancelled(c),
            other => Self::Suggest(other),
        }
    }
}

impl TrackError {
    /// What the user can do about it, where the message does not say so itself.
    pub fn remedy(&self) -> Option<&'static str> {
        let of_io = |error: &std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "make the file readable",
            _ => "check the disk that it lies on",
        };
        Some(match self {
            Self::Read { source, .. } => of_io(source),
            Self::Decode(e) => match &e.kind {
                DecodeErrorKind::Io(e) => of_io(e),
                DecodeErrorKind::NotAFile(_) => "name an audio file, or a folder of them",
                DecodeErrorKind::EmptyFile => "nothing was ever written to it, or a copy was broken off: get it anew",
                DecodeErrorKind::Limit(_) => {
                    "raise the limit in the section [decode] of loopwright.toml if you mean it"
                }
                _ => "if it plays elsewhere, convert it to WAV or FLAC and try again",
            },
            Self::Store(e) => return e.kind.remedy(),
            Self::Suggest(_) => "check the settings with `loopwright config`",
            Self::Hits(_) | Self::Export(_) | Self::Compare(_) => return None,
            Self::Panicked(_) => "this is a defect in Loopwright: please report it, with the file if you can",
            Self::Cancelled(_) => "run again to go on",
        })
    }

    /// True where the output folder is what failed, so that the other tracks would fail too.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Export(e) if e.is_fatal())
    }
}

/// How one source ended.
#[derive(Debug)]
pub struct TrackReport<T> {
    /// Its place among the sources that are worked on.
    pub index: usize,
    /// The source.
    pub source: Source,
    /// How it ended.
    pub outcome: Result<TrackDone<T>, TrackError>,
}

/// How the run ended.
#[derive(Debug)]
pub struct Report<T> {
    /// Every source that was begun and not given up, in order.
    pub tracks: Vec<TrackReport<T>>,
    /// Sources that were not begun, or were given up.
    pub left: usize,
    /// What the tree holds now; `None` where it could not be finished.
    pub summary: Option<RunSummary>,
    /// Why the run ended early, if the output folder is what failed.
    pub stopped_by: Option<String>,
    /// True where the observer asked to stop.
    pub cancelled: bool,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The output folder cannot be used.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Does `task` for every source; `done` is called on the calling thread as each ends, in order.
pub fn run<T: Task>(
    request: &Request<'_>,
    config: &Config,
    task: &T,
    observer: &dyn Observer,
    mut done: impl FnMut(&TrackReport<T::Item>),
) -> Result<Report<T::Item>, RunError> {
    let tree =
        Tree::open(request.out.clone(), task.kind(), &task.settings(), request.dry_run)?.with_parquet(request.parquet);
    let names: Vec<&str> = request.sources.iter().map(|s| s.name.as_str()).collect();
    let folders = layout::folders(&names);
    let chosen = request.chosen();
    let stop = AtomicBool::new(false);
    let stopping = || stop.load(Ordering::Relaxed) || observer.is_cancelled();
    let ahead = Ahead::of(chosen.iter().map(|i| &request.sources[*i].place), request.jobs);
    let work = |index: usize| {
        let track = OneTrack {
            request,
            config,
            task,
            tree: &tree,
            ahead: &ahead,
            source: &request.sources[chosen[index]],
            folder: &folders[chosen[index]],
        };
        let progress = OfTrack {
            observer,
            index,
            stop: &stop,
        };
        let outcome = track.run(&progress);
        if outcome.as_ref().is_err_and(TrackError::is_fatal) {
            stop.store(true, Ordering::Relaxed);
        }
        outcome
    };
    let mut report = Report {
        tracks: Vec::new(),
        left: chosen.len(),
        summary: None,
        stopped_by: None,
        cancelled: false,
    };
    batch::in_order(chosen.len(), ahead.threads(), &stopping, &work, |index, result| {
        let outcome = result.map_err(TrackError::from).flatten();
        if matches!(outcome, Err(TrackError::Cancelled(_))) {
            return;
        }
        let track = TrackReport {
            index,
            source: request.sources[chosen[index]].clone(),
            outcome,
        };
        if let Err(e) = &track.outcome
            && e.is_fatal()
            && report.stopped_by.is_none()
        {
            report.stopped_by = Some(e.to_string());
        }
        done(&track);
        report.left -= 1;
        report.tracks.push(track);
    })
    .map_err(RunError::Thread)?;
    report.cancelled = observer.is_cancelled();
    // What is finished is committed even where the run ends early: it is whole, and the next run goes on from it.
    match tree.commit() {
        Ok(summary) => report.summary = Some(summary),
        Err(e) => {
            report.stopped_by.get_or_insert(e.to_string());
        }
    }
    Ok(report)
}

struct OfTrack<'a> {
    observer: &'a dyn Observer,
    index: usize,
    stop: &'a AtomicBool,
}

impl Progress for OfTrack<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        self.observer.report(self.index, stage, fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.observer.is_cancelled()
    }
}

struct OneTrack<'a, T> {
    request: &'a Request<'a>,
    config: &'a Config,
    task: &'a T,
    tree: &'a Tree,
    ahead: &'a Ahead,
    source: &'a Source,
    folder: &'a str,
}

impl<T: Task> OneTrack<'_, T> {
    fn run(&self, progress: &dyn Progress) -> Result<TrackDone<T::Item>, TrackError> {
        progress.check()?;
        let place = &self.source.place;
        let fingerprint = match place {
            Place::Object(object) => object.entry.fingerprint.clone(),
            Place::File(_) => None,
        };
        let known = fingerprint.as_ref().filter(|_| self.request.resume);
        let known = known.and_then(|f| self.tree.content(self.folder, &self.source.name, f));
        let mut key = SourceKey {
            folder: self.folder.to_owned(),
            name: self.source.name.clone(),
            content: known.unwrap_or_default(),
            fingerprint,
        };
        if let Some(done) = self.finished(&key) {
            return Ok(done);
        }
        let (fetched, content) = Fetched::of(place, self.config, progress)?;
        key.content = content;
        if let Some(done) = self.finished(&key) {
            return Ok(done);
        }
        let _turn = self.ahead.turn(progress)?;
        let result = self.analyse(&key, fetched, progress);
        if let Err(e) = &result
            && !matches!(e, TrackError::Cancelled(_) | TrackError::Export(_))
        {
            // For the manifest. What cannot be recorded is reported all the same.
            self.tree.write_status(&key, Status::Failed, &e.to_string())?;
        }
        result
    }

    /// What an earlier run made of the source, if it may stay.
    fn finished(&self, key: &SourceKey) -> Option<TrackDone<T::Item>> {
        let record = self.tree.finished(key).filter(|_| self.request.resume)?;
        let found = self.task.recall(&record, &self.tree.rows(&key.folder));
        let outcome = Outcome {
            found,
            facts: None,
            record,
        };
        Some(TrackDone::of(outcome, true, Vec::new()))
    }

    fn analyse(
        &self,
        key: &SourceKey,
        fetched: Fetched,
        progress: &dyn Progress,
    ) -> Result<TrackDone<T::Item>, TrackError> {
        let Loaded {
            mut track,
            status,
            warnings,
        } = fetched.load(&self.source.place, self.config, progress)?;
        let job = Job {
            source: key,
            tree: self.tree,
        };
        let outcome = if status.is_usable() {
            track.grid = self.request.beats.map(|given| given.grid(track.audio.sample_rate()));
            self.task.work(&job, &track, progress)?
        } else {
            job.nothing(&format!("the recording {status}"), None)?
        };
        Ok(TrackDone::of(outcome, false, warnings))
    }
}

impl TrackFacts {
    /// What an analysis tells.
    pub fn of(analysis: &Analysis) -> Self {
        let grid = &analysis.rhythm.grid;
        let audio = &analysis.track.audio;
        Self {
            seconds: audio.seconds(),
            sample_rate: audio.sample_rate(),
            channels: audio.channels(),
            bpm: (!grid.beats.is_empty()).then_some(grid.tempo.0),
            beats_per_bar: grid.beats_per_bar,
            constant_tempo: grid.constant,
            grid_confidence: grid.confidence,
            key: analysis.key.map(|key| key.name().to_owned()),
        }
    }
}

impl<T> TrackDone<T> {
    fn of(outcome: Outcome<T>, resumed: bool, warnings: Vec<String>) -> Self {
        Self {
            resumed,
            facts: outcome.facts,
            detail: outcome.record.detail,
            found: outcome.found,
            warnings,
            files: outcome.record.artefacts.len(),
            bytes: outcome.record.artefacts.iter().map(|a| a.bytes).sum(),
        }
    }
}

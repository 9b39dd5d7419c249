//! `find`: from many files to a tree of loops.
//!
//! For each file: decode, [`suggest`](super::suggest()), write. Tracks are worked on side by side and reported in the
//! order of the files; the tree does not depend on how many are worked on at once. A file that fails is reported and the
//! others go on, unless what failed is the output folder itself.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::batch::{self, Panicked};
use super::given::GivenBeats;
use super::load::{Loaded, load};
use super::{Models, Suggestion, Suggestions};
use crate::audio::decode::{DecodeError, DecodeErrorKind};
use crate::config::Config;
use crate::drums::hits::HitsError;
use crate::export::manifest::{LoopRecord, SourceKey, Status, settings_hash};
use crate::export::table::{Cell, Table};
use crate::export::tree::{LoopItem, RunSummary, TrackRequest, Tree};
use crate::export::{ExportError, destination, layout};
use crate::progress::{Cancelled, Progress, Stage};
use crate::rhythm::activation::BeatModel;

/// A file to search for loops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in outputs: its path from the folder that was named, with `/`.
    pub name: String,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The files, in the order in which they are to be reported.
    pub sources: &'a [Source],
    /// The folder to write to.
    pub out: &'a Path,
    /// Write nothing.
    pub dry_run: bool,
    /// Leave alone what an earlier run with the same settings has finished.
    pub resume: bool,
    /// Tracks worked on at once.
    pub jobs: NonZeroUsize,
    /// Beats in place of tracked ones, for every source.
    pub beats: Option<&'a GivenBeats>,
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

/// A loop as it was found and written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoopReport {
    /// Place in the order, 1 the first.
    pub number: u32,
    /// Its file in the first format, from the output folder.
    pub file: String,
    /// Where it begins in the source, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// Length in bars.
    pub bars: u32,
    /// Length in beats.
    pub beats: u32,
    /// Tempo at which it runs round exactly.
    pub bpm: f64,
    /// Raw score.
    pub score: f64,
    /// Probability among the track's candidates.
    pub score_prob: f64,
    /// Place by score among the track's candidates, 1 the first.
    pub score_rank: u32,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Length of the cross-fade at its wrap in milliseconds; 0 where none was needed.
    pub crossfade_ms: f64,
}

/// A track that was dealt with.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackDone {
    /// True where an earlier run had done it.
    pub resumed: bool,
    /// What is known of it; `None` where an earlier run had done it.
    pub facts: Option<TrackFacts>,
    /// Why there are no loops, where there are none.
    pub detail: String,
    /// Its loops, in order.
    pub loops: Vec<LoopReport>,
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
    /// Its loops cannot be written.
    #[error(transparent)]
    Export(ExportError),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
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
            Self::Suggest(_) => "check the settings with `loopwright config`",
            Self::Hits(_) | Self::Export(_) => return None,
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
pub struct TrackReport {
    /// Its place among the sources.
    pub index: usize,
    /// The source.
    pub source: Source,
    /// How it ended.
    pub outcome: Result<TrackDone, TrackError>,
}

/// How the run ended.
#[derive(Debug)]
pub struct Report {
    /// Every source that was begun and not given up, in order.
    pub tracks: Vec<TrackReport>,
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
pub enum FindError {
    /// The output folder cannot be used.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Finds and writes the loops of every source; `done` is called on the calling thread as each ends, in order.
pub fn find(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn Observer,
    mut done: impl FnMut(&TrackReport),
) -> Result<Report, FindError> {
    let given = request.beats.map(|b| (b.beats(), b.downbeats()));
    let settings = settings_hash(&(
        config,
        given,
        &models.scorer.info().name,
        models.beats.map(BeatModel::id),
    ));
    let tree = Tree::open(request.out, &settings, request.dry_run)?;
    let names: Vec<&str> = request.sources.iter().map(|s| s.name.as_str()).collect();
    let folders = layout::folders(&names);
    let stop = AtomicBool::new(false);
    let stopping = || stop.load(Ordering::Relaxed) || observer.is_cancelled();
    let work = |index: usize| {
        let track = OneTrack {
            request,
            config,
            models,
            tree: &tree,
            source: &request.sources[index],
            folder: &folders[index],
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
        left: request.sources.len(),
        summary: None,
        stopped_by: None,
        cancelled: false,
    };
    batch::in_order(
        request.sources.len(),
        request.jobs,
        &stopping,
        &work,
        |index, result| {
            let outcome = result.map_err(TrackError::from).flatten();
            if matches!(outcome, Err(TrackError::Cancelled(_))) {
                return;
            }
            let track = TrackReport {
                index,
                source: request.sources[index].clone(),
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
        },
    )
    .map_err(FindError::Thread)?;
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

struct OneTrack<'a> {
    request: &'a Request<'a>,
    config: &'a Config,
    models: Models<'a>,
    tree: &'a Tree,
    source: &'a Source,
    folder: &'a str,
}

impl OneTrack<'_> {
    fn run(&self, progress: &dyn Progress) -> Result<TrackDone, TrackError> {
        progress.check()?;
        let content = destination::hash_file(&self.source.path).map_err(|source| TrackError::Read {
            path: self.source.path.clone(),
            source,
        })?;
        let key = SourceKey {
            folder: self.folder.to_owned(),
            name: self.source.name.clone(),
            content,
        };
        if self.request.resume
            && let Some(record) = self.tree.finished(&key)
        {
            let rows = self.tree.rows(&key.folder);
            return Ok(TrackDone {
                resumed: true,
                facts: None,
                detail: record.detail,
                loops: record
                    .loops
                    .iter()
                    .enumerate()
                    .map(|(i, l)| LoopReport::of_row(l, &rows, i))
                    .collect(),
                warnings: Vec::new(),
                files: record.artefacts.len(),
                bytes: record.artefacts.iter().map(|a| a.bytes).sum(),
            });
        }
        let result = self.analyse(&key, progress);
        if let Err(e) = &result
            && !matches!(e, TrackError::Cancelled(_) | TrackError::Export(_))
        {
            // For the manifest. What cannot be recorded is reported all the same.
            self.tree.write_status(&key, Status::Failed, &e.to_string())?;
        }
        result
    }

    fn analyse(&self, key: &SourceKey, progress: &dyn Progress) -> Result<TrackDone, TrackError> {
        let Loaded {
            mut track,
            status,
            warnings,
        } = load(&self.source.path, self.config, progress)?;
        if !status.is_usable() {
            let detail = format!("the recording {status}");
            self.tree.write_status(key, Status::NothingFound, &detail)?;
            return Ok(TrackDone::without_loops(detail, None, warnings));
        }
        track.grid = self.request.beats.map(|given| given.grid(track.audio.sample_rate()));
        let found = super::suggest(&track, self.models, self.config, progress)?;
        let facts = TrackFacts::of(&found);
        if found.suggestions.is_empty() {
            let detail = no_loops(&found).to_owned();
            self.tree.write_status(key, Status::NothingFound, &detail)?;
            return Ok(TrackDone::without_loops(detail, Some(facts), warnings));
        }
        let loops = items(&found);
        let request = TrackRequest {
            source: key,
            track: &track,
            grid: &found.analysis.rhythm.grid,
            key: facts.key.as_deref(),
            loops: &loops,
            config: &self.config.export,
        };
        let record = self.tree.write_track(&request, progress)?;
        Ok(TrackDone {
            resumed: false,
            facts: Some(facts),
            detail: String::new(),
            loops: record
                .loops
                .iter()
                .zip(&loops)
                .map(|(cut, item)| LoopReport::of(cut, item))
                .collect(),
            warnings,
            files: record.artefacts.len(),
            bytes: record.artefacts.iter().map(|a| a.bytes).sum(),
        })
    }
}

/// The suggestions as the export takes them.
fn items(found: &Suggestions) -> Vec<LoopItem> {
    let names = found.schema.columns();
    let item = |(number, s): (usize, &Suggestion)| LoopItem {
        candidate: s.candidate,
        number: number as u32 + 1,
        score: f64::from(s.score),
        score_prob: f64::from(s.score_prob),
        score_rank: s.score_rank as u32,
        reasons: s.reasons.clone(),
        columns: names
            .iter()
            .zip(&s.features)
            .map(|(n, x)| (n.to_string(), Cell::from(*x)))
            .collect(),
    };
    found.suggestions.iter().enumerate().map(item).collect()
}

/// Why nothing is suggested.
fn no_loops(found: &Suggestions) -> &'static str {
    if found.analysis.rhythm.grid.beats.is_empty() {
        "it has no steady beat"
    } else if found.candidates == 0 {
        "it is shorter than the loops that were asked for"
    } else {
        "every candidate was below the cut-offs"
    }
}

impl TrackFacts {
    fn of(found: &Suggestions) -> Self {
        let grid = &found.analysis.rhythm.grid;
        let audio = &found.analysis.track.audio;
        Self {
            seconds: audio.seconds(),
            sample_rate: audio.sample_rate(),
            channels: audio.channels(),
            bpm: (!grid.beats.is_empty()).then_some(grid.tempo.0),
            beats_per_bar: grid.beats_per_bar,
            constant_tempo: grid.constant,
            grid_confidence: grid.confidence,
            key: found.analysis.key.map(|key| key.name().to_owned()),
        }
    }
}

impl TrackDone {
    fn without_loops(detail: String, facts: Option<TrackFacts>, warnings: Vec<String>) -> Self {
        Self {
            resumed: false,
            facts,
            detail,
            loops: Vec::new(),
            warnings,
            files: 0,
            bytes: 0,
        }
    }
}

impl LoopReport {
    fn of(cut: &LoopRecord, item: &LoopItem) -> Self {
        Self {
            score: item.score,
            score_prob: item.score_prob,
            score_rank: item.score_rank,
            reasons: item.reasons.clone(),
            ..Self::of_cut(cut, item.number)
        }
    }

    /// What the cut alone tells.
    fn of_cut(cut: &LoopRecord, number: u32) -> Self {
        let rate = f64::from(cut.sample_rate.max(1));
        Self {
            number,
            file: cut.file.clone(),
            start: cut.start_frame as f64 / rate,
            end: (cut.start_frame + cut.frames) as f64 / rate,
            bars: cut.bars,
            beats: cut.beats,
            bpm: cut.bpm,
            score: 0.0,
            score_prob: 0.0,
            score_rank: 0,
            reasons: Vec::new(),
            crossfade_ms: cut.seam.crossfade_ms,
        }
    }

    /// A loop of an earlier run, from its row in that run's table.
    fn of_row(cut: &LoopRecord, rows: &Table, row: usize) -> Self {
        let number = |column: &str| match rows.cell(row, column) {
            Cell::Number(x) => *x,
            Cell::Int(x) => *x as f64,
            _ => 0.0,
        };
        let reasons = match rows.cell(row, "reasons") {
            Cell::Text(text) => text.split("; ").filter(|r| !r.is_empty()).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Self {
            score: number("score"),
            score_prob: number("score_prob"),
            score_rank: number("score_rank") as u32,
            reasons,
            ..Self::of_cut(cut, row as u32 + 1)
        }
    }
}

//! `predict`: answers a labelled set, for a scorer. The stable way to measure any set.
//!
//! A set is a folder with `manifest.json`, an array of objects that have an `id` and the path of their `audio`, relative
//! to the folder. The answers are JSON lines in the manifest's order, times in seconds:
//!
//! ```text
//! beats   {"id", "beats": [..], "downbeats": [..], "bpm"}
//! onsets  {"id", "onsets": [{"t", "cls"}, ..]}
//! loops   {"id", "loops": [{"start", "end", "bars"}, ..], "breaks": [{"start", "end"}, ..], "drumless": [..], "quiet": [..]}
//! oneshots {"id", "cls"}
//! looptempo {"id", "bpm", "bars", "tags"}
//! neighbours {"id", "neighbours": [{"id", "time_ratio"}, ..]}
//! ```
//!
//! One-shots and loop files are judged by ear alone: the names of their files would tell.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Models;
use super::batch;
use super::given::{GivenBeats, GivenError};
use super::load::load;
use super::run::{Observer, OfItem, TrackError};
use crate::analysis::Analysis;
use crate::analysis::loop_file::{Content, LoopFile, LoopTempo};
use crate::config::{Config, Order};
use crate::drums;
use crate::drums::class::{Class, Drum, Synth};
use crate::drums::model::{HitModel, HitModelError};
use crate::drums::oneshot::{self, Classifier};
use crate::loops;
use crate::progress::Progress;
use crate::units::Span;

/// Loops in an answer.
pub const LOOPS: usize = 20;

/// What is asked of each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Beats, downbeats, tempo.
    Beats,
    /// Loops in variety order, and regions.
    Loops,
    /// Drum hits and their classes.
    Onsets,
    /// The class of a single sound.
    OneShots,
    /// Tempo, bars and content of a loop file.
    LoopTempo,
    /// The items that go with each; [`answers`](super::neighbors::answers) answers it, as all must be heard first.
    Neighbours,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is asked.
    pub task: Task,
    /// Folder of the set.
    pub set: &'a Path,
    /// Its items, from [`items`].
    pub items: &'a [Item],
    /// Beats to use in place of tracked ones, by id.
    pub grids: Option<&'a BTreeMap<String, GivenBeats>>,
    /// Items worked on at once.
    pub jobs: NonZeroUsize,
}

/// One item of a set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// Its name in the answers.
    pub id: String,
    /// Its audio, relative to the set's folder.
    pub audio: PathBuf,
}

/// Why a set cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The manifest cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The manifest.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is no array of items.
    #[error("{}: {source}; expected an array of objects with `id` and `audio`", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// The grids cannot be used.
    #[error(transparent)]
    Grid(#[from] GivenError),
    /// There is no classifier of one-shots.
    #[error(transparent)]
    OneShots(#[from] oneshot::load::LoadError),
    /// The answers cannot be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The model of hits cannot be used.
    #[error(transparent)]
    HitModel(#[from] HitModelError),
    /// The system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The items of the set in `set`.
pub fn items(set: &Path) -> Result<Vec<Item>, PredictError> {
    let path = set.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|source| PredictError::Io {
        path: path.clone(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| PredictError::Manifest { path, source })
}

/// An answer about beats, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BeatsAnswer {
    /// The item.
    pub id: String,
    /// Beats.
    pub beats: Vec<f64>,
    /// First beats of bars.
    pub downbeats: Vec<f64>,
    /// Tempo.
    pub bpm: Option<f64>,
}

/// An answer about loops, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LoopsAnswer {
    /// The item.
    pub id: String,
    /// Loops, best first.
    pub loops: Vec<LoopSpan>,
    /// Drums alone.
    pub breaks: Vec<Region>,
    /// Music without drums.
    pub drumless: Vec<Region>,
    /// Quiet sections.
    pub quiet: Vec<Region>,
}

/// An answer about drum hits.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct OnsetsAnswer {
    /// The item.
    pub id: String,
    /// Hits in order of time, an entry for each class of each.
    pub onsets: Vec<OnsetClass>,
}

/// A hit of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OnsetClass {
    /// The attack, in seconds.
    pub t: f64,
    /// The drum, `other` for percussion; null where it is a note.
    pub cls: Option<&'static str>,
}

/// An answer about a one-shot.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct OneShotAnswer {
    /// The item.
    pub id: String,
    /// What it is, as sets of one-shots name it: a drum's name, `other`, `synth_bass` or `synth`; empty for a failure.
    pub cls: &'static str,
}

/// An answer about a loop file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LoopTempoAnswer {
    /// The item.
    pub id: String,
    /// Beats a minute; none where it is no loop.
    pub bpm: Option<f64>,
    /// Its length in bars; absent where it is no loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bars: Option<f64>,
    /// What it is made of: see [`Content::tags`](crate::analysis::loop_file::Content::tags).
    pub tags: &'static [&'static str],
}

/// A loop, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LoopSpan {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Its length in bars.
    pub bars: u32,
}

/// A stretch of a track, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Region {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Region {
    /// A span at `rate` frames a second.
    pub fn of(span: &Span, rate: u32) -> Self {
        Self {
            start: seconds(span.start, rate),
            end: seconds(span.end, rate),
        }
    }
}

/// Frames as seconds, to a microsecond: answers are read by people too.
pub fn seconds(frames: f64, rate: u32) -> f64 {
    (frames / f64::from(rate) * 1e6).round() / 1e6
}

/// How the run ended.
#[derive(Debug)]
pub struct Report {
    /// The answers as JSON lines.
    pub lines: String,
    /// Items that failed and were answered with nothing.
    pub failed: Vec<(String, TrackError)>,
    /// Items that were not begun.
    pub left: usize,
}

/// Answers every item; `done` is called on the calling thread as each ends, in order, with `None` for a failure.
pub fn predict(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<(), &TrackError>),
) -> Result<Report, PredictError> {
    if request.task == Task::Neighbours {
        return super::neighbors::answers::predict(request, config, observer, done);
    }
    let mut config = config.clone();
    config.rank.top_k = LOOPS;
    config.rank.order = Order::Variety;
    // The truth holds loops of two bars and more, and counts what is left out as wrong.
    config.loops.bars.retain(|bars| *bars > 1);
    config.rank.min_rel_score = None;
    let ears = Ears {
        hits: match request.task {
            Task::Onsets => drums::model::shipped()?,
            _ => None,
        },
        oneshots: match request.task {
            Task::OneShots => oneshot::load::shipped()?,
            _ => Classifier::default(),
        },
    };
    let work = |index: usize| {
        let progress = OfItem { observer, index };
        answer(request, &request.items[index], &config, models, &ears, &progress)
    };
    let mut report = Report {
        lines: String::new(),
        failed: Vec::new(),
        left: request.items.len(),
    };
    let cancelled = || observer.is_cancelled();
    batch::in_order(request.items.len(), request.jobs, &cancelled, &work, |index, result| {
        let id = &request.items[index].id;
        match result.map_err(TrackError::from).flatten() {
            Ok(line) => {
                done(index, Ok(()));
                report.lines.push_str(&line);
            }
            Err(e) => {
                done(index, Err(&e));
                report.lines.push_str(&empty(request.task, id));
                report.failed.push((id.clone(), e));
            }
        }
        report.lines.push('\n');
        report.left -= 1;
    })
    .map_err(PredictError::Thread)?;
    Ok(report)
}

/// Writes the answers to `path`, whole or not at all.
pub fn write(path: &Path, lines: &str) -> Result<(), PredictError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let attempt = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    attempt().map_err(|source| {
        // What is left of a failed attempt is of no use; that it cannot be removed is not the news.
        let _ = fs::remove_file(&temporary);
        PredictError::Write {
            path: path.into(),
            source,
        }
    })
}

/// The models that some tasks need, loaded once.
struct Ears {
    hits: Option<Arc<dyn HitModel>>,
    oneshots: Classifier,
}

/// The line that answers one item.
fn answer(
    request: &Request<'_>,
    item: &Item,
    config: &Config,
    models: Models<'_>,
    ears: &Ears,
    progress: &dyn Progress,
) -> Result<String, TrackError> {
    let mut track = load(&request.set.join(&item.audio), config, progress)?.track;
    let rate = track.audio.sample_rate();
    if let Some(grids) = request.grids {
        track.grid = grids.get(&item.id).map(|given| given.grid(rate));
    }
    let id = item.id.clone();
    Ok(match request.task {
        Task::Beats => {
            let grid = Analysis::of(&track, models.beats, config, progress)
                .map_err(super::Error::from)?
                .rhythm
                .grid;
            let beats: Vec<f64> = grid.beats.iter().map(|&b| seconds(b, rate)).collect();
            line(&BeatsAnswer {
                id,
                downbeats: grid.downbeats.iter().filter_map(|&d| beats.get(d).copied()).collect(),
                bpm: (!beats.is_empty()).then_some(grid.tempo.0),
                beats,
            })
        }
        Task::Loops => {
            let found = super::suggest(&track, models, config, progress)?;
            let regions = |list: &[loops::regions::Region]| list.iter().map(|r| Region::of(&r.span, rate)).collect();
            let span = |s: &super::Suggestion| LoopSpan {
                start: seconds(s.candidate.span.start, rate),
                end: seconds(s.candidate.span.end, rate),
                bars: s.candidate.bars,
            };
            line(&LoopsAnswer {
                id,
                loops: found.suggestions.iter().map(span).collect(),
                breaks: regions(&found.structure.regions.breaks),
                drumless: regions(&found.structure.regions.drumless),
                quiet: regions(&found.structure.regions.quiet),
            })
        }
        Task::Onsets => {
            let span = Span {
                start: 0.0,
                end: track.audio.frames() as f64,
            };
            let found = drums::hits::of(&track.audio, span, ears.hits.as_deref(), progress)?;
            let onsets = found.hits.iter().flat_map(|hit| {
                hit.labels.iter().map(|class| OnsetClass {
                    t: seconds(hit.onset, rate),
                    cls: drum_name(*class),
                })
            });
            line(&OnsetsAnswer {
                id,
                onsets: onsets.collect(),
            })
        }
        Task::LoopTempo => {
            let heard = LoopFile::of(&track.audio, progress)?;
            line(&LoopTempoAnswer {
                id,
                bpm: heard.tempo().map(|t| t.bpm),
                bars: heard.tempo().map(LoopTempo::bars),
                tags: heard.contents.best().map_or(&[], Content::tags),
            })
        }
        Task::OneShots => {
            let ranked = ears
                .oneshots
                .classify(&track.audio.mono(), rate)
                .map_err(super::Error::from)?;
            line(&OneShotAnswer {
                id,
                cls: set_name(ranked.best()),
            })
        }
        // Asked of all items together.
        Task::Neighbours => empty(request.task, &item.id),
    })
}

/// What scorers call a class.
fn drum_name(class: Class) -> Option<&'static str> {
    match class {
        Class::Drum(Drum::Perc) => Some("other"),
        Class::Drum(drum) => Some(drum.name()),
        Class::Synth(_) | Class::Silence => None,
    }
}

/// How sets of one-shots name a class: they know one kind of percussion and two of pitched sounds.
fn set_name(class: Class) -> &'static str {
    match class {
        Class::Drum(Drum::Perc) | Class::Silence => "other",
        Class::Drum(drum) => drum.name(),
        Class::Synth(Synth::Bass) => "synth_bass",
        Class::Synth(_) => "synth",
    }
}

fn empty(task: Task, id: &str) -> String {
    match task {
        Task::Beats => line(&BeatsAnswer {
            id: id.to_owned(),
            ..BeatsAnswer::default()
        }),
        Task::Loops => line(&LoopsAnswer {
            id: id.to_owned(),
            ..LoopsAnswer::default()
        }),
        Task::Onsets => line(&OnsetsAnswer {
            id: id.to_owned(),
            ..OnsetsAnswer::default()
        }),
        Task::OneShots => line(&OneShotAnswer {
            id: id.to_owned(),
            ..OneShotAnswer::default()
        }),
        Task::LoopTempo => line(&LoopTempoAnswer {
            id: id.to_owned(),
            ..LoopTempoAnswer::default()
        }),
        Task::Neighbours => line(&super::neighbors::answers::Answer {
            id: id.to_owned(),
            ..Default::default()
        }),
    }
}

/// Plain data of numbers and text serialises; what did not would be no line of JSON.
fn line(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

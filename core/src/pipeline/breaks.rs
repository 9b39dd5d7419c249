//! `breaks`: the drum breaks of many files, with their hits, kits and grooves, as a tree.

pub mod labels;

use std::collections::BTreeMap;

use labels::Labels;
use serde::Serialize;

use super::given::GivenBeats;
use super::run::{self, Job, Outcome, Report, Request, RunError, Task, TrackError, TrackFacts, TrackReport};
use super::{Error, Models};
use crate::analysis::Analysis;
use crate::config::Config;
use crate::drums::breaks::{self, Break};
use crate::drums::hits::{self, Hits};
use crate::drums::model::HitModel;
use crate::export::breaks::{BreakItem, Breaks as Plans};
use crate::export::manifest::{SourceKey, TrackRecord, settings_hash};
use crate::export::table::{Cell, Table};
use crate::export::tree::{self, BREAKS, Kind, Plan};
use crate::loops::Structure;
use crate::model::Scorer;
use crate::progress::{Progress, Stage};
use crate::rhythm::activation::BeatModel;
use crate::track::Track;

/// What was found in a track.
#[derive(Debug, Clone)]
pub struct Found {
    /// The track's analysis.
    pub analysis: Analysis,
    /// Its form.
    pub structure: Structure,
    /// Its breaks, best first, each with its hits.
    pub breaks: Vec<(Break, Hits)>,
}

/// Finds the breaks of `track` and their hits. What takes time is told to `progress`.
///
/// A track without bars, or without drums that stand alone or out, has none, which is no error.
pub fn suggest(
    track: &Track,
    models: Models<'_>,
    hit_model: Option<&dyn HitModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Found, Error> {
    let analysis = models.analyse(track, config, progress)?;
    progress.report(Stage::Rank, 0.0);
    let structure = Structure::of(&analysis, &config.tuning, progress)?;
    let breaks = with_hits(&analysis, &structure, models.scorer, hit_model, config, progress)?;
    Ok(Found {
        analysis,
        structure,
        breaks,
    })
}

/// The breaks and their hits, best first, where analysis and form are at hand.
///
/// # Errors
///
/// As [`suggest`].
pub fn with_hits(
    analysis: &Analysis,
    structure: &Structure,
    scorer: &dyn Scorer,
    hit_model: Option<&dyn HitModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Vec<(Break, Hits)>, Error> {
    let found = breaks::find(analysis, structure, scorer, &config.breaks)?;
    let count = found.len();
    let mut with_hits = Vec::with_capacity(count);
    for (i, found) in found.into_iter().enumerate() {
        progress.check()?;
        progress.report(Stage::Rank, i as f32 / count as f32);
        let hits = hits::of(&analysis.track.audio, found.candidate.span, hit_model, progress)?;
        with_hits.push((found, hits));
    }
    progress.report(Stage::Rank, 1.0);
    Ok(with_hits)
}

/// A break as it was found and written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BreakReport {
    /// Place in the order, 1 the first.
    pub number: u32,
    /// Its file, from the output folder.
    pub file: String,
    /// `drums_only` or `drum_heavy`.
    pub kind: String,
    /// Where it begins in the source, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// Where the passage that it is part of begins, in seconds.
    pub passage_start: f64,
    /// Where that passage ends, in seconds.
    pub passage_end: f64,
    /// Length in bars.
    pub bars: u32,
    /// Length in beats.
    pub beats: u32,
    /// Tempo at which it runs round exactly.
    pub bpm: f64,
    /// How sure it is that it is a break worth having, 0 to 1.
    pub score: f64,
    /// Hits in it.
    pub hits: u32,
    /// How many hits it has of each class.
    pub classes: BTreeMap<String, u32>,
    /// Pieces of its kit.
    pub pieces: u32,
    /// Length of the cross-fade at its wrap in milliseconds; 0 where none was needed.
    pub crossfade_ms: f64,
}

/// Finds and writes the breaks of every source; `done` is called on the calling thread as each ends, in order.
pub fn breaks(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    hit_model: Option<&dyn HitModel>,
    labels: &Labels,
    observer: &dyn run::Observer,
    done: impl FnMut(&TrackReport<BreakReport>),
) -> Result<Report<BreakReport>, RunError> {
    let task = Breaks {
        config,
        models,
        hit_model,
        labels,
        settings: settings(config, models, hit_model, labels, request.beats),
    };
    run::run(request, config, &task, observer, done)
}

/// Hash of all that the breaks of a track depend on but the track, for a [`Tree`](crate::export::tree::Tree) of them.
pub fn settings(
    config: &Config,
    models: Models<'_>,
    hit_model: Option<&dyn HitModel>,
    labels: &Labels,
    beats: Option<&GivenBeats>,
) -> String {
    let labelled: Vec<_> = labels.iter().collect();
    settings_hash(&(
        config.of_outcome(),
        beats.map(|b| (b.beats(), b.downbeats())),
        &models.scorer.info().name,
        models.beats.map(BeatModel::id),
        models.embedding_digest(),
        hit_model.map(HitModel::id),
        labelled,
    ))
}

/// What was found in a track at hand.
#[derive(Debug)]
pub struct FoundBreaks {
    /// The analysis, and the breaks with their hits.
    pub found: Found,
    /// What is known of the track.
    pub facts: TrackFacts,
    /// What was written, as `write` gave it.
    pub record: TrackRecord,
    /// The breaks as they are reported, in their order.
    pub reports: Vec<BreakReport>,
    /// The breaks as they stand in tables.
    pub rows: Table,
}

impl FoundBreaks {
    /// Why there are no breaks, where there are none.
    pub fn detail(&self) -> &'static str {
        if self.found.breaks.is_empty() {
            no_breaks(&self.found)
        } else {
            ""
        }
    }
}

/// Finds the breaks of one track that is at hand, as [`find::of_track`](super::find::of_track) does its loops.
///
/// # Errors
///
/// Those of the analysis and of `write`.
pub fn of_track(
    source: &SourceKey,
    track: &Track,
    (models, hit_model): (Models<'_>, Option<&dyn HitModel>),
    config: &Config,
    labels: &Labels,
    write: &dyn Fn(&dyn Plan) -> Result<TrackRecord, TrackError>,
    progress: &dyn Progress,
) -> Result<FoundBreaks, TrackError> {
    let mut found = suggest(track, models, hit_model, config, progress)?;
    let facts = TrackFacts::of(&found.analysis);
    for (number, (_, hits)) in (1u32..).zip(&mut found.breaks) {
        let from = (source.folder.clone(), number, 0);
        let to = (source.folder.clone(), number, usize::MAX);
        for ((_, _, cluster), class) in labels.range(from..=to) {
            hits.relabel(*cluster, *class);
        }
    }
    let items: Vec<BreakItem<'_>> = (1u32..)
        .zip(&found.breaks)
        .map(|(number, (found, hits))| BreakItem { number, found, hits })
        .collect();
    let plan = Plans::of(source, track, &found.analysis.rhythm.grid, &items, config)?;
    let record = write(&plan)?;
    let rows = plan.rows(&record);
    let reports = (0..record.loops.len()).map(|i| BreakReport::of_row(&record, &rows, i));
    Ok(FoundBreaks {
        reports: reports.collect(),
        facts,
        rows,
        record,
        found,
    })
}

struct Breaks<'a> {
    config: &'a Config,
    models: Models<'a>,
    hit_model: Option<&'a dyn HitModel>,
    labels: &'a Labels,
    settings: String,
}

impl Task for Breaks<'_> {
    type Item = BreakReport;

    fn kind(&self) -> &'static Kind {
        &BREAKS
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn work(&self, job: &Job<'_>, track: &Track, progress: &dyn Progress) -> Result<Outcome<BreakReport>, TrackError> {
        let write = |plan: &dyn Plan| {
            // A folder of nothing is not begun.
            Ok(match plan.paths().is_empty() {
                true => tree::measured(job.source, plan, progress)?.0,
                false => job.write(plan, progress)?,
            })
        };
        let models = (self.models, self.hit_model);
        let found = of_track(job.source, track, models, self.config, self.labels, &write, progress)?;
        if found.reports.is_empty() {
            return job.nothing(found.detail(), Some(found.facts));
        }
        Ok(Outcome {
            found: found.reports,
            facts: Some(found.facts),
            record: found.record,
        })
    }

    fn recall(&self, record: &TrackRecord, rows: &Table) -> Vec<BreakReport> {
        (0..record.loops.len())
            .map(|i| BreakReport::of_row(record, rows, i))
            .collect()
    }
}

/// Why there are no breaks.
fn no_breaks(found: &Found) -> &'static str {
    if found.analysis.rhythm.grid.beats.is_empty() {
        "it has no steady beat"
    } else if found.structure.traits.drumless.iter().all(|odds| *odds > 0.0) {
        "no drums were heard in it"
    } else {
        "drums never play alone in it, nor stand out, for two bars or more"
    }
}

impl BreakReport {
    /// A break from its record and its row in the run's table.
    fn of_row(record: &TrackRecord, rows: &Table, row: usize) -> Self {
        let cut = &record.loops[row];
        let rate = f64::from(cut.sample_rate.max(1));
        let number = |column: &str| match rows.cell(row, column) {
            Cell::Number(x) => *x,
            Cell::Int(x) => *x as f64,
            _ => 0.0,
        };
        let text = |column: &str| match rows.cell(row, column) {
            Cell::Text(text) => text.clone(),
            _ => String::new(),
        };
        let classes = text("hit_classes");
        let classes = classes.split(' ').filter_map(|c| c.split_once('='));
        Self {
            number: number("break_index") as u32,
            file: cut.file.clone(),
            kind: text("kind"),
            start: cut.start_frame as f64 / rate,
            end: (cut.start_frame + cut.frames) as f64 / rate,
            passage_start: number("passage_start"),
            passage_end: number("passage_end"),
            bars: cut.bars,
            beats: cut.beats,
            bpm: cut.bpm,
            score: number("break_score"),
            hits: number("num_hits") as u32,
            classes: classes
                .filter_map(|(class, n)| Some((class.to_owned(), n.parse().ok()?)))
                .collect(),
            pieces: number("kit_pieces") as u32,
            crossfade_ms: cut.seam.crossfade_ms,
        }
    }
}

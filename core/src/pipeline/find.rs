//! `find`: the best loops of many files, as a tree.

use serde::Serialize;

use super::given::GivenBeats;
use super::run::{self, Job, Outcome, Report, Request, RunError, Task, TrackError, TrackFacts, TrackReport};
use super::{Models, Suggestion, Suggestions};
use crate::config::Config;
use crate::export::manifest::{LoopRecord, SourceKey, TrackRecord, settings_hash};
use crate::export::table::{Cell, Table};
use crate::export::tree::{self, Cuts, Kind, LOOPS, LoopItem, Plan, TrackRequest};
use crate::features::Schema;
use crate::progress::Progress;
use crate::rhythm::activation::BeatModel;
use crate::track::Track;

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
    /// The probability that it is a good loop.
    pub score_prob: f64,
    /// Its share among the track's candidates.
    pub score_share: f64,
    /// Place by score among the track's candidates, 1 the first.
    pub score_rank: u32,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Length of the cross-fade at its wrap in milliseconds; 0 where none was needed.
    pub crossfade_ms: f64,
}

/// Finds and writes the loops of every source; `done` is called on the calling thread as each ends, in order.
pub fn find(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn run::Observer,
    done: impl FnMut(&TrackReport<LoopReport>),
) -> Result<Report<LoopReport>, RunError> {
    let task = Find {
        config,
        models,
        settings: settings(config, models, request.beats),
    };
    run::run(request, config, &task, observer, done)
}

/// Hash of all that the loops of a track depend on but the track, for a [`Tree`](crate::export::tree::Tree) of them.
pub fn settings(config: &Config, models: Models<'_>, beats: Option<&GivenBeats>) -> String {
    settings_hash(&(
        config.of_outcome(),
        beats.map(|b| (b.beats(), b.downbeats())),
        &models.scorer.info().name,
        models.beats.map(BeatModel::id),
        models.embedding_digest(),
    ))
}

/// What was found in a track at hand.
#[derive(Debug)]
pub struct Found {
    /// The analysis, and the loops with their features.
    pub suggestions: Suggestions,
    /// What is known of the track.
    pub facts: TrackFacts,
    /// What was written, as `write` gave it.
    pub record: TrackRecord,
    /// The loops as they are reported, in the order of the suggestions.
    pub reports: Vec<LoopReport>,
    /// The loops as they stand in tables, as `write` gave them.
    pub rows: Table,
}

impl Found {
    /// Why nothing is suggested, where nothing is.
    pub fn detail(&self) -> &'static str {
        if self.suggestions.suggestions.is_empty() {
            no_loops(&self.suggestions)
        } else {
            ""
        }
    }
}

/// What is done with the files of a track's loops: gives their record, and their rows for tables.
pub type Write<'a> = dyn Fn(&dyn Plan) -> Result<(TrackRecord, Table), TrackError> + 'a;

/// Finds the loops of one track that is at hand, and lets `write` do with them what is wanted:
/// [`Tree::write`](crate::export::tree::Tree::write), or [`measured`](crate::export::tree::measured) for numbers alone. It is
/// called with an empty plan where there are none.
///
/// # Errors
///
/// Those of the analysis and of `write`.
pub fn of_track(
    source: &SourceKey,
    track: &Track,
    models: Models<'_>,
    config: &Config,
    write: &Write<'_>,
    progress: &dyn Progress,
) -> Result<Found, TrackError> {
    let found = super::suggest(track, models, config, progress)?;
    let facts = TrackFacts::of(&found.analysis);
    let loops = items(&found.suggestions, &found.schema);
    let request = TrackRequest {
        source,
        track,
        grid: &found.analysis.rhythm.grid,
        key: facts.key.as_deref(),
        loops: &loops,
        config: &config.export,
    };
    let (record, rows) = write(&Cuts::of(&request)?)?;
    let report = |(cut, item)| LoopReport::of(cut, item);
    Ok(Found {
        reports: record.loops.iter().zip(&loops).map(report).collect(),
        suggestions: found,
        facts,
        record,
        rows,
    })
}

struct Find<'a> {
    config: &'a Config,
    models: Models<'a>,
    settings: String,
}

impl Task for Find<'_> {
    type Item = LoopReport;

    fn kind(&self) -> &'static Kind {
        &LOOPS
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn work(&self, job: &Job<'_>, track: &Track, progress: &dyn Progress) -> Result<Outcome<LoopReport>, TrackError> {
        let write = |plan: &dyn Plan| {
            // A folder of nothing is not begun.
            let record = match plan.paths().is_empty() {
                true => tree::measured(job.source, plan, progress)?.0,
                false => job.write(plan, progress)?,
            };
            Ok((record, Table::default()))
        };
        let found = of_track(job.source, track, self.models, self.config, &write, progress)?;
        if found.reports.is_empty() {
            return job.nothing(found.detail(), Some(found.facts));
        }
        Ok(Outcome {
            found: found.reports,
            facts: Some(found.facts),
            record: found.record,
        })
    }

    fn recall(&self, record: &TrackRecord, rows: &Table) -> Vec<LoopReport> {
        let of_row = |(i, cut)| LoopReport::of_row(cut, rows, i);
        record.loops.iter().enumerate().map(of_row).collect()
    }
}

/// The suggestions as the export takes them; `schema` names their features.
pub fn items(suggestions: &[Suggestion], schema: &Schema) -> Vec<LoopItem> {
    let names = schema.columns();
    let item = |(number, s): (usize, &Suggestion)| LoopItem {
        candidate: s.candidate,
        number: number as u32 + 1,
        score: f64::from(s.score),
        score_prob: f64::from(s.score_prob),
        score_share: f64::from(s.score_share),
        score_rank: s.score_rank as u32,
        reasons: s.reasons.clone(),
        columns: names
            .iter()
            .zip(&s.features)
            .map(|(n, x)| (n.to_string(), Cell::from(*x)))
            .collect(),
    };
    suggestions.iter().enumerate().map(item).collect()
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

impl LoopReport {
    fn of(cut: &LoopRecord, item: &LoopItem) -> Self {
        Self {
            score: item.score,
            score_prob: item.score_prob,
            score_share: item.score_share,
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
            score_share: 0.0,
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
            score_share: number("score_share"),
            score_rank: number("score_rank") as u32,
            reasons,
            ..Self::of_cut(cut, row as u32 + 1)
        }
    }
}

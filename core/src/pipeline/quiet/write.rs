//! `quiet`: the quiet loops of many files with their slices, as a tree.

use serde::Serialize;

use super::{Quiet, QuietLoop};
use crate::config::Config;
use crate::export::manifest::{LoopRecord, TrackRecord, settings_hash};
use crate::export::table::{Cell, Table};
use crate::export::tree::{Kind, LoopItem, QUIET, QuietCuts, QuietItem, SliceItem, TrackRequest};
use crate::pipeline::Models;
use crate::pipeline::run::{self, Job, Outcome, Report, Request, RunError, Task, TrackError, TrackFacts, TrackReport};
use crate::progress::Progress;
use crate::rhythm::activation::BeatModel;
use crate::rhythm::notes::Heard;
use crate::track::Track;

/// A quiet loop as it was found and written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuietReport {
    /// Place in the order, 1 the first; it names the files.
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
    /// Its share among the track's quiet loops.
    pub score_share: f64,
    /// Place by score among the track's quiet loops, 1 the first.
    pub score_rank: u32,
    /// Share of the percussive part in its level.
    pub perc_to_total_rms: f64,
    /// How much starts at its ends.
    pub boundary_quiet_score: f64,
    /// Its slices, coarsest first.
    pub slices: Vec<SliceReport>,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Length of the cross-fade at its wrap in milliseconds; 0 where none was needed.
    pub crossfade_ms: f64,
}

/// One way in which a loop was sliced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SliceReport {
    /// How many slices.
    pub count: usize,
    /// The folder of their files, from the output folder.
    pub folder: String,
    /// How many onsets were heard in the loop.
    pub num_onsets: usize,
    /// How many inner edges lie on one.
    pub onsets_used: usize,
    /// What was listened to: `notes`, or `mix` where there were too few.
    pub onsets_of: String,
}

/// Finds, slices and writes the quiet loops of every source; `done` is called on the calling thread as each ends, in order.
pub fn write(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn run::Observer,
    done: impl FnMut(&TrackReport<QuietReport>),
) -> Result<Report<QuietReport>, RunError> {
    let given = request.beats.map(|b| (b.beats(), b.downbeats()));
    let task = Write {
        config,
        models,
        settings: settings_hash(&(
            config.of_outcome(),
            given,
            &models.scorer.info().name,
            models.beats.map(BeatModel::id),
            models.embedding_digest(),
        )),
    };
    run::run(request, config, &task, observer, done)
}

struct Write<'a> {
    config: &'a Config,
    models: Models<'a>,
    settings: String,
}

impl Task for Write<'_> {
    type Item = QuietReport;

    fn kind(&self) -> &'static Kind {
        &QUIET
    }

    fn settings(&self) -> String {
        self.settings.clone()
    }

    fn work(&self, job: &Job<'_>, track: &Track, progress: &dyn Progress) -> Result<Outcome<QuietReport>, TrackError> {
        let found = super::suggest(track, self.models, self.config, progress)?;
        let facts = TrackFacts::of(&found.analysis);
        if found.loops.is_empty() {
            return job.nothing(nothing(&found), Some(facts));
        }
        let loops = items(&found.loops);
        let request = TrackRequest {
            source: job.source,
            track,
            grid: &found.analysis.rhythm.grid,
            key: facts.key.as_deref(),
            loops: &[],
            config: &self.config.export,
        };
        let plan = QuietCuts::of(&request, &loops, self.config.quiet.declick_ms)?;
        let record = job.write(&plan, progress)?;
        // From the same rows as in a run that finds them done, so that both say the same.
        let rows = plan.rows(&record.loops);
        Ok(Outcome {
            found: self.recall(&record, &rows),
            facts: Some(facts),
            record,
        })
    }

    fn recall(&self, record: &TrackRecord, rows: &Table) -> Vec<QuietReport> {
        let of = |(i, cut): (usize, &LoopRecord)| QuietReport::of(cut, i as u32 + 1, rows);
        record.loops.iter().enumerate().map(of).collect()
    }
}

/// The loops as the export takes them.
pub fn items(loops: &[QuietLoop]) -> Vec<QuietItem> {
    let item = |(number, l): (usize, &QuietLoop)| QuietItem {
        item: LoopItem {
            candidate: l.candidate,
            number: number as u32 + 1,
            score: f64::from(l.score),
            score_prob: f64::from(l.score_prob),
            score_share: f64::from(l.score_share),
            score_rank: l.rank as u32,
            reasons: l.reasons.clone(),
            columns: Vec::new(),
        },
        place: l.place,
        perc_to_total_rms: l.perc_to_total_rms,
        boundary_quiet_score: l.boundary_quiet_score,
        slices: l
            .slices
            .iter()
            .map(|s| SliceItem {
                edges: s.edges.clone(),
                num_onsets: s.num_onsets,
                onsets_used: s.onsets_used,
                heard: match s.heard {
                    Heard::Notes => "notes",
                    Heard::Mix => "mix",
                },
            })
            .collect(),
    };
    loops.iter().enumerate().map(item).collect()
}

/// Why there is no quiet loop.
fn nothing(found: &Quiet) -> &'static str {
    if found.analysis.rhythm.grid.beats.is_empty() {
        "it has no steady beat"
    } else if found.candidates == 0 {
        "it is shorter than the loops that were asked for"
    } else if found.quiet == 0 {
        "its drums never rest for that long"
    } else {
        "every candidate was below the cut-offs"
    }
}

impl QuietReport {
    /// The loop of this number, from its rows in the run's table: one for each way to slice it.
    fn of(cut: &LoopRecord, number: u32, rows: &Table) -> Self {
        let float = |row: usize, column: &str| match rows.cell(row, column) {
            Cell::Number(x) => *x,
            Cell::Int(x) => *x as f64,
            _ => 0.0,
        };
        let whole = |row: usize, column: &str| float(row, column).max(0.0) as usize;
        let text = |row: usize, column: &str| match rows.cell(row, column) {
            Cell::Text(text) => text.clone(),
            _ => String::new(),
        };
        let own: Vec<usize> = (0..rows.rows.len())
            .filter(|r| float(*r, "loop_index") == f64::from(number))
            .collect();
        let first = own.first().copied().unwrap_or(usize::MAX);
        let rate = f64::from(cut.sample_rate.max(1));
        Self {
            number,
            file: cut.file.clone(),
            start: cut.start_frame as f64 / rate,
            end: (cut.start_frame + cut.frames) as f64 / rate,
            bars: cut.bars,
            beats: cut.beats,
            bpm: cut.bpm,
            score: float(first, "ml_score"),
            score_prob: float(first, "score_prob"),
            score_share: float(first, "score_share"),
            score_rank: float(first, "score_rank") as u32,
            perc_to_total_rms: float(first, "perc_to_total_rms"),
            boundary_quiet_score: float(first, "boundary_quiet_score"),
            slices: own
                .iter()
                .filter(|r| whole(**r, "n_slices") > 0)
                .map(|&r| SliceReport {
                    count: whole(r, "n_slices"),
                    folder: text(r, "slice_dir"),
                    num_onsets: whole(r, "num_onsets"),
                    onsets_used: whole(r, "onsets_used"),
                    onsets_of: text(r, "onsets_of"),
                })
                .collect(),
            reasons: text(first, "reasons")
                .split("; ")
                .filter(|r| !r.is_empty())
                .map(str::to_owned)
                .collect(),
            crossfade_ms: cut.seam.crossfade_ms,
        }
    }
}

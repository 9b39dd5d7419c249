//! The loops of a track, as `find` writes them.
//!
//! ```text
//! <track>/<loop>.wav             in each format asked for
//! <track>/loops_metadata.csv     a row a loop
//! ```

use super::{Kind, Plan, Writer};
use crate::config;
use crate::export::cut::{self, Cut};
use crate::export::level;
use crate::export::manifest::{LoopRecord, SourceKey};
use crate::export::meta::{self, LoopMeta};
use crate::export::name::{self, Fields};
use crate::export::table::{Cell, Table};
use crate::export::{AudioFormat, AudioView, ExportError, audio_format};
use crate::loops::candidate::Candidate;
use crate::loops::snap::{self, Placement};
use crate::progress::{Progress, Stage};
use crate::rhythm::grid::BeatGrid;
use crate::track::Track;

/// Loops. The first columns are those that the Python pipeline's users know; the scores follow the features.
pub static LOOPS: Kind = Kind {
    manifest: "manifest.json",
    table: "all_loops.csv",
    lines: "all_loops.jsonl",
    parquet: "all_loops.parquet",
    columns: &[
        "track_id",
        "start_time",
        "end_time",
        "bars",
        "score",
        "score_prob",
        "score_rank",
    ],
};

/// Name of the table in each track's folder.
pub const TRACK_TABLE: &str = "loops_metadata.csv";

/// A loop to be written.
#[derive(Debug, Clone)]
pub struct LoopItem {
    /// Where it lies.
    pub candidate: Candidate,
    /// Raw score.
    pub score: f64,
    /// The probability that it is a good loop.
    pub score_prob: f64,
    /// Its share among the track's candidates.
    pub score_share: f64,
    /// Place in the order given, 1 the first; it becomes the number in the file name.
    pub number: u32,
    /// Place by score among the track's candidates, 1 the first.
    pub score_rank: u32,
    /// Why it was suggested, in words.
    pub reasons: Vec<String>,
    /// Columns for the tables, in order: the features.
    pub columns: Vec<(String, Cell)>,
}

/// A track's loops to be written.
#[derive(Debug, Clone, Copy)]
pub struct TrackRequest<'a> {
    /// What the track was read from.
    pub source: &'a SourceKey,
    /// The track.
    pub track: &'a Track,
    /// Its beats and bars.
    pub grid: &'a BeatGrid,
    /// Its key, such as `Am` or `F#`.
    pub key: Option<&'a str>,
    /// The loops, in order.
    pub loops: &'a [LoopItem],
    /// What is written, and how.
    pub config: &'a config::Export,
}

#[derive(Debug)]
struct Planned<'a> {
    item: &'a LoopItem,
    place: Placement,
    bpm: f64,
    sample_rate: u32,
    /// One path a format.
    files: Vec<String>,
}

impl Planned<'_> {
    fn record(&self, cut: &Cut, gain_db: f64, clipped: u64) -> LoopRecord {
        LoopRecord {
            file: self.files.first().cloned().unwrap_or_default(),
            start_frame: cut.start.unwrap_or(self.place.start) as u64,
            frames: self.place.frames as u64,
            sample_rate: self.sample_rate,
            bars: self.item.candidate.bars,
            beats: self.item.candidate.beats,
            bpm: self.bpm,
            seam: cut.seam,
            gain_db,
            clipped,
        }
    }
}

/// Everything about a track's loops but their samples.
pub struct Cuts<'a> {
    request: &'a TrackRequest<'a>,
    formats: Vec<Format>,
    loops: Vec<Planned<'a>>,
    table: String,
}

impl<'a> Cuts<'a> {
    /// Names the files and places the loops; fails where this build lacks a format.
    pub fn of(request: &'a TrackRequest<'a>) -> Result<Self, ExportError> {
        let formats = formats(request.config)?;
        let folder = &request.source.folder;
        let sample_rate = request.track.audio.sample_rate();
        let digits = request.loops.len().to_string().len();
        let mut names = name::Unique::new([TRACK_TABLE]);
        let mut loops = Vec::with_capacity(request.loops.len());
        for item in request.loops {
            let place = snap::place(&request.track.audio, request.grid, &item.candidate);
            let bpm = meta::implied_bpm(item.candidate.beats, place.frames, sample_rate);
            let stem = name::render(
                &request.config.name,
                &Fields {
                    artist: request.track.tags.artist.as_deref(),
                    title: request.track.tags.title.as_deref(),
                    stem: &request.track.name,
                    key: request.key,
                    bpm,
                    bars: item.candidate.bars,
                    beats: item.candidate.beats,
                    number: item.number,
                    digits,
                },
            );
            let suffixes = suffixes(&formats);
            let files = names.claim(&stem, &suffixes);
            loops.push(Planned {
                item,
                place,
                bpm,
                sample_rate,
                files: files.into_iter().map(|f| format!("{folder}/{f}")).collect(),
            });
        }
        Ok(Self {
            request,
            formats,
            loops,
            table: format!("{folder}/{TRACK_TABLE}"),
        })
    }
}

/// A format and what writes it.
pub(in crate::export) type Format = (config::Format, &'static dyn AudioFormat);

/// The formats asked for, each once; fails where this build lacks one.
pub(in crate::export) fn formats(config: &config::Export) -> Result<Vec<Format>, ExportError> {
    let mut formats: Vec<Format> = Vec::new();
    for &format in &config.formats {
        let writer = audio_format(format).ok_or(ExportError::NoFormat("MP3"))?;
        if !formats.iter().any(|(f, _)| *f == format) {
            formats.push((format, writer));
        }
    }
    Ok(formats)
}

/// What follows a name in each format: its extension, and its tag where an earlier format has the same.
pub(in crate::export) fn suffixes(formats: &[Format]) -> Vec<String> {
    formats
        .iter()
        .enumerate()
        .map(|(i, (_, w))| {
            let shared = formats.iter().take(i).any(|(_, v)| v.extension() == w.extension());
            if shared {
                format!(" - {}.{}", w.tag(), w.extension())
            } else {
                format!(".{}", w.extension())
            }
        })
        .collect()
}

impl Plan for Cuts<'_> {
    fn paths(&self) -> Vec<String> {
        let table = (!self.loops.is_empty()).then(|| self.table.clone());
        self.loops
            .iter()
            .flat_map(|l| l.files.iter().cloned())
            .chain(table)
            .collect()
    }

    fn outline(&self) -> Vec<LoopRecord> {
        self.loops.iter().map(|l| l.record(&Cut::default(), 0.0, 0)).collect()
    }

    fn write(&self, out: &mut Writer<'_>, progress: &dyn Progress) -> Result<Table, ExportError> {
        let request = self.request;
        let mut rows = Table::default();
        for (i, planned) in self.loops.iter().enumerate() {
            progress.check()?;
            progress.report(Stage::Export, i as f32 / self.loops.len() as f32);
            let mut cut = cut::cut(
                &request.track.audio,
                planned.place.start,
                planned.place.frames,
                request.config,
            )?;
            let gain_db = level::apply(request.config.level, &mut cut.planes, planned.sample_rate);
            let meta = LoopMeta::of(request, planned.item, planned.place.frames, planned.bpm);
            let view = AudioView {
                planes: &cut.planes,
                sample_rate: planned.sample_rate,
            };
            let mut clipped = Vec::new();
            for ((_, format), path) in self.formats.iter().zip(&planned.files) {
                clipped.push(out.audio(path, *format, view, &meta)?.clipped);
            }
            let done = planned.record(&cut, gain_db, clipped.first().copied().unwrap_or(0));
            rows.push(row(request, planned, &done));
            out.record(done);
        }
        progress.report(Stage::Export, 1.0);
        if !self.loops.is_empty() {
            out.csv(&self.table, &local_rows(&rows, &request.source.folder))?;
        }
        Ok(rows)
    }
}

/// A loop's row for the run's tables.
fn row(request: &TrackRequest<'_>, planned: &Planned<'_>, done: &LoopRecord) -> Vec<(String, Cell)> {
    let item = planned.item;
    let rate = f64::from(planned.sample_rate);
    let start = done.start_frame as f64;
    let ours: [(&str, Cell); 20] = [
        ("file", done.file.as_str().into()),
        ("source", request.source.name.as_str().into()),
        ("bpm", done.bpm.into()),
        ("beats", done.beats.into()),
        ("beats_per_bar", meta::beats_per_bar(&item.candidate).into()),
        ("key", request.key.into()),
        ("grid_confidence", request.grid.confidence.into()),
        ("sample_rate", done.sample_rate.into()),
        ("start_frame", (done.start_frame as usize).into()),
        ("frames", (done.frames as usize).into()),
        (
            "snap_ms",
            (round3((start - planned.item.candidate.span.start) / rate * 1e3)).into(),
        ),
        ("seam_ratio_before", round3(done.seam.before.ratio).into()),
        ("seam_ratio", round3(done.seam.after.ratio).into()),
        ("seam_energy_db", round3(done.seam.after.energy_db).into()),
        ("crossfade_ms", round3(done.seam.crossfade_ms).into()),
        ("gain_db", round3(done.gain_db).into()),
        ("clipped_samples", (done.clipped as usize).into()),
        ("reasons", item.reasons.join("; ").into()),
        ("score_share", item.score_share.into()),
        ("audio_id", request.track.id.to_string().into()),
    ];
    let mut row: Vec<(String, Cell)> = vec![
        ("track_id".into(), request.source.folder.as_str().into()),
        ("start_time".into(), (start / rate).into()),
        ("end_time".into(), ((start + done.frames as f64) / rate).into()),
        ("bars".into(), item.candidate.bars.into()),
    ];
    let known = |n: &str| LOOPS.columns.contains(&n) || ours.iter().any(|(o, _)| *o == n);
    row.extend(item.columns.iter().filter(|(n, _)| !known(n)).cloned());
    row.push(("score".into(), item.score.into()));
    row.push(("score_prob".into(), item.score_prob.into()));
    row.push(("score_rank".into(), item.score_rank.into()));
    row.extend(ours.into_iter().map(|(n, c)| (n.to_owned(), c)));
    row
}

/// The same rows with the files named from the track's own folder.
fn local_rows(rows: &Table, folder: &str) -> Table {
    let mut local = rows.clone();
    let file = local.columns.iter().position(|c| c == "file");
    for row in &mut local.rows {
        if let Some(Cell::Text(path)) = file.and_then(|f| row.get_mut(f))
            && let Some(name) = path.strip_prefix(folder).and_then(|p| p.strip_prefix('/'))
        {
            *path = name.to_owned();
        }
    }
    local
}

/// To a thousandth: measurements that mean no more than that.
pub(super) fn round3(x: f64) -> f64 {
    (x * 1e3).round() / 1e3
}

//! The tree of loops that a run writes.
//!
//! ```text
//! out/
//!   <track>/…                    one folder a track, named after its file
//!     <loop>.wav                 in each format asked for
//!     loops_metadata.csv         a row a loop
//!   all_loops.csv                the rows of all tracks
//!   all_loops.jsonl              the same, typed
//!   manifest.json                what was written, from what, with which settings
//! ```
//!
//! The tree depends on the sources and the settings only: not on the order in which tracks end, on how many are worked
//! on side by side, or on whether the run was interrupted and started again. Tracks of earlier runs into the same folder
//! stay, and stay listed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cut::{self, Cut};
use super::destination::{Artefact, Destination};
use super::level;
use super::manifest::{JOURNAL, Journal, LoopRecord, MANIFEST, Manifest, SCHEMA, SourceKey, Status, TrackRecord};
use super::meta::{self, LoopMeta};
use super::name::{self, Fields};
use super::table::{Cell, Csv, JsonLines, Table, TableFormat, read_json_lines};
use super::{AudioFormat, AudioView, ExportError, audio_format};
use crate::config;
use crate::loops::candidate::Candidate;
use crate::loops::snap::{self, Placement};
use crate::progress::{Progress, Stage};
use crate::rhythm::grid::BeatGrid;
use crate::track::Track;

/// Name of the table in each track's folder.
pub const TRACK_TABLE: &str = "loops_metadata.csv";
/// Name of the run's table for people.
pub const RUN_TABLE: &str = "all_loops.csv";
/// Name of the run's table for programs.
pub const RUN_LINES: &str = "all_loops.jsonl";

/// A loop to be written.
#[derive(Debug, Clone)]
pub struct LoopItem {
    /// Where it lies.
    pub candidate: Candidate,
    /// Raw score.
    pub score: f64,
    /// Probability among the track's candidates.
    pub score_prob: f64,
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

/// What a finished run left.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The manifest as written.
    pub manifest: Manifest,
    /// Loops in the tree.
    pub loops: usize,
    /// Loops whose seam would have clicked and was mended.
    pub mended: usize,
    /// Loops whose seam still exceeds the limits of [`crate::loops::seam`].
    pub clicking: usize,
}

/// The output tree of a run. Shared between threads by reference.
#[derive(Debug)]
pub struct Tree {
    /// `None` for a dry run, which writes nothing.
    destination: Option<Destination>,
    settings: String,
    state: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    record: TrackRecord,
    rows: Table,
    /// From this run or its interrupted beginning, rather than from an earlier manifest.
    fresh: bool,
}

impl Tree {
    /// Opens the output folder at `root` for one run with the settings that hash to `settings`
    /// ([`super::manifest::settings_hash`]), making it if need be, and puts away what a killed run left unfinished. A dry
    /// run touches nothing.
    pub fn open(root: &Path, settings: &str, dry_run: bool) -> Result<Self, ExportError> {
        let mut tree = Self {
            destination: None,
            settings: settings.to_owned(),
            state: Mutex::default(),
        };
        if !dry_run {
            let destination = Destination::open(root)?;
            let mut entries = read_manifest(&destination);
            recover(&destination, &mut entries)?;
            tree.state = Mutex::new(entries);
            tree.destination = Some(destination);
        }
        Ok(tree)
    }

    /// The record of `source`, if it was dealt with before under the same settings, by the same version, and all its
    /// files are still there: then there is nothing to do for it.
    pub fn finished(&self, source: &SourceKey) -> Option<TrackRecord> {
        let destination = self.destination.as_ref()?;
        let state = self.lock();
        let record = &state.get(&source.folder)?.record;
        (record.source.content == source.content
            && record.source.name == source.name
            && record.settings == self.settings
            && record.tool == env!("CARGO_PKG_VERSION")
            && record.status != Status::Failed
            && record.artefacts.iter().all(|a| destination.holds(a)))
        .then(|| record.clone())
    }

    /// The rows of the run's tables that are known of the track in `folder`, in the order of its loops.
    pub fn rows(&self, folder: &str) -> Table {
        self.lock().get(folder).map(|e| e.rows.clone()).unwrap_or_default()
    }

    /// Writes a track's loops and its table. A dry run only says what would be written: paths, places and lengths.
    ///
    /// Without loops the track is recorded as [`Status::NothingFound`].
    pub fn write_track(&self, request: &TrackRequest<'_>, progress: &dyn Progress) -> Result<TrackRecord, ExportError> {
        let plan = Plan::of(request)?;
        let mut record = TrackRecord {
            source: request.source.clone(),
            settings: self.settings.clone(),
            tool: env!("CARGO_PKG_VERSION").into(),
            status: if plan.loops.is_empty() {
                Status::NothingFound
            } else {
                Status::Done
            },
            detail: String::new(),
            loops: Vec::new(),
            artefacts: Vec::new(),
        };
        let Some(destination) = &self.destination else {
            record.loops = plan.loops.iter().map(|l| l.record(&Cut::default(), 0.0, 0)).collect();
            record.artefacts = plan
                .paths()
                .map(|path| Artefact {
                    path,
                    bytes: 0,
                    blake3: String::new(),
                })
                .collect();
            return Ok(record);
        };
        let folder = &request.source.folder;
        let planned: Vec<String> = plan.paths().collect();
        let mut pending = planned.clone();
        pending.extend(self.known_files(folder).into_iter().filter(|p| !planned.contains(p)));
        let begun = Journal {
            schema: SCHEMA,
            folder: folder.clone(),
            pending: pending.clone(),
            record: None,
            rows: Table::default(),
        };
        write_journal(destination, &begun)?;
        let rows = match plan.write(request, destination, &mut record, progress) {
            Ok(rows) => rows,
            Err(e) => {
                // Nothing half done stays; if even this fails, the journal still knows and the next run removes it.
                self.lock().remove(folder);
                let removed = pending.iter().try_for_each(|p| destination.remove(p));
                if removed.is_ok() {
                    let _ = destination.remove(&Journal::path(folder));
                }
                return Err(e);
            }
        };
        for old in pending.iter().filter(|p| !planned.contains(p)) {
            destination.remove(old)?;
        }
        self.keep(destination, record, rows)
    }

    /// Records that `source` gave nothing: it failed, or holds nothing to loop. Files of an earlier run stay after a
    /// failure, which may pass; where nothing is found they go.
    pub fn write_status(&self, source: &SourceKey, status: Status, detail: &str) -> Result<TrackRecord, ExportError> {
        let mut record = TrackRecord {
            source: source.clone(),
            settings: self.settings.clone(),
            tool: env!("CARGO_PKG_VERSION").into(),
            status,
            detail: detail.to_owned(),
            loops: Vec::new(),
            artefacts: Vec::new(),
        };
        let Some(destination) = &self.destination else {
            return Ok(record);
        };
        let known = self.known_artefacts(&source.folder);
        if status == Status::Failed {
            record.artefacts = known.into_iter().filter(|a| destination.holds(a)).collect();
        } else {
            for artefact in known {
                destination.remove(&artefact.path)?;
            }
        }
        self.keep(destination, record, Table::default())
    }

    /// Ends the run: writes its tables and then the manifest, which commits it.
    pub fn commit(&self) -> Result<RunSummary, ExportError> {
        let mut state = self.lock();
        if let Some(destination) = &self.destination {
            // Tracks of earlier runs that somebody has since removed or changed are no longer ours.
            state.retain(|_, e| {
                e.fresh
                    || (e.record.status != Status::Failed && e.record.artefacts.iter().all(|a| destination.holds(a)))
            });
        }
        let mut table = Table::new(LEADING.iter().chain(SCORES).copied());
        for entry in state.values() {
            table.extend(&entry.rows);
        }
        let mut manifest = Manifest {
            schema: SCHEMA,
            tool: concat!("loopwright ", env!("CARGO_PKG_VERSION")).into(),
            tracks: state.values().map(|e| e.record.clone()).collect(),
            tables: Vec::new(),
        };
        if let Some(destination) = &self.destination {
            manifest.tables = vec![
                destination.write(RUN_TABLE, |out| Csv.write(out, &table))?,
                destination.write(RUN_LINES, |out| JsonLines.write(out, &table))?,
            ];
            destination.write(MANIFEST, |out| {
                serde_json::to_writer_pretty(&mut *out, &manifest)?;
                out.write_all(b"\n")
            })?;
            destination.sync_folder("")?;
            for folder in state.keys() {
                destination.remove(&Journal::path(folder))?;
            }
            destination.clean(JOURNAL);
        }
        let loops = || manifest.tracks.iter().flat_map(|t| &t.loops);
        Ok(RunSummary {
            loops: loops().count(),
            mended: loops().filter(|l| l.seam.crossfade_ms > 0.0).count(),
            clicking: loops().filter(|l| l.seam.after.clicks()).count(),
            manifest,
        })
    }

    fn keep(&self, destination: &Destination, record: TrackRecord, rows: Table) -> Result<TrackRecord, ExportError> {
        let folder = record.source.folder.clone();
        destination.sync_folder(&folder)?;
        let done = Journal {
            schema: SCHEMA,
            folder: folder.clone(),
            pending: Vec::new(),
            record: Some(record.clone()),
            rows,
        };
        write_journal(destination, &done)?;
        let entry = Entry {
            record: record.clone(),
            rows: done.rows,
            fresh: true,
        };
        self.lock().insert(folder, entry);
        Ok(record)
    }

    fn known_artefacts(&self, folder: &str) -> Vec<Artefact> {
        self.lock()
            .get(folder)
            .map(|e| e.record.artefacts.clone())
            .unwrap_or_default()
    }

    fn known_files(&self, folder: &str) -> Vec<String> {
        self.known_artefacts(folder).into_iter().map(|a| a.path).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // The map is never left half changed, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of the last committed run. Without a readable manifest, or where its table was changed, there are none:
/// their tracks are then made again.
fn read_manifest(destination: &Destination) -> BTreeMap<String, Entry> {
    let read = || {
        let bytes = destination.read(MANIFEST).ok()??;
        let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
        let lines = manifest.tables.iter().find(|t| t.path == RUN_LINES)?;
        let text = String::from_utf8(destination.read(RUN_LINES).ok()??).ok()?;
        let same = blake3::hash(text.as_bytes()).to_hex().as_str() == lines.blake3;
        let all = same.then(|| read_json_lines(&text)).flatten()?;
        (manifest.schema == SCHEMA).then_some((manifest, all))
    };
    let Some((manifest, all)) = read() else {
        return BTreeMap::new();
    };
    let mut rows: BTreeMap<&str, Table> = BTreeMap::new();
    for (i, row) in all.rows.iter().enumerate() {
        if let Cell::Text(track) = all.cell(i, "track_id") {
            rows.entry(track).or_default().push(
                all.columns
                    .iter()
                    .zip(row)
                    .filter(|(_, c)| **c != Cell::Empty)
                    .map(|(n, c)| (n.clone(), c.clone())),
            );
        }
    }
    let entry = |record: TrackRecord| {
        let rows = rows.remove(record.source.folder.as_str()).unwrap_or_default();
        let entry = Entry {
            record,
            rows,
            fresh: false,
        };
        (entry.record.source.folder.clone(), entry)
    };
    manifest.tracks.into_iter().map(entry).collect()
}

/// Reads the journal of a run that did not end: keeps its finished tracks, removes the files of the others.
fn recover(destination: &Destination, entries: &mut BTreeMap<String, Entry>) -> Result<(), ExportError> {
    destination.clean(JOURNAL);
    let Ok(files) = std::fs::read_dir(destination.root().join(JOURNAL)) else {
        return Ok(());
    };
    for file in files.flatten() {
        let Ok(name) = file.file_name().into_string() else {
            continue;
        };
        let path = format!("{JOURNAL}/{name}");
        let journal = destination
            .read(&path)?
            .and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok())
            .filter(|j| j.schema == SCHEMA && Journal::path(&j.folder) == path);
        let Some(journal) = journal else { continue };
        destination.clean(&journal.folder);
        if let Some(record) = journal.record {
            let entry = Entry {
                record,
                rows: journal.rows,
                fresh: true,
            };
            entries.insert(journal.folder, entry);
        } else {
            for pending in &journal.pending {
                destination.remove(pending)?;
            }
            entries.remove(&journal.folder);
            destination.remove(&path)?;
        }
    }
    Ok(())
}

fn write_journal(destination: &Destination, journal: &Journal) -> Result<(), ExportError> {
    let path = Journal::path(&journal.folder);
    destination.write(&path, |out| {
        serde_json::to_writer(out, journal).map_err(std::io::Error::from)
    })?;
    destination.sync_folder(JOURNAL)
}

/// Columns that every row begins with: those that the Python pipeline's users know.
const LEADING: &[&str] = &["track_id", "start_time", "end_time", "bars"];
/// Columns that follow the features.
const SCORES: &[&str] = &["score", "score_prob", "score_rank"];

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

/// Everything about a track's files but their content.
struct Plan<'a> {
    formats: Vec<(config::Format, &'static dyn AudioFormat)>,
    loops: Vec<Planned<'a>>,
    table: String,
}

impl<'a> Plan<'a> {
    fn of(request: &TrackRequest<'a>) -> Result<Self, ExportError> {
        let mut formats: Vec<(config::Format, &'static dyn AudioFormat)> = Vec::new();
        for &format in &request.config.formats {
            let writer = audio_format(format).ok_or(ExportError::NoFormat("MP3"))?;
            if !formats.iter().any(|(f, _)| *f == format) {
                formats.push((format, writer));
            }
        }
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
            let suffixes: Vec<String> = formats
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
                .collect();
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
            formats,
            loops,
            table: format!("{folder}/{TRACK_TABLE}"),
        })
    }

    /// Every file that will be written.
    fn paths(&self) -> impl Iterator<Item = String> {
        let table = (!self.loops.is_empty()).then(|| self.table.clone());
        self.loops.iter().flat_map(|l| l.files.iter().cloned()).chain(table)
    }

    /// Writes the files; fills `record` and gives the rows for the run's tables.
    fn write(
        &self,
        request: &TrackRequest<'_>,
        destination: &Destination,
        record: &mut TrackRecord,
        progress: &dyn Progress,
    ) -> Result<Table, ExportError> {
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
                let artefact = destination.write(path, |out| {
                    clipped.push(format.write(out, view, &meta)?.clipped);
                    Ok::<(), super::FormatError>(())
                })?;
                record.artefacts.push(artefact);
            }
            let done = planned.record(&cut, gain_db, clipped.first().copied().unwrap_or(0));
            rows.push(row(request, planned, &done));
            record.loops.push(done);
        }
        progress.report(Stage::Export, 1.0);
        if !self.loops.is_empty() {
            let local = local_rows(&rows, &request.source.folder);
            record
                .artefacts
                .push(destination.write(&self.table, |out| Csv.write(out, &local))?);
        }
        Ok(rows)
    }
}

/// A loop's row for the run's tables.
fn row(request: &TrackRequest<'_>, planned: &Planned<'_>, done: &LoopRecord) -> Vec<(String, Cell)> {
    let item = planned.item;
    let rate = f64::from(planned.sample_rate);
    let start = done.start_frame as f64;
    let ours: [(&str, Cell); 19] = [
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
        ("audio_id", request.track.id.to_string().into()),
    ];
    let mut row: Vec<(String, Cell)> = vec![
        ("track_id".into(), request.source.folder.as_str().into()),
        ("start_time".into(), (start / rate).into()),
        ("end_time".into(), ((start + done.frames as f64) / rate).into()),
        ("bars".into(), item.candidate.bars.into()),
    ];
    let known = |n: &str| LEADING.contains(&n) || SCORES.contains(&n) || ours.iter().any(|(o, _)| *o == n);
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
fn round3(x: f64) -> f64 {
    (x * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;

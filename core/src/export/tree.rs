//! The tree of files that a run writes.
//!
//! ```text
//! out/
//!   <track>/…                    one folder a track, named after its file
//!     …                          what the kind of run writes of a track: its loops, or its breaks
//!   all_loops.csv                the rows of all tracks
//!   all_loops.jsonl              the same, typed
//!   manifest.json                what was written, from what, with which settings
//! ```
//!
//! What a track's files are is a [`Plan`]'s to say, and what the run's are called, a [`Kind`]'s.
//!
//! The tree depends on the sources and the settings only: not on the order in which tracks end, on how many are worked
//! on side by side, or on whether the run was interrupted and started again. Tracks of earlier runs into the same folder
//! stay, and stay listed.

pub(super) mod loops;
mod measure;
mod part;
mod quiet;
mod twins;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use loops::{Cuts, LOOPS, LoopItem, TRACK_TABLE, TrackRequest};
pub use measure::measured;
pub use part::Part;
pub use quiet::{QuietCuts, QuietItem, SliceItem};

use super::destination::{Artefact, Destination, WriteError};
use super::manifest::{JOURNAL, Journal, LoopRecord, Manifest, SCHEMA, SourceKey, Status, TrackRecord};
use super::meta::LoopMeta;
use super::table::{Cell, Csv, JsonLines, Table, TableFormat, read_json_lines};
use super::{AudioFormat, AudioView, ExportError, FormatError, WriteSeek, Written, twin};
use crate::progress::Progress;
use crate::store::Target;

/// What kind of tree it is: what its records and tables are called. Trees of different kinds may share a folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Name of the manifest, which commits a run.
    pub manifest: &'static str,
    /// Name of the run's table for people.
    pub table: &'static str,
    /// Name of the run's table for programs.
    pub lines: &'static str,
    /// Name of the run's table as Parquet, where that is asked for.
    pub parquet: &'static str,
    /// Columns that the run's tables begin with, whatever the rows hold.
    pub columns: &'static [&'static str],
}

/// Drum breaks, with the Python pipeline's columns first.
pub static BREAKS: Kind = Kind {
    manifest: "breaks_manifest.json",
    table: "all_breaks.csv",
    lines: "all_breaks.jsonl",
    parquet: "all_breaks.parquet",
    columns: &[
        "track_id",
        "break_index",
        "start_time",
        "end_time",
        "duration",
        "loop_wav",
        "perc_wav",
        "num_hits",
        "hit_wavs",
        "break_score",
        "ml_score",
    ],
};

/// Quiet loops and their slices, with the Python pipeline's columns first.
pub static QUIET: Kind = Kind {
    manifest: "quiet_manifest.json",
    table: "all_quiet_loops.csv",
    lines: "all_quiet_loops.jsonl",
    parquet: "all_quiet_loops.parquet",
    columns: &[
        "track_id",
        "audio_file",
        "loop_index",
        "bars",
        "start_time",
        "end_time",
        "ml_score",
        "perc_to_total_rms",
        "boundary_quiet_score",
        "loop_wav",
        "n_slices",
        "slice_dir",
        "num_onsets",
    ],
};

/// Every kind there is.
pub static KINDS: &[&Kind] = &[&LOOPS, &BREAKS, &QUIET];

/// A track's files to be written: all are named before the first is there, so that none is ever left unaccounted for.
pub trait Plan {
    /// Every file that will be written, as paths from the output folder.
    fn paths(&self) -> Vec<String>;

    /// The loops as they would be cut, where nothing is written.
    fn outline(&self) -> Vec<LoopRecord>;

    /// Writes the files; gives the rows for the run's tables.
    fn write(&self, out: &mut Writer<'_>, progress: &dyn Progress) -> Result<Table, ExportError>;
}

/// Where a [`Plan`] writes to.
#[derive(Debug)]
pub struct Writer<'a> {
    place: Place<'a>,
    record: &'a mut TrackRecord,
    /// Each table is written as Parquet too.
    parquet: bool,
}

/// Where the bytes go.
#[derive(Debug)]
enum Place<'a> {
    Folder(&'a Destination),
    Memory(&'a mut Vec<(String, Vec<u8>)>),
    /// Made, measured and forgotten.
    Nowhere,
}

/// A plan's files, held in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct InMemory {
    /// Path (with `/`, from where the output folder would be) and content of each file, in the order of writing.
    pub files: Vec<(String, Vec<u8>)>,
    /// The loops that were cut.
    pub loops: Vec<LoopRecord>,
}

/// What [`Tree::write`] would put on the disk for one track, byte for byte, for those who keep files in another way: no
/// journal, no tables of a run, no manifest.
///
/// # Errors
///
/// As the plan's; nothing is written in any case.
pub fn in_memory(source: &SourceKey, plan: &dyn Plan, progress: &dyn Progress) -> Result<InMemory, ExportError> {
    let mut record = measure::unwritten(source);
    let mut files = Vec::new();
    let mut out = Writer {
        place: Place::Memory(&mut files),
        record: &mut record,
        parquet: false,
    };
    plan.write(&mut out, progress)?;
    Ok(InMemory {
        files,
        loops: record.loops,
    })
}

impl Writer<'_> {
    /// Writes the file at `path` from the output folder, one of those planned, and records it.
    pub fn file<E: Into<WriteError>>(
        &mut self,
        path: &str,
        fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
    ) -> Result<(), ExportError> {
        match &mut self.place {
            Place::Folder(destination) => {
                let artefact = destination.write(path, fill)?;
                self.record.artefacts.push(artefact);
            }
            Place::Memory(files) => {
                let mut content = std::io::Cursor::new(Vec::new());
                let named = std::path::PathBuf::from(path);
                fill(&mut content).map_err(|e| match e.into() {
                    WriteError::Io(e) => ExportError::io(&named, "write")(e),
                    WriteError::Unfit(reason) => ExportError::Format { path: named, reason },
                })?;
                files.push((path.to_owned(), content.into_inner()));
            }
            Place::Nowhere => {
                let named = std::path::PathBuf::from(path);
                fill(&mut measure::Void::default()).map_err(|e| match e.into() {
                    WriteError::Io(e) => ExportError::io(&named, "write")(e),
                    WriteError::Unfit(reason) => ExportError::Format { path: named, reason },
                })?;
            }
        }
        Ok(())
    }

    /// Writes audio to `path`, and tells what the format did to the samples.
    pub fn audio(
        &mut self,
        path: &str,
        format: &dyn AudioFormat,
        view: AudioView<'_>,
        meta: &LoopMeta,
    ) -> Result<Written, ExportError> {
        let mut written = Written::default();
        self.file(path, |out| {
            written = format.write(out, view, meta)?;
            Ok::<(), FormatError>(())
        })?;
        Ok(written)
    }

    /// Writes a table as CSV, and where that is asked for its twin as Parquet beside it.
    pub fn csv(&mut self, path: &str, table: &Table) -> Result<(), ExportError> {
        self.file(path, |out| Csv.write(out, table))?;
        match twin::name(path).filter(|_| self.parquet) {
            Some(beside) => self.file(&beside, |out| twin::write(out, table)),
            None => Ok(()),
        }
    }

    /// Records a loop that was cut.
    pub fn record(&mut self, cut: LoopRecord) {
        self.record.loops.push(cut);
    }
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
    kind: &'static Kind,
    settings: String,
    /// Each table is written as Parquet too.
    parquet: bool,
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
    pub fn open(
        root: impl Into<Target>,
        kind: &'static Kind,
        settings: &str,
        dry_run: bool,
    ) -> Result<Self, ExportError> {
        let mut tree = Self {
            destination: None,
            kind,
            settings: settings.to_owned(),
            parquet: false,
            state: Mutex::default(),
        };
        if !dry_run {
            let destination = Destination::at(&root.into())?;
            let mut entries = read_manifest(&destination, kind);
            recover(&destination, kind, &mut entries)?;
            // Once it is there it is kept up to date: nobody should read an old one beside new tables.
            tree.parquet = twin::AVAILABLE && destination.has(kind.parquet);
            tree.state = Mutex::new(entries);
            tree.destination = Some(destination);
        }
        Ok(tree)
    }

    /// Writes each table as Parquet too, where this build can: those of tracks that an earlier run has finished are made from
    /// their CSVs.
    #[must_use]
    pub fn with_parquet(mut self, wanted: bool) -> Self {
        self.parquet |= wanted && twin::AVAILABLE;
        self
    }

    /// The record of `source`, if it was dealt with before under the same settings, by the same version, and all its
    /// files are still there: then there is nothing to do for it. Its Parquet tables may be missing; they are made from its
    /// CSVs where they are wanted.
    pub fn finished(&self, source: &SourceKey) -> Option<TrackRecord> {
        let destination = self.destination.as_ref()?;
        let fits = |record: &TrackRecord| {
            record.source.content == source.content
                && record.source.name == source.name
                && record.settings == self.settings
                && record.tool == env!("CARGO_PKG_VERSION")
                && record.status != Status::Failed
                && twins::held(destination, record)
        };
        if !self.lock().get(&source.folder).is_some_and(|e| fits(&e.record)) {
            return None;
        }
        self.with_twins(destination, &source.folder).ok()?
    }

    /// The content of the source in `folder` when it was last dealt with, where the store that it is in had marked it by
    /// `fingerprint`, which is enough to tell that it is the same.
    pub fn content(&self, folder: &str, name: &str, fingerprint: &str) -> Option<String> {
        let state = self.lock();
        let source = &state.get(folder)?.record.source;
        (source.name == name && source.fingerprint.as_deref() == Some(fingerprint)).then(|| source.content.clone())
    }

    /// The rows of the run's tables that are known of the track in `folder`, in the order of its loops.
    pub fn rows(&self, folder: &str) -> Table {
        self.lock().get(folder).map(|e| e.rows.clone()).unwrap_or_default()
    }

    /// Writes a track's files. A dry run only says what would be written.
    ///
    /// Without any the track is recorded as [`Status::NothingFound`].
    pub fn write(
        &self,
        source: &SourceKey,
        plan: &dyn Plan,
        progress: &dyn Progress,
    ) -> Result<TrackRecord, ExportError> {
        let mut planned = plan.paths();
        if self.parquet {
            planned = twin::with_twins(planned);
        }
        let mut record = TrackRecord {
            source: source.clone(),
            settings: self.settings.clone(),
            tool: env!("CARGO_PKG_VERSION").into(),
            status: if planned.is_empty() {
                Status::NothingFound
            } else {
                Status::Done
            },
            detail: String::new(),
            loops: Vec::new(),
            artefacts: Vec::new(),
        };
        let Some(destination) = &self.destination else {
            record.loops = plan.outline();
            record.artefacts = planned
                .into_iter()
                .map(|path| Artefact {
                    path,
                    bytes: 0,
                    blake3: String::new(),
                })
                .collect();
            return Ok(record);
        };
        let folder = &source.folder;
        let pending = self.begin(destination, folder, &planned)?;
        let mut out = Writer {
            place: Place::Folder(destination),
            record: &mut record,
            parquet: self.parquet,
        };
        let rows = match plan.write(&mut out, progress) {
            Ok(rows) => rows,
            Err(e) => {
                // Nothing half done stays; if even this fails, the journal still knows and the next run removes it.
                self.lock().remove(folder);
                let removed = pending.iter().try_for_each(|p| destination.remove(p));
                if removed.is_ok() {
                    let _ = destination.remove(&Journal::path(self.kind, folder));
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
        if let Some(destination) = &self.destination {
            // Tracks of earlier runs that somebody has since removed or changed are no longer ours.
            self.lock()
                .retain(|_, e| e.fresh || (e.record.status != Status::Failed && twins::held(destination, &e.record)));
            let folders: Vec<String> = self.lock().keys().cloned().collect();
            for folder in folders {
                self.with_twins(destination, &folder)?;
            }
        }
        let state = self.lock();
        let mut table = Table::new(self.kind.columns.iter().copied());
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
                destination.write(self.kind.table, |out| Csv.write(out, &table))?,
                destination.write(self.kind.lines, |out| JsonLines.write(out, &table))?,
            ];
            if self.parquet {
                let beside = destination.write(self.kind.parquet, |out| twin::write(out, &table))?;
                manifest.tables.push(beside);
            } else if !twin::AVAILABLE {
                // It would not follow the others.
                destination.remove(self.kind.parquet)?;
            }
            destination.write(self.kind.manifest, |out| {
                serde_json::to_writer_pretty(&mut *out, &manifest)?;
                out.write_all(b"\n")
            })?;
            destination.sync_folder("")?;
            for folder in state.keys() {
                destination.remove(&Journal::path(self.kind, folder))?;
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

    /// Says in the journal that `planned` may appear for the track in `folder`; gives all its files, earlier ones too.
    fn begin(&self, destination: &Destination, folder: &str, planned: &[String]) -> Result<Vec<String>, ExportError> {
        let mut pending = planned.to_vec();
        pending.extend(self.known_files(folder).into_iter().filter(|p| !planned.contains(p)));
        let begun = Journal {
            schema: SCHEMA,
            folder: folder.to_owned(),
            pending: pending.clone(),
            record: None,
            rows: Table::default(),
        };
        self.write_journal(destination, &begun)?;
        Ok(pending)
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
        self.write_journal(destination, &done)?;
        let entry = Entry {
            record: record.clone(),
            rows: done.rows,
            fresh: true,
        };
        self.lock().insert(folder, entry);
        Ok(record)
    }

    fn write_journal(&self, destination: &Destination, journal: &Journal) -> Result<(), ExportError> {
        let path = Journal::path(self.kind, &journal.folder);
        destination.write(&path, |out| {
            serde_json::to_writer(out, journal).map_err(std::io::Error::from)
        })?;
        destination.sync_folder(JOURNAL)
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
fn read_manifest(destination: &Destination, kind: &Kind) -> BTreeMap<String, Entry> {
    let read = || {
        let bytes = destination.read(kind.manifest).ok()??;
        let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
        entries_of(manifest, kind, destination.read(kind.lines).ok()??)
    };
    read().unwrap_or_default()
}

/// The entries of a manifest, given the content of its table; `None` where it is another version's or the table changed.
fn entries_of(manifest: Manifest, kind: &Kind, table: Vec<u8>) -> Option<BTreeMap<String, Entry>> {
    let lines = manifest.tables.iter().find(|t| t.path == kind.lines)?;
    let same = blake3::hash(&table).to_hex().as_str() == lines.blake3;
    let text = String::from_utf8(table).ok().filter(|_| same)?;
    let all = read_json_lines(&text).filter(|_| manifest.schema == SCHEMA)?;
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
    Some(manifest.tracks.into_iter().map(entry).collect())
}

/// Reads the journal of a run that did not end: keeps its finished tracks, removes the files of the others.
fn recover(destination: &Destination, kind: &Kind, entries: &mut BTreeMap<String, Entry>) -> Result<(), ExportError> {
    destination.clean(JOURNAL);
    for name in destination.names(JOURNAL) {
        let path = format!("{JOURNAL}/{name}");
        let journal = destination
            .read(&path)?
            .and_then(|bytes| serde_json::from_slice::<Journal>(&bytes).ok())
            .filter(|j| j.schema == SCHEMA && Journal::path(kind, &j.folder) == path);
        let Some(journal) = journal else { continue };
        destination.clean(&journal.folder);
        if let Some(record) = journal.record {
            // Parquet tables that were being added to it.
            for pending in &journal.pending {
                if record.artefacts.iter().all(|a| a.path != *pending) {
                    destination.remove(pending)?;
                }
            }
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

#[cfg(test)]
mod tests;

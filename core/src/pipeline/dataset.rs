//! `dataset`: from recordings and labels to a table that learners read.
//!
//! A row a candidate: `track_id`, `start_time`, `end_time`, `bars`, `weight`, then the features, under the names and in the
//! order of the Python pipeline as far as it had them. CSV or Parquet.
//!
//! Tracks are worked on side by side. The rows of each go to a file of their own in a hidden folder beside the table, under
//! a name made of all that they depend on; at the end they are put together in the order of the inputs. A run that was
//! stopped thus goes on, and the table does not depend on how many tracks were worked on at once.

mod columns;
mod features;
pub mod record;
mod rows;
mod shard;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::Models;
use super::ahead::Ahead;
use super::batch;
use super::given::GivenBeats;
use super::load::Fetched;
use super::run::{Observer, OfItem, TrackError};
use crate::config::Config;
use crate::export::destination::{self, Destination};
use crate::export::manifest::settings_hash;
use crate::export::{ExportError, WriteSeek};
use crate::features::REGISTRY;
use crate::learn::dataset::{Dataset, DatasetError, Joined};
use crate::learn::labels::weigh::Align;
use crate::learn::labels::{Mark, POSITIVE};
use crate::progress::{Progress, Stage};
use crate::store::{Location, Memory, Place, Target};
pub use columns::{Columns, ColumnsError};
pub use features::{TrackFeatures, features_of};
use shard::Shard;
pub use table::header;
use table::{Assembly, assemble};

/// A recording and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name in the table. Untrusted.
    pub id: String,
    /// Its file.
    pub place: Place,
    /// What was said of it.
    pub marks: Vec<Mark>,
    /// Beats in place of tracked ones.
    pub beats: Option<GivenBeats>,
}

/// Where the weights come from, and which rows there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Options {
    /// Weights from what the music repeats: see [`crate::learn::labels::repeats`]. Else from [`Item::marks`].
    pub self_supervised: bool,
    /// What moments are compared to.
    #[serde(skip)]
    pub align: Align,
    /// Also rows for so many wrong loops for each right one that are hard to tell from it, see
    /// [`crate::learn::labels::near`].
    pub hard_negatives: usize,
    /// Most rows of a track. Right loops are all kept, even where they are more; then come wrong ones that are hard to tell,
    /// then the others, by lot.
    pub max_candidates: Option<usize>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Add `kind`, `section` and `content` to each row, which are no features.
    pub annotate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            self_supervised: false,
            align: Align::Centre,
            hard_negatives: 0,
            max_candidates: None,
            seed: 1337,
            annotate: false,
        }
    }
}

/// The format of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// CSV.
    Csv,
    /// Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The recordings, in the order of the table.
    pub items: &'a [Item],
    /// The table to write.
    pub out: &'a Target,
    /// Its format.
    pub kind: TableKind,
    /// Where rows are kept while a run is under way: [`work_folder`], or a store that forgets them.
    pub work: &'a Target,
    /// Its features.
    pub columns: &'a Columns,
    /// What rows there are.
    pub options: &'a Options,
    /// Leave alone what an earlier run has finished.
    pub resume: bool,
    /// Tracks worked on at once.
    pub jobs: NonZeroUsize,
}

/// What became of a track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackRows {
    /// Rows in the table.
    pub rows: usize,
    /// Those of a weight of [`POSITIVE`] and more.
    pub positives: usize,
    /// Candidates before any were left out.
    pub candidates: usize,
    /// Tempo, where there are beats.
    pub bpm: Option<f64>,
    /// Why there are no rows, where there are none.
    pub detail: String,
    /// What was odd about the file.
    pub warnings: Vec<String>,
    /// True where an earlier run had done it.
    pub resumed: bool,
}

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    /// For each item that was begun its index and its outcome, in order.
    pub tracks: Vec<(usize, Result<TrackRows, TrackError>)>,
    /// Items that were not begun.
    pub left: usize,
    /// True where the run was given up; no table was written then.
    pub cancelled: bool,
    /// Size of the table; none where it was not written.
    pub bytes: Option<u64>,
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Rows that were written are not there any more.
    #[error("{}: its rows in {} are gone or damaged; run again", id, folder.display())]
    Lost {
        /// The track.
        id: String,
        /// The hidden folder.
        folder: PathBuf,
    },
    /// Two recordings have one name.
    #[error("two recordings are called `{0}`")]
    Twice(String),
    /// The system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The hidden folder beside `out` that holds rows while a run is under way, and after one that was stopped. Of a table in a
/// store rows are kept in memory.
pub fn work_folder(out: &Target) -> Target {
    match out {
        Target::Local(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.with_file_name(format!(".{name}.rows")).into()
        }
        Target::Store(_) => in_memory(),
    }
}

/// A place for rows that lasts as long as the run.
pub fn in_memory() -> Target {
    Target::Store(Location {
        store: Arc::new(Memory::new("memory:")),
        key: String::new(),
    })
}

/// Makes the table. `done` is called on the calling thread as each item ends, in order.
///
/// Items that fail are reported and the others go on; without any row there is no table. The hidden folder is removed once
/// all items are in the table; where some failed it stays, so that the next run does only those.
///
/// # Errors
///
/// [`RunError`], where the table cannot be written.
pub fn dataset(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn Observer,
    done: impl FnMut(usize, Result<&TrackRows, &TrackError>),
) -> Result<Report, RunError> {
    let work = Destination::at(request.work)?;
    let (mut report, shards) = rows_of_all(request, &work, config, models, observer, done)?;
    let whole = !report.cancelled && report.left == 0 && report.tracks.iter().all(|(_, t)| t.is_ok());
    if !report.may_be_used() {
        if whole {
            remove(work, request.work);
        }
        return Ok(report);
    }
    let mut end = Assembly::Whole;
    let fill = |out: &mut dyn WriteSeek| -> Result<(), std::io::Error> {
        end = assemble(request, &work, &shards, observer, out)?;
        match end {
            Assembly::Whole => Ok(()),
            _ => Err(std::io::ErrorKind::Interrupted.into()),
        }
    };
    let written = write(request, &work, fill);
    match end {
        Assembly::Whole => {}
        Assembly::Cancelled => {
            report.cancelled = true;
            return Ok(report);
        }
        Assembly::Lost(index) => return Err(lost(request, index)),
    }
    report.bytes = Some(written?);
    let embedding = models.embedding.map(|e| e.info().as_ref());
    record::write(request.out, request.columns.names(), embedding)?;
    if whole {
        remove(work, request.work);
    } else {
        forget(&work, &shards);
    }
    Ok(report)
}

/// Makes the rows and joins them to a dataset in memory, as it would be read from the table that [`dataset`] writes; none
/// where the run was given up or there are no rows. [`Request::out`] only names it.
///
/// # Errors
///
/// [`GatherError`].
pub fn gather(
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    observer: &dyn Observer,
    done: impl FnMut(usize, Result<&TrackRows, &TrackError>),
) -> Result<(Report, Option<Dataset>), GatherError> {
    let work = Destination::at(request.work).map_err(RunError::from)?;
    let (report, shards) = rows_of_all(request, &work, config, models, observer, done)?;
    if !report.may_be_used() {
        return Ok((report, None));
    }
    let mut joined = Joined::new(&request.out.shown(), &header(request.columns, request.options))?;
    for (index, name) in &shards {
        let shard = work.read(name).map_err(RunError::from)?;
        let shard = shard.and_then(|bytes| Shard::from_bytes(&bytes, request.columns.names().len()));
        let shard = shard.ok_or_else(|| lost(request, *index))?;
        let id = request.items.get(*index).map_or("", |item| item.id.as_str());
        table::join(&shard, id, request, &mut joined)?;
        // What is joined need not be held twice.
        if request.work.local().is_none() {
            work.remove(name).map_err(RunError::from)?;
        }
    }
    Ok((report, Some(joined.finish()?)))
}

/// Why no dataset was gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// There are no rows.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The rows are no dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl Report {
    /// True where the run came to its end and gave rows.
    fn may_be_used(&self) -> bool {
        let any = self.tracks.iter().any(|(_, t)| t.as_ref().is_ok_and(|t| t.rows > 0));
        !self.cancelled && self.left == 0 && any
    }
}

fn lost(request: &Request<'_>, index: usize) -> RunError {
    RunError::Lost {
        id: request.items.get(index).map(|item| item.id.clone()).unwrap_or_default(),
        folder: request.work.shown(),
    }
}

/// Puts the table in its place; gives its size.
fn write(
    request: &Request<'_>,
    work: &Destination,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), std::io::Error>,
) -> Result<u64, ExportError> {
    if let (Some(out), Some(_)) = (request.out.local(), request.work.local()) {
        // In the hidden folder, where the next run removes what a killed one left; then under its name.
        let written = work.write(TABLE, fill)?;
        fs::rename(work.root().join(TABLE), out).map_err(ExportError::io(out, "put in place"))?;
        return Ok(written.bytes);
    }
    Ok(destination::write_target(request.out, fill)?.bytes)
}

/// The files of the items' rows, each with the item's index.
type Shards = Vec<(usize, String)>;

/// Makes the rows of all items. `done` is called on the calling thread as each ends, in order.
fn rows_of_all(
    request: &Request<'_>,
    work_dir: &Destination,
    config: &Config,
    models: Models<'_>,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<&TrackRows, &TrackError>),
) -> Result<(Report, Shards), RunError> {
    let mut ids: BTreeMap<&str, ()> = BTreeMap::new();
    for item in request.items {
        if ids.insert(&item.id, ()).is_some() {
            return Err(RunError::Twice(item.id.clone()));
        }
    }
    let settings = settings(request, config, models);
    let stop = AtomicBool::new(false);
    let stopping = || stop.load(Ordering::Relaxed) || observer.is_cancelled();
    let ahead = Ahead::of(request.items.iter().map(|i| &i.place), request.jobs);
    let one = |index: usize| -> Result<(String, TrackRows), TrackError> {
        let item = &request.items[index];
        let progress = OfItem { observer, index };
        progress.check()?;
        let width = request.columns.names().len();
        let known = |name: &str| {
            let bytes = work_dir.read(name).ok().flatten().filter(|_| request.resume)?;
            Shard::from_bytes(&bytes, width)
        };
        // What a store marks its files by stands for their content: to know it they need not be fetched.
        let marked = match &item.place {
            Place::Object(object) => object.entry.fingerprint.as_deref(),
            Place::File(_) => None,
        };
        let marked = marked.map(|mark| shard_name(item, mark, &settings));
        if let Some(name) = &marked
            && let Some(shard) = known(name)
        {
            return Ok((name.clone(), TrackRows::of(&shard, true)));
        }
        let (fetched, content) = Fetched::of(&item.place, config, &progress)?;
        let name = marked.unwrap_or_else(|| shard_name(item, &content, &settings));
        if let Some(shard) = known(&name) {
            return Ok((name, TrackRows::of(&shard, true)));
        }
        let _turn = ahead.turn(&progress)?;
        let shard = track(request, item, fetched, config, models, &progress)?;
        let written = work_dir.write_bytes(&name, &shard.to_bytes());
        if written.as_ref().is_err_and(ExportError::is_fatal) {
            stop.store(true, Ordering::Relaxed);
        }
        written?;
        Ok((name, TrackRows::of(&shard, false)))
    };
    let mut report = Report {
        tracks: Vec::new(),
        left: request.items.len(),
        cancelled: false,
        bytes: None,
    };
    let mut shards = Shards::new();
    let mut fatal = None;
    batch::in_order(
        request.items.len(),
        ahead.threads(),
        &stopping,
        &one,
        |index, result| {
            match result.map_err(TrackError::from).flatten() {
                Err(TrackError::Cancelled(_)) => return,
                Err(TrackError::Export(e)) if e.is_fatal() => {
                    fatal.get_or_insert(e);
                }
                Err(e) => {
                    done(index, Err(&e));
                    report.tracks.push((index, Err(e)));
                }
                Ok((name, rows)) => {
                    done(index, Ok(&rows));
                    shards.push((index, name));
                    report.tracks.push((index, Ok(rows)));
                }
            }
            report.left -= 1;
        },
    )
    .map_err(RunError::Thread)?;
    if let Some(e) = fatal {
        return Err(e.into());
    }
    report.cancelled = observer.is_cancelled();
    Ok((report, shards))
}

/// What the table is called until it is whole.
const TABLE: &str = "table";

/// Removes rows of other settings and other inputs than those of this run.
fn forget(held: &Destination, shards: &[(usize, String)]) {
    for name in held.names("") {
        if name.ends_with(".rows") && !shards.iter().any(|(_, own)| *own == name) {
            // What cannot be removed is in nobody's way.
            let _ = held.remove(&name);
        }
    }
}

/// What is in the hidden folder is of no use any more; that it cannot be removed is not the news.
fn remove(held: Destination, folder: &Target) {
    drop(held);
    if let Some(folder) = folder.local() {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Hash of all that the rows of any track depend on.
fn settings(request: &Request<'_>, config: &Config, models: Models<'_>) -> String {
    let versions: Vec<(&str, u32)> = REGISTRY.iter().map(|f| (f.name, f.version)).collect();
    settings_hash(&(
        (&config.decode, &config.rhythm, &config.loops, &config.tuning),
        (request.options, request.options.align == Align::Start),
        request.columns.names(),
        versions,
        models.beats.map(|b| b.id().to_owned()),
        &models.scorer.info().name,
        models.embedding_digest(),
    ))
}

/// The name under which the rows of an item are kept.
fn shard_name(item: &Item, content: &str, settings: &str) -> String {
    // `Debug` of `f64` is exact.
    let text = format!(
        "{:?}\n{content}\n{settings}\n{:?}\n{:?}",
        item.id, item.marks, item.beats
    );
    format!("{}.rows", &blake3::hash(text.as_bytes()).to_hex()[..32])
}

/// The rows of one recording.
fn track(
    request: &Request<'_>,
    item: &Item,
    fetched: Fetched,
    config: &Config,
    models: Models<'_>,
    progress: &dyn Progress,
) -> Result<Shard, TrackError> {
    let loaded = fetched.load(&item.place, config, progress)?;
    if !loaded.status.is_usable() {
        return Ok(Shard {
            detail: format!("the recording {}", loaded.status),
            warnings: loaded.warnings,
            ..Shard::default()
        });
    }
    let mut track = loaded.track;
    track.grid = item.beats.as_ref().map(|b| b.grid(track.audio.sample_rate()));
    let mut shard = rows::of(&track, item, request, config, models, progress)?;
    shard.warnings = loaded.warnings;
    progress.report(Stage::Rank, 1.0);
    Ok(shard)
}

impl TrackRows {
    fn of(shard: &Shard, resumed: bool) -> Self {
        Self {
            rows: shard.rows.len(),
            positives: shard.rows.iter().filter(|r| r.weight >= POSITIVE).count(),
            candidates: shard.candidates,
            bpm: shard.bpm,
            detail: shard.detail.clone(),
            warnings: shard.warnings.clone(),
            resumed,
        }
    }
}

/// Names for recordings in a table: the file's stem, as the Python pipeline has it; where two would share it, the path from
/// the folder that was named, without its ending; then with it.
pub fn names_of(relative: &[String]) -> Vec<String> {
    let without = |p: &str| match p.rsplit_once('.') {
        Some((front, _)) if !front.is_empty() && !front.ends_with('/') => front.to_owned(),
        _ => p.to_owned(),
    };
    let stem = |p: &str| without(p.rsplit('/').next().unwrap_or(p));
    let forms: [&dyn Fn(&str) -> String; 3] = [&stem, &without, &|p: &str| p.to_owned()];
    let mut names: Vec<String> = vec![String::new(); relative.len()];
    let mut open: Vec<usize> = (0..relative.len()).collect();
    for form in forms {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        open.iter()
            .for_each(|i| *count.entry(form(&relative[*i])).or_default() += 1);
        open.retain(|i| {
            let name = form(&relative[*i]);
            let free = count.get(&name) == Some(&1) && !names.contains(&name);
            if free {
                names[*i] = name;
            }
            !free
        });
    }
    // The same path below two folders.
    for i in open {
        let mut n = 2;
        let mut name = relative[i].clone();
        while names.contains(&name) {
            name = format!("{} ({n})", relative[i]);
            n += 1;
        }
        names[i] = name;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stems_where_those_are_free() {
        let names = |list: &[&str]| names_of(&list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["a.wav", "deep/b.flac", ".hidden"]), ["a", "b", ".hidden"]);
        assert_eq!(names(&["x/a.wav", "y/a.wav", "y/c.wav"]), ["x/a", "y/a", "c"]);
        assert_eq!(names(&["a.wav", "a.mp3"]), ["a.wav", "a.mp3"]);
        assert_eq!(names(&["a.wav", "a.wav", "a.wav"]), ["a.wav", "a.wav (2)", "a.wav (3)"]);
    }

    #[test]
    fn the_header_begins_as_the_python_pipeline_s() {
        let columns = Columns::choose(&[], &[]).unwrap();
        let header = header(&columns, &Options::default());
        let mut python = vec!["track_id", "start_time", "end_time", "bars", "weight"];
        python.extend([
            "rms_mean",
            "onset_mean",
            "perc_rms",
            "harm_rms",
            "perc_to_total_rms",
            "harm_to_total_rms",
            "perc_onset_mean",
            "perc_onset_std",
            "boundary_perc_rms_start",
            "boundary_perc_rms_end",
            "boundary_perc_onset_start",
            "boundary_perc_onset_end",
            "boundary_quiet_score",
        ]);
        let mut python: Vec<String> = python.into_iter().map(String::from).collect();
        python.extend((0..256).map(|i| format!("pt_mel_{i}")));
        assert_eq!(header[..python.len()], python);
        let rest: usize = REGISTRY.iter().map(|f| f.width).sum::<usize>() + 4 - python.len();
        assert_eq!(header.len() - python.len(), rest);
    }
}

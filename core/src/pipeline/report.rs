//! `report`: a folder of exports as a page to listen to.

mod contact;
mod link;
mod plain;
mod trees;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::batch;
use super::run::{Observer, OfItem};
use crate::audio::AudioBuffer;
use crate::audio::decode::{DecodeError, decode_file_with};
use crate::config::Config;
use crate::export::ExportError;
use crate::export::report::{Audio, Details, Draft, Map, Page, Problem, Row, Sound, State, sound};
use crate::progress::{Cancelled, Progress, Stage};
pub use contact::ContactMapError;

/// Name of the report's folder, where none is named.
pub const FOLDER: &str = "report";

/// What a report is to be made of.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The folder: what `find`, `breaks` and `quiet` wrote, or a folder with such folders beneath it, or one of loops.
    pub folder: &'a Path,
    /// Where the report goes; `report` in the folder where none is named.
    pub out: Option<&'a Path>,
    /// Folder of the contact map; where none is named, the first one beneath the folder.
    pub map: Option<&'a Path>,
    /// True to embed the sound; otherwise the page plays the loops' own files, which may leave a gap.
    pub embed: bool,
    /// Most bytes of sound that are embedded. Loops beyond it are linked to.
    pub most: u64,
    /// How many files are read at the same time.
    pub jobs: NonZeroUsize,
    /// Endings of names that are taken for audio in a folder without a manifest.
    pub extensions: &'a [&'a str],
}

/// What was found, before anything was read.
#[derive(Debug)]
pub struct Found {
    root: PathBuf,
    out: PathBuf,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    map: Option<contact::ContactMap>,
}

/// A row to be.
#[derive(Debug, Clone)]
struct Entry {
    row: Row,
    details: Details,
    /// Its file, where that may be read.
    path: Option<PathBuf>,
    /// Its hash as it was written.
    blake3: Option<String>,
    /// Nothing is known of it but the file: it is listened to.
    plain: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The page.
    pub page: PathBuf,
    /// Rows of the table.
    pub rows: usize,
    /// Those that can be played.
    pub playable: usize,
    /// Those whose sound is in the report.
    pub embedded: usize,
    /// Loops of the contact map; 0 without one.
    pub map: usize,
    /// What was missing or odd.
    pub problems: Vec<Problem>,
    /// Files of the report.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be read.
    #[error("{}: cannot read the folder: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The contact map that was named cannot be used.
    #[error(transparent)]
    Map(#[from] ContactMapError),
    /// It cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Found {
    /// Names of what is going to be read, in order.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().map(|e| e.row.file.clone()).collect()
    }

    /// What was missing or odd so far.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Looks for loops in the folder: reads manifests and tables, but no sound.
///
/// # Errors
///
/// [`ReportError::Folder`], [`ReportError::Map`].
pub fn find(request: &Request<'_>) -> Result<Found, ReportError> {
    let unreadable = |source| ReportError::Folder {
        path: request.folder.into(),
        source,
    };
    let root = std::fs::canonicalize(request.folder).map_err(unreadable)?;
    let out = request.out.map_or_else(|| root.join(FOLDER), Path::to_path_buf);
    let mut problems = Vec::new();
    let places = trees::places(&root).map_err(unreadable)?;
    let mut entries = Vec::new();
    for tree in &places.trees {
        trees::read(&root, tree, &mut entries, &mut problems);
    }
    if places.trees.is_empty() {
        plain::read(&root, request.extensions, &mut entries, &mut problems);
    }
    let map = match (request.map, places.maps.split_first()) {
        (Some(named), _) => Some(contact::read(named)?),
        (None, Some((first, others))) => {
            for other in others {
                problems.push(Problem {
                    file: link::relative(&root, other),
                    problem: format!("another contact map; {} is shown", link::relative(&root, first)),
                });
            }
            match contact::read(first) {
                Ok(map) => Some(map),
                Err(e) => {
                    problems.push(Problem {
                        file: link::relative(&root, first),
                        problem: e.to_string(),
                    });
                    None
                }
            }
        }
        (None, None) => None,
    };
    Ok(Found {
        root,
        out,
        entries,
        problems,
        map,
    })
}

/// Reads the sound of what was found and writes the report. `done` is called on the calling thread as each file ends.
///
/// # Errors
///
/// [`ReportError`]; a file that cannot be read is none, but a row without sound.
pub fn write(
    found: Found,
    request: &Request<'_>,
    config: &Config,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, &Row),
) -> Result<Summary, ReportError> {
    let Found {
        root,
        out,
        entries,
        mut problems,
        map,
    } = found;
    let mut draft = Draft::begin(&out)?;
    let real_out = link::real(&out);
    let work = |index: usize| {
        let progress = OfItem { observer, index };
        listen(&entries[index], request.embed, config, &progress)
    };
    let mut rows = Vec::with_capacity(entries.len());
    let (mut embedded, mut playable, mut sound_bytes) = (0, 0, 0u64);
    let mut failed: Option<ReportError> = None;
    let cancelled = || observer.is_cancelled();
    batch::in_order(entries.len(), request.jobs, &cancelled, &work, |index, result| {
        if failed.is_some() {
            return;
        }
        let entry = &entries[index];
        let mut heard = match result {
            Ok(Ok(heard)) => heard,
            Ok(Err(cancelled)) => {
                failed = Some(cancelled.into());
                return;
            }
            Err(panicked) => Heard::failed(entry, State::Unreadable, panicked.to_string()),
        };
        let row = &mut heard.row;
        row.href = entry.path.as_deref().and_then(|p| link::href(&real_out, p));
        let flac = heard.sound.as_ref().and_then(|s| s.flac.as_ref()).map_or(0, Vec::len) as u64;
        row.audio = match (row.state, flac) {
            (State::Ok, 1..) if sound_bytes + flac <= request.most => Audio::Embedded,
            (State::Ok, _) if row.href.is_some() => Audio::Linked,
            _ => Audio::None,
        };
        if row.audio == Audio::Embedded {
            sound_bytes += flac;
            embedded += 1;
        }
        playable += usize::from(row.audio != Audio::None);
        if let Some(problem) = &row.problem {
            problems.push(Problem {
                file: row.file.clone(),
                problem: problem.clone(),
            });
        }
        done(index, row);
        let row = heard.row;
        if let Err(e) = draft.add(row.clone(), &heard.details, heard.sound.as_ref()) {
            failed = Some(e.into());
        }
        rows.push(row);
    })
    .map_err(ReportError::Thread)?;
    if let Some(e) = failed {
        return Err(e);
    }
    if observer.is_cancelled() {
        return Err(Cancelled.into());
    }
    let paths: Vec<Option<&Path>> = entries.iter().map(|e| e.path.as_deref()).collect();
    let map: Option<Map> = map.map(|m| m.bind(&root, &paths, &mut problems));
    let page = Page {
        title: root
            .file_name()
            .map_or_else(|| "Loops".into(), |n| n.to_string_lossy().into_owned()),
        problems: problems.clone(),
    };
    let written = draft.finish(&page, map.as_ref())?;
    Ok(Summary {
        page: out.join("index.html"),
        rows: rows.len(),
        playable,
        embedded,
        map: map.map_or(0, |m| m.names.len()),
        problems,
        files: written.files,
        bytes: written.bytes,
    })
}

/// A row whose file was read.
struct Heard {
    row: Row,
    details: Details,
    sound: Option<Sound>,
}

impl Heard {
    fn failed(entry: &Entry, state: State, problem: String) -> Self {
        let mut row = entry.row.clone();
        row.state = state;
        row.problem = Some(problem);
        Self {
            row,
            details: entry.details.clone(),
            sound: None,
        }
    }
}

fn listen(entry: &Entry, embed: bool, config: &Config, progress: &dyn Progress) -> Result<Heard, Cancelled> {
    progress.check()?;
    let path = match &entry.path {
        Some(path) if entry.row.state == State::Ok => path,
        _ => {
            return Ok(Heard {
                row: entry.row.clone(),
                details: entry.details.clone(),
                sound: None,
            });
        }
    };
    if let Some(wanted) = &entry.blake3 {
        match hash(path) {
            Ok(found) if found == *wanted => {}
            Ok(_) => {
                let words = "is not what was written any more; run the command again that made it";
                return Ok(Heard::failed(entry, State::Changed, words.into()));
            }
            Err(e) => {
                return Ok(Heard::failed(entry, State::Unreadable, format!("cannot be read: {e}")));
            }
        }
    }
    let decoded = match decode_file_with(path, &config.decode, progress) {
        Ok(decoded) => decoded,
        Err(e) => {
            progress.check()?;
            return Ok(Heard::failed(entry, State::Unreadable, without_path(&e)));
        }
    };
    let mut row = entry.row.clone();
    let mut details = entry.details.clone();
    let audio = fitted(decoded.audio, &row);
    if entry.plain {
        plain::describe(&mut row, &mut details, &audio, progress)?;
    }
    (row.frames, row.rate) = (audio.frames() as u64, audio.sample_rate());
    let channels = audio.channels();
    row.channels = if channels > 8 { 1 } else { channels };
    let made = match sound(&audio, embed) {
        Ok(made) => made,
        Err(e) => return Ok(Heard::failed(entry, State::Unreadable, e)),
    };
    progress.report(Stage::Export, 1.0);
    Ok(Heard {
        row,
        details,
        sound: Some(made),
    })
}

/// The error without the path, which may name folders of the machine.
fn without_path(error: &DecodeError) -> String {
    error.kind.to_string()
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::open(path)?;
    std::io::copy(&mut file, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A lossy format may give some frames more or less than the loop has; it runs round on the loop's own.
fn fitted(audio: AudioBuffer, row: &Row) -> AudioBuffer {
    /// More than an encoder's delay and padding are no longer the same loop.
    const MOST: u64 = 4096;
    let rate = audio.sample_rate();
    let wanted = match row.rate {
        0 => return audio,
        own if own == rate => row.frames,
        own => (row.frames as f64 * f64::from(rate) / f64::from(own)).round() as u64,
    };
    let have = audio.frames() as u64;
    if have == wanted || wanted == 0 || have.abs_diff(wanted) > MOST {
        return audio;
    }
    let planes = audio.planes().iter().map(|plane| {
        let mut plane = plane.clone();
        plane.resize(wanted as usize, 0.0);
        plane
    });
    AudioBuffer::new(planes.collect(), rate).unwrap_or(audio)
}

/// A name by content, the same in every report.
fn id_of(track: &str, start: f64, end: f64, file: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [track, file] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(&start.to_le_bytes());
    hasher.update(&end.to_le_bytes());
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Numbers of a row of a table, by column.
type Measures = BTreeMap<String, f64>;

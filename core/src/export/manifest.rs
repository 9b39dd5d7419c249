//! What a run wrote: `manifest.json`, and the journal that lets a killed run go on.
//!
//! While a run is under way each track has a journal file in `.loopwright/`. Before a track's first file is written, it
//! says which files may appear; once all of them are there, it says which they are, with the rows for the run's tables.
//! At the end the tables are written, then `manifest.json`, which commits the run, and then the journal goes. So at any
//! moment every file in the tree is accounted for: a run that was killed is followed by one that removes what an
//! unfinished track left, keeps the finished ones, and ends with the tree that an undisturbed run would have made.

use serde::{Deserialize, Serialize};

use super::destination::Artefact;
use super::table::Table;
use super::tree::Kind;

/// Version of the layout of `manifest.json` and the journal.
pub const SCHEMA: u32 = 1;

/// Folder of the journal, there only while a run is under way or after one was killed.
pub const JOURNAL: &str = ".loopwright";

/// What a source is, for telling whether it was done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceKey {
    /// The track's folder in the output folder, from [`super::layout::folders`].
    pub folder: String,
    /// The source as people know it: its path from the input's root, with `/`. Untrusted.
    pub name: String,
    /// BLAKE3 of the source's bytes, in hexadecimal.
    pub content: String,
    /// What the store that it is in marks this content by, so that it need not be fetched again to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// How a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its loops are there.
    Done,
    /// It was read, and holds nothing to loop: silence, too short, no beat.
    NothingFound,
    /// It could not be read or written.
    Failed,
}

/// A loop as it was cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoopRecord {
    /// Its file in the first format, as a path from the output folder.
    pub file: String,
    /// First frame in the source.
    pub start_frame: u64,
    /// Length in frames.
    pub frames: u64,
    /// Frames per second.
    pub sample_rate: u32,
    /// Length in bars.
    pub bars: u32,
    /// Length in beats.
    pub beats: u32,
    /// Beats a minute that make the beats fill the frames exactly.
    pub bpm: f64,
    /// How its seam was mended.
    pub seam: super::cut::SeamReport,
    /// Gain in decibels, the same for all of the loop.
    pub gain_db: f64,
    /// Samples that an integer format had to clip, in the first format.
    pub clipped: u64,
}

/// All that is known of one source's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// The source.
    pub source: SourceKey,
    /// Hash of the settings it was made with.
    pub settings: String,
    /// Version of the tool that made it.
    pub tool: String,
    /// How it ended.
    pub status: Status,
    /// Why, in words, where it did not end well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The loops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loops: Vec<LoopRecord>,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artefacts: Vec<Artefact>,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which tool wrote it.
    pub tool: String,
    /// The sources, sorted by folder.
    pub tracks: Vec<TrackRecord>,
    /// The run's tables.
    pub tables: Vec<Artefact>,
}

/// A journal file: where one track stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) schema: u32,
    /// The track's folder.
    pub(crate) folder: String,
    /// Files that may be there while the track is under way; empty once it is finished, but while Parquet tables are added.
    pub(crate) pending: Vec<String>,
    /// How it ended; absent while it is under way.
    pub(crate) record: Option<TrackRecord>,
    /// Its rows for the run's tables.
    pub(crate) rows: Table,
}

impl Journal {
    /// Name of the journal file of the track in `folder`, in a tree of `kind`.
    pub(crate) fn path(kind: &Kind, folder: &str) -> String {
        let hash = blake3::hash(format!("{}\n{folder}", kind.manifest).as_bytes()).to_hex();
        format!("{JOURNAL}/{}.json", &hash[..24])
    }
}

/// Hash of settings, in hexadecimal: of their JSON and the tool's version.
pub fn settings_hash(settings: &impl Serialize) -> String {
    // Plain data serialises; if some did not, it would hash as the text of the error, and so never match.
    let json = serde_json::to_string(settings).unwrap_or_else(|e| e.to_string());
    let text = format!("{}\n{}\n{json}", SCHEMA, env!("CARGO_PKG_VERSION"));
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

//! The page of a report: one folder that opens from disk, with no server and no network.
//!
//! ```text
//! report/
//!   index.html        the page: its style, its script, and what the table shows, in one file
//!   loops/0001.js     what is drawn of a loop, and why it was chosen; read when it is looked at
//!   audio/0001.js     its sound as FLAC; read when it is played
//!   map.js            the contact map, where there is one
//!   report.json       that this folder is ours, and which files are
//! ```
//!
//! A page that was opened from disk may not fetch files, but it may load scripts: so sound comes as scripts, in base64. All
//! that comes from recordings (names, tags, paths) is data: JSON that is parsed, shown as text, and never markup. The
//! content policy allows scripts that carry the page's nonce and nothing else: no requests, no `eval`, no handlers in
//! attributes. The nonce is a hash of all that the page holds, so no name in it can know it.

mod folder;
mod page;
mod parts;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::ExportError;
use crate::audio::AudioBuffer;

pub use folder::is_report;
pub use parts::Sound;

/// Version of the layout of the folder.
pub const SCHEMA: u32 = 1;

/// What can be said of a loop's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is there and as it was written.
    Ok,
    /// It is not there.
    Missing,
    /// It is not what was written: another size or hash.
    Changed,
    /// Its path leads out of the folder.
    Outside,
    /// It is there, but no sound comes of it.
    Unreadable,
}

/// Where the page has the sound from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audio {
    /// From the report itself.
    Embedded,
    /// From the loop's file.
    Linked,
    /// It has none.
    None,
}

/// A loop, a break or a file, as a row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// A name by content, for ratings that a browser keeps: 16 hexadecimal digits.
    pub id: String,
    /// The track, as in the tables. Untrusted.
    pub track: String,
    /// The recording's name. Untrusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its file, from the folder that the report is of, with `/`. Untrusted.
    pub file: String,
    /// `loop`, `quiet`, `drums_only`, `drum_heavy`; of a plain file `loop`, `one-shot` or `silence`.
    pub kind: String,
    /// Where it begins in the recording, in seconds.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Frames of its file.
    pub frames: u64,
    /// Frames a second.
    pub rate: u32,
    /// Channels that the page plays.
    pub channels: usize,
    /// Length in bars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bars: Option<f64>,
    /// Length in beats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beats: Option<u32>,
    /// Beats in a bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<u32>,
    /// Beats a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bpm: Option<f64>,
    /// Key, such as `Am`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The probability that it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prob: Option<f64>,
    /// Seam as it was mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seam: Option<super::cut::SeamReport>,
    /// Hits or slices in it.
    pub marks: usize,
    /// How its file was found.
    pub state: State,
    /// What is wrong with it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Where the sound comes from.
    pub audio: Audio,
    /// Link to its file from the page, percent-encoded; none where it cannot be linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// Small waveform, see [`Sound`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb: Option<String>,
}

/// A hit of a break or a slice of a loop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Where it begins, in seconds from the loop's start.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Its attack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
    /// Its class; `slice` for slices.
    pub class: String,
    /// From 0 to 1: how sure that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// What is shown of a row that is looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Why it was chosen, in words. Untrusted.
    pub reasons: Vec<String>,
    /// Everything that was measured of it, by column.
    pub measures: BTreeMap<String, f64>,
    /// Its hits or slices.
    pub marks: Vec<Mark>,
}

/// Something that the reader of the page should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, from the folder that the report is of. Untrusted.
    pub file: String,
    /// What is wrong.
    pub problem: String,
}

/// Loops against each other, as `contact-map` gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Names, in the map's order. Untrusted.
    pub names: Vec<String>,
    /// The row of the report that each is; none for files that it does not have.
    pub rows: Vec<Option<usize>>,
    /// Similarities, row by row.
    pub similarity: Vec<f32>,
    /// How many more the map had, which are left out.
    pub left_out: usize,
}

/// The page as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// What the folder is called. Untrusted.
    pub title: String,
    /// Folders that were read, each with what it holds. Untrusted.
    pub problems: Vec<Problem>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Files of the report.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// A report under way: nothing of it is to be seen before [`Draft::finish`].
#[derive(Debug)]
pub struct Draft {
    folder: folder::Folder,
    rows: Vec<Row>,
}

impl Draft {
    /// Begins a report in the folder `target`, which is new, empty, or an older report.
    ///
    /// # Errors
    ///
    /// [`ExportError`], where `target` is something else, or cannot be written to.
    pub fn begin(target: &Path) -> Result<Self, ExportError> {
        Ok(Self {
            folder: folder::Folder::begin(target)?,
            rows: Vec::new(),
        })
    }

    /// Adds a row with what is shown of it. `row.audio` says whether the sound goes in, too. Gives the bytes written.
    ///
    /// # Errors
    ///
    /// [`ExportError`] of the file system.
    pub fn add(&mut self, mut row: Row, details: &Details, sound: Option<&Sound>) -> Result<u64, ExportError> {
        let number = self.rows.len();
        row.marks = details.marks.len();
        row.thumb = sound.map(|s| s.thumb.clone());
        let mut bytes = self.folder.write(
            &format!("loops/{:04}.js", number + 1),
            parts::script("loop", number, &parts::details(details, sound)).as_bytes(),
        )?;
        if let (Audio::Embedded, Some(flac)) = (row.audio, sound.and_then(|s| s.flac.as_deref())) {
            let script = parts::script("audio", number, &format!("\"{}\"", parts::base64(flac)));
            bytes += self
                .folder
                .write(&format!("audio/{:04}.js", number + 1), script.as_bytes())?;
        }
        self.rows.push(row);
        Ok(bytes)
    }

    /// Writes the page and puts the folder in its place.
    ///
    /// # Errors
    ///
    /// [`ExportError`] of the file system.
    pub fn finish(mut self, page: &Page, map: Option<&Map>) -> Result<Written, ExportError> {
        if let Some(map) = map {
            let script = parts::script("map", 0, &parts::map(map));
            self.folder.write("map.js", script.as_bytes())?;
        }
        let html = page::html(page, &self.rows, map);
        self.folder.write("index.html", html.as_bytes())?;
        self.folder.finish()
    }
}

/// Makes what the page draws and plays of `audio`; with `embed` its sound, too.
///
/// # Errors
///
/// In words, where FLAC cannot hold it.
pub fn sound(audio: &AudioBuffer, embed: bool) -> Result<Sound, String> {
    parts::sound(audio, embed)
}

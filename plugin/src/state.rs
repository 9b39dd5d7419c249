//! What the host keeps for us: settings, favourites and where their files are. Never audio.
//!
//! Versioned, bounded and deterministic: the same state gives the same bytes. States of other versions, or bytes that are
//! no state at all, give defaults and are never an error for the host.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::snapshot::ItemKind;

/// The version that is written.
pub const VERSION: u32 = 1;
/// Most favourites that are kept in the state.
pub const MOST_FAVOURITES: usize = 512;
/// Longest path that is read, in characters; longer ones are no paths on any system.
const LONGEST_PATH: usize = 4096;
/// Longest of other texts.
const LONGEST_TEXT: usize = 200;
/// Most lengths in the editor's filter.
const MOST_LENGTHS: usize = 64;

/// The user's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How much is kept, in seconds, 30 to 1800.
    pub history_seconds: u32,
    /// Most memory for the history, in MiB, 32 to 4096; what is over it shortens the history.
    pub history_mib: u32,
    /// Capture what is heard while the host's transport stands still.
    pub capture_stopped: bool,
    /// Find the bars by ear, whatever the host tells: for music that does not keep to the host's tempo.
    pub by_ear: bool,
    /// Analyse by itself as bars come in.
    pub automatic: bool,
    /// The capture folder; empty for the default, `Loopwright/Captures` in the user's documents.
    pub folder: String,
    /// Audition in sync with the host.
    pub sync: bool,
    /// Audition round and round.
    pub looped: bool,
    /// The passing sound is silent during an audition.
    pub solo: bool,
    /// Unattended capture: the best so many suggestions of each kind are written to the capture folder as they come, 0 to
    /// 64; 0 writes only what the user asks for.
    pub export_automatically: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history_seconds: 240,
            history_mib: 512,
            capture_stopped: true,
            by_ear: false,
            automatic: true,
            folder: String::new(),
            sync: true,
            looped: true,
            solo: false,
            export_automatically: 0,
        }
    }
}

/// How the editor was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditorState {
    /// Width in logical points.
    pub width: f32,
    /// Height in logical points.
    pub height: f32,
    /// The user's zoom, 0.5 to 3.
    pub zoom: f32,
    /// The list in front.
    pub tab: Option<ItemKind>,
    /// Only favourites are shown.
    pub favourites_only: bool,
    /// Lowest score shown, 0 to 1.
    pub min_score: f32,
    /// Only these lengths in bars are shown; empty for all.
    pub bars: Vec<u32>,
    /// The favourites' list is in front, rather than that of `tab`.
    pub favourites_tab: bool,
    /// A click on a suggestion lets it be heard.
    pub click_auditions: bool,
    /// Where Export writes to; empty for `Exports` in the capture folder.
    pub export_folder: String,
}

impl Default for EditorState {
    fn default() -> Self {
        Self {
            width: 960.0,
            height: 600.0,
            zoom: 1.0,
            tab: None,
            favourites_only: false,
            min_score: 0.0,
            bars: Vec::new(),
            favourites_tab: false,
            click_auditions: true,
            export_folder: String::new(),
        }
    }
}

/// A favourite: enough to show it and to find its file again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Favourite {
    /// Its [`ItemId`](crate::snapshot::ItemId).
    pub id: u64,
    /// Kind.
    pub kind: ItemKind,
    /// Title.
    pub title: String,
    /// Absolute path of its file when it was written.
    pub path: String,
    /// The same from the capture folder, for folders that moved as a whole.
    pub relative: String,
    /// BLAKE3 of the file, in hexadecimal.
    pub hash: String,
    /// Length in bars.
    pub bars: f64,
    /// Tempo in BPM.
    pub bpm: f64,
    /// Key.
    pub key: Option<String>,
    /// Score.
    pub score: f32,
    /// Kind of drum, for one-shots.
    pub class: Option<String>,
}

/// All of it.
///
/// It is read from any JSON at all: what is missing, of another type or beyond its range is brought to something sane, field
/// by field, so that a state of another version loses nothing that can be understood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct State {
    /// Version of the format.
    pub version: u32,
    /// Settings.
    pub settings: Settings,
    /// The editor.
    pub editor: EditorState,
    /// Favourites, oldest first.
    pub favourites: Vec<Favourite>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            settings: Settings::default(),
            editor: EditorState::default(),
            favourites: Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl State {
    /// What `value` says.
    fn of(value: &Value) -> Self {
        let nothing = Map::new();
        let part = |name: &str| value.get(name).and_then(Value::as_object).unwrap_or(&nothing);
        let mut favourites: Vec<Favourite> = Vec::new();
        for entry in value.get("favourites").and_then(Value::as_array).into_iter().flatten() {
            if favourites.len() >= MOST_FAVOURITES {
                break;
            }
            if let Some(favourite) = entry.as_object().and_then(Favourite::of)
                && !favourites.iter().any(|f| f.id == favourite.id)
            {
                favourites.push(favourite);
            }
        }
        Self {
            version: VERSION,
            settings: Settings::of(part("settings")),
            editor: EditorState::of(part("editor")),
            favourites,
        }
    }
}

impl Settings {
    fn of(fields: &Map<String, Value>) -> Self {
        let d = Self::default();
        Self {
            history_seconds: whole(fields, "history_seconds", d.history_seconds),
            history_mib: whole(fields, "history_mib", d.history_mib),
            capture_stopped: truth(fields, "capture_stopped", d.capture_stopped),
            by_ear: truth(fields, "by_ear", d.by_ear),
            automatic: truth(fields, "automatic", d.automatic),
            folder: text(fields, "folder", LONGEST_PATH).unwrap_or(d.folder),
            sync: truth(fields, "sync", d.sync),
            looped: truth(fields, "looped", d.looped),
            solo: truth(fields, "solo", d.solo),
            export_automatically: whole(fields, "export_automatically", d.export_automatically),
        }
        .sane()
    }

    /// The same with everything within its range.
    pub fn sane(mut self) -> Self {
        self.history_seconds = self.history_seconds.clamp(30, 1800);
        self.history_mib = self.history_mib.clamp(32, 4096);
        self.export_automatically = self.export_automatically.min(64);
        self.folder = short(&self.folder, LONGEST_PATH);
        self
    }
}

impl EditorState {
    fn of(fields: &Map<String, Value>) -> Self {
        let d = Self::default();
        let lengths = fields.get("bars").and_then(Value::as_array);
        Self {
            width: number(fields, "width", d.width.into()) as f32,
            height: number(fields, "height", d.height.into()) as f32,
            zoom: number(fields, "zoom", d.zoom.into()) as f32,
            tab: fields.get("tab").and_then(kind),
            favourites_only: truth(fields, "favourites_only", d.favourites_only),
            min_score: number(fields, "min_score", d.min_score.into()) as f32,
            bars: lengths
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .filter_map(|n| u32::try_from(n).ok())
                .collect(),
            favourites_tab: truth(fields, "favourites_tab", d.favourites_tab),
            click_auditions: truth(fields, "click_auditions", d.click_auditions),
            export_folder: text(fields, "export_folder", LONGEST_PATH).unwrap_or(d.export_folder),
        }
        .sane()
    }

    /// The same with everything within its range.
    pub fn sane(mut self) -> Self {
        let d = Self::default();
        self.width = within(self.width, 200.0, 8192.0, d.width);
        self.height = within(self.height, 150.0, 8192.0, d.height);
        self.zoom = within(self.zoom, 0.5, 3.0, d.zoom);
        self.min_score = within(self.min_score, 0.0, 1.0, d.min_score);
        self.bars.retain(|n| (1..=256).contains(n));
        self.bars.truncate(MOST_LENGTHS);
        self.export_folder = short(&self.export_folder, LONGEST_PATH);
        self
    }
}

impl Favourite {
    /// `None` where not even the name is there.
    fn of(fields: &Map<String, Value>) -> Option<Self> {
        let path = |name| text(fields, name, LONGEST_PATH).unwrap_or_default();
        let words = |name| text(fields, name, LONGEST_TEXT).filter(|t| !t.is_empty());
        Some(Self {
            id: fields.get("id").and_then(Value::as_u64).filter(|id| *id != 0)?,
            kind: fields.get("kind").and_then(kind)?,
            title: words("title").unwrap_or_default(),
            path: path("path"),
            relative: path("relative"),
            hash: words("hash").unwrap_or_default(),
            bars: number(fields, "bars", 0.0).clamp(0.0, 4096.0),
            bpm: number(fields, "bpm", 0.0).clamp(0.0, 2000.0),
            key: words("key"),
            score: number(fields, "score", 0.0).clamp(0.0, 1.0) as f32,
            class: words("class"),
        })
    }
}

fn kind(value: &Value) -> Option<ItemKind> {
    ItemKind::deserialize(value).ok()
}

fn truth(fields: &Map<String, Value>, name: &str, default: bool) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or(default)
}

/// A finite number.
fn number(fields: &Map<String, Value>, name: &str, default: f64) -> f64 {
    let found = fields.get(name).and_then(Value::as_f64);
    found.filter(|x| x.is_finite()).unwrap_or(default)
}

/// A whole number, the nearest that fits.
fn whole(fields: &Map<String, Value>, name: &str, default: u32) -> u32 {
    number(fields, name, default.into()).round().clamp(0.0, u32::MAX.into()) as u32
}

fn text(fields: &Map<String, Value>, name: &str, longest: usize) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(|t| short(t, longest))
}

fn short(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}

fn within(x: f32, low: f32, high: f32, default: f32) -> f32 {
    if x.is_finite() { x.clamp(low, high) } else { default }
}

/// The state behind a lock that only the worker, the editor and the host's state calls take; never the audio thread.
#[derive(Debug, Default)]
pub struct Kept {
    state: Mutex<State>,
    loads: AtomicU64,
}

impl Kept {
    /// Locks it. A panic elsewhere does not take it away.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the host has brought a state back: the worker and the editor read theirs anew when it has grown.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::Acquire)
    }
}

impl<'a> PersistentField<'a, State> for std::sync::Arc<Kept> {
    fn set(&self, new: State) {
        *self.lock() = new;
        self.loads.fetch_add(1, Ordering::Release);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&State) -> R,
    {
        f(&self.lock())
    }
}

#[cfg(test)]
mod tests;

//! What the host keeps for us: settings, favourites and where their files are. Never audio.
//!
//! Versioned, bounded and deterministic: the same state gives the same bytes. States of other versions, or bytes that are
//! no state at all, give defaults and are never an error for the host.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::snapshot::ItemKind;

/// The version that is written.
pub const VERSION: u32 = 1;
/// Most favourites that are kept in the state.
pub const MOST_FAVOURITES: usize = 512;

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
    /// Audition level relative to the history's loudness, in dB.
    pub audition_db: f32,
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
            automatic: true,
            folder: String::new(),
            sync: true,
            looped: true,
            solo: false,
            audition_db: 0.0,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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

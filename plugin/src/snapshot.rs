//! What the worker shows: one immutable picture of all that the editor draws, behind an `Arc`.
//!
//! The worker makes a new one when something changed (about 20 times a second while sound comes in) and swaps it in; the
//! editor loads it once a frame. Nothing in it is ever changed afterwards, and what is large (peaks, results) is shared
//! between one picture and the next.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capture::peaks::Peaks;

/// Names a suggestion: the same stretch of the same take keeps its name when it is analysed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemId(pub u64);

/// Names a take within one instance of the plugin.
pub type TakeId = u64;

/// What kind of thing is suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A bar-aligned loop.
    Loop,
    /// A drum break.
    Break,
    /// One hit.
    OneShot,
    /// A loop with quiet drums or none.
    Quiet,
}

impl ItemKind {
    /// All kinds, in the order of the editor's lists.
    pub const ALL: [Self; 4] = [Self::Loop, Self::Break, Self::OneShot, Self::Quiet];
}

/// Where a take's bars came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridOrigin {
    /// The host's transport.
    Host,
    /// The beat tracker: the host gave no transport that can be used.
    Tracked,
    /// Not known yet: a take without a host's grid that has not been analysed.
    None,
}

/// The file behind an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Not written: it will be when it is selected, marked as a favourite or dragged.
    None,
    /// Being written.
    Writing,
    /// Complete, synced and closed.
    Ready(PathBuf),
    /// It was there once, and is gone.
    Missing(PathBuf),
    /// It could not be written; why.
    Failed(String),
}

/// A suggestion, as the lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name.
    pub id: ItemId,
    /// Its kind.
    pub kind: ItemKind,
    /// The take that it lies in.
    pub take: TakeId,
    /// First frame, counted from the first frame of the history of its take ([`TakeView::first`] is the oldest kept).
    pub start: u64,
    /// Length in frames.
    pub frames: u64,
    /// A name for people: `Bars 5–8`, `Kick 2`.
    pub title: String,
    /// Length in bars; 0 for one-shots.
    pub bars: f64,
    /// Tempo of the loop itself in BPM; 0 for one-shots.
    pub bpm: f64,
    /// Key, such as `Am`; `None` for drums and where none was heard.
    pub key: Option<String>,
    /// 0 to 1: how good it is, comparable within a kind.
    pub score: f32,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// What kind of drum, for one-shots.
    pub class: Option<String>,
    /// Marked by the user.
    pub favourite: bool,
    /// Its file.
    pub file: FileState,
    /// Other files that belong to it and go along when it is dragged as a kit: hits, MIDI, instruments.
    pub kit: Vec<PathBuf>,
}

/// A take: a stretch of sound without a seam, with its bars.
#[derive(Debug, Clone)]
pub struct TakeView {
    /// Its name.
    pub id: TakeId,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Its oldest frame that is kept: what was before it has been dropped.
    pub first: u64,
    /// One past its newest frame.
    pub end: u64,
    /// Loudest and lowest samples, for drawing.
    pub peaks: Arc<Peaks>,
    /// Bar lines in frames, increasing.
    pub bars: Arc<[f64]>,
    /// Number of the first of [`Self::bars`] in the host's count (from 1), where it is known.
    pub first_bar: Option<i64>,
    /// Where the bars came from.
    pub grid: GridOrigin,
    /// Tempo in BPM, 0 where unknown.
    pub bpm: f64,
    /// Beats a bar and the note that is a beat.
    pub meter: (u16, u16),
    /// True while sound is still being added.
    pub open: bool,
    /// Frame up to which it has been analysed, counted as `first` and `end` are; 0 before the first analysis.
    pub analysed_to: u64,
    /// What the user corrected.
    pub correction: Correction,
    /// Why there is nothing to be had from it, where that is so (too short, silent, not musical).
    pub note: Option<String>,
}

/// Corrections of a take's bars, as the command line's `--double`, `--half` and `--shift-beat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Correction {
    /// Doublings of the tempo: -1 halves, 1 doubles.
    pub octave: i8,
    /// Bar lines moved by this many beats.
    pub shift: i8,
}

/// What the transport says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportState {
    /// The plugin is not active, or no block has been seen yet.
    #[default]
    Unknown,
    /// The host plays and tells where.
    Playing,
    /// The host stands still.
    Stopped,
    /// The host tells nothing that can be used: bars are tracked by ear.
    None,
}

/// One line of status.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// The host's transport.
    pub transport: TransportState,
    /// True while sound is being kept.
    pub capturing: bool,
    /// How far the running analysis is, 0 to 1.
    pub analysing: Option<f32>,
    /// Host's tempo in BPM, 0 where unknown.
    pub bpm: f64,
    /// Host's meter.
    pub meter: (u16, u16),
    /// Frames that were lost because the worker could not keep up, since the instance was made.
    pub lost_frames: u64,
    /// Seconds of sound kept.
    pub history_seconds: f64,
    /// Memory that the history takes, in bytes.
    pub history_bytes: u64,
    /// Sample rate in Hz as it last was, 0 before the first activation.
    pub rate: u32,
    /// CPU seconds that the last analysis took, 0 before the first.
    pub analysis_seconds: f64,
}

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something the user should know.
    Warning,
    /// Something failed.
    Error,
}

/// A message for the user, with the remedy where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Counts up: the editor shows each once.
    pub number: u64,
    /// How grave.
    pub severity: Severity,
    /// The words.
    pub text: String,
}

/// A favourite from an earlier session, or of a take that has left the history: only its file is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What is known of it. Its `take` is 0, and it can be auditioned from its file.
    pub item: Item,
}

/// All that the editor draws.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Counts up with each.
    pub number: u64,
    /// The status line.
    pub status: Status,
    /// Takes, oldest first.
    pub takes: Vec<TakeView>,
    /// Suggestions of all takes: by kind, then best first.
    pub items: Arc<[Item]>,
    /// Favourites whose take is gone.
    pub kept: Arc<[Kept]>,
    /// The latest messages, oldest first; at most 8.
    pub messages: Vec<Message>,
    /// The folder that captures are written to.
    pub folder: PathBuf,
}

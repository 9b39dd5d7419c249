//! A kit of one-shots, and the groove that plays it: what the exporters of kits and MIDI write.

use super::class::Class;

/// One sound of a kit.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// What it is.
    pub class: Class,
    /// Its name, unique in the kit: `kick_01`. ASCII letters, digits and `_`.
    pub name: String,
    /// Its samples: one plane a channel, equal lengths, full scale at ±1.
    pub planes: Vec<Vec<f32>>,
    /// The MIDI note that plays it, unique in the kit.
    pub note: u8,
    /// Pieces of the same group cut each other off (an open hi-hat is closed by a closed one).
    pub choke: Option<u8>,
}

/// The sounds of a break.
#[derive(Debug, Clone, PartialEq)]
pub struct Kit {
    /// Its name, for people. Untrusted: it may come from tags.
    pub name: String,
    /// Sample rate of every piece in Hz.
    pub sample_rate: u32,
    /// Its pieces, in order of their notes.
    pub pieces: Vec<Piece>,
}

/// One note of a groove.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// When it begins, in seconds from the start of the loop; not quantised.
    pub time: f64,
    /// How long it sounds, in seconds.
    pub duration: f64,
    /// The MIDI note.
    pub note: u8,
    /// How hard it is struck: 1 to 127.
    pub velocity: u8,
}

/// The notes that replay a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Groove {
    /// Name of the track, for people. Untrusted.
    pub name: String,
    /// Tempo at which `beats` fill the loop exactly, in beats per minute.
    pub bpm: f64,
    /// Length of the loop in beats.
    pub beats: u32,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// The notes, in order of time.
    pub notes: Vec<Note>,
}

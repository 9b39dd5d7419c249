//! Auditioning: clips that the audio thread plays.

use std::sync::Arc;

use crate::capture::mark::HostTime;
use crate::command::Audition;
use crate::shared::Shared;
use crate::snapshot::ItemId;

/// Sound to be heard, at the host's rate. Made by the worker, played by the audio thread, freed by the worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What it is.
    pub item: ItemId,
    /// Left and right, of equal length, already level-matched.
    pub planes: [Vec<f32>; 2],
    /// Length in quarter notes, where it has one: what `sync` goes by.
    pub quarters: Option<f64>,
    /// How it is heard.
    pub how: Audition,
}

/// What the worker sends.
#[derive(Debug)]
pub enum Cue {
    /// Play this, in place of what plays.
    Play(Box<Clip>),
    /// Fade out.
    Stop,
}

/// The audio thread's end.
pub struct Player {}

/// The worker's end.
pub struct Booth {}

/// Makes both ends, for sound at `rate` Hz.
pub fn channel(_rate: f64, _shared: Arc<Shared>) -> (Player, Booth) {
    (Player {}, Booth {})
}

impl Player {
    /// Adds what is auditioned to a block, in place. Real-time safe; leaves the block alone to the bit when nothing plays.
    pub fn block(&mut self, _left: &mut [f32], _right: &mut [f32], _host: &HostTime) {}
}

impl Booth {
    /// Sends a cue; false if the ring is full.
    pub fn send(&mut self, _cue: Cue) -> bool {
        true
    }
    /// Frees what has been played.
    pub fn sweep(&mut self) {}
}

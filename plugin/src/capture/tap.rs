//! The ring between the audio thread and the worker.

use super::mark::{HostTime, Mark};

/// The audio thread's end. Never allocates, locks or waits.
pub struct Tap {}

/// The worker's end.
pub struct Feed {}

/// Makes both ends, for sound at `rate` Hz. Allocates all that is ever needed.
pub fn channel(_rate: f64) -> (Tap, Feed) {
    (Tap {}, Feed {})
}

impl Tap {
    /// Takes a block of planes of equal length. Real-time safe. An empty block is nothing.
    pub fn block(&mut self, _left: &[f32], _right: &[f32], _host: HostTime) {}
}

impl Feed {
    /// Hands over everything that has come, block by block and in order: the mark, the left and the right plane.
    /// Never waits. True if there was anything.
    pub fn drain(&mut self, _block: impl FnMut(&Mark, &[f32], &[f32])) -> bool {
        false
    }
}

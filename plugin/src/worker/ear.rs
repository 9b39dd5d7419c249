//! How long work lets the desk breathe: core's progress, polled many times a second.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use loopwright_core::progress::{Progress, Stage};

use super::desk::Desk;
use super::lock;
use crate::snapshot::TakeId;

/// Where the stages of an analysis begin and end, as fractions of the whole, by what they cost.
fn whole(stage: Stage, fraction: f32) -> f32 {
    let (from, to) = match stage {
        Stage::Decode => (0.0, 0.0),
        Stage::Analyse => (0.0, 0.45),
        Stage::Track => (0.45, 0.65),
        Stage::Rank => (0.65, 1.0),
        Stage::Export | Stage::Learn => (0.0, 1.0),
    };
    from + (to - from) * fraction.clamp(0.0, 1.0)
}

/// Listens while something long is done.
pub(super) struct Ear<'a> {
    pub(super) desk: &'a Mutex<Desk>,
    stop: &'a AtomicBool,
    /// The take that is analysed, and the generation of its corrections.
    of: Option<(TakeId, u64)>,
    cancelled: AtomicBool,
}

impl<'a> Ear<'a> {
    pub(super) fn new(desk: &'a Mutex<Desk>, stop: &'a AtomicBool, of: Option<(TakeId, u64)>) -> Self {
        Self {
            desk,
            stop,
            of,
            cancelled: AtomicBool::new(false),
        }
    }

    /// True once the thread is told to end.
    pub(super) fn ends(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl Progress for Ear<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        if self.of.is_some() {
            lock(self.desk).progress(whole(stage, fraction));
        }
    }

    fn is_cancelled(&self) -> bool {
        if self.stop.load(Ordering::Acquire) || self.cancelled.load(Ordering::Relaxed) {
            return true;
        }
        let mut desk = lock(self.desk);
        desk.breathe();
        if self
            .of
            .is_some_and(|(take, generation)| !desk.is_current(take, generation))
        {
            self.cancelled.store(true, Ordering::Relaxed);
            return true;
        }
        false
    }
}

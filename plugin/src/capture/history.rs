//! The last minutes, as takes.

use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::rhythm::grid::BeatGrid;

use super::mark::Mark;
use super::peaks::Peaks;
use crate::snapshot::TakeId;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Longest history in seconds.
    pub seconds: f64,
    /// Most memory for samples, in bytes.
    pub bytes: u64,
    /// Whether to keep what is heard while the transport stands still.
    pub stopped: bool,
}

/// Takes, oldest first.
pub struct History {}

/// One take of the history.
pub struct Take {}

impl History {
    /// Empty.
    pub fn new(_limits: Limits) -> Self {
        Self {}
    }
    /// Other limits; what is over them goes at once.
    pub fn set_limits(&mut self, _limits: Limits) {}
    /// The host activated with this rate: a new stream begins.
    pub fn open(&mut self, _rate: f64) {}
    /// The next block of the stream.
    pub fn push(&mut self, _mark: &Mark, _left: &[f32], _right: &[f32]) {}
    /// The stream ended (deactivation): so does the take that runs.
    pub fn close(&mut self) {}
    /// Forgets all takes but the one that runs, whose sound so far goes.
    pub fn clear(&mut self) {}
    /// Takes worth showing, oldest first: the one that runs, if any, is the last.
    pub fn takes(&self) -> &[Take] {
        &[]
    }
    /// Memory of the samples, in bytes.
    pub fn bytes(&self) -> u64 {
        0
    }
    /// Seconds kept.
    pub fn seconds(&self) -> f64 {
        0.0
    }
}

impl Take {
    /// Its name.
    pub fn id(&self) -> TakeId {
        0
    }
    /// Sample rate in Hz.
    pub fn rate(&self) -> u32 {
        0
    }
    /// Its oldest frame that is kept.
    pub fn first(&self) -> u64 {
        0
    }
    /// One past its newest frame.
    pub fn end(&self) -> u64 {
        0
    }
    /// True while it grows.
    pub fn is_open(&self) -> bool {
        false
    }
    /// True where the host's grid holds for it.
    pub fn has_host_grid(&self) -> bool {
        false
    }
    /// A copy of what is kept. Frame 0 of the buffer is [`Self::first`].
    pub fn audio(&self) -> AudioBuffer {
        unreachable_buffer()
    }
    /// Copies from frame `from` on into `into`; zeros where nothing is kept.
    pub(crate) fn read(&self, _channel: usize, _from: u64, _into: &mut [f32]) {}
    /// The host's beats, in frames of [`Self::audio`]; `None` where the host gave none that can be used.
    pub fn grid(&self) -> Option<BeatGrid> {
        None
    }
    /// Number of the bar that the grid's first downbeat begins, in the host's count from 1.
    pub fn first_bar(&self) -> Option<i64> {
        None
    }
    /// Meter as the host last told it.
    pub fn meter(&self) -> Option<(u16, u16)> {
        None
    }
    /// For drawing; shared with earlier pictures as far as possible.
    pub fn peaks(&self) -> Arc<Peaks> {
        Arc::default()
    }
}

fn unreachable_buffer() -> AudioBuffer {
    AudioBuffer::new(vec![Vec::new(), Vec::new()], 48_000).unwrap_or_else(|_| unreachable!("two empty planes"))
}

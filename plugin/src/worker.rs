//! The worker: one thread per instance that drains the rings, keeps the history, analyses, writes files, and publishes
//! what it found.

use std::sync::Arc;

use crate::capture::tap::Feed;
use crate::preview::Booth;
use crate::shared::Shared;

/// What an activation hands to the worker.
pub struct Stream {
    /// Sample rate in Hz.
    pub rate: f64,
    /// Sound.
    pub feed: Feed,
    /// Auditions.
    pub booth: Booth,
}

/// The thread's handle. Dropping it ends and joins the thread.
pub struct Worker {}

impl Worker {
    /// Starts the thread.
    pub fn start(_shared: Arc<Shared>) -> std::io::Result<Self> {
        Ok(Self {})
    }
    /// A new activation: what the stream before it still holds is drained first.
    pub fn open(&self, _stream: Stream) {}
    /// The host deactivated.
    pub fn close(&self) {}
}

//! How long work tells how far it is, and how it is told to stop.

/// What is being done, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Reading and decoding a file.
    Decode,
    /// Spectra, levels, onset strength.
    Analyse,
    /// Tempo, beats and bars.
    Track,
    /// Candidates, features, scores.
    Rank,
    /// Writing files.
    Export,
    /// Learning from examples.
    Learn,
}

/// Receives progress and answers whether to go on. Called from the thread that does the work.
pub trait Progress: Sync {
    /// `fraction` of `stage` is done, from 0 to 1.
    fn report(&self, _stage: Stage, _fraction: f32) {}

    /// True once the work should be given up. Polled at least every 50 ms of work.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// `Err(Cancelled)` once the work should be given up.
    fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The work was given up because [`Progress::is_cancelled`] said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Reports nothing and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}

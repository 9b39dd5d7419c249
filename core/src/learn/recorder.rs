//! Who keeps the record of a run: parameters, measures by step, files.

use std::path::Path;

/// Why something was not recorded.
#[derive(Debug, thiserror::Error)]
#[error("cannot record the run at {place}: {problem}")]
pub struct RecordError {
    /// The file or the server.
    pub place: String,
    /// What went wrong.
    pub problem: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Finished,
    /// With an error.
    Failed,
    /// On request.
    Killed,
}

/// Keeps the record of one run.
pub trait Recorder {
    /// A setting.
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError>;

    /// A measure after `step` rounds or epochs.
    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError>;

    /// A finished file that belongs to the run.
    fn artifact(&mut self, path: &Path) -> Result<(), RecordError>;

    /// The end of the run; sends what is left.
    fn finish(&mut self, ending: Ending) -> Result<(), RecordError>;
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Recorder for Nowhere {
    fn param(&mut self, _name: &str, _value: &str) -> Result<(), RecordError> {
        Ok(())
    }

    fn metric(&mut self, _name: &str, _step: u64, _value: f64) -> Result<(), RecordError> {
        Ok(())
    }

    fn artifact(&mut self, _path: &Path) -> Result<(), RecordError> {
        Ok(())
    }

    fn finish(&mut self, _ending: Ending) -> Result<(), RecordError> {
        Ok(())
    }
}

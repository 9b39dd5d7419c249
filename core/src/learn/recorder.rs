//! Who keeps the record of a run: parameters, measures by step, files.
//!
//! [`Jsonl`] writes it to a file, [`Several`] to a file and to others beside, which may fail without harm.

pub mod jsonl;
pub mod several;

pub use jsonl::Jsonl;
pub use several::Several;

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

impl Ending {
    /// As records spell it: `finished`, `failed`, `killed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }
}

/// Keeps the record of one run.
pub trait Recorder {
    /// A setting.
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError>;

    /// A measure after `step` rounds or epochs.
    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError>;

    /// A finished file that belongs to the run: its name in the run's folder, and its content.
    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError>;

    /// The end of the run; sends what is left.
    fn finish(&mut self, ending: Ending) -> Result<(), RecordError>;

    /// Something that happened to the record itself, in words. Kept by those that have a place for it.
    fn note(&mut self, _text: &str) -> Result<(), RecordError> {
        Ok(())
    }
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

    fn artifact(&mut self, _name: &str, _content: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }

    fn finish(&mut self, _ending: Ending) -> Result<(), RecordError> {
        Ok(())
    }
}

//! What the tool says to the shell when it ends.

use std::process::ExitCode;

/// The exit codes. They are part of the tool's interface: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// Some inputs failed; the others were done.
    SomeFailed = 1,
    /// The command line or a setting is wrong.
    Usage = 2,
    /// Reading or writing failed, or the set-up is unusable.
    Io = 3,
    /// Nothing to work on, or no loop in any input.
    NothingFound = 4,
    /// Stopped by Ctrl-C or a request to end.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A wrong setting or argument that only shows after parsing: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The exit code of an error that ends the run.
pub fn of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<UsageError>().is_some() {
        Exit::Usage
    } else if error.downcast_ref::<loopwright_core::progress::Cancelled>().is_some() {
        Exit::Interrupted
    } else {
        Exit::Io
    }
}

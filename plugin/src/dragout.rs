//! Dragging files out of the window, into whatever takes them.

use std::path::PathBuf;

use raw_window_handle::{RawDisplayHandle, RawWindowHandle};

/// How a drag ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Something took the files, as far as one can know.
    Dropped,
    /// Let go where nothing takes files, or given up.
    Cancelled,
    /// It could not begin.
    Failed,
}

/// Why a drag cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum DragError {
    /// Not on this system.
    #[error("dragging files is not possible here; use Export or Copy path")]
    Unsupported,
}

/// A drag that runs. Dropping it does not end it.
#[derive(Debug)]
pub struct Drag {}

impl Drag {
    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<Outcome> {
        None
    }
}

/// Begins to drag `files`, which must be complete and closed, while the left button is down. Returns at once.
///
/// Call it from the editor's thread. Where the system's drag is modal it is put off until the frame is done.
pub fn start(_window: RawWindowHandle, _display: RawDisplayHandle, _files: &[PathBuf]) -> Result<Drag, DragError> {
    Err(DragError::Unsupported)
}

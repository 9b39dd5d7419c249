//! Dragging files out of the window, into whatever takes them.
//!
//! The files are on disk, complete and closed, before a drag begins, and nothing here ever deletes or changes them: many
//! hosts refer to a dropped file where it lies.
//!
//! | System  | How                                                        | Where it runs               |
//! |---------|------------------------------------------------------------|-----------------------------|
//! | X11     | a source of our own, XDND version 3 to 5 ([`x11`])         | its own thread and display connection |
//! | Windows | `DoDragDrop` with `CF_HDROP` (`windows`, [`hdrop`])        | its own apartment thread    |
//! | macOS   | an AppKit dragging session with file URLs (`macos`)        | the main queue              |
//!
//! Where none of them works (Wayland without XWayland, a host that refuses) the caller offers Export and Copy path.

pub mod hdrop;
pub mod uri;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;
#[cfg(target_os = "linux")]
pub mod x11;

#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;
#[cfg(target_os = "linux")]
use x11 as system;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use raw_window_handle::{RawDisplayHandle, RawWindowHandle};

/// The most files one drag carries. What is offered must fit into one message on every system.
pub const MOST_FILES: usize = 1000;

/// The most bytes of their list, as URIs (X11 carries 256 KiB in one request).
pub const MOST_BYTES: usize = 240_000;

/// How long the owner waits for a drag's thread to end. Longer than every wait inside that thread.
const PATIENCE: Duration = Duration::from_secs(6);

/// How a drag ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Something took the files, as far as one can know.
    Dropped,
    /// Let go where nothing takes files, or given up.
    Cancelled,
    /// It could not begin, or broke off: the display went away, or the program dropped on did.
    Failed,
}

/// Why a drag cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum DragError {
    /// Not on this system.
    #[error("dragging files is not possible here; use Export or Copy path")]
    Unsupported,
    /// There is nothing to drag.
    #[error("no file to drag; select a row first")]
    NoFiles,
    /// More than [`MOST_FILES`] files, or a list longer than [`MOST_BYTES`].
    #[error("{count} files are too many for one drag; drag fewer, or use Export")]
    TooMany {
        /// How many were asked for.
        count: usize,
    },
    /// A file is not there, or is no file.
    #[error("{} cannot be dragged: {why}; wait until it is written, or relink it", path.display())]
    NotReady {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// The window is gone, or of a kind that cannot drag.
    #[error("the window cannot drag files; open it again, or use Export or Copy path")]
    Window,
    /// The system refused.
    #[error("the system refused the drag ({0}); use Export or Copy path")]
    System(String),
}

/// What a drag and its owner tell each other.
#[derive(Debug, Default)]
struct State {
    cancel: AtomicBool,
    told: Mutex<Told>,
    bell: Condvar,
}

/// What the drag has told.
#[derive(Debug, Default)]
struct Told {
    outcome: Option<Outcome>,
    /// Its thread is about to return.
    left: bool,
}

#[allow(dead_code)] // Not every system needs all of them.
impl State {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }

    /// The first outcome stands.
    fn end(&self, outcome: Outcome) {
        self.told().outcome.get_or_insert(outcome);
    }

    /// Whether the thread left in time.
    fn wait(&self, patience: Duration) -> bool {
        let told = self.told();
        let (told, _) = self
            .bell
            .wait_timeout_while(told, patience, |told| !told.left)
            .unwrap_or_else(PoisonError::into_inner);
        told.left
    }
}

/// Held by a drag's thread: tells the owner that it leaves, however it leaves.
#[allow(dead_code)] // macOS has no such thread.
struct Leaving(Arc<State>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut told = self.0.told();
        told.outcome.get_or_insert(Outcome::Failed);
        told.left = true;
        drop(told);
        self.0.bell.notify_all();
    }
}

/// A drag that runs. Dropping it ends it, and waits (some seconds at the worst) until nothing of it runs any more, since
/// the host may unload the library next.
#[derive(Debug)]
pub struct Drag {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Drag {
    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<Outcome> {
        self.state.told().outcome
    }

    /// Asks it to end without dropping. Returns at once; the outcome follows. A drop under way is left to finish.
    pub fn cancel(&self) {
        self.state.cancel.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            system::wake(thread);
        }
    }
}

impl Drop for Drag {
    fn drop(&mut self) {
        self.cancel();
        let Some(thread) = self.thread.take() else { return };
        if self.state.wait(PATIENCE) {
            // What is left of it returns at once. Its panic, if any, was told as `Failed`.
            let _ = thread.join();
        } else {
            system::keep_loaded();
        }
    }
}

/// Begins to drag `files`, which must be complete and closed, while the left button is down. Returns at once.
///
/// Call it from the editor's thread, with the handles of the editor's window. It may be called from within a frame: where
/// the system's drag is modal it runs elsewhere. Relative paths are taken from the current directory. Keep the returned
/// [`Drag`] until it has an outcome.
///
/// # Errors
///
/// [`DragError`]; each says what to do instead.
pub fn start(window: RawWindowHandle, display: RawDisplayHandle, files: &[PathBuf]) -> Result<Drag, DragError> {
    let files = ready(files)?;
    let state = Arc::<State>::default();
    let thread = system::begin(window, display, files, &state)?;
    Ok(Drag { state, thread })
}

/// The paths, absolute, once each of them is known to be a file.
fn ready(files: &[PathBuf]) -> Result<Vec<PathBuf>, DragError> {
    if files.is_empty() {
        return Err(DragError::NoFiles);
    }
    if files.len() > MOST_FILES {
        return Err(DragError::TooMany { count: files.len() });
    }
    files.iter().map(|path| ready_one(path)).collect()
}

fn ready_one(path: &Path) -> Result<PathBuf, DragError> {
    let not = |why| DragError::NotReady {
        path: path.to_owned(),
        why,
    };
    let absolute = std::path::absolute(path).map_err(not)?;
    let file = std::fs::metadata(&absolute).map_err(not)?;
    if !file.is_file() {
        return Err(not(std::io::Error::other("it is not a file")));
    }
    Ok(absolute)
}

/// Systems without a way to drag.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    use super::*;

    pub(super) fn begin(
        _window: RawWindowHandle,
        _display: RawDisplayHandle,
        _files: Vec<PathBuf>,
        _state: &Arc<State>,
    ) -> Result<Option<JoinHandle<()>>, DragError> {
        Err(DragError::Unsupported)
    }

    pub(super) fn wake(_thread: &JoinHandle<()>) {}

    pub(super) fn keep_loaded() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_there_are_dragged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        assert!(matches!(ready(&[]), Err(DragError::NoFiles)));
        assert!(matches!(
            ready(std::slice::from_ref(&file)),
            Err(DragError::NotReady { .. })
        ));
        std::fs::write(&file, b"RIFF").unwrap();
        assert_eq!(ready(std::slice::from_ref(&file)).unwrap(), std::slice::from_ref(&file));
        let error = ready(&[file.clone(), folder.path().to_owned()])
            .unwrap_err()
            .to_string();
        assert!(error.contains("it is not a file"), "{error}");
        let many = vec![file; MOST_FILES + 1];
        assert!(matches!(ready(&many), Err(DragError::TooMany { count: 1001 })));
    }

    #[test]
    fn a_thread_that_panics_has_failed_and_left() {
        let state = Arc::<State>::default();
        let leaving = Leaving(Arc::clone(&state));
        let thread = std::thread::spawn(move || {
            let _leaving = leaving;
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(state.wait(Duration::from_secs(60)));
        assert!(thread.join().is_err());
        assert_eq!(state.told().outcome, Some(Outcome::Failed));
    }

    #[test]
    fn the_first_outcome_stands() {
        let state = Arc::<State>::default();
        assert!(!state.wait(Duration::ZERO));
        state.end(Outcome::Dropped);
        drop(Leaving(Arc::clone(&state)));
        assert!(state.wait(Duration::ZERO));
        assert_eq!(state.told().outcome, Some(Outcome::Dropped));
    }
}

//! Threads that draw windows.
//!
//! On Linux a window is drawn by a thread of its own, which is not always done when the host has been told that the window
//! is closed: it still gives its OpenGL context back, and the driver its own memory after that. A host that ends, or unloads
//! the library, meanwhile would crash. So the instance waits until the system says that these threads are gone; no sign
//! that they could give themselves would come late enough.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an instance waits for its windows.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks.
const STEP: Duration = Duration::from_millis(1);

/// The threads of an instance that draw windows, or have drawn some.
#[derive(Debug, Default)]
pub struct Threads {
    /// Where the system lists each for as long as it lives.
    alive: Mutex<Vec<PathBuf>>,
}

impl Threads {
    /// This thread draws a window, until it ends. Elsewhere than on Linux that is the host's own thread, which stays.
    pub(crate) fn enter(&self) {
        if !cfg!(target_os = "linux") {
            return;
        }
        // A system without the list has nothing that could be waited for.
        let Ok(own) = std::fs::read_link("/proc/thread-self") else {
            return;
        };
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|thread| thread.exists());
        alive.push(PathBuf::from("/proc").join(own));
    }

    /// Waits until none of these threads lives any more, three seconds at most. True once they are gone.
    pub(crate) fn wait(&self) -> bool {
        let begun = Instant::now();
        loop {
            let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
            alive.retain(|thread| thread.exists());
            if alive.is_empty() {
                return true;
            }
            drop(alive);
            if begun.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(STEP);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_thread_is_waited_for_until_it_has_ended() {
        let threads = Arc::new(Threads::default());
        assert!(threads.wait(), "there is none");
        let (go, told) = std::sync::mpsc::channel::<()>();
        let (entered, seen) = std::sync::mpsc::channel();
        let ours = threads.clone();
        let thread = std::thread::spawn(move || {
            ours.enter();
            entered.send(()).unwrap();
            told.recv().unwrap();
        });
        seen.recv().unwrap();
        let listed = threads.alive.lock().unwrap().clone();
        assert!(listed.len() == 1 && listed[0].exists(), "{listed:?}");
        go.send(()).unwrap();
        assert!(threads.wait());
        assert!(!listed[0].exists());
        thread.join().unwrap();
    }
}

//! Threads that draw windows.
//!
//! On Linux a window is drawn by a thread of its own, which is not done when the host has been told that the window is closed:
//! it still gives its OpenGL context back. A host that ends, or unloads the library, meanwhile would crash. So the instance
//! waits for these threads before it goes.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long an instance waits for its windows.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a thread still does after the last thing that can be seen from outside.
const LAST_STEPS: Duration = Duration::from_millis(5);

thread_local! {
    /// Dropped when the thread ends, after everything that it owned otherwise.
    static HERE: RefCell<Vec<Stay>> = const { RefCell::new(Vec::new()) };
}

/// How many threads of an instance draw windows.
#[derive(Debug, Default)]
pub struct Threads {
    count: Mutex<usize>,
    fewer: Condvar,
}

/// A thread that is counted as long as this lives.
struct Stay(Arc<Threads>);

impl Drop for Stay {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.fewer.notify_all();
    }
}

impl Threads {
    /// This thread draws a window, until it ends. Elsewhere than on Linux that is the host's own thread, which stays.
    pub(crate) fn enter(this: &Arc<Self>) {
        if !cfg!(target_os = "linux") {
            return;
        }
        // A thread that is ending already cannot keep it, and has nothing to be waited for.
        let _ = HERE.try_with(|here| {
            *this.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            here.borrow_mut().push(Stay(this.clone()));
        });
    }

    /// Waits until no thread draws a window any more, three seconds at most. True once there is none.
    pub(crate) fn wait(&self) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if *count == 0 {
            return true;
        }
        let (count, _) = self
            .fewer
            .wait_timeout_while(count, PATIENCE, |count| *count > 0)
            .unwrap_or_else(PoisonError::into_inner);
        let gone = *count == 0;
        drop(count);
        std::thread::sleep(LAST_STEPS);
        gone
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_waited_for_until_it_has_ended() {
        let threads = Arc::new(Threads::default());
        assert!(threads.wait(), "there is none");
        let (go, told) = std::sync::mpsc::channel::<()>();
        let (entered, seen) = std::sync::mpsc::channel();
        let ours = threads.clone();
        let thread = std::thread::spawn(move || {
            Threads::enter(&ours);
            entered.send(()).unwrap();
            told.recv().unwrap();
        });
        seen.recv().unwrap();
        assert_eq!(*threads.count.lock().unwrap(), 1);
        go.send(()).unwrap();
        assert!(threads.wait());
        assert_eq!(*threads.count.lock().unwrap(), 0);
        thread.join().unwrap();
    }
}

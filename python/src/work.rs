//! Work away from the interpreter, which a signal ends.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use loopwright_core::progress::Progress;
use pyo3::prelude::*;

use crate::errors::Failure;

/// How long a signal may wait to be seen. The work itself asks at least every 50 ms whether to go on.
const PATIENCE: Duration = Duration::from_millis(20);
/// Stack of the thread that works, in bytes: as the command line's.
const STACK: usize = 8 << 20;

struct Flag(AtomicBool);

impl Progress for Flag {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `task` on a thread of its own while other threads of Python go on. The calling thread looks after signals: what a
/// handler raises, such as `KeyboardInterrupt`, ends the work and is raised here.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    task: impl FnOnce(&dyn Progress) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let flag = Flag(AtomicBool::new(false));
    let flag = &flag;
    py.detach(move || {
        thread::scope(|scope| {
            let (done, waiting) = channel::<()>();
            let worker = thread::Builder::new().name("loopwright".into()).stack_size(STACK);
            let worker = worker.spawn_scoped(scope, move || {
                // Dropped at the end, also by a panic, which the other end hears.
                let _done = done;
                task(flag)
            });
            let worker = worker.map_err(|e| Failure::Defect(format!("cannot start a thread: {e}")))?;
            let mut raised = None;
            while waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    flag.0.store(true, Ordering::Relaxed);
                    raised = Some(error);
                }
            }
            let outcome = worker.join();
            match (raised, outcome) {
                (Some(error), _) => Err(error),
                (None, Ok(outcome)) => outcome.map_err(PyErr::from),
                (None, Err(panic)) => Err(Failure::Defect(words(panic.as_ref())).into()),
            }
        })
    })
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

//! Fetching ahead: while as many tracks are worked on as there are jobs, as many more are on their way here.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::progress::{Cancelled, Progress};
use crate::store::Place;

/// Who may work. Threads that fetch take no [`Turn`]; those that compute take one, and there are as many as jobs.
#[derive(Debug)]
pub(super) struct Ahead {
    threads: NonZeroUsize,
    free: Mutex<usize>,
    changed: Condvar,
}

impl Ahead {
    /// For work on what is at `places`, `jobs` of them at once. Files of this machine are not fetched.
    pub(super) fn of<'a>(mut places: impl Iterator<Item = &'a Place>, jobs: NonZeroUsize) -> Self {
        let remote = places.any(|p| matches!(p, Place::Object(_)));
        Self {
            threads: if remote { jobs.saturating_add(jobs.get()) } else { jobs },
            free: Mutex::new(jobs.get()),
            changed: Condvar::new(),
        }
    }

    /// Threads to begin.
    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Waits until there is room to work; the room is held until the value is dropped.
    pub(super) fn turn(&self, progress: &dyn Progress) -> Result<Turn<'_>, Cancelled> {
        const POLL: Duration = Duration::from_millis(50);
        let mut free = self.lock();
        while *free == 0 {
            progress.check()?;
            let waited = self.changed.wait_timeout(free, POLL);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Ok(Turn(self))
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // A number is never left half changed.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room to work.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Ahead);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::progress::Silent;
    use crate::store::{Entry, Memory, Object};

    fn object() -> Place {
        let entry = Entry {
            key: "a".into(),
            bytes: None,
            fingerprint: None,
        };
        Place::Object(Object::new(Arc::new(Memory::default()), entry))
    }

    #[test]
    fn only_what_is_elsewhere_has_threads_of_its_own() {
        let jobs = NonZeroUsize::new(3).unwrap();
        let file = Place::File("x.wav".into());
        assert_eq!(Ahead::of([&file].into_iter(), jobs).threads().get(), 3);
        assert_eq!(Ahead::of([&file, &object()].into_iter(), jobs).threads().get(), 6);
    }

    #[test]
    fn no_more_work_than_there_are_jobs_and_who_waits_can_be_stopped() {
        struct Stop;
        impl Progress for Stop {
            fn is_cancelled(&self) -> bool {
                true
            }
        }
        let ahead = Ahead::of([&object()].into_iter(), NonZeroUsize::new(2).unwrap());
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..ahead.threads().get() {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _turn = ahead.turn(&Silent).unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(1));
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        let held = [ahead.turn(&Silent).unwrap(), ahead.turn(&Silent).unwrap()];
        assert_eq!(ahead.turn(&Stop).unwrap_err(), Cancelled);
        drop(held);
        assert!(ahead.turn(&Stop).is_ok());
    }
}

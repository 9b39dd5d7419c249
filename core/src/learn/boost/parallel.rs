//! Work shared out among threads that live as long as the work: no pool outlives it.

use std::sync::{Mutex, PoisonError};

/// Does `work` on each item, on as many as `threads` threads. Which thread does which does not matter: `work` sees one item.
pub(in crate::learn) fn each<T: Send>(threads: usize, items: &mut [T], work: impl Fn(&mut T) + Sync) {
    if threads <= 1 || items.len() <= 1 {
        items.iter_mut().for_each(work);
        return;
    }
    let threads = threads.min(items.len());
    let queue = Mutex::new(items.iter_mut());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let serve = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(serve);
        }
        serve();
    });
}

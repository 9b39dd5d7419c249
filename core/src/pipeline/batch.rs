//! Work on many items at once, with results in order.
//!
//! `jobs` threads take one item after another, so that at most `jobs` items are in memory. What they return is handed on
//! in the items' own order, whichever is ready first: outputs must not depend on the number of threads.

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// The work on one item panicked: a defect of ours, which must not take the other items with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {0}")]
pub struct Panicked(pub String);

/// As many jobs as the machine has processors for us.
pub fn default_jobs() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Calls `work` for every item of `0..items` on `jobs` threads, and `done` on the calling thread with each result, in
/// order of the items. Once `cancelled` is true no further item is begun; items not begun are not `done`.
///
/// The threads are ours and end before this returns: a plugin's library may be unloaded afterwards.
pub fn in_order<T: Send>(
    items: usize,
    jobs: NonZeroUsize,
    cancelled: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(usize) -> T + Sync),
    mut done: impl FnMut(usize, Result<T, Panicked>),
) -> std::io::Result<()> {
    /// Deep recursion in a decoder meets the limit that it would meet on a main thread.
    const STACK: usize = 8 << 20;
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..jobs.get().min(items) {
            let sender = sender.clone();
            let next = &next;
            let worker = move || {
                while !cancelled() {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= items {
                        break;
                    }
                    let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|p| Panicked(words(&*p)));
                    if sender.send((item, result)).is_err() {
                        break;
                    }
                }
            };
            let thread = thread::Builder::new().name(format!("track-{n}")).stack_size(STACK);
            if let Err(error) = thread.spawn_scoped(scope, worker)
                && n == 0
            {
                return Err(error);
            }
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (item, result) in results {
            waiting.insert(item, result);
            while let Some(result) = waiting.remove(&due) {
                done(due, result);
                due += 1;
            }
        }
        // After a cancellation there may be gaps.
        waiting.into_iter().for_each(|(item, result)| done(item, result));
        Ok(())
    })
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    fn jobs(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn results_come_in_order_whichever_is_ready_first() {
        for threads in [1, 2, 7, 100] {
            let mut got = Vec::new();
            let work = |i: usize| {
                thread::sleep(Duration::from_millis((i as u64 * 7) % 5));
                i * i
            };
            in_order(20, jobs(threads), &|| false, &work, |i, r| got.push((i, r.unwrap()))).unwrap();
            assert_eq!(got, (0..20).map(|i| (i, i * i)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_is_the_failure_of_its_item_alone() {
        let mut got = Vec::new();
        let work = |i: usize| if i == 1 { panic!("item {i}") } else { i };
        in_order(3, jobs(2), &|| false, &work, |_, r| got.push(r)).unwrap();
        assert_eq!(got, [Ok(0), Err(Panicked("item 1".into())), Ok(2)]);
    }

    #[test]
    fn no_more_items_are_in_work_than_there_are_jobs() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: usize| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            now.fetch_sub(1, Ordering::SeqCst);
        };
        in_order(20, jobs(3), &|| false, &work, |_, _| ()).unwrap();
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }

    #[test]
    fn cancelling_begins_no_further_item() {
        let stop = AtomicBool::new(false);
        let mut got = 0;
        let work = |_: usize| stop.store(true, Ordering::SeqCst);
        in_order(1000, jobs(2), &|| stop.load(Ordering::SeqCst), &work, |_, _| got += 1).unwrap();
        assert!((1..=2).contains(&got), "{got}");
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        in_order(0, jobs(4), &|| false, &|_| (), |_, _| unreachable!()).unwrap();
    }
}

//! The worker: one thread per instance that drains the rings, keeps the history, analyses, writes files, and publishes
//! what it found.
//!
//! All that changes lies on one `Desk`. The thread's loop lets it breathe (`Desk::pulse`): drain the feed, carry out
//! commands, free spent clips, publish. Long work, that is analyses and kits, is done beside the desk and lets it breathe at
//! every poll of its progress (`Ear`), so that nothing is lost and nothing waits while it lasts.
//!
//! When a take is analysed is for `schedule` to say.

mod analysis;
mod clip;
mod cpu;
pub(crate) mod crop;
mod desk;
mod ear;
mod leisure;
mod orders;
mod schedule;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, select, unbounded};
use loopwright_core::config::Config;

use crate::capture::tap::Feed;
use crate::command::Command;
use crate::preview::Booth;
use crate::shared::Shared;
use crate::snapshot::Severity;
use desk::Desk;
use ear::Ear;
pub(crate) use schedule::{EVERY_BARS, EVERY_SECONDS};

/// What an activation hands to the worker.
pub struct Stream {
    /// Sample rate in Hz.
    pub rate: f64,
    /// Sound.
    pub feed: Feed,
    /// Auditions.
    pub booth: Booth,
}

/// The settings of the analysis: the command line's defaults, but for longer lists, since a list costs nothing to scroll.
/// The order is greedy, so the first of a list are those of a shorter one.
pub fn config() -> Config {
    let mut config = Config::default();
    config.rank.top_k = 12;
    config.breaks.top_k = 4;
    config
}

enum Control {
    Open(Stream),
    Close,
}

/// What wakes the thread.
enum News {
    Control(Control),
    Command(Command),
}

/// The thread's handle. Dropping it ends and joins the thread; a running analysis is given up at its next poll, within
/// about 50 ms.
pub struct Worker {
    control: Sender<Control>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, idle until a stream is opened.
    ///
    /// # Errors
    ///
    /// Where the system gives no thread.
    pub fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (control, received) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let ended = stop.clone();
        let thread = std::thread::Builder::new()
            .name("loopwright".into())
            .spawn(move || run(&shared, received, &ended))?;
        Ok(Self {
            control,
            stop,
            thread: Some(thread),
        })
    }

    /// A new activation: what the stream before it still holds is drained first.
    pub fn open(&self, stream: Stream) {
        // Nobody listens only where the thread has ended, and then there is nothing to be done.
        let _ = self.control.send(Control::Open(stream));
    }

    /// The host deactivated.
    pub fn close(&self) {
        let _ = self.control.send(Control::Close);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes it.
        let _ = self.control.send(Control::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Arc<Shared>, control: Receiver<Control>, stop: &AtomicBool) {
    cpu::step_back();
    let desk = Mutex::new(Desk::new(shared.clone(), control.clone()));
    guarded(&desk, || lock(&desk).catch_up());
    let mut models = analysis::Loaded::default();
    while !stop.load(Ordering::Acquire) {
        let wait = lock(&desk).patience();
        let news = select! {
            recv(control) -> message => message.ok().map(News::Control),
            recv(shared.received) -> command => command.ok().map(News::Command),
            default(wait) => None,
        };
        guarded(&desk, || {
            match news {
                Some(News::Control(message)) => lock(&desk).control(message),
                Some(News::Command(command)) => lock(&desk).command(command),
                None => {}
            }
            turn(&desk, &mut models, stop);
        });
    }
    lock(&desk).shut();
}

/// Does a round of work. A defect of ours must not take the host down, nor leave a window that looks frozen.
fn guarded(desk: &Mutex<Desk>, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        let mut desk = lock(desk);
        desk.fail_running();
        desk.say(
            Severity::Error,
            "Something went wrong in the analysis (a defect of Loopwright). It goes on with what comes.",
        );
        desk.publish_now();
    }
}

/// One round: breathe, then at most one piece of long work.
fn turn(desk: &Mutex<Desk>, models: &mut analysis::Loaded, stop: &AtomicBool) {
    lock(desk).pulse();
    let later = lock(desk).next_later();
    if let Some(command) = later {
        let ear = Ear::new(desk, stop, None);
        leisure::carry_out(&ear, command);
    } else {
        let job = lock(desk).next_job();
        if let Some(job) = job {
            analysis::run(desk, stop, models, job);
        }
    }
    lock(desk).publish();
}

/// Locks the desk. What a panic left is still a desk.
fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

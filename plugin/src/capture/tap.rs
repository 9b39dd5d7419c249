//! The ring between the audio thread and the worker.
//!
//! Three single-producer single-consumer rings: two planes of samples, and one mark per block. The audio thread writes
//! samples first and the mark last, so a mark that can be read has its samples in the ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::mark::{HostTime, Mark};

/// How long the worker may be away before sound is lost, in seconds, where [`MOST_BYTES`] allows.
const SECONDS: f64 = 30.0;
/// Most memory for one pair of sample rings. 768 kHz get 11 s.
const MOST_BYTES: usize = 64 << 20;
/// Frames that one mark is reckoned to stand for; blocks that are shorter on average shorten the ring.
const FRAMES_PER_MARK: usize = 32;
/// Longest wait for room in an offline render, a block.
const PATIENCE: Duration = Duration::from_secs(2);

/// The audio thread's end. Never allocates or locks; waits only in an offline render ([`Tap::set_offline`]).
pub struct Tap {
    left: HeapProd<f32>,
    right: HeapProd<f32>,
    marks: HeapProd<Mark>,
    at: u64,
    /// Frames lost since the last mark.
    lost: Arc<AtomicU64>,
    lost_ever: u64,
    offline: bool,
    /// A wait has been in vain, and nothing has been taken from the ring since.
    given_up: bool,
}

/// The worker's end.
pub struct Feed {
    left: HeapCons<f32>,
    right: HeapCons<f32>,
    marks: HeapCons<Mark>,
    lost: Arc<AtomicU64>,
    block: [Vec<f32>; 2],
}

/// Makes both ends, for sound at `rate` Hz. Allocates all that is ever needed, and touches it: the first page fault of
/// each page would otherwise happen on the audio thread.
pub fn channel(rate: f64) -> (Tap, Feed) {
    let rate = if rate.is_finite() {
        rate.clamp(1.0, 1e9)
    } else {
        48_000.0
    };
    let frames = ((rate * SECONDS) as usize).clamp(1 << 16, MOST_BYTES / (2 * size_of::<f32>()));
    with_room(frames, (frames / FRAMES_PER_MARK).clamp(1 << 10, 1 << 16))
}

/// Both ends of a ring of so many frames and marks.
pub(crate) fn with_room(frames: usize, marks: usize) -> (Tap, Feed) {
    let plane = || {
        let (mut tap, mut feed) = HeapRb::<f32>::new(frames.max(1)).split();
        let zeros = [0.0; 4096];
        while tap.push_slice(&zeros) == zeros.len() {}
        feed.clear();
        (tap, feed)
    };
    let ((left, left_feed), (right, right_feed)) = (plane(), plane());
    let (mut marks, mut marks_feed) = HeapRb::<Mark>::new(marks.max(1)).split();
    while marks.try_push(Mark::default()).is_ok() {}
    marks_feed.clear();
    let lost = Arc::new(AtomicU64::new(0));
    let tap = Tap {
        left,
        right,
        marks,
        at: 0,
        lost: lost.clone(),
        lost_ever: 0,
        offline: false,
        given_up: false,
    };
    let feed = Feed {
        left: left_feed,
        right: right_feed,
        marks: marks_feed,
        lost,
        block: [Vec::new(), Vec::new()],
    };
    (tap, feed)
}

impl Tap {
    /// In an offline render the host waits for its plug-ins and wants nothing lost, so a full ring is waited for, by short
    /// sleeps, at most two seconds a block. Never set it where a device plays.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// Takes a block of planes of equal length. Real-time safe. An empty block is nothing. A block that does not fit is
    /// left out whole, and the next mark says so.
    pub fn block(&mut self, left: &[f32], right: &[f32], host: HostTime) {
        let frames = left.len().min(right.len());
        let (Some(left), Some(right), Ok(count)) = (left.get(..frames), right.get(..frames), u32::try_from(frames))
        else {
            self.at += frames as u64;
            self.lose(frames as u64);
            return;
        };
        if count == 0 {
            return;
        }
        let at = self.at;
        self.at += u64::from(count);
        let room = self.has_room(frames) || (self.offline && self.wait_for_room(frames));
        if !room {
            self.lose(u64::from(count));
            return;
        }
        self.given_up = false;
        self.left.push_slice(left);
        self.right.push_slice(right);
        let mark = Mark {
            at,
            frames: count,
            lost: self.lost.load(Ordering::Relaxed),
            host,
        };
        // There is room: it has just been seen, and nobody else pushes.
        if self.marks.try_push(mark).is_ok() {
            self.lost.store(0, Ordering::Relaxed);
        }
    }

    /// Frames went by that were not to be heard (a bypass): the count goes on, and nothing was lost.
    pub fn skip(&mut self, frames: usize) {
        self.at += frames as u64;
    }

    /// The host stopped to process, for how long nobody knows: what comes next does not follow on what was. The count
    /// jumps by a frame.
    pub fn pause(&mut self) {
        if self.at > 0 {
            self.at += 1;
        }
    }

    /// Frames lost since the activation.
    pub fn lost(&self) -> u64 {
        self.lost_ever
    }

    fn lose(&mut self, frames: u64) {
        self.lost.fetch_add(frames, Ordering::Relaxed);
        self.lost_ever += frames;
    }

    fn has_room(&self, frames: usize) -> bool {
        self.left.vacant_len() >= frames && self.right.vacant_len() >= frames && self.marks.vacant_len() > 0
    }

    /// True once there is room. Gives up at once where there never will be: the block is longer than the ring, the worker
    /// is gone, or it did not come during the last wait.
    fn wait_for_room(&mut self, frames: usize) -> bool {
        if self.given_up || frames > self.left.capacity().get() || !self.marks.read_is_held() {
            return false;
        }
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
            if self.has_room(frames) {
                return true;
            }
        }
        self.given_up = true;
        false
    }
}

impl Feed {
    /// Hands over everything that has come, block by block and in order: the mark, the left and the right plane.
    /// Never waits, and leaves what comes meanwhile: a host that renders as fast as it can would keep it for ever. True if
    /// there was anything.
    pub fn drain(&mut self, mut block: impl FnMut(&Mark, &[f32], &[f32])) -> bool {
        let mut any = false;
        for _ in 0..self.marks.occupied_len() {
            let Some(mark) = self.marks.try_pop() else { break };
            let frames = mark.frames as usize;
            let [left, right] = &mut self.block;
            left.resize(frames, 0.0);
            right.resize(frames, 0.0);
            self.left.pop_slice(left);
            self.right.pop_slice(right);
            block(&mark, left, right);
            any = true;
        }
        any
    }

    /// Frames lost after the last mark. Only once the audio thread's end is gone and all is drained: no mark will say so.
    pub fn lost_at_end(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// True once the audio thread's end is gone: after one more [`Self::drain`] nothing will come.
    pub fn is_closed(&self) -> bool {
        !self.marks.write_is_held()
    }
}

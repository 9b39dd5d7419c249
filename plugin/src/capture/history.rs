//! The last minutes, as takes.
//!
//! Where the host's time can be followed (`follow`) a take lasts as long as that time goes on: it ends at
//! jumps, stops, losses and new activations. Where it cannot, free takes begin with sound and end with silence.

mod recent;
mod repeats;

use super::echo::Echo;
use super::follow::{Follower, Reading, Step};
use super::grid::Note;
use super::mark::Mark;
pub use super::take::Take;
use crate::snapshot::{TakeId, TransportState};
use recent::Recent;

/// Sound begins above this absolute sample: -60 dBFS.
const SOUND: f32 = 1e-3;
/// Takes that never get above this are not kept: -70 dBFS.
const SILENT: f32 = 3.162e-4;
/// What is kept before a free take's first sound, in seconds.
const BEFORE: f64 = 0.1;
/// Silence that ends a free take, and what is left of it.
const QUIET: f64 = 2.0;
const AFTER: f64 = 0.25;
/// Shortest free take, from its first to its last sound. Some hosts push bursts of noise when they load a plug-in.
const SHORTEST_FREE: f64 = 4.0;
/// Shortest take with the host's time: half a bar, but not less than this.
const SHORTEST: f64 = 0.5;
/// A growing take is shown from this length on.
const SHOWN: f64 = 1.0;
/// Largest sample that is kept: +120 dBFS. What is beyond is no sound, and its square would overflow.
const LARGEST: f32 = 1e6;

/// Most takes: a transport that is started and stopped all the time leaves many that are short.
pub(crate) const MOST_TAKES: usize = 256;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Longest history in seconds.
    pub seconds: f64,
    /// Most memory for takes, in bytes.
    pub bytes: u64,
    /// Whether to keep what is heard while the transport stands still.
    pub stopped: bool,
}

/// What the take that runs is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Run {
    /// None runs.
    Idle,
    /// The host's time.
    Hosted,
    /// Sound without a host's time: first and one past the last frame of the stream with sound.
    Free { first: u64, last: u64 },
}

/// Takes, oldest first.
#[derive(Debug)]
pub struct History {
    limits: Limits,
    rate: f64,
    takes: Vec<Take>,
    next_id: TakeId,
    run: Run,
    follower: Follower,
    recent: Recent,
    /// The frame that the next block begins with, if nothing is missing.
    expected: Option<u64>,
    /// First frame of the blocks, up to the last, in which the host played.
    playing_since: Option<u64>,
    /// The last block, if the host said nothing of its time in it.
    blank: Option<std::ops::Range<u64>>,
    transport: TransportState,
    lost: u64,
    scratch: [Vec<f32>; 2],
}

impl History {
    /// Empty.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rate: 48_000.0,
            takes: Vec::new(),
            next_id: 1,
            run: Run::Idle,
            follower: Follower::new(48_000.0),
            recent: Recent::default(),
            expected: None,
            playing_since: None,
            blank: None,
            transport: TransportState::Unknown,
            lost: 0,
            scratch: [Vec::new(), Vec::new()],
        }
    }

    /// Other limits; what is over them goes at once.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        if !limits.stopped && matches!(self.run, Run::Free { .. }) {
            self.end(None);
        }
        self.enforce();
    }

    /// The host activated with this rate: a new stream begins.
    pub fn open(&mut self, rate: f64) {
        self.close();
        self.rate = if rate.is_finite() {
            rate.clamp(1.0, 1e9)
        } else {
            48_000.0
        };
        self.follower = Follower::new(self.rate);
        self.transport = TransportState::Unknown;
    }

    /// The next block of the stream.
    pub fn push(&mut self, mark: &Mark, left: &[f32], right: &[f32]) {
        let frames = (mark.frames as usize).min(left.len()).min(right.len());
        let (Some(left), Some(right)) = (left.get(..frames), right.get(..frames)) else {
            return;
        };
        if frames == 0 {
            return;
        }
        self.lost += mark.lost;
        if mark.lost > 0 || self.expected.is_some_and(|e| e != mark.at) {
            self.close();
        }
        self.expected = Some(mark.at + frames as u64);
        let mut scratch = std::mem::take(&mut self.scratch);
        let (left, right) = sane(left, right, &mut scratch);
        self.add(&Reading::of(mark), left, right);
        self.scratch = scratch;
        self.enforce();
    }

    /// The stream ended (deactivation): so does the take that runs.
    pub fn close(&mut self) {
        self.end(self.unsure());
        self.follower.reset();
        self.recent.clear();
        self.expected = None;
        self.playing_since = None;
        self.blank = None;
    }

    /// Forgets all takes but the one that runs, whose sound so far goes: it goes on under a new name.
    pub fn clear(&mut self) {
        // What runs begins anew with the next block: its time has to be proven again.
        if self.run != Run::Idle {
            self.takes.pop();
            self.run = Run::Idle;
            self.follower.reset();
            self.recent.clear();
            self.playing_since = None;
            self.blank = None;
        }
        self.takes.clear();
    }

    /// Takes worth showing, oldest first: the one that runs, if any, is the last. It is not among them while it is too
    /// short, silent, or repeats an earlier one.
    pub fn takes(&self) -> &[Take] {
        let hidden = self.takes.last().is_some_and(|t| !t.shown);
        &self.takes[..self.takes.len() - usize::from(hidden)]
    }

    /// The take that the running one repeats so far.
    pub fn repeating(&self) -> Option<TakeId> {
        match self.takes.last()?.echo {
            Echo::Of { take, .. } if self.run == Run::Hosted => Some(take),
            _ => None,
        }
    }

    /// What the host's transport does.
    pub fn transport(&self) -> TransportState {
        self.transport
    }

    /// True while sound is being kept, whether or not it is shown.
    pub fn is_capturing(&self) -> bool {
        self.run != Run::Idle
    }

    /// Frames were lost at the end of the stream, where no mark follows that could say so.
    pub fn lose_at_end(&mut self, frames: u64) {
        self.lost += frames;
    }

    /// Frames lost since it was made.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Memory of the takes, in bytes.
    pub fn bytes(&self) -> u64 {
        self.takes.iter().map(Take::bytes).sum()
    }

    /// Seconds kept.
    pub fn seconds(&self) -> f64 {
        // Not `sum`: that of nothing is -0.
        self.takes.iter().fold(0.0, |sum, take| sum + take.seconds())
    }

    fn add(&mut self, reading: &Reading, left: &[f32], right: &[f32]) {
        if !reading.playing {
            if self.run == Run::Hosted {
                // Whatever was not proven when the host stopped never will be.
                self.end(self.unsure());
            }
            self.follower.reset();
            self.playing_since = None;
            self.transport = if reading.blank {
                TransportState::None
            } else {
                TransportState::Stopped
            };
            self.add_free(reading, left, right);
            self.blank = reading
                .blank
                .then(|| reading.at..reading.at + u64::from(reading.frames));
            return;
        }
        let playing_since = *self.playing_since.get_or_insert(reading.at);
        let step = self.follower.step(reading);
        match step {
            Step::On(note) => {
                self.transport = TransportState::Playing;
                self.append(left, right);
                if let Some(take) = self.takes.last_mut() {
                    take.note(local(note, take.origin()));
                    take.settle(reading.at - take.origin());
                }
                self.compare();
                self.show();
            }
            Step::Open => self.append(left, right),
            Step::Jumped { end, start, notes } => {
                self.transport = TransportState::Playing;
                self.append(left, right);
                self.jump(end, start, notes);
            }
            Step::Begun { since, notes } => {
                self.transport = TransportState::Playing;
                self.keep_recent(reading.at, left, right);
                self.begin(since, notes);
            }
            Step::Lost(astray) => {
                self.append(left, right);
                self.end(Some(astray));
                self.transport = TransportState::None;
                self.playing_since = None;
            }
            Step::Nothing => {
                if (reading.at - playing_since) as f64 > self.rate {
                    self.transport = TransportState::None;
                }
                self.add_free(reading, left, right);
            }
        }
    }

    /// Where the running take ends if it ends now, unless with its last frame.
    fn unsure(&self) -> Option<u64> {
        self.follower.astray().filter(|_| self.run == Run::Hosted)
    }

    /// The running take, with the host's time, goes on.
    fn append(&mut self, left: &[f32], right: &[f32]) {
        if self.run == Run::Hosted
            && let Some(take) = self.takes.last_mut()
        {
            take.push(left, right);
        }
    }

    /// A take with the host's time begins at the first note, or before it, where the host played already and did not say
    /// where.
    fn begin(&mut self, since: u64, notes: Vec<Note>) {
        let Some(first) = notes.first() else { return };
        let mut start = first
            .frame
            .min(since.max(first.frame.saturating_sub((0.25 * self.rate) as u64)));
        if let Some(blank) = self.blank_before(since) {
            // The block before said nothing at all, not even that the host played; where it would have been the song's
            // first, it was.
            let at = first.beats - (first.frame - blank) as f64 * first.tempo / (60.0 * self.rate);
            if at.abs() * 60.0 * self.rate / first.tempo <= 2.0 {
                start = start.min(blank);
            }
        }
        self.end(Some(start));
        let (start, left, right) = self.recent.from(start);
        let mut take = Take::new(self.next_id, self.rate, start, true);
        take.push(left, right);
        self.next_id += 1;
        self.start(take, notes);
    }

    /// The block before frame `since`, if the host said nothing in it.
    fn blank_before(&self, since: u64) -> Option<u64> {
        self.blank.as_ref().filter(|b| b.end == since).map(|b| b.start)
    }

    /// The running take ends at frame `end` of the stream, and another begins at `start`, which lies in what the running
    /// one holds.
    fn jump(&mut self, end: u64, start: u64, notes: Vec<Note>) {
        let Some(old) = self.takes.last().filter(|_| self.run == Run::Hosted) else {
            return;
        };
        let start = start.clamp(old.origin() + old.first(), old.origin() + old.len());
        let from = start - old.origin();
        let frames = (old.len() - from) as usize;
        let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
        old.read(0, from, &mut left);
        old.read(1, from, &mut right);
        let mut take = Take::new(self.next_id, self.rate, start, true);
        take.push(&left, &right);
        self.next_id += 1;
        self.end(Some(end.min(start)));
        self.start(take, notes);
    }

    fn start(&mut self, mut take: Take, notes: Vec<Note>) {
        for note in notes {
            take.settle(note.frame.saturating_sub(take.origin()));
            take.note(local(note, take.origin()));
        }
        self.takes.push(take);
        self.run = Run::Hosted;
        self.recent.clear();
        self.show();
    }

    fn keep_recent(&mut self, at: u64, left: &[f32], right: &[f32]) {
        self.recent.push(at, left, right, (0.3 * self.rate) as usize);
    }

    /// A block without a host's time.
    fn add_free(&mut self, reading: &Reading, left: &[f32], right: &[f32]) {
        let at = reading.at;
        let end = at + left.len() as u64;
        let loud = |x: &f32| x.abs() > SOUND;
        let count = left.len();
        let onset = left.iter().zip(right).position(|(l, r)| loud(l) || loud(r));
        let offset = left.iter().zip(right).rposition(|(l, r)| loud(l) || loud(r));
        let sound = onset
            .zip(offset)
            .map(|(a, b)| (at + a as u64, at + b.min(count) as u64 + 1));
        match (self.run, sound) {
            (Run::Idle, Some((first, last))) if self.limits.stopped => {
                self.keep_recent(at, left, right);
                let from = first.saturating_sub((BEFORE * self.rate) as u64);
                let (start, left, right) = self.recent.from(from);
                let mut take = Take::new(self.next_id, self.rate, start, false);
                take.push(left, right);
                self.next_id += 1;
                self.takes.push(take);
                self.run = Run::Free { first, last };
            }
            (Run::Free { first, last }, sound) => {
                self.keep_recent(at, left, right);
                let last = sound.map_or(last, |(_, to)| to);
                self.run = Run::Free { first, last };
                if let Some(take) = self.takes.last_mut() {
                    take.push(left, right);
                    take.settle(take.len());
                }
                if (end - last) as f64 > QUIET * self.rate {
                    self.end(None);
                } else {
                    self.show();
                }
            }
            _ => self.keep_recent(at, left, right),
        }
    }

    /// Ends the running take, at a frame of the stream if one is given, and sees whether it is worth keeping.
    fn end(&mut self, at: Option<u64>) {
        let run = std::mem::replace(&mut self.run, Run::Idle);
        if run == Run::Idle {
            return;
        }
        let Some(mut take) = self.takes.pop() else { return };
        let mut end = at;
        let mut shortest = SHORTEST * self.rate;
        let mut frames = f64::INFINITY;
        if let Run::Free { first, last } = run {
            end = Some(at.unwrap_or(u64::MAX).min(last + (AFTER * self.rate) as u64));
            frames = last.saturating_sub(first) as f64;
            shortest = SHORTEST_FREE * self.rate;
        }
        if let Some(end) = end {
            take.truncate(end.saturating_sub(take.origin()));
        }
        take.finish();
        if run == Run::Hosted {
            let (n, d) = take.meter().unwrap_or((4, 4));
            let bar = 240.0 / take.tempo().unwrap_or(120.0) * f64::from(n) / f64::from(d) * self.rate;
            shortest = shortest.max(0.5 * bar);
        }
        frames = frames.min((take.end() - take.first()) as f64);
        if frames < shortest || take.peak() < SILENT {
            return;
        }
        take.shown = true;
        take.echo = Echo::New;
        if run == Run::Hosted && !self.keeps(&take) {
            return;
        }
        self.takes.push(take);
    }

    fn show(&mut self) {
        let (run, rate) = (self.run, self.rate);
        let Some(take) = self.takes.last_mut() else { return };
        let long = match run {
            Run::Idle => return,
            Run::Hosted => take.seconds() >= SHOWN && take.echo == Echo::New,
            Run::Free { first, last } => (last - first) as f64 >= SHORTEST_FREE * rate,
        };
        take.shown = long && take.peak() >= SILENT;
    }

    /// Forgets the oldest sound while there is too much.
    fn enforce(&mut self) {
        // The one that runs is the last.
        let over = self.takes.len().saturating_sub(MOST_TAKES);
        self.takes.drain(..over);
        while self.seconds() > self.limits.seconds || self.bytes() > self.limits.bytes {
            let alone = self.takes.len() == 1 && self.run != Run::Idle;
            let Some(oldest) = self.takes.first_mut() else { return };
            let rest = oldest.trim() && oldest.seconds() >= SHORTEST;
            if !rest && alone {
                return;
            }
            if !rest {
                self.takes.remove(0);
            }
        }
    }
}

/// A note of the stream, in frames of a take that begins at `origin`.
fn local(note: Note, origin: u64) -> Note {
    Note {
        frame: note.frame.saturating_sub(origin),
        ..note
    }
}

/// The planes, without what is no number: from `scratch` where there is any.
fn sane<'a>(left: &'a [f32], right: &'a [f32], scratch: &'a mut [Vec<f32>; 2]) -> (&'a [f32], &'a [f32]) {
    let fine = |plane: &[f32]| plane.iter().fold(true, |fine, x| fine & (x.abs() <= LARGEST));
    if fine(left) && fine(right) {
        return (left, right);
    }
    let tame = |x: &f32| if x.is_finite() { x.clamp(-LARGEST, LARGEST) } else { 0.0 };
    for (plane, to) in [left, right].into_iter().zip(scratch.iter_mut()) {
        to.clear();
        to.extend(plane.iter().map(tame));
    }
    let [l, r] = scratch;
    (l, r)
}

#[cfg(test)]
mod tests;

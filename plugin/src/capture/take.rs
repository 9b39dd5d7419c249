//! A take: a stretch of sound without a seam.

use std::collections::VecDeque;
use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::rhythm::grid::BeatGrid;

use super::grid::{Note, Timeline};
use super::peaks::{Peaks, Ridge};
use crate::snapshot::TakeId;

/// Frames of a page of samples: long sound never moves in memory, and the front goes page by page.
pub(crate) const PAGE: usize = 65_536;

/// One page: left and right.
#[derive(Debug)]
struct Page([Vec<f32>; 2]);

/// One take of the history.
#[derive(Debug)]
pub struct Take {
    id: TakeId,
    rate: f64,
    /// Number of its frame 0 in the stream.
    origin: u64,
    pages: VecDeque<Page>,
    /// Pages that were forgotten.
    gone: u64,
    /// One past its newest frame.
    len: u64,
    /// One past the newest frame that certainly belongs to it: the host may have jumped inside its newest block, which
    /// only shows at the next one.
    settled: u64,
    open: bool,
    peak: f32,
    ridge: Ridge,
    /// The host's time; `None` for a free take.
    pub(crate) time: Option<Timeline>,
    /// What it repeats, while it is open.
    pub(crate) echo: super::echo::Echo,
    /// Worth showing.
    pub(crate) shown: bool,
}

impl Take {
    pub(crate) fn new(id: TakeId, rate: f64, origin: u64, hosted: bool) -> Self {
        Self {
            id,
            rate,
            origin,
            pages: VecDeque::new(),
            gone: 0,
            len: 0,
            settled: 0,
            open: true,
            peak: 0.0,
            ridge: Ridge::new(),
            time: hosted.then(|| Timeline::new(rate)),
            echo: super::echo::Echo::default(),
            shown: false,
        }
    }

    /// Its name.
    pub fn id(&self) -> TakeId {
        self.id
    }

    /// Sample rate in Hz, rounded where the host's is fractional.
    pub fn rate(&self) -> u32 {
        // No number is not above 1 either: a host's nonsense becomes a rate that a buffer takes.
        self.rate.round().max(1.0) as u32
    }

    /// Its oldest frame that is kept.
    pub fn first(&self) -> u64 {
        self.gone * PAGE as u64
    }

    /// One past its newest frame. Frames since the last mark that agreed with the host's time are not counted yet.
    pub fn end(&self) -> u64 {
        self.settled.max(self.first())
    }

    /// True while it grows.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Seconds that are kept.
    pub fn seconds(&self) -> f64 {
        (self.end() - self.first()) as f64 / self.rate
    }

    /// Highest absolute sample that it ever held, full scale 1.
    pub fn peak(&self) -> f32 {
        self.peak
    }

    /// True where the host's grid holds for it.
    pub fn has_host_grid(&self) -> bool {
        self.time.as_ref().is_some_and(|t| t.fit().is_some())
    }

    /// A copy of what is kept. Frame 0 of the buffer is [`Self::first`].
    pub fn audio(&self) -> AudioBuffer {
        let frames = (self.end() - self.first()) as usize;
        let mut planes = vec![vec![0.0; frames], vec![0.0; frames]];
        for (channel, plane) in planes.iter_mut().enumerate() {
            self.read(channel, self.first(), plane);
        }
        AudioBuffer::new(planes, self.rate())
            .unwrap_or_else(|_| unreachable!("two planes of one length, a rate over 0"))
    }

    /// The host's beats, in frames of [`Self::audio`]; `None` where the host gave none that can be used.
    pub fn grid(&self) -> Option<BeatGrid> {
        let time = self.time.as_ref()?;
        Some(time.grid(self.first(), self.end())?.0)
    }

    /// Number of the bar that the grid's first downbeat begins, in the host's count from 1; `None` where meter changes
    /// before the take leave it open.
    pub fn first_bar(&self) -> Option<i64> {
        let time = self.time.as_ref()?;
        time.grid(self.first(), self.end())?.1
    }

    /// Meter as the host last told it.
    pub fn meter(&self) -> Option<(u16, u16)> {
        self.time.as_ref()?.meter()
    }

    /// Tempo as the host last told it, in quarter notes a minute.
    pub fn tempo(&self) -> Option<f64> {
        self.time.as_ref()?.tempo()
    }

    /// For drawing; shared with earlier pictures as far as possible.
    pub fn peaks(&self) -> Arc<Peaks> {
        Arc::new(self.ridge.peaks(self.first(), self.end()))
    }

    /// Memory of the samples, and of what the host said of them, in bytes.
    pub fn bytes(&self) -> u64 {
        // All pages but the last are full: this is asked at every block.
        let last: usize = self.pages.back().map_or(0, |p| p.0.iter().map(Vec::capacity).sum());
        let samples = self.pages.len().saturating_sub(1) * 2 * PAGE + last;
        (samples * size_of::<f32>()) as u64 + self.time.as_ref().map_or(0, Timeline::bytes)
    }

    /// Copies from frame `from` on into `into`; zeros where nothing is kept.
    pub(crate) fn read(&self, channel: usize, from: u64, into: &mut [f32]) {
        let mut done = 0;
        while done < into.len() {
            let frame = from + done as u64;
            let (page, offset) = (frame / PAGE as u64, (frame % PAGE as u64) as usize);
            let room = (PAGE - offset).min(into.len() - done);
            let to = &mut into[done..done + room];
            let kept = page
                .checked_sub(self.gone)
                .and_then(|i| self.pages.get(usize::try_from(i).ok()?))
                .and_then(|p| p.0.get(channel))
                .and_then(|plane| plane.get(offset..))
                .unwrap_or_default();
            let n = kept.len().min(room);
            to[..n].copy_from_slice(&kept[..n]);
            to[n..].fill(0.0);
            done += room;
        }
    }

    /// Number of frame 0 in the stream.
    pub(crate) fn origin(&self) -> u64 {
        self.origin
    }

    /// One past the newest frame, certain or not.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds finite planes of equal length.
    pub(crate) fn push(&mut self, left: &[f32], right: &[f32]) {
        let mut done = 0;
        while done < left.len() {
            let offset = (self.len % PAGE as u64) as usize;
            if offset == 0 {
                self.pages
                    .push_back(Page([Vec::with_capacity(PAGE), Vec::with_capacity(PAGE)]));
            }
            let to = (done + PAGE - offset).min(left.len());
            let Some(Page([l, r])) = self.pages.back_mut() else {
                return;
            };
            l.extend_from_slice(&left[done..to]);
            r.extend_from_slice(&right[done..to]);
            self.len += (to - done) as u64;
            done = to;
        }
        self.peak = left.iter().chain(right).fold(self.peak, |p, x| p.max(x.abs()));
        self.ridge.push(left, right);
    }

    /// All frames so far belong to it.
    pub(crate) fn settle(&mut self, end: u64) {
        self.settled = self.settled.max(end.min(self.len));
    }

    /// What the host said at a frame of the take.
    pub(crate) fn note(&mut self, note: Note) {
        if let Some(time) = &mut self.time {
            time.push(note);
        }
    }

    /// Forgets everything from frame `end` on.
    pub(crate) fn truncate(&mut self, end: u64) {
        if end >= self.len {
            return;
        }
        let end = end.max(self.first());
        let pages = (end.div_ceil(PAGE as u64)).saturating_sub(self.gone);
        self.pages.truncate(pages as usize);
        let offset = (end % PAGE as u64) as usize;
        if offset != 0
            && let Some(Page(planes)) = self.pages.back_mut()
        {
            planes.iter_mut().for_each(|p| p.truncate(offset));
        }
        self.len = end;
        self.settled = self.settled.min(end);
        if let Some(time) = &mut self.time {
            time.truncate(end);
        }
        let from = self.ridge.rewind(end);
        if end > from {
            let frames = (end - from) as usize;
            let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
            self.read(0, from, &mut left);
            self.read(1, from, &mut right);
            self.ridge.push(&left, &right);
        }
    }

    /// It ends here.
    pub(crate) fn finish(&mut self) {
        self.open = false;
        self.settled = self.len;
        if let Some(Page(planes)) = self.pages.back_mut() {
            planes.iter_mut().for_each(Vec::shrink_to_fit);
        }
        if let Some(time) = &mut self.time {
            time.freeze();
        }
    }

    /// Forgets the oldest page. False where there is only one left.
    pub(crate) fn trim(&mut self) -> bool {
        if self.pages.len() < 2 {
            return false;
        }
        self.pages.pop_front();
        self.gone += 1;
        let first = self.first();
        self.settled = self.settled.max(first);
        self.ridge.forget(first);
        if let Some(time) = &mut self.time {
            time.forget(first);
        }
        true
    }
}

//! The highest and lowest sample of every stretch, for drawing.
//!
//! Bins of [`STEP`] frames in pages behind `Arc`s: a picture shares all full pages with the one before it. Each page also
//! holds bins of [`COARSE`] times that length and its own extremes, so that reading a long stretch costs no more than
//! reading a short one.

use std::sync::Arc;

/// Frames of a bin.
pub const STEP: u64 = 512;
/// Fine bins of a coarse bin.
pub const COARSE: usize = 16;
/// Fine bins of a page.
const PAGE_BINS: usize = 512;
/// Frames of a page.
pub(crate) const PAGE: u64 = STEP * PAGE_BINS as u64;
/// What stands for full scale: 24 dB of headroom over it, and -66 dB to the smallest step.
const FULL: f32 = 2048.0;

/// Lowest and highest sample of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bin {
    low: i16,
    high: i16,
}

impl Bin {
    /// Of nothing: what is joined with it stays as it is.
    const NONE: Self = Self {
        low: i16::MAX,
        high: i16::MIN,
    };

    fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    /// Rounds away from zero, so that nothing that sounds looks silent.
    fn of(low: f32, high: f32) -> Self {
        let code = |x: f32| {
            let scaled = x * FULL;
            (if scaled < 0.0 { scaled.floor() } else { scaled.ceil() }) as i16
        };
        Self {
            low: code(low),
            high: code(high),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Page {
    fine: Vec<Bin>,
    coarse: Vec<Bin>,
    all: Bin,
}

impl Page {
    fn new() -> Self {
        Self {
            fine: Vec::with_capacity(PAGE_BINS),
            coarse: Vec::with_capacity(PAGE_BINS / COARSE),
            all: Bin::NONE,
        }
    }

    fn push(&mut self, bin: Bin) {
        if self.fine.len().is_multiple_of(COARSE) {
            self.coarse.push(Bin::NONE);
        }
        if let Some(coarse) = self.coarse.last_mut() {
            coarse.join(bin);
        }
        self.all.join(bin);
        self.fine.push(bin);
    }

    /// Joins bins `from..to`.
    fn read(&self, from: usize, to: usize, into: &mut Bin) {
        let to = to.min(self.fine.len());
        if from == 0 && to == self.fine.len() {
            into.join(self.all);
            return;
        }
        let mut i = from;
        while i < to {
            if i.is_multiple_of(COARSE)
                && i + COARSE <= to
                && let Some(coarse) = self.coarse.get(i / COARSE)
            {
                into.join(*coarse);
                i += COARSE;
            } else {
                if let Some(bin) = self.fine.get(i) {
                    into.join(*bin);
                }
                i += 1;
            }
        }
    }
}

/// Peaks of a take, as they were at one moment. Both channels together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peaks {
    first: u64,
    end: u64,
    /// Number of the first of `pages`, counted from the take's first frame.
    first_page: u64,
    pages: Vec<Arc<Page>>,
}

impl Peaks {
    /// Of planes of equal length, from frame 0 on.
    pub fn of(left: &[f32], right: &[f32]) -> Self {
        let frames = left.len().min(right.len());
        let mut ridge = Ridge::new();
        if let (Some(left), Some(right)) = (left.get(..frames), right.get(..frames)) {
            ridge.push(left, right);
        }
        ridge.peaks(0, frames as u64)
    }

    /// The oldest frame that is kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// One past the newest frame.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The lowest and highest sample from frame `from` up to frame `to`, full scale ±1, to the resolution of a bin (512
    /// frames). `None` where nothing is kept.
    pub fn range(&self, from: u64, to: u64) -> Option<(f32, f32)> {
        let (from, to) = (from.max(self.first), to.min(self.end));
        if from >= to {
            return None;
        }
        let mut bin = Bin::NONE;
        for number in from / PAGE..to.div_ceil(PAGE) {
            let Some(page) = number
                .checked_sub(self.first_page)
                .and_then(|i| self.pages.get(usize::try_from(i).ok()?))
            else {
                continue;
            };
            let start = number * PAGE;
            let low = from.saturating_sub(start) / STEP;
            let high = (to - start).min(PAGE).div_ceil(STEP);
            page.read(low as usize, high as usize, &mut bin);
        }
        (bin.low <= bin.high).then(|| (f32::from(bin.low) / FULL, f32::from(bin.high) / FULL))
    }
}

/// Makes peaks as sound comes in.
#[derive(Debug)]
pub(crate) struct Ridge {
    /// Full pages, but for the front ones that were forgotten.
    full: Vec<Arc<Page>>,
    first_page: u64,
    page: Page,
    /// Of the bin that is being filled.
    low: f32,
    high: f32,
    end: u64,
}

impl Ridge {
    pub(crate) fn new() -> Self {
        Self {
            full: Vec::new(),
            first_page: 0,
            page: Page::new(),
            low: f32::MAX,
            high: f32::MIN,
            end: 0,
        }
    }

    /// Adds planes of equal length.
    pub(crate) fn push(&mut self, left: &[f32], right: &[f32]) {
        let mut done = 0;
        while done < left.len() {
            let room = (STEP - self.end % STEP) as usize;
            let to = (done + room).min(left.len());
            for plane in [left, right] {
                for &x in plane.get(done..to).unwrap_or_default() {
                    self.low = self.low.min(x);
                    self.high = self.high.max(x);
                }
            }
            self.end += (to - done) as u64;
            done = to;
            if self.end.is_multiple_of(STEP) {
                self.page.push(Bin::of(self.low, self.high));
                (self.low, self.high) = (f32::MAX, f32::MIN);
                if self.page.fine.len() == PAGE_BINS {
                    self.full.push(Arc::new(std::mem::replace(&mut self.page, Page::new())));
                }
            }
        }
    }

    /// Forgets whole pages before `first`.
    pub(crate) fn forget(&mut self, first: u64) {
        let gone = (first / PAGE)
            .saturating_sub(self.first_page)
            .min(self.full.len() as u64);
        self.full.drain(..gone as usize);
        self.first_page += gone;
    }

    /// Goes back to the start of the page that holds `to`; returns that frame: from there on it must be pushed again.
    pub(crate) fn rewind(&mut self, to: u64) -> u64 {
        let page = (to / PAGE).max(self.first_page);
        self.full.truncate((page - self.first_page) as usize);
        self.page = Page::new();
        (self.low, self.high) = (f32::MAX, f32::MIN);
        self.end = (self.first_page + self.full.len() as u64) * PAGE;
        self.end
    }

    /// What there is from `first` to `end`.
    pub(crate) fn peaks(&self, first: u64, end: u64) -> Peaks {
        let mut pages = self.full.clone();
        let mut last = self.page.clone();
        if self.low <= self.high {
            last.push(Bin::of(self.low, self.high));
        }
        pages.push(Arc::new(last));
        Peaks {
            first,
            end: end.min(self.end).max(first),
            first_page: self.first_page,
            pages,
        }
    }
}

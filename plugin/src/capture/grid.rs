//! A take's beat grid, fitted over its marks.
//!
//! One mark is not to be trusted: positions come quantised to 1/1920 of a beat, or as `f32`; tempi come rounded; the bar's
//! start may be the next bar's. So a take keeps an `Anchor` for each mark (thinned to one in 10 ms), `fit`
//! draws a line through each stretch of one tempo and a smooth curve through ramps, and only what all anchors agree on
//! becomes a grid. Bars are where most marks say that they are, where these can be right at all, else where they are by
//! the meter.
//!
//! Beats are what the meter counts: eighths in 7/8. Tempo is in such beats a minute, as in every [`BeatGrid`].

pub(crate) mod fit;

use std::sync::{Arc, Mutex, PoisonError};

use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::units::Bpm;

use fit::{Anchor, Fit};

/// Anchors of one tempo are at least this far apart, in seconds.
const THIN: f64 = 0.010;
/// And those of a ramp.
const THIN_RAMP: f64 = 0.002;
/// Relative difference below which two tempi are one.
const SAME_TEMPO: f64 = 1e-5;
/// A beat this far outside of the take, in seconds, is drawn in: its place is not known better than that where positions
/// are quantised, and a bar that fills the take exactly must not be missed.
const EDGE: f64 = 0.0003;
/// Beats are rounded to this part of a frame, and tempi to a millionth: sums over other block lengths end in other bits.
const PART: f64 = 1024.0;
/// Two places in quarter notes closer than this are one.
const SAME_PLACE: f64 = 0.01;

#[cfg(test)]
thread_local! {
    /// Anchors that fits have gone through on this thread.
    pub(crate) static FITTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What the host said at one frame of a take, checked to be numbers that make sense.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Note {
    /// Frame of the take.
    pub(crate) frame: u64,
    /// Position in quarter notes.
    pub(crate) beats: f64,
    /// Quarter notes a minute.
    pub(crate) tempo: f64,
    /// Meter.
    pub(crate) meter: Option<(u16, u16)>,
    /// Where the bar began, perhaps.
    pub(crate) bar_start: Option<f64>,
}

/// A stretch of one meter.
#[derive(Debug, Clone)]
struct Stretch {
    meter: Option<(u16, u16)>,
    /// First mark that says so.
    frame: u64,
    /// Its position, and that of the mark before it: the change lies between.
    beats: f64,
    after: f64,
    /// Phases of the bar in quarter notes that marks claimed, and how many did.
    votes: Vec<(f64, u32)>,
    /// Marks that said where the bar began, rightly or wrongly.
    hints: u32,
    /// One of its bar lines, where what was before it, by which it was found, is forgotten.
    origin: Option<f64>,
}

impl Stretch {
    /// Length of a bar and of a beat in quarter notes.
    fn lengths(&self) -> (f64, f64) {
        let (n, d) = self.meter.unwrap_or((4, 4));
        let beat = 4.0 / f64::from(d.max(1));
        (f64::from(n.max(1)) * beat, beat)
    }

    fn vote(&mut self, note: &Note) {
        let Some(start) = note.bar_start.filter(|s| s.is_finite()) else {
            return;
        };
        self.hints = self.hints.saturating_add(1);
        let (bar, _) = self.lengths();
        let into = note.beats - start;
        if !(-0.001..bar - 0.001).contains(&into) {
            return;
        }
        let phase = start.rem_euclid(bar);
        let near = |p: f64| {
            let d = (p - phase).abs();
            d.min(bar - d) < SAME_PLACE
        };
        if let Some((_, count)) = self.votes.iter_mut().find(|(p, _)| near(*p)) {
            *count = count.saturating_add(1);
        } else if self.votes.len() < 16 {
            self.votes.push((phase, 1));
        }
    }

    /// Where most marks, of all that said anything, say that bars begin.
    fn phase(&self) -> Option<f64> {
        let (phase, count) = self.votes.iter().max_by_key(|(_, count)| *count)?;
        (2 * count > self.hints).then_some(*phase)
    }
}

/// The host's time along a take.
#[derive(Debug)]
pub(crate) struct Timeline {
    rate: f64,
    anchors: Vec<Anchor>,
    stretches: Vec<Stretch>,
    last: Option<Note>,
    /// Fit of so many anchors.
    fit: Mutex<Option<(usize, Option<Arc<Fit>>)>>,
}

impl Timeline {
    pub(crate) fn new(rate: f64) -> Self {
        Self {
            rate,
            anchors: Vec::new(),
            stretches: Vec::new(),
            last: None,
            fit: Mutex::new(None),
        }
    }

    /// The next note, in the order of frames.
    pub(crate) fn push(&mut self, note: Note) {
        if let Some(last) = &self.last
            && note.frame <= last.frame
        {
            return;
        }
        let meter = note.meter.or(self.meter());
        let after = self.last.map_or(f64::NEG_INFINITY, |l| l.beats);
        match self.stretches.last_mut() {
            Some(stretch) if stretch.meter == meter || meter.is_none() => {}
            // The first marks said nothing: what is said now held for them too.
            Some(stretch) if stretch.meter.is_none() => stretch.meter = meter,
            _ => self.stretches.push(Stretch {
                meter,
                frame: note.frame,
                beats: note.beats,
                after,
                votes: Vec::new(),
                hints: 0,
                origin: None,
            }),
        }
        if let Some(stretch) = self.stretches.last_mut() {
            stretch.vote(&note);
        }
        let keep = self.anchors.last().is_none_or(|last| {
            let gap = (note.frame as f64 - last.frame) / self.rate;
            let change = (note.tempo / last.tempo - 1.0).abs();
            gap >= THIN || self.anchors.len() < 3 || change > 0.005 || (change > SAME_TEMPO && gap >= THIN_RAMP)
        });
        if keep {
            self.anchors.push(Anchor {
                frame: note.frame as f64,
                beats: note.beats,
                tempo: note.tempo,
            });
            self.forget_fit();
        }
        self.last = Some(note);
    }

    /// Forgets what was said from `end` on.
    pub(crate) fn truncate(&mut self, end: u64) {
        self.anchors.retain(|a| a.frame < end as f64);
        self.stretches.retain(|s| s.frame < end);
        self.last = self.anchors.last().map(|a| Note {
            frame: a.frame as u64,
            beats: a.beats,
            tempo: a.tempo,
            meter: None,
            bar_start: None,
        });
        self.forget_fit();
    }

    /// Memory of what was said, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        // With their share of the fit, which may have a knot for each.
        let anchors = self.anchors.len() * (size_of::<Anchor>() + size_of::<(f64, f64)>());
        (anchors + self.stretches.len() * size_of::<Stretch>()) as u64
    }

    /// Forgets anchors before `first` but the last of them, and meters that have ended by then.
    pub(crate) fn forget(&mut self, first: u64) {
        let gone = self
            .anchors
            .partition_point(|a| a.frame < first as f64)
            .saturating_sub(1);
        self.anchors.drain(..gone);
        let gone = self.stretches.partition_point(|s| s.frame <= first).saturating_sub(1);
        if gone > 0 {
            let origin = self.bar_lines().get(gone).map(|line| line.origin);
            self.stretches.drain(..gone);
            if let Some(stretch) = self.stretches.first_mut() {
                stretch.origin = origin;
            }
        }
        self.forget_fit();
    }

    /// Nothing will be added.
    pub(crate) fn freeze(&mut self) {
        self.anchors.shrink_to_fit();
    }

    /// Meter as last told.
    pub(crate) fn meter(&self) -> Option<(u16, u16)> {
        self.stretches.last()?.meter
    }

    /// Tempo as last told.
    pub(crate) fn tempo(&self) -> Option<f64> {
        Some(self.last?.tempo)
    }

    /// Position at each frame; `None` where the anchors contradict each other.
    pub(crate) fn fit(&self) -> Option<Arc<Fit>> {
        let mut kept = self.fit.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((count, fit)) if *count == self.anchors.len() => fit.clone(),
            _ => {
                #[cfg(test)]
                FITTED.set(FITTED.get() + self.anchors.len());
                let fit = Fit::of(&self.anchors, self.rate).map(Arc::new);
                *kept = Some((self.anchors.len(), fit.clone()));
                fit
            }
        }
    }

    fn forget_fit(&mut self) {
        *self.fit.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The grid of frames `first..end`, counted from `first`, and the number of the bar that its first downbeat begins,
    /// where that is known.
    pub(crate) fn grid(&self, first: u64, end: u64) -> Option<(BeatGrid, Option<i64>)> {
        let fit = self.fit()?;
        let edge = EDGE * self.rate;
        let (start, stop) = (first as f64, end as f64);
        let (from, to) = (fit.beats(start - edge), fit.beats(stop + edge));
        let mut grid = BeatGrid::empty(GridSource::Host);
        let mut number = None;
        let mut meters: Vec<(u32, f64)> = Vec::new();
        let bars = self.bar_lines();
        for (i, place) in bars.iter().enumerate() {
            let next = bars.get(i + 1).map_or(f64::INFINITY, |b| b.change - SAME_PLACE);
            let low = from.max(if i == 0 {
                f64::NEG_INFINITY
            } else {
                place.change - SAME_PLACE
            });
            let high = to.min(next);
            let (bar, beat) = (place.bar, place.beat);
            let per_bar = (bar / beat).round().max(1.0) as i64;
            let mut k = ((low - place.origin) / beat).ceil() as i64;
            // A take of a day at 960 beats a minute has fewer.
            while grid.beats.len() < 2_000_000 {
                let q = place.origin + k as f64 * beat;
                if q > high {
                    break;
                }
                let frame = ((fit.frame(q).clamp(start, stop) - start) * PART).round() / PART;
                if grid.beats.last().is_none_or(|last| frame > *last) {
                    if k.rem_euclid(per_bar) == 0 {
                        if grid.downbeats.is_empty() && place.counted {
                            number = Some((q / bar).round() as i64 + 1);
                        }
                        grid.downbeats.push(grid.beats.len());
                    }
                    grid.beats.push(frame);
                }
                k += 1;
            }
            let quarters = (high.min(to) - low.max(from)).max(0.0);
            match meters.iter_mut().find(|(n, _)| i64::from(*n) == per_bar) {
                Some((_, sum)) => *sum += quarters,
                None => meters.push((per_bar as u32, quarters)),
            }
        }
        let (most, _) = *meters.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let units = bars.windows(2).all(|w| w[0].beat == w[1].beat);
        let unit = bars.first()?.beat;
        let period = match fit.constant.filter(|_| units) {
            Some(tempo) => {
                grid.constant = true;
                60.0 * unit / tempo
            }
            None => median_gap(&grid.beats) / self.rate,
        };
        grid.tempo = Bpm::from_period(period)?;
        grid.tempo = Bpm((grid.tempo.0 * 1e6).round() / 1e6);
        grid.beats_per_bar = most;
        grid.confidence = 1.0;
        (grid.beats.len() >= 2).then_some((grid, number))
    }

    /// Where bars begin in each stretch of one meter, in quarter notes.
    fn bar_lines(&self) -> Vec<Bars> {
        let mut lines: Vec<Bars> = Vec::with_capacity(self.stretches.len());
        for stretch in &self.stretches {
            let (bar, beat) = stretch.lengths();
            let phase = stretch.phase();
            let line = match lines.last() {
                None => Bars {
                    change: f64::NEG_INFINITY,
                    origin: stretch.origin.or(phase).unwrap_or(0.0),
                    counted: stretch.origin.is_none() && phase.is_none_or(|p| p.min(bar - p) < SAME_PLACE),
                    bar,
                    beat,
                },
                Some(before) => {
                    // The change begins a bar, and lies between two marks: on a bar line that the host names, or where a
                    // bar, or at least a beat, of the meter before is full.
                    let last_in = |origin: f64, step: f64| {
                        let at = origin + ((stretch.beats + SAME_PLACE - origin) / step).floor() * step;
                        (at > stretch.after - SAME_PLACE).then_some(at)
                    };
                    let change = phase
                        .and_then(|p| last_in(p, bar))
                        .or_else(|| last_in(before.origin, before.bar))
                        .or_else(|| last_in(before.origin, before.beat))
                        .unwrap_or(stretch.beats);
                    let origin = phase.map_or(change, |p| p + ((change - p) / bar).round() * bar);
                    Bars {
                        change,
                        origin,
                        counted: false,
                        bar,
                        beat,
                    }
                }
            };
            lines.push(line);
        }
        lines
    }
}

/// Bars of one meter.
struct Bars {
    /// Where they begin to hold.
    change: f64,
    /// One of their lines.
    origin: f64,
    /// Length of a bar and a beat.
    bar: f64,
    beat: f64,
    /// True where bars are counted from the position's zero.
    counted: bool,
}

fn median_gap(x: &[f64]) -> f64 {
    let mut gaps: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;

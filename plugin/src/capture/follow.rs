//! Following the host's time from mark to mark: does it go on, has it jumped, or is there nothing to follow?
//!
//! A mark goes on where the time since an earlier one is what the tempo says, to the quantisation of either. One that does
//! not may be a mistake of the host's (a position for the wrong block, one sub-block without a position), so a jump is
//! believed only when marks after it agree with each other: what is said here comes a block or two late.

use super::grid::Note;
use super::mark::{HostTime, Mark};

/// Positions may be wrong by this much in quarter notes: 1/1920 quantised, either way, twice.
const QUANTUM: f64 = 1.5 / 1920.0;
/// Tempi may be wrong by this much, relatively.
const TEMPO: f64 = 0.01;
/// Marks that should lie at least this far apart, in quarter notes, prove that the time moves.
const PROOF: f64 = 0.004;
/// A mark is compared with one that is at least this old, in seconds, if there is one: a time that stands still is not
/// told from one that moves between neighbours of 8 frames.
const BASE: f64 = 0.02;
/// A time that cannot be followed for this long, in seconds, or for [`BLOCKS`] blocks, is none.
const PATIENCE: f64 = 0.25;
const BLOCKS: u64 = 4;
/// Most candidates remembered of a time that is not proven yet.
const MOST_HELD: usize = 64;

/// What one mark says, once the nonsense is out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// Frame of the stream.
    pub(crate) at: u64,
    pub(crate) frames: u32,
    pub(crate) playing: bool,
    /// Nothing at all was said of position and tempo.
    pub(crate) blank: bool,
    beats: Option<f64>,
    samples: Option<i64>,
    tempo: Option<f64>,
    meter: Option<(u16, u16)>,
    bar_start: Option<f64>,
    cycle: Option<(f64, f64)>,
}

impl Reading {
    pub(crate) fn of(mark: &Mark) -> Self {
        let HostTime {
            playing,
            samples,
            beats,
            tempo,
            meter,
            bar_start,
            cycle,
        } = mark.host;
        let place = |b: &f64| b.is_finite() && b.abs() < 1e8;
        Self {
            at: mark.at,
            frames: mark.frames,
            playing,
            blank: beats.is_none() && samples.is_none() && tempo.is_none(),
            beats: beats.filter(place),
            samples: samples.filter(|s| s.unsigned_abs() < 1 << 50),
            tempo: tempo.filter(|t| (4.0..=2000.0).contains(t)),
            meter: meter.and_then(|(n, d)| {
                let (n, d) = (u16::try_from(n).ok()?, u16::try_from(d).ok()?);
                ((1..=64).contains(&n) && d.is_power_of_two() && d <= 64).then_some((n, d))
            }),
            bar_start: bar_start.filter(place),
            cycle: cycle.filter(|(s, e)| place(s) && place(e) && e > s),
        }
    }
}

/// A place on the host's time line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    at: u64,
    beats: f64,
    samples: Option<i64>,
    tempo: f64,
}

impl Place {
    fn note(&self, reading: &Reading) -> Note {
        Note {
            frame: self.at,
            beats: self.beats,
            tempo: self.tempo,
            meter: reading.meter,
            bar_start: reading.bar_start,
        }
    }
}

/// A time line that marks are compared with.
#[derive(Debug, Clone)]
struct Line {
    /// What is compared with, and what it will be soon.
    base: Place,
    next: Place,
    /// Tempi since the base.
    tempi: (f64, f64),
}

impl Line {
    fn new(place: Place) -> Self {
        Self {
            base: place,
            next: place,
            tempi: (place.tempo, place.tempo),
        }
    }

    /// The place of `reading` if it goes on from here.
    fn follow(&self, reading: &Reading, rate: f64) -> Option<Place> {
        let base = &self.base;
        let tempo = reading.tempo.unwrap_or(self.next.tempo);
        let seconds = (reading.at - base.at) as f64 / rate;
        let (low, high) = (self.tempi.0.min(tempo) / 60.0, self.tempi.1.max(tempo) / 60.0);
        let place = |beats| Place {
            at: reading.at,
            beats,
            samples: reading.samples,
            tempo,
        };
        if let Some(beats) = reading.beats {
            let gone = beats - base.beats;
            let slack =
                QUANTUM + 4.0 * f64::from(f32::EPSILON) * beats.abs() + 2.0 * high / rate + TEMPO * high * seconds;
            return (gone >= low * seconds - slack && gone <= high * seconds + slack).then(|| place(beats));
        }
        // No beats: samples go on, and beats are counted by the tempo.
        let (now, then) = (reading.samples?, base.samples?);
        let gone = now.checked_sub(then)?;
        let counted = i64::try_from(reading.at - base.at).ok()?;
        let step = (reading.at - self.next.at) as f64 / rate * 0.5 * (tempo + self.next.tempo) / 60.0;
        (gone.abs_diff(counted) <= 2 + counted.unsigned_abs() / 1000).then(|| place(self.next.beats + step))
    }

    fn go_on(&mut self, place: Place, rate: f64) {
        self.tempi = (self.tempi.0.min(place.tempo), self.tempi.1.max(place.tempo));
        if (place.at - self.base.at) as f64 >= BASE * rate {
            // The one before becomes the base where it is old enough to be one.
            self.base = if (place.at - self.next.at) as f64 >= BASE * rate {
                place
            } else {
                self.next
            };
            self.tempi = (self.base.tempo.min(place.tempo), self.base.tempo.max(place.tempo));
        }
        self.next = place;
    }

    fn beats(&self, frame: f64, rate: f64) -> f64 {
        self.next.beats + (frame - self.next.at as f64) * self.next.tempo / (60.0 * rate)
    }

    fn frame(&self, beats: f64, rate: f64) -> f64 {
        self.next.at as f64 + (beats - self.next.beats) * 60.0 * rate / self.next.tempo
    }
}

/// A time that may be a new one, not proven yet.
#[derive(Debug, Clone)]
struct Probe {
    /// The first of the blocks right before it in which the host played and did not say where, or its own first.
    since: u64,
    first: Line,
    line: Line,
    notes: Vec<Note>,
}

/// What a mark means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Time goes on as it did.
    On(Note),
    /// A time is proven, after none.
    Begun {
        /// It holds from this frame of the stream on.
        since: u64,
        /// What was said since.
        notes: Vec<Note>,
    },
    /// Time has jumped. The old one holds up to a frame of the stream, the new one from another on.
    Jumped {
        /// One past the old time's last frame.
        end: u64,
        /// The new time's first frame.
        start: u64,
        /// What was said since.
        notes: Vec<Note>,
    },
    /// Not clear yet.
    Open,
    /// The time that was followed is lost from this frame on.
    Lost(u64),
    /// There is none.
    Nothing,
}

/// Follows one stream.
#[derive(Debug)]
pub(crate) struct Follower {
    rate: f64,
    line: Option<Line>,
    probe: Option<Probe>,
    /// First frame since which marks do not go on.
    astray: Option<u64>,
    /// First frame since which the host has not said where it is.
    placeless: Option<u64>,
}

impl Follower {
    pub(crate) fn new(rate: f64) -> Self {
        Self {
            rate,
            line: None,
            probe: None,
            astray: None,
            placeless: None,
        }
    }

    /// Forgets everything: the stream was broken, or the host stopped.
    pub(crate) fn reset(&mut self) {
        self.line = None;
        self.probe = None;
        self.astray = None;
        self.placeless = None;
    }

    /// The first frame that is not sure to belong to the time that is followed.
    pub(crate) fn astray(&self) -> Option<u64> {
        self.astray
    }

    /// The next mark of a playing host.
    pub(crate) fn step(&mut self, reading: &Reading) -> Step {
        let rate = self.rate;
        if let Some(line) = &mut self.line
            && let Some(place) = line.follow(reading, rate)
        {
            line.go_on(place, rate);
            self.probe = None;
            self.astray = None;
            self.placeless = None;
            return Step::On(place.note(reading));
        }
        let astray = *self.astray.get_or_insert(reading.at);
        if let Some(probe) = &mut self.probe
            && let Some(place) = probe.line.follow(reading, rate)
        {
            probe.line.go_on(place, rate);
            if probe.notes.len() < MOST_HELD {
                probe.notes.push(place.note(reading));
            }
            let first = &probe.first.next;
            if (place.at - first.at) as f64 / rate * place.tempo / 60.0 >= PROOF {
                return self.proven(reading, astray);
            }
        } else {
            let place = self.place(reading);
            if place.is_none() {
                self.placeless.get_or_insert(reading.at);
            }
            self.probe = place.map(|place| Probe {
                since: self.placeless.take().unwrap_or(reading.at),
                first: Line::new(place),
                line: Line::new(place),
                notes: vec![place.note(reading)],
            });
        }
        let patience = (PATIENCE * rate) as u64;
        if reading.at - astray > patience.max(BLOCKS * u64::from(reading.frames)) {
            let lost = self.line.take().is_some();
            self.astray = None;
            return if lost { Step::Lost(astray) } else { Step::Nothing };
        }
        if self.line.is_some() { Step::Open } else { Step::Nothing }
    }

    fn proven(&mut self, reading: &Reading, astray: u64) -> Step {
        let Some(probe) = self.probe.take() else {
            return Step::Nothing;
        };
        self.astray = None;
        let Some(old) = self.line.replace(probe.line) else {
            return Step::Begun {
                since: probe.since,
                notes: probe.notes,
            };
        };
        let (end, start) = seam(&old, &probe.first, reading.cycle, astray, self.rate);
        Step::Jumped {
            end,
            start,
            notes: probe.notes,
        }
    }

    /// The place that a mark names by itself.
    fn place(&self, reading: &Reading) -> Option<Place> {
        let tempo = reading.tempo?;
        let beats = match (reading.beats, reading.samples) {
            (Some(beats), _) => beats,
            (None, Some(samples)) => samples as f64 / self.rate * tempo / 60.0,
            (None, None) => return None,
        };
        Some(Place {
            at: reading.at,
            beats,
            samples: reading.samples,
            tempo,
        })
    }
}

/// Where in the stream the old time ends and the new one begins: a host's cycle jumps inside a block as often as not, and
/// only the next block shows it. `astray` is the first mark that did not go on.
///
/// The jump lies where the new time is at the cycle's start and the old one at its end, if both are so at one frame; or,
/// where the host names no cycle, where both are at a beat. Other jumps lie at the edge of a block.
fn seam(old: &Line, new: &Line, cycle: Option<(f64, f64)>, astray: u64, rate: f64) -> (u64, u64) {
    let per_beat = 60.0 * rate / new.next.tempo;
    let close = 2.0 * QUANTUM * per_beat + 2.0;
    let edge = new.next.at;
    let (low, high) = (old.next.at as f64 - 1.0, edge as f64 + close);
    let beat = new.next.beats;
    let meets = |from: f64, to: Option<f64>| {
        let frame = new.frame(from, rate);
        let there = old.beats(frame, rate);
        let gap = (there - to.unwrap_or(there.round())).abs() * 60.0 * rate / old.next.tempo;
        (frame >= low && frame <= high && gap <= 2.0 * close).then_some(frame)
    };
    let place = cycle
        .and_then(|(start, end)| meets(start, Some(end)))
        .or_else(|| meets((beat + QUANTUM).floor(), None));
    match place {
        Some(frame) => {
            let frame = frame.max(0.0);
            // A block that begins with the cycle does so exactly.
            let at = if (frame - edge as f64).abs() <= close {
                edge
            } else {
                frame.round() as u64
            };
            (at, at)
        }
        None => (astray.min(edge), edge),
    }
}

//! A host for tests: it plays a song whose every sample is known by its place in the song.

use super::history::{History, Limits};
use super::mark::{HostTime, Mark};
use super::tap;

/// A stretch of one meter or one tempo ramp: from a position in quarter notes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    pub(crate) from: f64,
    /// Quarter notes a minute at its start.
    pub(crate) bpm: f64,
    /// Change of the tempo in BPM a second.
    pub(crate) ramp: f64,
}

/// What the host gets wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Positions are rounded to 1/1920.
    pub(crate) quantised: bool,
    /// Positions are `f32`.
    pub(crate) single: bool,
    /// So many of the first blocks say nothing.
    pub(crate) blank: usize,
    /// The bar's start is always the next bar's, with 4 beats a bar.
    pub(crate) next_bar: bool,
    /// No bar starts at all.
    pub(crate) no_bars: bool,
    /// No positions in quarter notes.
    pub(crate) no_beats: bool,
    /// Tempi are rounded to whole BPM.
    pub(crate) round_tempo: bool,
    /// Samples are off by one, either way.
    pub(crate) samples_off: bool,
    /// It names its cycle.
    pub(crate) names_cycle: bool,
}

/// The host.
pub(crate) struct Host {
    pub(crate) rate: f64,
    pub(crate) tempi: Vec<Tempo>,
    /// Meter from a position on.
    pub(crate) meters: Vec<(f64, (i32, i32))>,
    pub(crate) faults: Faults,
    /// Where it is, in song frames.
    pub(crate) song: f64,
    pub(crate) playing: bool,
    /// Cycle in song frames.
    pub(crate) cycle: Option<(f64, f64)>,
    /// Blocks end where the cycle does.
    pub(crate) splits: bool,
    /// Frames since the start.
    pub(crate) at: u64,
    pub(crate) blocks: usize,
    /// All that went by: what each frame's place in the song was; `None` while it stood still.
    pub(crate) truth: Vec<Option<i64>>,
    /// A sound that changes from pass to pass.
    pub(crate) salt: u64,
    random: u64,
    pub(crate) history: History,
}

/// Sound at a frame of the song: noise, 40 dB down where the song is before its start.
pub(crate) fn sound(frame: i64, channel: u64, salt: u64) -> f32 {
    let mut x = (frame as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(channel.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(salt.wrapping_mul(0x2545_f491_4f6c_dd1d));
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    (x >> 40) as f32 / (1 << 24) as f32 - 0.5
}

pub(crate) fn limits() -> Limits {
    Limits {
        seconds: 600.0,
        bytes: 1 << 30,
        stopped: true,
    }
}

impl Host {
    pub(crate) fn new(rate: f64, bpm: f64) -> Self {
        let mut history = History::new(limits());
        history.open(rate);
        Self {
            rate,
            tempi: vec![Tempo {
                from: 0.0,
                bpm,
                ramp: 0.0,
            }],
            meters: vec![(f64::NEG_INFINITY, (4, 4))],
            faults: Faults::default(),
            song: 0.0,
            playing: true,
            cycle: None,
            splits: false,
            at: 0,
            blocks: 0,
            truth: Vec::new(),
            salt: 0,
            random: 1,
            history,
        }
    }

    /// Position in quarter notes and tempo at a song frame.
    pub(crate) fn place(&self, frame: f64) -> (f64, f64) {
        let mut start = 0.0;
        let mut out = (0.0, 0.0);
        for (i, t) in self.tempi.iter().enumerate() {
            let seconds = frame / self.rate - start;
            if i > 0 && seconds < 0.0 {
                break;
            }
            out = (
                t.from + seconds * t.bpm / 60.0 + 0.5 * t.ramp * seconds * seconds / 60.0,
                t.bpm + t.ramp * seconds,
            );
            if let Some(next) = self.tempi.get(i + 1) {
                let beats = next.from - t.from;
                // The positive root of beats = bpm/60 s + ramp/120 s².
                let (a, b) = (t.ramp / 120.0, t.bpm / 60.0);
                start += if a == 0.0 {
                    beats / b
                } else {
                    (-b + (b * b + 4.0 * a * beats).sqrt()) / (2.0 * a)
                };
            }
        }
        out
    }

    /// Song frame of a position, by bisection.
    pub(crate) fn frame(&self, beats: f64) -> f64 {
        // Ramps are parabolas: no further back than they rise.
        let (mut low, mut high) = (-10.0 * self.rate, 1e9);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if self.place(middle).0 < beats {
                low = middle
            } else {
                high = middle
            }
        }
        0.5 * (low + high)
    }

    /// One block of this length.
    pub(crate) fn block(&mut self, frames: usize) {
        let mut frames = frames;
        if let Some((_, end)) = self.cycle.filter(|_| self.splits && self.playing) {
            frames = frames.min(((end - self.song).ceil() as usize).max(1));
        }
        let host = self.time();
        let mut planes = [Vec::with_capacity(frames), Vec::with_capacity(frames)];
        for _ in 0..frames {
            let place = self.playing.then(|| self.song.round() as i64);
            for (channel, plane) in planes.iter_mut().enumerate() {
                plane.push(place.map_or(0.0, |p| sound(p, channel as u64, self.salt)));
            }
            self.truth.push(place);
            if self.playing {
                self.song += 1.0;
                if let Some((start, end)) = self.cycle
                    && self.song >= end
                {
                    self.song += start - end;
                }
            }
        }
        let mark = Mark {
            at: self.at,
            frames: frames as u32,
            lost: 0,
            host,
        };
        self.history.push(&mark, &planes[0], &planes[1]);
        self.at += frames as u64;
        self.blocks += 1;
    }

    fn time(&self) -> HostTime {
        if self.blocks < self.faults.blank {
            return HostTime {
                playing: self.playing,
                bar_start: Some(0.0),
                ..HostTime::default()
            };
        }
        let (exact, tempo) = self.place(self.song);
        let meter = self.meters.iter().rev().find(|m| exact >= m.0 - 1e-9).unwrap();
        let bar = f64::from(meter.1.0) * 4.0 / f64::from(meter.1.1);
        let origin = if meter.0.is_finite() { meter.0 } else { 0.0 };
        let mut beats = exact;
        if self.faults.quantised {
            beats = (beats * 1920.0).round() / 1920.0;
        }
        if self.faults.single {
            beats = f64::from(beats as f32);
        }
        let bar_start = if self.faults.next_bar {
            ((beats / 4.0).floor() + 1.0) * 4.0
        } else {
            origin + ((exact - origin + 1e-9) / bar).floor() * bar
        };
        let off = if self.faults.samples_off {
            self.blocks as i64 % 3 - 1
        } else {
            0
        };
        HostTime {
            playing: self.playing,
            samples: Some(self.song.round() as i64 + off),
            beats: (!self.faults.no_beats).then_some(beats),
            tempo: Some(if self.faults.round_tempo { tempo.round() } else { tempo }),
            meter: Some(meter.1),
            bar_start: (!self.faults.no_bars).then_some(bar_start),
            cycle: self
                .cycle
                .filter(|_| self.faults.names_cycle)
                .map(|(s, e)| (self.place(s).0, self.place(e).0)),
        }
    }

    /// A number below `below`, the same in every run.
    pub(crate) fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) as usize % below
    }

    /// Plays for so many seconds in blocks of this length; 0 for random lengths up to 2000.
    pub(crate) fn play(&mut self, seconds: f64, block: usize) {
        let end = self.at + (seconds * self.rate).round() as u64;
        while self.at < end {
            let frames = if block == 0 { 1 + self.random(2000) } else { block };
            self.block(frames.min((end - self.at) as usize));
        }
    }

    /// All takes hold what was played, sample for sample. Returns for each the song frame of its first frame.
    pub(crate) fn check(&self) -> Vec<i64> {
        let mut starts = Vec::new();
        for take in self.history.takes() {
            let audio = take.audio();
            assert_eq!(audio.frames() as u64, take.end() - take.first());
            let origin = (take.origin() + take.first()) as usize;
            starts.push(self.truth[origin].unwrap_or(i64::MIN));
            if take.time.is_none() {
                continue;
            }
            for i in 0..audio.frames() {
                let place = self.truth[origin + i];
                // Without a seam.
                assert_eq!(
                    place,
                    Some(starts[starts.len() - 1] + i as i64),
                    "frame {i} of take {}",
                    take.id()
                );
                if self.salt == 0 {
                    for channel in 0..2 {
                        assert_eq!(audio.planes()[channel][i], sound(place.unwrap(), channel as u64, 0));
                    }
                }
            }
        }
        starts
    }

    /// Largest error of a take's beats in frames, where beat `k` of the song is `unit` quarter notes after the one before.
    /// The song frame of the take's first kept frame is `start`.
    pub(crate) fn grid_error(&self, index: usize, unit: f64) -> f64 {
        let take = &self.history.takes()[index];
        let grid = take.grid().expect("a grid");
        let start = self.truth[(take.origin() + take.first()) as usize].unwrap();
        let mut worst = 0.0f64;
        let mut last = None;
        for beat in &grid.beats {
            let q = self.place(start as f64 + beat).0 / unit;
            let k = q.round();
            if let Some(last) = last {
                assert_eq!(k, last + 1.0, "beats follow each other");
            }
            last = Some(k);
            worst = worst.max((self.frame(k * unit) - start as f64 - beat).abs());
        }
        worst
    }
}

/// What a ring of so many frames hands over of blocks.
pub(crate) fn through_ring(frames: usize, marks: usize, blocks: &[usize]) -> Vec<Mark> {
    let (mut tap, mut feed) = tap::with_room(frames, marks);
    for &n in blocks {
        let plane = vec![0.5; n];
        tap.block(&plane, &plane, HostTime::default());
    }
    let mut got = Vec::new();
    feed.drain(|mark, _, _| got.push(*mark));
    got
}

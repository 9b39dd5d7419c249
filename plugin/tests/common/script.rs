//! Scripted transports: what hosts tell plugins, block by block.

use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};
use clack_host::utils::{BeatTime, SecondsTime};

/// One block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    /// Its length.
    pub(crate) frames: usize,
    /// The host's time at its first frame, if the host tells.
    pub(crate) time: Option<Time>,
    /// Where the host's time changes inside the block, in order.
    pub(crate) inside: Vec<(u32, Time)>,
}

/// What a host tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Time {
    /// The transport runs.
    pub(crate) playing: bool,
    /// Quarter notes.
    pub(crate) beats: Option<f64>,
    /// Seconds.
    pub(crate) seconds: Option<f64>,
    /// Frames: what VST3 tells; CLAP has seconds instead.
    pub(crate) samples: Option<i64>,
    /// Quarter notes a minute.
    pub(crate) tempo: Option<f64>,
    /// Growth of the tempo a frame.
    pub(crate) tempo_grows: f64,
    /// Beats a bar and the note that is a beat.
    pub(crate) meter: Option<(u16, u16)>,
    /// Where the bar began, in quarter notes.
    pub(crate) bar_start: f64,
    /// Number of the bar.
    pub(crate) bar: i32,
    /// The cycle in quarter notes.
    pub(crate) cycle: Option<(f64, f64)>,
}

impl Time {
    /// As CLAP tells it, at a frame of the block.
    pub(crate) fn event(&self, at: u32) -> TransportEvent {
        let mut flags = TransportFlags::empty();
        flags.set(TransportFlags::IS_PLAYING, self.playing);
        flags.set(TransportFlags::HAS_BEATS_TIMELINE, self.beats.is_some());
        flags.set(TransportFlags::HAS_SECONDS_TIMELINE, self.seconds.is_some());
        flags.set(TransportFlags::HAS_TEMPO, self.tempo.is_some());
        flags.set(TransportFlags::HAS_TIME_SIGNATURE, self.meter.is_some());
        flags.set(TransportFlags::IS_LOOP_ACTIVE, self.cycle.is_some());
        let (from, to) = self.cycle.unwrap_or_default();
        let (numerator, denominator) = self.meter.unwrap_or_default();
        TransportEvent {
            header: EventHeader::new_core(at, EventFlags::empty()),
            flags,
            song_pos_beats: BeatTime::from_float(self.beats.unwrap_or(0.0)),
            song_pos_seconds: SecondsTime::from_float(self.seconds.unwrap_or(0.0)),
            tempo: self.tempo.unwrap_or(0.0),
            tempo_inc: self.tempo_grows,
            loop_start_beats: BeatTime::from_float(from),
            loop_end_beats: BeatTime::from_float(to),
            loop_start_seconds: SecondsTime::from_float(0.0),
            loop_end_seconds: SecondsTime::from_float(0.0),
            bar_start: BeatTime::from_float(self.bar_start),
            bar_number: self.bar,
            time_signature_numerator: numerator,
            time_signature_denominator: denominator,
        }
    }
}

/// A host's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Frames a second.
    pub(crate) rate: f64,
    /// Whether it runs.
    pub(crate) playing: bool,
    /// Quarter notes since the start of the song.
    pub(crate) beats: f64,
    /// Seconds since the start of the song.
    pub(crate) seconds: f64,
    /// Quarter notes a minute.
    pub(crate) tempo: f64,
    /// What the tempo grows by in a second.
    pub(crate) ramp: f64,
    /// Beats a bar and the note that is a beat.
    pub(crate) meter: (u16, u16),
    /// Quarter note at which bars are counted from.
    pub(crate) bars_from: f64,
    /// The cycle in quarter notes.
    pub(crate) cycle: Option<(f64, f64)>,
}

impl Clock {
    /// At the start of a song in 4/4.
    pub(crate) fn new(rate: f64, tempo: f64) -> Self {
        Self {
            rate,
            playing: true,
            beats: 0.0,
            seconds: 0.0,
            tempo,
            ramp: 0.0,
            meter: (4, 4),
            bars_from: 0.0,
            cycle: None,
        }
    }

    /// What the host tells now.
    pub(crate) fn time(&self) -> Time {
        let bar = f64::from(self.meter.0) * 4.0 / f64::from(self.meter.1);
        let number = ((self.beats - self.bars_from) / bar).floor();
        Time {
            playing: self.playing,
            beats: Some(self.beats),
            seconds: Some(self.seconds),
            samples: Some((self.seconds * self.rate).round() as i64),
            tempo: Some(self.tempo),
            tempo_grows: self.ramp / self.rate,
            meter: Some(self.meter),
            bar_start: self.bars_from + number * bar,
            bar: number as i32,
            cycle: self.cycle,
        }
    }

    /// Lets `frames` pass, without regard to the cycle.
    pub(crate) fn pass(&mut self, frames: usize) {
        if !self.playing {
            return;
        }
        let seconds = frames as f64 / self.rate;
        // The tempo grows evenly, so its mean is its value in the middle.
        self.beats += (self.tempo + self.ramp * seconds / 2.0) / 60.0 * seconds;
        self.tempo += self.ramp * seconds;
        self.seconds += seconds;
    }

    /// Goes to a quarter note, at the present tempo.
    pub(crate) fn seek(&mut self, beats: f64) {
        self.beats = beats;
        self.seconds = beats * 60.0 / self.tempo;
    }

    /// Frames to the end of the cycle.
    fn to_cycle_end(self) -> Option<usize> {
        let (_, to) = self.cycle?;
        Some(((to - self.beats) * 60.0 / self.tempo * self.rate).round().max(0.0) as usize)
    }

    /// The next block, with the jump at the end of the cycle inside it.
    pub(crate) fn block(&mut self, frames: usize) -> Step {
        let mut step = Step {
            frames,
            time: Some(self.time()),
            inside: Vec::new(),
        };
        let mut done = 0;
        while let Some(left) = self.to_cycle_end().filter(|&left| done + left < frames && self.playing) {
            // An end that has been passed already jumps at the next frame at the latest.
            let left = left.max(usize::from(done > 0));
            self.pass(left);
            done += left;
            if done >= frames {
                break;
            }
            self.seek(self.cycle.map_or(0.0, |(from, _)| from));
            if done == 0 {
                step.time = Some(self.time());
            } else {
                step.inside.push((done as u32, self.time()));
            }
        }
        self.pass(frames - done.min(frames));
        step
    }

    /// The next block, shortened so that it ends where the cycle does.
    pub(crate) fn block_to_cycle_end(&mut self, most: usize) -> Step {
        if self.to_cycle_end() == Some(0) {
            self.seek(self.cycle.map_or(0.0, |(from, _)| from));
        }
        let frames = self.to_cycle_end().map_or(most, |left| left.min(most));
        let step = Step {
            frames,
            time: Some(self.time()),
            inside: Vec::new(),
        };
        self.pass(frames);
        step
    }
}

/// All scripts, each with its name: `blocks` blocks of up to `most` frames.
pub(crate) fn all(rate: f64, most: usize, blocks: usize) -> Vec<(&'static str, Vec<Step>)> {
    let sizes = |i: usize| [most, 1, most / 2, most, 0, most / 3, most - most / 4][i % 7];
    let run = |clock: Clock, change: &dyn Fn(&mut Clock, usize)| {
        let mut clock = clock;
        (0..blocks)
            .map(|i| {
                change(&mut clock, i);
                clock.block(sizes(i))
            })
            .collect::<Vec<_>>()
    };
    let silent = |mut steps: Vec<Step>, from: usize, to: usize| {
        for step in &mut steps[from..to] {
            step.time = None;
            step.inside.clear();
        }
        steps
    };
    let steady = Clock::new(rate, 120.0);
    let cycle = Clock {
        cycle: Some((1.0, 1.5)),
        ..Clock::new(rate, 137.5)
    };
    let mut at_edges = cycle;
    vec![
        ("plays", run(steady, &|_, _| {})),
        (
            "stands still",
            run(
                Clock {
                    playing: false,
                    ..steady
                },
                &|_, _| {},
            ),
        ),
        (
            "starts and stops",
            run(steady, &|clock, i| clock.playing = i / 9 % 2 == 0),
        ),
        ("is never told", silent(run(steady, &|_, _| {}), 0, blocks)),
        (
            "vanishes in the middle",
            silent(run(steady, &|_, _| {}), blocks / 3, blocks * 2 / 3),
        ),
        (
            "seeks",
            run(steady, &|clock, i| match i % 11 {
                3 => clock.seek(64.25),
                7 => clock.seek(-2.5),
                9 => clock.seek(clock.beats - 1e-3),
                _ => {}
            }),
        ),
        ("cycles inside blocks", run(cycle, &|_, _| {})),
        (
            "cycles at the edges of blocks",
            (0..blocks).map(|_| at_edges.block_to_cycle_end(most)).collect(),
        ),
        (
            "ramps",
            run(
                Clock {
                    ramp: 7.0,
                    ..Clock::new(rate, 90.0)
                },
                &|_, _| {},
            ),
        ),
        (
            "changes meter",
            run(steady, &|clock, i| {
                if i == blocks / 2 {
                    clock.bars_from = clock.time().bar_start;
                    clock.meter = (7, 8);
                }
            }),
        ),
        ("talks nonsense", nonsense(blocks, most)),
    ]
}

/// What no host should say.
fn nonsense(blocks: usize, most: usize) -> Vec<Step> {
    let numbers = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -120.0,
        1e-300,
        1e300,
        4.0e9,
        -4.0e9,
    ];
    let mut random = Random::new(5);
    (0..blocks)
        .map(|i| {
            let mut pick = || numbers[random.below(numbers.len())];
            let time = Time {
                playing: i % 3 != 0,
                beats: Some(pick()),
                seconds: Some(pick()),
                samples: Some(pick() as i64),
                tempo: Some(pick()),
                tempo_grows: pick(),
                meter: Some([(0, 0), (4, 0), (0, 4), (u16::MAX, 3), (1, u16::MAX)][i % 5]),
                bar_start: pick(),
                bar: pick() as i32,
                cycle: Some((pick(), pick())),
            };
            Step {
                frames: [most, 17.min(most), most / 2][i % 3],
                time: Some(time),
                inside: if most / 2 > 5 {
                    vec![(3, time), (5, time)]
                } else {
                    Vec::new()
                },
            }
        })
        .collect()
}

/// A generator of numbers that are the same each time.
pub(crate) struct Random(u64);

impl Random {
    /// From a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits (xorshift).
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 11) as usize % end.max(1)
    }

    /// From -1 to 1.
    pub(crate) fn sample(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Every kind of bit pattern a float can be, among noise.
pub(crate) fn odd_sound(frames: usize, seed: u64) -> [Vec<f32>; 2] {
    const ODD: [f32; 10] = [
        0.0,
        -0.0,
        1e-30,
        f32::MIN_POSITIVE / 3.0,
        f32::from_bits(1),
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(0x7fc0_1234),
        f32::from_bits(0xff80_0001),
    ];
    let mut random = Random::new(seed + 1);
    let mut plane = || {
        (0..frames)
            .map(|_| match random.below(8) {
                0 => ODD[random.below(ODD.len())],
                _ => random.sample(),
            })
            .collect()
    };
    [plane(), plane()]
}

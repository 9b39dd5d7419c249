//! Whether audio is worth analysing: silence, constants, clipping and short takes are normal outcomes, not errors.
//!
//! The decoders feed a [`Meter`] block by block while the samples are in cache, so that a status costs no pass of its
//! own over memory.

use super::buffer::AudioBuffer;
use crate::vectorized;

/// Below this peak, in full scale (−80 dBFS), audio is [`AudioStatus::Silent`]; with a smaller range than this it is
/// [`AudioStatus::Constant`].
pub const SILENCE: f32 = 1e-4;

/// Below this length, in seconds, audio is [`AudioStatus::TooShort`]: one bar of 4/4 at 240 bpm, the shortest that can
/// hold a loop.
pub const SHORTEST: f64 = 1.0;

/// A sample at or beyond this is at full scale: the largest 16-bit value, less one step.
pub const FULL_SCALE: f32 = 32_766.0 / 32_768.0;

/// With at least this share of samples at full scale, audio is [`AudioStatus::Clipped`]. A master that merely touches
/// 0 dBFS on its peaks stays a hundred times below.
pub const CLIPPED: f64 = 1e-3;

/// A sample beyond this (+120 dBFS) is damage, not loudness; float files scaled to ±32768 stay well inside.
pub const SANE: f32 = 1e6;

/// What the samples amount to. Where several hold, the first in this order is given, [`AudioStatus::Normal`] last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AudioStatus {
    /// No frames.
    Empty,
    /// Shorter than [`SHORTEST`].
    TooShort,
    /// No sample reaches [`SILENCE`].
    Silent,
    /// Every channel stays within [`SILENCE`] of one value: direct current only.
    Constant,
    /// At least [`CLIPPED`] of the samples are at full scale or beyond it.
    Clipped {
        /// Their share, from 0 to 1.
        fraction: f64,
    },
    /// None of the above.
    Normal,
}

impl AudioStatus {
    /// Measures `audio`. Decoding has done so already; this is for audio that came another way.
    pub fn of(audio: &AudioBuffer) -> Self {
        let mut meter = Meter::new(audio.channels());
        for (channel, plane) in audio.planes().iter().enumerate() {
            meter.add(channel, plane);
        }
        meter.status(audio.frames(), audio.sample_rate())
    }

    /// True where analysis has something to work on: [`Normal`](Self::Normal) and [`Clipped`](Self::Clipped).
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Normal | Self::Clipped { .. })
    }

    /// A short stable name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooShort => "too_short",
            Self::Silent => "silent",
            Self::Constant => "constant",
            Self::Clipped { .. } => "clipped",
            Self::Normal => "normal",
        }
    }
}

impl std::fmt::Display for AudioStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("holds no audio"),
            Self::TooShort => write!(f, "is shorter than {SHORTEST} s"),
            Self::Silent => f.write_str("is silent"),
            Self::Constant => f.write_str("is constant (direct current only)"),
            Self::Clipped { fraction } => write!(f, "is clipped ({:.2} % of samples at full scale)", fraction * 100.0),
            Self::Normal => f.write_str("is in order"),
        }
    }
}

/// One channel's extremes so far.
#[derive(Debug, Clone, Copy)]
struct Extent {
    lowest: f32,
    highest: f32,
}

/// Takes in samples as they are decoded and says what they amount to.
#[derive(Debug, Clone)]
pub struct Meter {
    channels: Vec<Extent>,
    samples: u64,
    full_scale: u64,
}

impl Meter {
    /// A meter that has seen nothing.
    pub fn new(channels: usize) -> Self {
        let none = Extent {
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
        };
        Self {
            channels: vec![none; channels],
            samples: 0,
            full_scale: 0,
        }
    }

    /// Takes in samples of one channel. They are to be sane: see [`repair`].
    pub fn add(&mut self, channel: usize, samples: &[f32]) {
        let Some(extent) = self.channels.get_mut(channel) else {
            return;
        };
        let seen = vectorized!(scan(samples));
        extent.lowest = extent.lowest.min(seen.lowest);
        extent.highest = extent.highest.max(seen.highest);
        self.full_scale += seen.full_scale;
        self.samples += samples.len() as u64;
    }

    /// Highest absolute sample so far; 0 before the first.
    pub fn peak(&self) -> f32 {
        self.channels
            .iter()
            .fold(0.0, |peak, c| peak.max(c.highest).max(-c.lowest))
    }

    /// What was seen, given its length in frames.
    pub fn status(&self, frames: usize, sample_rate: u32) -> AudioStatus {
        let fraction = self.full_scale as f64 / self.samples.max(1) as f64;
        if frames == 0 {
            AudioStatus::Empty
        } else if (frames as f64) < SHORTEST * f64::from(sample_rate) {
            AudioStatus::TooShort
        } else if self.peak() < SILENCE {
            AudioStatus::Silent
        } else if self.channels.iter().all(|c| c.highest - c.lowest < SILENCE) {
            AudioStatus::Constant
        } else if fraction >= CLIPPED {
            AudioStatus::Clipped { fraction }
        } else {
            AudioStatus::Normal
        }
    }
}

/// Replaces by silence what cannot be sound (not a number, infinite, beyond [`SANE`]) and counts it. Silence, because
/// any other value would be a click that sets the peak of the whole track.
pub fn repair(samples: &mut [f32]) -> u64 {
    let damaged = vectorized!(count_damaged(samples));
    if damaged > 0 {
        for x in samples.iter_mut().filter(|x| !is_sane(**x)) {
            *x = 0.0;
        }
    }
    damaged
}

/// Lanes of the scans below: two 512-bit registers, so that the loops need no reduction inside.
const LANES: usize = 32;

struct Scan {
    lowest: f32,
    highest: f32,
    full_scale: u64,
}

#[inline(always)]
fn scan(samples: &[f32]) -> Scan {
    let mut lowest = [f32::INFINITY; LANES];
    let mut highest = [f32::NEG_INFINITY; LANES];
    let mut full_scale = 0;
    // Counted in 32 bits a lane within a stretch short enough not to overflow.
    for stretch in samples.chunks(LANES << 16) {
        let mut count = [0u32; LANES];
        let (blocks, rest) = stretch.as_chunks::<LANES>();
        for block in blocks {
            for i in 0..LANES {
                let x = block[i];
                lowest[i] = if x < lowest[i] { x } else { lowest[i] };
                highest[i] = if x > highest[i] { x } else { highest[i] };
                count[i] = count[i].wrapping_add(u32::from(x.abs() >= FULL_SCALE));
            }
        }
        for (i, &x) in rest.iter().enumerate() {
            lowest[i] = lowest[i].min(x);
            highest[i] = highest[i].max(x);
            count[i] = count[i].wrapping_add(u32::from(x.abs() >= FULL_SCALE));
        }
        full_scale += count.iter().map(|&c| u64::from(c)).sum::<u64>();
    }
    Scan {
        lowest: lowest.iter().copied().fold(f32::INFINITY, f32::min),
        highest: highest.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        full_scale,
    }
}

/// False for what is not a number, too.
#[inline(always)]
fn is_sane(x: f32) -> bool {
    x.abs() <= SANE
}

#[inline(always)]
fn count_damaged(samples: &[f32]) -> u64 {
    samples
        .chunks(1 << 16)
        .map(|stretch| {
            let bad: u32 = stretch.iter().map(|x| u32::from(!is_sane(*x))).sum();
            u64::from(bad)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(x: Vec<f32>) -> AudioStatus {
        AudioStatus::of(&AudioBuffer::new(vec![x], 1000).unwrap())
    }

    fn sine(n: usize, gain: f32) -> Vec<f32> {
        (0..n).map(|i| gain * (i as f32 * 0.1).sin()).collect()
    }

    #[test]
    fn each_status_has_its_signal() {
        assert_eq!(status(vec![]), AudioStatus::Empty);
        assert_eq!(status(sine(999, 0.5)), AudioStatus::TooShort);
        assert_eq!(status(sine(1000, 0.5)), AudioStatus::Normal);
        assert_eq!(status(sine(1000, 0.9e-4)), AudioStatus::Silent);
        assert_eq!(status(vec![0.25; 5000]), AudioStatus::Constant);
        assert_eq!(status(vec![-0.25; 5000]), AudioStatus::Constant);
        let hot: Vec<f32> = sine(5000, 2.0).iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        let expected = hot.iter().filter(|x| x.abs() >= FULL_SCALE).count() as f64 / 5000.0;
        assert_eq!(status(hot), AudioStatus::Clipped { fraction: expected });
    }

    #[test]
    fn one_sounding_channel_is_enough() {
        let planes = vec![vec![0.5; 2000], sine(2000, 0.5)];
        let audio = AudioBuffer::new(planes, 1000).unwrap();
        assert_eq!(AudioStatus::of(&audio), AudioStatus::Normal);
    }

    #[test]
    fn blocks_give_what_the_whole_gives() {
        let x = sine(10_007, 1.01);
        let mut whole = Meter::new(1);
        whole.add(0, &x);
        let mut parts = Meter::new(1);
        x.chunks(77).for_each(|c| parts.add(0, c));
        assert_eq!(whole.peak(), parts.peak());
        assert_eq!(whole.full_scale, parts.full_scale);
        assert_eq!(whole.peak(), x.iter().fold(0.0f32, |m, x| m.max(x.abs())));
    }

    #[test]
    fn repair_counts_and_silences() {
        let mut x = vec![0.1f32; 100_000];
        for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -2e6]
            .into_iter()
            .enumerate()
        {
            x[i * 19_999] = bad;
        }
        x[7] = 32_768.0;
        assert_eq!(repair(&mut x), 5);
        assert_eq!(x.iter().filter(|&&x| x == 0.0).count(), 5);
        assert_eq!(x[7], 32_768.0);
        assert_eq!(repair(&mut x), 0);
    }
}

//! One clip that plays.

use super::{CEILING, Clip, approach};
use crate::capture::mark::HostTime;

/// A clip follows the host where their tempi differ by less than this, relatively.
const LOCKED: f64 = 0.005;
/// Below this difference it plays at its own speed, sample by sample: its length in frames was rounded, no more.
const OWN_SPEED: f64 = 3e-5;
/// Further than this from where the host is, in seconds, it moves there. Wider than positions are quantised.
const APART: f64 = 0.004;

/// The host's time, if it is one to be in sync with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clock {
    /// Quarter notes at the first frame of the block.
    beats: f64,
    /// Quarter notes a minute.
    tempo: f64,
}

impl Clock {
    pub(super) fn of(host: &HostTime, rate: f64) -> Option<Self> {
        let tempo = host.tempo.filter(|t| (4.0..=2000.0).contains(t))?;
        let beats = host
            .beats
            .or_else(|| host.samples.map(|s| s as f64 / rate * tempo / 60.0))
            .filter(|b| b.is_finite() && b.abs() < 1e8)?;
        host.playing.then_some(Self { beats, tempo })
    }
}

/// A place in a clip, and how loud it is there.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// In frames; whole while the clip plays at its own speed.
    at: f64,
    gain: f32,
    target: f32,
}

/// A clip that plays, or fades out.
#[derive(Debug)]
pub(super) struct Voice {
    pub(super) clip: Box<Clip>,
    frames: f64,
    rate: f64,
    /// Highest gain at which the clip stays below the ceiling.
    most: f32,
    head: Head,
    /// Where it was before it moved: fades out.
    tail: Option<Head>,
    /// Frames of the clip a frame of the host.
    speed: f64,
    begun: bool,
    done: bool,
}

impl Voice {
    pub(super) fn new(clip: Box<Clip>, rate: f64) -> Self {
        let frames = clip.frames() as f64;
        // One that is heard once, such as a drum, begins with its attack: a fade would blunt it.
        let gain = if clip.how.looped { 0.0 } else { 1.0 };
        // Without a peak there is nothing to hold down.
        let most = if clip.peak > 0.0 { CEILING / clip.peak } else { 1.0 };
        Self {
            clip,
            frames,
            rate,
            most,
            head: Head {
                at: 0.0,
                gain,
                target: 1.0,
            },
            tail: None,
            speed: 1.0,
            begun: false,
            done: false,
        }
    }

    /// The gain at which it is heard, where `level` is asked for.
    pub(super) fn limit(&self, level: f32) -> f32 {
        level.min(self.most)
    }

    /// Nothing of it has been heard.
    pub(super) fn is_silent(&self) -> bool {
        self.done || !self.begun
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Fades out, and is done.
    pub(super) fn leave(&mut self) {
        self.head.target = 0.0;
    }

    /// Done at once.
    pub(super) fn mute(&mut self) {
        self.done = true;
    }

    /// How much of the clip has been heard, 0 to 1.
    pub(super) fn fraction(&self) -> f64 {
        (self.head.at / self.frames).clamp(0.0, 1.0)
    }

    /// Before each block: in sync it goes to where the host is.
    pub(super) fn steer(&mut self, clock: Option<&Clock>) {
        self.speed = 1.0;
        let how = self.clip.how;
        let (true, true, Some(clock), Some(quarters)) = (how.sync, how.looped, clock, self.clip.quarters) else {
            return self.settle();
        };
        let own = quarters * 60.0 * self.rate / self.frames;
        let speed = clock.tempo / own;
        if !(speed.is_finite() && quarters > 0.0 && (speed - 1.0).abs() <= LOCKED) {
            return self.settle();
        }
        if (speed - 1.0).abs() > OWN_SPEED {
            self.speed = speed;
        }
        let wanted = (clock.beats / quarters).rem_euclid(1.0) * self.frames;
        let off = (wanted - self.head.at).rem_euclid(self.frames);
        let off = off.min(self.frames - off);
        if off > APART * self.rate {
            if self.head.gain > 0.0 && self.tail.is_none() {
                self.tail = Some(Head {
                    target: 0.0,
                    ..self.head
                });
                self.head.gain = 0.0;
            } else if self.head.gain > 0.0 {
                return; // Two jumps within a fade: the next block will do.
            }
            self.head.at = wanted;
        }
        self.settle();
    }

    /// At its own speed a clip is played sample by sample.
    fn settle(&mut self) {
        if self.speed == 1.0 {
            self.head.at = self.head.at.round();
        }
        if self.head.at >= self.frames && self.clip.how.looped {
            self.head.at -= self.frames;
        }
    }

    /// The next frame, left and right; gains move by `step`.
    pub(super) fn next(&mut self, step: f32) -> [f32; 2] {
        if self.done {
            return [0.0; 2];
        }
        self.begun = true;
        let mut out = self.sample(&self.head);
        let looped = self.clip.how.looped;
        self.head.at += self.speed;
        if self.head.at >= self.frames {
            if looped {
                self.head.at -= self.frames;
            } else {
                self.done = true;
            }
        }
        if self.head.gain != self.head.target {
            self.head.gain = approach(self.head.gain, self.head.target, step);
            self.done |= self.head.target <= 0.0 && self.head.gain <= 0.0;
        }
        if let Some(mut tail) = self.tail.take() {
            let [l, r] = self.sample(&tail);
            out = [out[0] + l, out[1] + r];
            tail.at += self.speed;
            if tail.at >= self.frames && looped {
                tail.at -= self.frames;
            }
            tail.gain = approach(tail.gain, 0.0, step);
            self.tail = (tail.gain > 0.0).then_some(tail);
        }
        out
    }

    /// The next frames of the clip, at most `most`, if they are heard as they are: at full level, at their own speed.
    pub(super) fn stretch(&self, most: usize) -> Option<[&[f32]; 2]> {
        let steady = !self.done
            && self.tail.is_none()
            && self.speed == 1.0
            && self.head.gain >= 1.0
            && self.head.target >= 1.0
            && self.head.at.fract() == 0.0;
        if !steady {
            return None;
        }
        let at = self.head.at as usize;
        let end = at.saturating_add(most).min(self.frames as usize);
        let [left, right] = &self.clip.planes;
        let stretch = [left.get(at..end)?, right.get(at..end)?];
        (end > at).then_some(stretch)
    }

    /// So many frames of [`Self::stretch`] were heard.
    pub(super) fn advance(&mut self, frames: usize) {
        self.begun = true;
        self.head.at += frames as f64;
        if self.head.at >= self.frames {
            if self.clip.how.looped {
                self.head.at -= self.frames;
            } else {
                self.done = true;
            }
        }
    }

    /// The clip at a place. Between samples a cubic through the four nearest (Catmull-Rom).
    fn sample(&self, head: &Head) -> [f32; 2] {
        let whole = head.at.floor();
        let part = (head.at - whole) as f32;
        let whole = whole as usize;
        [0, 1].map(|channel| {
            let Some(plane) = self.clip.planes.get(channel) else {
                return 0.0;
            };
            let at = |i: usize| {
                let i = if i < self.frames as usize {
                    i
                } else if self.clip.how.looped {
                    i - self.frames as usize
                } else {
                    return 0.0;
                };
                plane.get(i).copied().unwrap_or(0.0)
            };
            if part == 0.0 {
                return at(whole) * head.gain;
            }
            let before = match whole.checked_sub(1) {
                Some(i) => at(i),
                None if self.clip.how.looped => at(self.frames as usize - 1),
                None => 0.0,
            };
            let [a, b, c, d] = [before, at(whole), at(whole + 1), at(whole + 2)];
            let bend = 3.0 * (b - c) + d - a;
            let y = b + 0.5 * part * (c - a + part * (2.0 * a - 5.0 * b + 4.0 * c - d + part * bend));
            y * head.gain
        })
    }
}

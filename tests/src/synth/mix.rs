//! The mixing desk: clips onto two buses, ducking, a reverb, the master's level and soft clipping.

use super::clip::{Clip, OnePole};

/// A clip at a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) frame: usize,
    pub(crate) clip: usize,
    pub(crate) gain: [f32; 2],
    /// Share sent to the reverb.
    pub(crate) send: f32,
    /// Pushed down by the kick.
    pub(crate) ducks: bool,
}

/// How the desk is set.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) rate: f32,
    /// Depth of the ducking, 0 to 1, and the frames at which the kick strikes, in order.
    pub(crate) duck: f32,
    pub(crate) kicks: Vec<usize>,
    /// Reverberation time in seconds.
    pub(crate) reverb: f32,
}

const BLOCK: usize = 512;

/// Plays `events`, which must be in order of frame, into `frames` frames of stereo.
pub(crate) fn mix(desk: &Desk, clips: &[Clip], events: &[Event], frames: usize) -> [Vec<f32>; 2] {
    let mut out = [Vec::with_capacity(frames), Vec::with_capacity(frames)];
    let mut reverb = Reverb::new(desk.reverb, desk.rate);
    let mut ducker = Ducker::new(desk);
    let (mut next, mut playing) = (0, Vec::<Event>::new());
    let mut bus = [[[0.0f32; BLOCK]; 2]; 2]; // [ducked][channel]
    let mut sends = [[0.0f32; BLOCK]; 2];
    for start in (0..frames).step_by(BLOCK) {
        let len = BLOCK.min(frames - start);
        bus.iter_mut().flatten().for_each(|b| b.fill(0.0));
        sends.iter_mut().for_each(|s| s.fill(0.0));
        while next < events.len() && events[next].frame < start + len {
            playing.push(events[next]);
            next += 1;
        }
        playing.retain(|event| {
            let clip = &clips[event.clip];
            let total = clip.left.len();
            let into = event.frame.saturating_sub(start);
            let from = start + into - event.frame;
            let n = (len - into).min(total.saturating_sub(from));
            let right = if clip.right.is_empty() { &clip.left } else { &clip.right };
            let ducks = usize::from(event.ducks);
            let planes = [&clip.left, right];
            for ((plane, gain), out) in planes.into_iter().zip(event.gain).zip(&mut bus[ducks]) {
                let source = &plane[from..from + n];
                add(&mut out[into..into + n], source, gain);
                if event.send > 0.0 {
                    add(&mut sends[ducks][into..into + n], source, 0.5 * gain * event.send);
                }
            }
            from + n < total
        });
        let duck = ducker.block(start, len);
        for i in 0..len {
            sends[0][i] += sends[1][i] * duck[i];
        }
        let wet = reverb.block(&sends[0], len);
        for (channel, out) in out.iter_mut().enumerate() {
            let (dry, ducked) = (&bus[0][channel], &bus[1][channel]);
            out.extend((0..len).map(|i| dry[i] + ducked[i] * duck[i] + wet[channel][i]));
        }
    }
    out
}

fn add(out: &mut [f32], source: &[f32], gain: f32) {
    out.iter_mut().zip(source).for_each(|(o, s)| *o += gain * s);
}

/// The gain that the kick imposes on the music: down within 4 ms, back within a fifth of a second.
struct Ducker<'a> {
    kicks: std::iter::Peekable<std::slice::Iter<'a, usize>>,
    depth: f32,
    target: f32,
    release: f32,
    attack: f32,
    state: f32,
    gains: [f32; BLOCK],
}

impl<'a> Ducker<'a> {
    fn new(desk: &'a Desk) -> Self {
        Self {
            kicks: desk.kicks.iter().peekable(),
            depth: desk.duck,
            target: 0.0,
            release: super::clip::decay(0.11, desk.rate),
            attack: 1.0 - super::clip::decay(0.004, desk.rate),
            state: 0.0,
            gains: [1.0; BLOCK],
        }
    }

    fn block(&mut self, start: usize, len: usize) -> &[f32; BLOCK] {
        if self.depth > 0.0 {
            for (i, gain) in self.gains.iter_mut().enumerate().take(len) {
                while self.kicks.next_if(|&&k| k <= start + i).is_some() {
                    self.target = self.depth;
                }
                self.state += self.attack * (self.target - self.state);
                self.target *= self.release;
                *gain = 1.0 - self.state;
            }
        }
        &self.gains
    }
}

/// Feedback delay network (Jot and Chaigne, 1991): eight lines of mutually prime lengths, a Householder matrix, and a
/// low-pass in each line so that high frequencies die first.
struct Reverb {
    lines: Vec<Vec<f32>>,
    at: Vec<usize>,
    gains: Vec<f32>,
    damping: Vec<OnePole>,
    rumble: OnePole,
    taps: Vec<[f32; BLOCK]>,
    out: [[f32; BLOCK]; 2],
}

impl Reverb {
    fn new(seconds: f32, rate: f32) -> Self {
        let lengths = [1031, 1187, 1319, 1451, 1609, 1777, 1949, 2141].map(|n| {
            // At low rates the lines shrink, but never below a block: a block is read before it is written.
            ((n as f32 * rate / 44_100.0) as usize).max(BLOCK + 1)
        });
        Self {
            lines: lengths.iter().map(|&n| vec![0.0; n]).collect(),
            at: vec![0; lengths.len()],
            gains: lengths
                .iter()
                .map(|&n| 10f32.powf(-3.0 * n as f32 / (seconds * rate)))
                .collect(),
            damping: vec![OnePole::new(5500.0, rate); lengths.len()],
            rumble: OnePole::new(180.0, rate),
            taps: vec![[0.0; BLOCK]; lengths.len()],
            out: [[0.0; BLOCK]; 2],
        }
    }

    fn block(&mut self, input: &[f32; BLOCK], len: usize) -> &[[f32; BLOCK]; 2] {
        let mut sum = [0.0f32; BLOCK];
        for (k, tap) in self.taps.iter_mut().enumerate() {
            let line = &self.lines[k];
            let first = len.min(line.len() - self.at[k]);
            tap[..first].copy_from_slice(&line[self.at[k]..self.at[k] + first]);
            tap[first..len].copy_from_slice(&line[..len - first]);
            for x in &mut tap[..len] {
                *x = self.gains[k] * self.damping[k].low(*x);
            }
            add(&mut sum[..len], &tap[..len], 1.0);
        }
        self.out.iter_mut().for_each(|o| o.fill(0.0));
        let mut excitation = [0.0f32; BLOCK];
        for (e, x) in excitation[..len].iter_mut().zip(input) {
            *e = self.rumble.high(*x);
        }
        for (k, tap) in self.taps.iter().enumerate() {
            let sign = if k % 4 < 2 { 0.7 } else { -0.7 };
            add(&mut self.out[k % 2][..len], &tap[..len], sign);
            let line = &mut self.lines[k];
            for i in 0..len {
                line[self.at[k]] = excitation[i] + tap[i] - 0.25 * sum[i];
                self.at[k] = if self.at[k] + 1 == line.len() {
                    0
                } else {
                    self.at[k] + 1
                };
            }
        }
        &self.out
    }
}

/// Straight up to half of full scale, then bent towards 0.97: it has no memory, so what repeats before it repeats after.
pub(crate) fn soft_clip(x: f32) -> f32 {
    let over = x.abs() - 0.5;
    if over <= 0.0 {
        x
    } else {
        (0.5 + 0.47 * (over / 0.47).tanh()).copysign(x)
    }
}

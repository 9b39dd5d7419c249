//! The pitched instruments.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::clip::{Clip, OnePole, Saw, Svf, decay, note_hz, pan};
use super::rng::{Noise, Rng};

/// How an instrument makes its sound.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Voice {
    /// Oscillators through a filter.
    Subtractive(Patch),
    /// A sine that modulates a sine: electric piano.
    Keys,
    /// Decaying partials, slightly sharp: piano.
    Piano,
    /// Power chord through a clipping amplifier and a cabinet.
    Guitar,
}

/// A subtractive instrument. Times in seconds; `attack` and `release` are whole lengths, the decays are time constants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patch {
    /// Detune of each sawtooth in cents; they are spread from left to right.
    pub(crate) saws: &'static [f32],
    /// How far they are spread, 0 to 1.
    pub(crate) width: f32,
    /// Level of a sine at the note, and of one an octave below.
    pub(crate) sine: f32,
    pub(crate) sub: f32,
    /// Filter cut-off in Hz at rest, octaves that the envelope adds, and the envelope's decay.
    pub(crate) cutoff: f32,
    pub(crate) sweep: f32,
    pub(crate) sweep_decay: f32,
    pub(crate) q: f32,
    pub(crate) attack: f32,
    pub(crate) decay: f32,
    pub(crate) sustain: f32,
    pub(crate) release: f32,
    /// Vibrato depth in semitones at 5.5 Hz.
    pub(crate) vibrato: f32,
    /// Soft clipping after the filter; 0 for none.
    pub(crate) drive: f32,
}

const BASE: Patch = Patch {
    saws: &[0.0],
    width: 0.0,
    sine: 0.0,
    sub: 0.0,
    cutoff: 800.0,
    sweep: 0.0,
    sweep_decay: 0.1,
    q: 0.8,
    attack: 0.003,
    decay: 0.3,
    sustain: 0.8,
    release: 0.03,
    vibrato: 0.0,
    drive: 0.0,
};

pub(crate) const SAW_BASS: Voice = Voice::Subtractive(Patch {
    sub: 0.8,
    cutoff: 220.0,
    sweep: 3.0,
    sweep_decay: 0.07,
    q: 1.3,
    decay: 0.25,
    sustain: 0.6,
    drive: 0.6,
    ..BASE
});
pub(crate) const SUB_BASS: Voice = Voice::Subtractive(Patch {
    saws: &[],
    sine: 1.0,
    cutoff: 2500.0,
    decay: 0.7,
    sustain: 0.5,
    release: 0.08,
    drive: 1.2,
    ..BASE
});
pub(crate) const REESE: Voice = Voice::Subtractive(Patch {
    saws: &[-14.0, 13.0, 2.0],
    width: 0.5,
    sub: 1.0,
    cutoff: 420.0,
    sweep: 1.2,
    sweep_decay: 0.3,
    decay: 1.0,
    sustain: 0.9,
    release: 0.06,
    drive: 0.9,
    ..BASE
});
pub(crate) const FINGER: Voice = Voice::Subtractive(Patch {
    sine: 0.9,
    cutoff: 300.0,
    sweep: 3.2,
    sweep_decay: 0.045,
    decay: 0.35,
    sustain: 0.25,
    release: 0.05,
    ..BASE
});
pub(crate) const STAB: Voice = Voice::Subtractive(Patch {
    saws: &[-9.0, 8.0],
    width: 0.8,
    cutoff: 800.0,
    sweep: 2.6,
    sweep_decay: 0.11,
    q: 1.0,
    decay: 0.22,
    sustain: 0.3,
    release: 0.12,
    ..BASE
});
pub(crate) const PAD: Voice = Voice::Subtractive(Patch {
    saws: &[-11.0, 0.0, 12.0],
    width: 1.0,
    cutoff: 2000.0,
    sweep: -1.0,
    sweep_decay: 0.5,
    attack: 0.18,
    decay: 1.0,
    sustain: 0.9,
    release: 0.35,
    ..BASE
});
pub(crate) const PLUCK: Voice = Voice::Subtractive(Patch {
    saws: &[-5.0, 6.0],
    width: 0.5,
    cutoff: 900.0,
    sweep: 3.0,
    sweep_decay: 0.06,
    q: 1.4,
    decay: 0.13,
    sustain: 0.1,
    release: 0.08,
    ..BASE
});
pub(crate) const LEAD: Voice = Voice::Subtractive(Patch {
    saws: &[-7.0, 0.0, 7.0],
    width: 0.4,
    sine: 0.4,
    cutoff: 2200.0,
    sweep: 1.0,
    sweep_decay: 0.15,
    attack: 0.012,
    decay: 0.4,
    sustain: 0.7,
    release: 0.12,
    vibrato: 0.12,
    ..BASE
});

impl Voice {
    /// Plays `notes` (MIDI) together, held for `gate` seconds. The result's loudest 50 ms have an RMS of 1. Each `rng`
    /// gives other phases, as each stroke on a free-running oscillator does.
    pub(crate) fn play(&self, notes: &[i32], gate: f32, rate: f32, rng: &mut Rng) -> Clip {
        let clip = match self {
            Voice::Subtractive(patch) => subtractive(patch, notes, gate, rate, rng),
            Voice::Keys => keys(notes, gate, rate),
            Voice::Piano => piano(notes, gate, rate, rng),
            Voice::Guitar => guitar(notes, gate, rate, rng),
        };
        clip.fade_out(0.005, rate).loud_one(rate)
    }
}

fn subtractive(p: &Patch, notes: &[i32], gate: f32, rate: f32, rng: &mut Rng) -> Clip {
    let held = (gate * rate) as usize;
    let n = held + (p.release * rate) as usize;
    let mut oscillators: Vec<(Saw, [f32; 2])> = Vec::new();
    let mut sines: Vec<(f32, f32, f32)> = Vec::new(); // phase, step, level
    for &note in notes {
        let hz = note_hz(note as f32);
        for (i, &cents) in p.saws.iter().enumerate() {
            let place = if p.saws.len() > 1 {
                2.0 * i as f32 / (p.saws.len() - 1) as f32 - 1.0
            } else {
                0.0
            };
            let phase = rng.uniform() as f32;
            oscillators.push((
                Saw::new(hz * (cents / 1200.0).exp2(), phase, rate),
                pan(place * p.width),
            ));
        }
        sines.push((0.0, hz / rate, p.sine));
        sines.push((0.0, 0.5 * hz / rate, p.sub));
    }
    sines.retain(|s| s.2 > 0.0);
    let mono = p.width == 0.0;
    let mut filters = [Svf::new(p.cutoff, p.q, rate), Svf::new(p.cutoff, p.q, rate)];
    let (sweep_fall, level_fall) = (decay(p.sweep_decay, rate), decay(p.decay, rate));
    let attack = (p.attack * rate).max(1.0);
    let (mut sweep, mut fallen) = (1.0f32, 1.0f32);
    let mut bend = 1.0f32;
    let mut planes = [Vec::with_capacity(n), Vec::with_capacity(if mono { 0 } else { n })];
    for i in 0..n {
        if i % 32 == 0 {
            let hz = p.cutoff * (p.sweep * sweep).exp2();
            filters.iter_mut().for_each(|f| f.tune(hz, rate));
            let t = i as f32 / rate;
            bend = (p.vibrato * (t * 4.0).min(1.0) * (TAU * 5.5 * t).sin() / 12.0).exp2();
        }
        let mut x = [0.0f32; 2];
        for (saw, gains) in &mut oscillators {
            let y = saw.tick(bend);
            x[0] += y * gains[0];
            x[1] += y * gains[1];
        }
        for (phase, step, level) in &mut sines {
            let y = *level * (TAU * *phase).sin();
            *phase += *step * bend;
            *phase -= if *phase >= 1.0 { 1.0 } else { 0.0 };
            x[0] += y;
            x[1] += y;
        }
        let rise = (i as f32 / attack).min(1.0);
        let release = if i < held {
            1.0
        } else {
            (n - i) as f32 / (n - held) as f32
        };
        let level = rise * (p.sustain + (1.0 - p.sustain) * fallen) * release;
        sweep *= sweep_fall;
        if rise >= 1.0 {
            fallen *= level_fall;
        }
        for (c, plane) in planes.iter_mut().enumerate().take(if mono { 1 } else { 2 }) {
            let y = filters[c].tick(x[c]).low;
            let y = if p.drive > 0.0 { (y * (1.0 + p.drive)).tanh() } else { y };
            plane.push(y * level);
        }
    }
    let [left, right] = planes;
    Clip { left, right }
}

/// Two-operator FM: a partial 14 times the note for the tine's ping, and one at the note for the body.
fn keys(notes: &[i32], gate: f32, rate: f32) -> Clip {
    let held = (gate * rate) as usize;
    let n = held + (0.15 * rate) as usize;
    let (mut left, mut right) = (vec![0.0f32; n], vec![0.0f32; n]);
    for (k, &note) in notes.iter().enumerate() {
        let step = note_hz(note as f32) / rate;
        let gains = pan(if k % 2 == 0 { -0.35 } else { 0.35 });
        let (body_fall, ping_fall, level_fall) = (decay(0.7, rate), decay(0.09, rate), decay(1.1, rate));
        let (mut phase, mut body, mut ping, mut level) = (0.0f32, 1.1f32, 0.35f32, 1.0f32);
        for (i, (l, r)) in left.iter_mut().zip(&mut right).enumerate() {
            let release = if i < held {
                1.0
            } else {
                (n - i) as f32 / (n - held) as f32
            };
            let modulation = body * (TAU * phase).sin() + ping * (TAU * (14.0 * phase).fract()).sin();
            let y = (TAU * phase + modulation).sin() * level * release * (i as f32 / 90.0).min(1.0);
            *l += y * gains[0];
            *r += y * gains[1];
            phase = (phase + step).fract();
            body *= body_fall;
            ping *= ping_fall;
            level *= level_fall;
        }
    }
    Clip { left, right }
}

/// Partials with the stretch of a stiff string; the higher die sooner. Each is a rotating complex number.
fn piano(notes: &[i32], gate: f32, rate: f32, rng: &mut Rng) -> Clip {
    let held = (gate * rate) as usize;
    let n = held + (0.2 * rate) as usize;
    let (mut left, mut right) = (vec![0.0f32; n], vec![0.0f32; n]);
    let mut noise = Noise::new(rng);
    for &note in notes {
        let hz = note_hz(note as f32);
        let gains = pan((note as f32 - 60.0) / 40.0);
        for k in 1..=10 {
            let partial = hz * k as f32 * (1.0 + 0.0004 * (k * k) as f32).sqrt();
            if partial > 0.4 * rate {
                break;
            }
            let amplitude = (k as f32).powf(-1.2) * if k % 7 == 0 { 0.2 } else { 1.0 };
            let fall = decay(1.6 / (1.0 + 0.35 * k as f32) * (60.0 / note as f32), rate);
            let (s, c) = (TAU * partial / rate).sin_cos();
            let (turn_re, turn_im) = (fall * c, fall * s);
            let (mut re, mut im) = (0.0f32, amplitude);
            for (l, r) in left.iter_mut().zip(&mut right) {
                *l += re * gains[0];
                *r += re * gains[1];
                (re, im) = (re * turn_re - im * turn_im, re * turn_im + im * turn_re);
                // `re` starts at 0 and `im` at the amplitude: a sine, without a click.
            }
        }
    }
    let hammer_fall = decay(0.006, rate);
    let mut hammer = 0.25f32;
    let mut dull = OnePole::new(1800.0, rate);
    for (i, (l, r)) in left.iter_mut().zip(&mut right).enumerate() {
        let release = if i < held {
            1.0
        } else {
            (n - i) as f32 / (n - held) as f32
        };
        let knock = hammer * dull.low(noise.next());
        hammer *= hammer_fall;
        *l = (*l + knock) * release;
        *r = (*r + knock) * release;
    }
    Clip { left, right }
}

/// Two takes of the power chord on the first note, left and right.
fn guitar(notes: &[i32], gate: f32, rate: f32, rng: &mut Rng) -> Clip {
    let held = (gate * rate) as usize;
    let n = held + (0.04 * rate) as usize;
    let root = notes.first().copied().unwrap_or(52);
    let root = 40 + (root - 40).rem_euclid(12);
    let take = |rng: &mut Rng, cents: f32| {
        let mut strings: Vec<Saw> = [0, 7, 12]
            .iter()
            .map(|interval| {
                let hz = note_hz((root + interval) as f32 + cents / 100.0);
                Saw::new(hz, rng.uniform() as f32, rate)
            })
            .collect();
        let mut pickup = OnePole::new(120.0, rate);
        let mut cabinet = [Svf::new(4200.0, 0.9, rate), Svf::new(4800.0, 0.7, rate)];
        let mut presence = Svf::new(2400.0, 1.0, rate);
        let fall = decay(0.9, rate);
        let mut level = 1.0f32;
        (0..n)
            .map(|i| {
                let dry: f32 = strings.iter_mut().map(|s| s.tick(1.0)).sum();
                let release = if i < held {
                    1.0
                } else {
                    (n - i) as f32 / (n - held) as f32
                };
                let rise = (FRAC_PI_2 * (i as f32 / 100.0).min(1.0)).sin();
                let amp = (3.5 * pickup.high(dry) * level).tanh() * rise * release;
                level *= fall;
                let speaker = cabinet.iter_mut().fold(amp, |x, stage| stage.tick(x).low);
                speaker + 0.4 * presence.tick(speaker).band
            })
            .collect::<Vec<f32>>()
    };
    let left = take(rng, -4.0);
    let right = take(rng, 5.0);
    Clip { left, right }
}

//! One-shots of a drum kit, synthesised. Each begins at its attack: half of the peak is reached within 1 ms.

use std::f32::consts::TAU;

use super::clip::{Clip, OnePole, Svf, decay};
use super::rng::{Noise, Rng};

/// The pieces of a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Piece {
    Kick,
    Snare,
    Clap,
    Closed,
    Open,
    Ride,
    Crash,
    TomHigh,
    TomMid,
    TomLow,
    Rim,
    Shaker,
}

impl Piece {
    /// Class name, as the drum truth spells it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Piece::Kick => "kick",
            Piece::Snare => "snare",
            Piece::Clap => "clap",
            Piece::Closed => "hat_closed",
            Piece::Open => "hat_open",
            Piece::Ride => "ride",
            Piece::Crash => "crash",
            Piece::TomHigh | Piece::TomMid | Piece::TomLow => "tom",
            Piece::Rim | Piece::Shaker => "other",
        }
    }

    /// Level in the mix (amplitude at full velocity), position, and share sent to the reverb.
    pub(crate) fn place(self) -> (f32, f32, f32) {
        match self {
            Piece::Kick => (0.60, 0.0, 0.0),
            Piece::Snare => (0.50, 0.0, 0.10),
            Piece::Clap => (0.42, 0.05, 0.16),
            Piece::Closed => (0.17, 0.25, 0.01),
            Piece::Open => (0.19, 0.25, 0.03),
            Piece::Ride => (0.17, -0.35, 0.05),
            Piece::Crash => (0.30, -0.2, 0.12),
            Piece::TomHigh => (0.50, -0.35, 0.08),
            Piece::TomMid => (0.50, 0.0, 0.08),
            Piece::TomLow => (0.55, 0.35, 0.08),
            Piece::Rim => (0.26, -0.3, 0.12),
            Piece::Shaker => (0.12, -0.4, 0.02),
        }
    }
}

/// What makes one kit differ from another. Times are time constants (to 1/e) in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kit {
    pub(crate) kick_hz: f32,
    pub(crate) kick_sweep_hz: f32,
    pub(crate) kick_sweep: f32,
    pub(crate) kick_decay: f32,
    pub(crate) kick_drive: f32,
    pub(crate) snare_hz: f32,
    pub(crate) snare_decay: f32,
    pub(crate) snare_noise: f32,
    pub(crate) hat_hz: f32,
    pub(crate) closed_decay: f32,
    pub(crate) open_decay: f32,
}

impl Kit {
    /// The kit with each figure changed a little, as one drum machine differs from the next.
    pub(crate) fn varied(mut self, rng: &mut Rng, amount: f64) -> Self {
        for figure in [
            &mut self.kick_hz,
            &mut self.kick_sweep_hz,
            &mut self.kick_sweep,
            &mut self.kick_decay,
            &mut self.snare_hz,
            &mut self.snare_decay,
            &mut self.snare_noise,
            &mut self.hat_hz,
            &mut self.closed_decay,
            &mut self.open_decay,
        ] {
            *figure *= (amount * rng.range(-1.0, 1.0)).exp() as f32;
        }
        self
    }

    /// Plays one piece. `rng` decides the noise.
    pub(crate) fn play(&self, piece: Piece, rate: f32, rng: &mut Rng) -> Clip {
        let clip = match piece {
            Piece::Kick => self.kick(rate, rng),
            Piece::Snare => self.snare(rate, rng),
            Piece::Clap => clap(rate, rng),
            Piece::Closed => metal(self.hat_hz, self.closed_decay, 7500.0, 0.5, rate, rng),
            Piece::Open => metal(self.hat_hz, self.open_decay, 6500.0, 0.5, rate, rng),
            Piece::Ride => metal(self.hat_hz * 0.8, 0.35, 4500.0, 0.2, rate, rng),
            Piece::Crash => metal(self.hat_hz * 0.6, 0.55, 3000.0, 0.8, rate, rng),
            Piece::TomHigh => tom(170.0, rate, rng),
            Piece::TomMid => tom(120.0, rate, rng),
            Piece::TomLow => tom(85.0, rate, rng),
            Piece::Rim => rim(rate, rng),
            Piece::Shaker => metal(9000.0, 0.02, 6000.0, 1.0, rate, rng),
        };
        clip.fade_out(0.01, rate).peak_one()
    }

    fn kick(&self, rate: f32, rng: &mut Rng) -> Clip {
        let n = (rate * (self.kick_decay * 4.5).min(0.9)) as usize;
        let (fall, sweep_fall, click_fall) = (
            decay(self.kick_decay, rate),
            decay(self.kick_sweep, rate),
            decay(0.002, rate),
        );
        let mut noise = Noise::new(rng);
        let mut bright = OnePole::new(1500.0, rate);
        let (mut phase, mut level, mut sweep, mut click) = (0.08f32, 1.0f32, 1.0f32, 1.0f32);
        let body = (0..n)
            .map(|_| {
                let y =
                    (self.kick_drive * (TAU * phase).sin()).tanh() * level + 0.35 * click * bright.high(noise.next());
                phase = (phase + (self.kick_hz + self.kick_sweep_hz * sweep) / rate).fract();
                level *= fall;
                sweep *= sweep_fall;
                click *= click_fall;
                y
            })
            .collect();
        Clip::mono(body)
    }

    fn snare(&self, rate: f32, rng: &mut Rng) -> Clip {
        let n = (rate * (self.snare_noise.max(self.snare_decay) * 5.0)) as usize;
        let (tone_fall, noise_fall, snap_fall) = (
            decay(self.snare_decay, rate),
            decay(self.snare_noise, rate),
            decay(0.004, rate),
        );
        let mut planes = [Vec::with_capacity(n), Vec::with_capacity(n)];
        let (mut wires, mut other) = (Noise::new(rng), Noise::new(rng));
        let mut filters = [Svf::new(2200.0, 0.6, rate), Svf::new(2200.0, 0.6, rate)];
        let (mut phase, mut tone, mut rattle, mut snap) = (0.1f32, 1.0f32, 1.0f32, 1.0f32);
        for _ in 0..n {
            let head = (TAU * phase).sin() + 0.6 * (TAU * phase * 1.83).sin();
            phase += self.snare_hz * (1.0 + 0.6 * snap) / rate;
            let common = wires.next();
            let side = 0.35 * other.next();
            for (plane, (filter, x)) in planes
                .iter_mut()
                .zip(filters.iter_mut().zip([common + side, common - side]))
            {
                let out = filter.tick(x);
                plane.push(0.55 * head * tone + (0.75 * out.high + 0.3 * out.band) * (rattle + 0.9 * snap));
            }
            tone *= tone_fall;
            rattle *= noise_fall;
            snap *= snap_fall;
        }
        let [left, right] = planes;
        Clip { left, right }
    }
}

/// Hands that do not quite meet: four bursts in 30 ms, then the room.
fn clap(rate: f32, rng: &mut Rng) -> Clip {
    let n = (rate * 0.45) as usize;
    let mut noise = [Noise::new(rng), Noise::new(rng)];
    let mut filters = [Svf::new(1300.0, 1.1, rate), Svf::new(1400.0, 1.1, rate)];
    let bursts = [0.0, 0.011, 0.021, 0.030f32].map(|t| (t * rate) as usize);
    let (burst_fall, room_fall) = (decay(0.004, rate), decay(0.075, rate));
    let (mut burst, mut room) = (0.0f32, 0.0f32);
    let mut planes = [Vec::with_capacity(n), Vec::with_capacity(n)];
    for i in 0..n {
        if bursts.contains(&i) {
            burst = 1.0;
            room = 0.55;
        }
        for (plane, (source, filter)) in planes.iter_mut().zip(noise.iter_mut().zip(filters.iter_mut())) {
            let out = filter.tick(source.next());
            plane.push((out.band + 0.25 * out.high) * (burst + room));
        }
        burst *= burst_fall;
        room *= room_fall;
    }
    let [left, right] = planes;
    Clip { left, right }
}

/// Hats and cymbals: six square waves whose frequencies share no ratio (the analogue drum machines' recipe) and noise,
/// high-passed. `hiss` is the share of noise.
fn metal(hz: f32, tau: f32, high_pass: f32, hiss: f32, rate: f32, rng: &mut Rng) -> Clip {
    let n = (rate * (tau * 5.0 + 0.01)) as usize;
    let steps = [0.317, 0.481, 0.574, 0.823, 0.853, 1.264f32].map(|ratio| hz * ratio / rate);
    let fall = decay(tau, rate);
    let tick_fall = decay(0.003, rate);
    let mut planes = [Vec::with_capacity(n), Vec::with_capacity(n)];
    let mut noise = [Noise::new(rng), Noise::new(rng)];
    let mut filters = [[0, 1], [0, 1]].map(|stages| stages.map(|_| Svf::new(high_pass, 0.7, rate)));
    let mut phases = [0.0f32; 6];
    let (mut level, mut tick) = (1.0f32, 1.0f32);
    for _ in 0..n {
        let mut ring = 0.0;
        for (phase, step) in phases.iter_mut().zip(steps) {
            *phase = (*phase + step).fract();
            ring += if *phase < 0.5 { 1.0 } else { -1.0 };
        }
        let common = ring * (1.0 - hiss) * 0.3;
        for (plane, (source, stages)) in planes.iter_mut().zip(noise.iter_mut().zip(filters.iter_mut())) {
            let x = common + hiss * source.next();
            let y = stages.iter_mut().fold(x, |x, stage| stage.tick(x).high);
            plane.push(y * (level + 0.5 * tick));
        }
        level *= fall;
        tick *= tick_fall;
    }
    let [left, right] = planes;
    Clip { left, right }
}

fn tom(hz: f32, rate: f32, rng: &mut Rng) -> Clip {
    let n = (rate * 0.55) as usize;
    let (fall, sweep_fall, skin_fall) = (decay(0.13, rate), decay(0.04, rate), decay(0.012, rate));
    let mut noise = Noise::new(rng);
    let mut dull = OnePole::new(2500.0, rate);
    let (mut phase, mut level, mut sweep, mut skin) = (0.1f32, 1.0f32, 1.0f32, 1.0f32);
    let body = (0..n)
        .map(|_| {
            let y = (TAU * phase).sin() * level + 0.45 * skin * dull.low(noise.next());
            phase += hz * (1.0 + 0.7 * sweep) / rate;
            level *= fall;
            sweep *= sweep_fall;
            skin *= skin_fall;
            y
        })
        .collect();
    Clip::mono(body)
}

fn rim(rate: f32, rng: &mut Rng) -> Clip {
    let n = (rate * 0.09) as usize;
    let fall = decay(0.014, rate);
    let mut noise = Noise::new(rng);
    let mut level = 1.0f32;
    let body = (0..n)
        .map(|i| {
            let t = i as f32 / rate;
            let y = ((TAU * 1720.0 * t + 0.6).sin() + 0.7 * (TAU * 470.0 * t + 0.6).sin() + 0.3 * noise.next()) * level;
            level *= fall;
            y
        })
        .collect();
    Clip::mono(body)
}

/// A riser: noise through a band that climbs four octaves while it grows, over `seconds`.
pub(crate) fn riser(seconds: f32, rate: f32, rng: &mut Rng) -> Clip {
    let n = (rate * seconds) as usize;
    let mut noise = [Noise::new(rng), Noise::new(rng)];
    let mut filters = [Svf::new(400.0, 1.6, rate), Svf::new(400.0, 1.6, rate)];
    let mut planes = [Vec::with_capacity(n), Vec::with_capacity(n)];
    for i in 0..n {
        let x = i as f32 / n as f32;
        if i % 64 == 0 {
            filters.iter_mut().for_each(|f| f.tune(400.0 * (4.3 * x).exp2(), rate));
        }
        for (plane, (source, filter)) in planes.iter_mut().zip(noise.iter_mut().zip(filters.iter_mut())) {
            plane.push(filter.tick(source.next()).band * x * x);
        }
    }
    let [left, right] = planes;
    Clip { left, right }.fade_out(0.02, rate).peak_one()
}

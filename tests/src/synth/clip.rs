//! Rendered sounds, and the small filters and oscillators they are made with.

use std::f32::consts::{PI, TAU};

/// A rendered sound that starts at its attack. `right` is empty where the sound is mono.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clip {
    pub(crate) left: Vec<f32>,
    pub(crate) right: Vec<f32>,
}

impl Clip {
    pub(crate) fn mono(samples: Vec<f32>) -> Self {
        Self {
            left: samples,
            right: Vec::new(),
        }
    }

    fn each(&mut self, mut f: impl FnMut(&mut [f32])) {
        f(&mut self.left);
        f(&mut self.right);
    }

    /// Ends the sound in silence: a raised-cosine fade over the last `seconds`.
    pub(crate) fn fade_out(mut self, seconds: f32, rate: f32) -> Self {
        let n = ((seconds * rate) as usize).min(self.left.len());
        self.each(|plane| {
            for (i, x) in plane.iter_mut().rev().take(n).enumerate() {
                *x *= 0.5 - 0.5 * (PI * i as f32 / n as f32).cos();
            }
        });
        self
    }

    /// Scales to a peak of 1.
    pub(crate) fn peak_one(mut self) -> Self {
        let peak = self
            .left
            .iter()
            .chain(&self.right)
            .fold(1e-9f32, |peak, x| peak.max(x.abs()));
        self.each(|plane| plane.iter_mut().for_each(|x| *x /= peak));
        self
    }

    /// Scales so that the loudest 50 ms have an RMS of 1.
    pub(crate) fn loud_one(mut self, rate: f32) -> Self {
        let block = ((0.05 * rate) as usize).max(1);
        let loudest = |plane: &[f32]| {
            plane
                .chunks(block)
                .map(|c| c.iter().map(|x| x * x).sum::<f32>() / block as f32)
                .fold(1e-12f32, f32::max)
        };
        let gain = loudest(&self.left).max(loudest(&self.right)).sqrt().recip();
        self.each(|plane| plane.iter_mut().for_each(|x| *x *= gain));
        self
    }
}

/// One-pole low-pass; `high` gives what it leaves.
#[derive(Debug, Clone)]
pub(crate) struct OnePole {
    k: f32,
    y: f32,
}

impl OnePole {
    pub(crate) fn new(hz: f32, rate: f32) -> Self {
        Self {
            k: 1.0 - (-TAU * hz / rate).exp(),
            y: 0.0,
        }
    }

    pub(crate) fn low(&mut self, x: f32) -> f32 {
        self.y += self.k * (x - self.y);
        self.y
    }

    pub(crate) fn high(&mut self, x: f32) -> f32 {
        x - self.low(x)
    }
}

/// Two-pole state-variable filter in the topology-preserving form (Zavalishin, *The Art of VA Filter Design*): stable
/// while its cut-off moves.
#[derive(Debug, Clone)]
pub(crate) struct Svf {
    g: f32,
    damping: f32,
    s1: f32,
    s2: f32,
}

/// The three outputs of [`Svf`].
pub(crate) struct SvfOut {
    pub(crate) low: f32,
    pub(crate) band: f32,
    pub(crate) high: f32,
}

impl Svf {
    /// `q` is the resonance, 0.707 for a flat pass-band.
    pub(crate) fn new(hz: f32, q: f32, rate: f32) -> Self {
        let mut svf = Self {
            g: 0.0,
            damping: 1.0 / q,
            s1: 0.0,
            s2: 0.0,
        };
        svf.tune(hz, rate);
        svf
    }

    pub(crate) fn tune(&mut self, hz: f32, rate: f32) {
        self.g = (PI * hz.clamp(10.0, 0.45 * rate) / rate).tan();
    }

    pub(crate) fn tick(&mut self, x: f32) -> SvfOut {
        let high = (x - (self.damping + self.g) * self.s1 - self.s2) / (1.0 + self.g * (self.g + self.damping));
        let band = self.g * high + self.s1;
        self.s1 = band + self.g * high;
        let low = self.g * band + self.s2;
        self.s2 = low + self.g * band;
        SvfOut {
            low,
            band: band * self.damping,
            high,
        }
    }
}

/// Sawtooth with its step smoothed over two samples (polyBLEP), which keeps aliases low.
#[derive(Debug, Clone)]
pub(crate) struct Saw {
    phase: f32,
    step: f32,
}

impl Saw {
    pub(crate) fn new(hz: f32, phase: f32, rate: f32) -> Self {
        Self { phase, step: hz / rate }
    }

    pub(crate) fn tick(&mut self, bend: f32) -> f32 {
        let (p, step) = (self.phase, self.step * bend);
        self.phase += step;
        self.phase -= if self.phase >= 1.0 { 1.0 } else { 0.0 };
        let smooth = if p < step {
            let t = p / step;
            2.0 * t - t * t - 1.0
        } else if p > 1.0 - step {
            let t = (p - 1.0) / step;
            t * t + 2.0 * t + 1.0
        } else {
            0.0
        };
        2.0 * p - 1.0 - smooth
    }
}

/// Factor per sample of an exponential that falls to 1/e in `tau` seconds.
pub(crate) fn decay(tau: f32, rate: f32) -> f32 {
    (-1.0 / (tau.max(1e-5) * rate)).exp()
}

/// Frequency of a MIDI note, fractional notes allowed.
pub(crate) fn note_hz(note: f32) -> f32 {
    440.0 * ((note - 69.0) / 12.0).exp2()
}

/// Gains of the two channels for a position from −1 (left) to 1 (right), equal power, 1 in the middle.
pub(crate) fn pan(position: f32) -> [f32; 2] {
    let angle = (position.clamp(-1.0, 1.0) + 1.0) * PI / 4.0;
    [
        angle.cos() * std::f32::consts::SQRT_2,
        angle.sin() * std::f32::consts::SQRT_2,
    ]
}

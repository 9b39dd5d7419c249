//! Readings of the pulse as beats: other ratios, other phases.

use super::attack::Attacks;
use super::bars::BarReading;
use super::beats::Pulse;
use super::constants::*;
use super::onset::Front;
use super::refine::{self, Point};
use crate::units::Bpm;

/// A named, weighted part of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Its name, stable.
    pub name: &'static str,
    /// Its weight in the score.
    pub weight: f32,
    /// Its value; always finite.
    pub value: f32,
}

impl Term {
    pub(crate) fn new(name: &'static str, weight: f32, value: f32) -> Self {
        let value = if value.is_finite() { value } else { 0.0 };
        Self { name, weight, value }
    }

    /// Weight times value.
    pub fn contribution(&self) -> f32 {
        self.weight * self.value
    }
}

/// One way to hear the beat, kept so that a user or a model can prefer it to the tracker's choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Beats for each pulse of the strongest tempo: 2 is double time.
    pub ratio: f64,
    /// Tempo: the fitted one where it is constant, the median where it drifts.
    pub tempo: Bpm,
    /// True where one tempo and one phase explain the whole track.
    pub constant: bool,
    /// Beats in frames at the track's own rate, strictly increasing.
    pub beats: Vec<f64>,
    /// Indices into `beats` of the downbeats of the best reading of the bars.
    pub downbeats: Vec<usize>,
    /// All readings of the bars, best first.
    pub bars: Vec<BarReading>,
    /// Weighted sum of the terms.
    pub score: f32,
    /// What the score is made of.
    pub terms: Vec<Term>,
}

/// A reading before it is scored.
#[derive(Clone)]
pub(crate) struct Draft {
    /// Beats a pulse.
    pub(crate) ratio: f64,
    /// Beats in frames, strictly increasing.
    pub(crate) beats: Vec<f64>,
    /// First beat and period in frames, where the tempo is constant.
    pub(crate) line: Option<(f64, f64)>,
}

impl Draft {
    /// The same beats, drawn to where the waveform says that the attacks are.
    pub(crate) fn on_attacks(&self, attack: &[f32], fine: &mut Attacks<'_>) -> Self {
        let points: Vec<Point> = refine::attacks(attack, &self.beats)
            .into_iter()
            .map(|p| match fine.at(p.at).filter(|_| p.weight > 0.0) {
                Some((at, rise)) => Point {
                    at,
                    weight: p.weight * rise,
                },
                None => Point { weight: 0.0, ..p },
            })
            .collect();
        let (beats, line) = match self.line {
            Some((first, period)) => {
                let (a, b) = refine::steady(&points, first, period);
                ((0..self.beats.len()).map(|k| a + k as f64 * b).collect(), Some((a, b)))
            }
            None => (refine::drifting(&points, &self.beats), None),
        };
        Self {
            ratio: self.ratio,
            beats,
            line,
        }
    }
}

/// What hypotheses are made from.
pub(crate) struct Source<'a> {
    pub(crate) front: &'a Front,
    pub(crate) pulse: &'a Pulse,
    /// Log flux, compressed, smoothed.
    pub(crate) curve: &'a [f32],
    /// Linear flux.
    pub(crate) attack: &'a [f32],
}

impl Source<'_> {
    /// All readings at `ratios` beats a pulse within `range` BPM; `period` is the pulse's in frames.
    pub(crate) fn drafts(&self, ratios: &[f64], period: f64, range: (f64, f64)) -> Vec<Draft> {
        let numbers = self.pulse.numbers(self.front.frames);
        let mut out = Vec::new();
        for &ratio in ratios {
            let bpm = 60.0 * FPS * ratio / period;
            if bpm < range.0 || bpm > range.1 {
                continue;
            }
            let from = out.len();
            for phase in self.phases(&numbers, ratio) {
                let draft = self.draft(ratio, phase);
                if draft.beats.len() >= 4 && out[from..].iter().all(|d: &Draft| !same(d, &draft)) {
                    out.push(draft);
                }
            }
        }
        out
    }

    /// Phases worth trying: peaks of the folded curve, and the half and third beats beside the two best.
    fn phases(&self, numbers: &[f64], ratio: f64) -> Vec<f64> {
        let mut fold = [0.0f32; FOLD];
        for (&x, &v) in numbers.iter().zip(self.curve) {
            let place = (x * ratio).rem_euclid(1.0) * FOLD as f64;
            let (i, f) = (place as usize % FOLD, place.fract() as f32);
            fold[i] += v * (1.0 - f);
            fold[(i + 1) % FOLD] += v * f;
        }
        let mut order: Vec<usize> = (0..FOLD).collect();
        order.sort_by(|&a, &b| fold[b].total_cmp(&fold[a]).then(a.cmp(&b)));
        let apart = |a: f64, b: f64| {
            let d = (a - b).rem_euclid(1.0);
            d.min(1.0 - d)
        };
        let mut peaks: Vec<f64> = Vec::new();
        for i in order {
            let (l, c, r) = (fold[(i + FOLD - 1) % FOLD], fold[i], fold[(i + 1) % FOLD]);
            let phase = i as f64 / FOLD as f64;
            if c >= l && c >= r && peaks.iter().all(|&p| apart(p, phase) >= 0.125) {
                peaks.push(phase);
            }
            if peaks.len() == 4 {
                break;
            }
        }
        let mut all = peaks.clone();
        for &p in peaks.iter().take(2) {
            for shift in [0.5, 1.0 / 3.0, 2.0 / 3.0] {
                let q = (p + shift).rem_euclid(1.0);
                if all.iter().all(|&x| apart(x, q) >= 1.0 / 12.0) {
                    all.push(q);
                }
            }
        }
        all
    }

    /// Beats at one ratio and phase, drawn to the attacks, between the first and the last sound.
    pub(crate) fn draft(&self, ratio: f64, phase: f64) -> Draft {
        let (lo, hi) = (self.front.sound.0 as f64, self.front.sound.1 as f64);
        match *self.pulse {
            Pulse::Steady { period } => {
                let period = period / ratio;
                let first = phase * period + ((lo / period) - phase).ceil() * period;
                let count = ((hi - first) / period).max(0.0) as usize + 1;
                let rough: Vec<f64> = (0..count).map(|k| first + k as f64 * period).collect();
                let (first, period) = refine::steady(&refine::attacks(self.attack, &rough), first, period);
                let (beats, first) = steady_beats(first, period, lo, hi);
                Draft {
                    ratio,
                    beats,
                    line: Some((first, period)),
                }
            }
            Pulse::Free(_) => {
                // Whole beats from before the first sound on; the pulse goes on beyond its ends at its last period.
                let mut rough = Vec::new();
                let guess = self.pulse.frame(1.0) - self.pulse.frame(0.0);
                let mut k = ((lo - self.pulse.frame(0.0)) / guess * ratio).floor() - 2.0;
                loop {
                    let t = self.pulse.frame((k + phase) / ratio);
                    if t > hi {
                        break;
                    }
                    if t >= lo - tolerance() {
                        rough.push(t);
                    }
                    k += 1.0;
                }
                let beats = refine::drifting(&refine::attacks(self.attack, &rough), &rough);
                Draft {
                    ratio,
                    beats,
                    line: None,
                }
            }
        }
    }
}

/// Slack at the first sound: an attack is heard from the frame whose window first touches it.
pub(crate) fn tolerance() -> f64 {
    0.03 * FPS
}

/// Beats `first + k * period` from the first sound to the last, and the first of them.
pub(crate) fn steady_beats(first: f64, period: f64, lo: f64, hi: f64) -> (Vec<f64>, f64) {
    let skip = ((lo - tolerance() - first) / period).ceil();
    let first = first + skip * period;
    let count = ((hi - first) / period).max(-1.0).floor() as i64 + 1;
    ((0..count).map(|k| first + k as f64 * period).collect(), first)
}

/// True where two readings at one ratio came to lie on each other.
pub(crate) fn same(a: &Draft, b: &Draft) -> bool {
    let x = super::bars::beat_number(&a.beats, b.beats[b.beats.len() / 2]);
    let d = (x - x.round()).abs();
    d < 1.0 / 16.0
}

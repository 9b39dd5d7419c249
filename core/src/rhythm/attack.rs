//! The time of an attack to a fraction of a millisecond, from the waveform.
//!
//! Spectral flux knows a bang's time only to the width of its window, and its maximum leads the attack by 6 to 13 ms,
//! depending on the sound. Where a beat's flux maximum is known, the waveform around it tells the rest: the attack is the
//! place where the level just after exceeds the level just before the most.

use super::constants::*;

/// Samples in which energy is summed (0.5 ms).
const BLOCK: usize = 11;
/// Blocks that are looked at before and after the expected attack (10 ms to search, 12 ms of surroundings).
const SEARCH: usize = 20;
const AROUND: usize = 24;
/// Time constant of the levels before and after, in blocks (4 ms).
const MEMORY: f32 = 8.0;

/// An attack near `sample`: its place in samples, and how far the level rises there, 0 to 1. `None` where the level does
/// not rise.
pub(crate) fn locate(mono: &[f32], sample: f64) -> Option<(f64, f64)> {
    const BLOCKS: usize = 2 * (SEARCH + AROUND);
    let start = sample.round() as isize - ((SEARCH + AROUND) * BLOCK) as isize;
    let mut energy = [0.0f32; BLOCKS];
    for (b, e) in energy.iter_mut().enumerate() {
        let from = start + (b * BLOCK) as isize;
        let lo = from.clamp(1, mono.len() as isize) as usize;
        let hi = (from + BLOCK as isize).clamp(lo as isize, mono.len() as isize) as usize;
        // Differences of neighbours: the treble of an attack is early and sharp, and a constant drops out.
        *e = mono[lo.saturating_sub(1)..hi]
            .windows(2)
            .map(|w| w[1] - 0.95 * w[0])
            .map(|y| if y.is_finite() { y * y } else { 0.0 })
            .sum();
    }
    let keep = (-1.0 / MEMORY).exp();
    let mut before = [0.0f32; BLOCKS];
    let mut level = energy[0];
    for b in 0..BLOCKS {
        before[b] = level;
        level = keep * level + (1.0 - keep) * energy[b];
    }
    let mut edge = [0.0f32; BLOCKS];
    let mut level = energy[BLOCKS - 1];
    for b in (0..BLOCKS).rev() {
        level = keep * level + (1.0 - keep) * energy[b];
        edge[b] = level.sqrt() - before[b].sqrt();
    }
    let best = (AROUND..AROUND + 2 * SEARCH).max_by(|&a, &b| edge[a].total_cmp(&edge[b]))?;
    let (l, c, r) = (edge[best - 1], edge[best], edge[best + 1]);
    if c <= 0.0 || c < l || c < r {
        return None;
    }
    let bend = l - 2.0 * c + r;
    let shift = if bend < 0.0 {
        f64::from(0.5 * (l - r) / bend)
    } else {
        0.0
    };
    let rise = f64::from(c / (c + 2.0 * before[best].sqrt()));
    // The attack lies somewhere in the first block after the edge: in its middle, on average.
    let at = best as f64 + shift.clamp(-0.5, 0.5) + 0.5;
    Some((start as f64 + at * BLOCK as f64, rise))
}

/// Attack times by flux maximum, each found once.
pub(crate) struct Attacks<'a> {
    mono: &'a [f32],
    known: Vec<Option<Option<(f64, f64)>>>,
}

impl<'a> Attacks<'a> {
    pub(crate) fn new(mono: &'a [f32], frames: usize) -> Self {
        Self {
            mono,
            known: vec![None; frames],
        }
    }

    /// The attack under the flux maximum at `frame`: its frame (in the flux's own time) and its rise.
    pub(crate) fn at(&mut self, frame: f64) -> Option<(f64, f64)> {
        let slot = self.known.get_mut(frame.round().max(0.0) as usize)?;
        let mono = self.mono;
        let found = slot.get_or_insert_with(|| locate(mono, super::onset::Front::seconds(frame) * RATE));
        found.map(|(sample, rise)| (super::onset::Front::frame(sample / RATE), rise))
    }
}

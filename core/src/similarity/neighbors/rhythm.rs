//! How alike two rhythms are, whatever their tempi and however many bars each has.

use crate::dsp::simd::pulp::Arch;
use crate::similarity::profile::{CURVES, HARMONICS, Profile, RHYTHM};

/// Bars of the neighbour for each bar of the query that are tried. The likeliest first: of equals it is taken.
pub const RATIOS: [f64; 5] = [1.0, 2.0, 0.5, 4.0, 0.25];
/// How much the best of the curves counts: their similarities are averaged as exponentials of so much. With 0 it would be
/// their mean, with much more their maximum. Parts played on top of drums, or a kit without hats, leave some curves as
/// they were.
const SHARPNESS: f32 = 4.0;
/// What each doubling of the number of bars costs.
const PER_DOUBLING: f32 = 0.02;
/// What tempi an octave apart cost; for other ratios with the square of octaves.
const PER_OCTAVE: f64 = 0.06;

const CURVE: usize = 2 * HARMONICS;

/// How two rhythms match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RhythmMatch {
    /// From 0 to 1.
    pub similarity: f32,
    /// Bars of the neighbour for each bar of the query.
    pub bars: f64,
    /// Length of a bar of the neighbour for one of the query.
    pub stretch: f64,
}

/// A query made ready to be compared with many: its rhythm as it would be in loops of as many bars, twice as many, half
/// as many, …
#[derive(Debug, Clone)]
pub struct Probe {
    seconds: f64,
    /// One for each of [`RATIOS`].
    variants: Vec<Vec<f32>>,
    /// Curves in which nothing is struck.
    silent: [bool; CURVES],
}

impl Probe {
    /// Of `query`.
    pub fn of(query: &Profile) -> Self {
        let variants = RATIOS.iter().map(|ratio| variant(&query.rhythm, *ratio)).collect();
        let curve = |c: usize| query.rhythm.get(c * CURVE..(c + 1) * CURVE).unwrap_or_default();
        Self {
            seconds: query.seconds,
            variants,
            silent: std::array::from_fn(|c| is_silent(curve(c))),
        }
    }

    /// The query's rhythm on the harmonics of a loop of `RATIOS[which]` as many bars.
    pub(super) fn variant(&self, which: usize) -> &[f32] {
        &self.variants[which]
    }

    /// The ratio of bars that fits `neighbour` best, and how well. Where one has no rhythm, the similarity is 0 and the
    /// ratio that of lengths.
    pub fn matched(&self, neighbour: &Profile) -> RhythmMatch {
        let lengths = if self.seconds > 0.0 && neighbour.seconds > 0.0 {
            neighbour.seconds / self.seconds
        } else {
            1.0
        };
        let mut best = RhythmMatch {
            similarity: 0.0,
            bars: 1.0,
            stretch: lengths,
        };
        if neighbour.rhythm.len() != RHYTHM {
            return best;
        }
        // A curve in which neither has anything says nothing.
        let left_out =
            std::array::from_fn(|c| self.silent[c] && is_silent(&neighbour.rhythm[c * CURVE..(c + 1) * CURVE]));
        if left_out == [true; CURVES] {
            return best;
        }
        let mut highest = f32::MIN;
        for (ratio, variant) in RATIOS.iter().zip(&self.variants) {
            let stretch = lengths / ratio;
            let octaves = stretch.log2();
            let cost = PER_DOUBLING * ratio.log2().abs() as f32 + (PER_OCTAVE * octaves * octaves) as f32;
            let alike = alike(variant, &neighbour.rhythm, &left_out) - cost;
            if alike > highest {
                highest = alike;
                best = RhythmMatch {
                    similarity: alike.clamp(0.0, 1.0),
                    bars: *ratio,
                    stretch,
                };
            }
        }
        best
    }
}

/// The rhythm on the harmonics of a loop of `ratio` as many bars. One that is played twice has only even harmonics; of one
/// that is compared with its half, only the even ones can be in that.
fn variant(rhythm: &[f32], ratio: f64) -> Vec<f32> {
    if rhythm.len() != RHYTHM {
        return vec![0.0; RHYTHM];
    }
    let mut out = vec![0.0; RHYTHM];
    let (up, down) = (ratio.max(1.0) as usize, ratio.recip().max(1.0) as usize);
    for curve in 0..CURVES {
        for k in 1..=HARMONICS / up.max(down) {
            let (to, from) = (curve * CURVE + 2 * (k * up - 1), curve * CURVE + 2 * (k * down - 1));
            out[to..to + 2].copy_from_slice(&rhythm[from..from + 2]);
        }
    }
    out
}

fn is_silent(curve: &[f32]) -> bool {
    curve.iter().all(|x| *x == 0.0)
}

/// The curves' correlations, averaged as exponentials; up to 1.
fn alike(a: &[f32], b: &[f32], left_out: &[bool; CURVES]) -> f32 {
    let dots = Arch::new().dispatch(
        #[inline(always)]
        || dots(a, b),
    );
    let (mut sum, mut count) = (0.0, 0.0);
    for (r, left_out) in dots.iter().zip(left_out) {
        if !left_out {
            sum += (SHARPNESS * r).exp();
            count += 1.0;
        }
    }
    (sum / count).ln() / SHARPNESS
}

/// The dot product of each curve with the other's. The order of sums is fixed.
#[inline(always)]
fn dots(a: &[f32], b: &[f32]) -> [f32; CURVES] {
    let mut out = [0.0; CURVES];
    for ((out, a), b) in out.iter_mut().zip(a.chunks_exact(CURVE)).zip(b.chunks_exact(CURVE)) {
        let mut lanes = [0.0f32; 16];
        for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        *out = lanes.iter().sum();
    }
    out
}

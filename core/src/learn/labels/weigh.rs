//! From marks to the weight of a candidate.

use super::Mark;

/// To what a moment is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// To the loop's middle, as the Python pipeline has it.
    #[default]
    Centre,
    /// To its start.
    Start,
}

/// Deviation of the bell about a moment or a cue, in beats.
pub const MOMENT_SIGMA: f64 = 0.5;
/// Edges of a loop may lie this far (in beats) from those that were marked: marks are set by ear.
pub const EDGE_TOLERANCE: f64 = 0.125;
/// Deviation of the bell beyond that tolerance, in beats: at half a beat a loop has a third of the weight, at one beat
/// nothing.
pub const EDGE_SIGMA: f64 = 0.25;
/// What overlap alone is worth, where both edges are whole bars away from the marked ones.
pub const OVERLAP_WEIGHT: f64 = 0.25;
/// What it is worth to begin at a cue: less than a loop, since it says neither that something loops nor how long; and enough
/// to count as good ([`super::POSITIVE`]), since there may be nothing else.
pub const CUE_WEIGHT: f64 = 0.6;

/// A candidate as it is weighed, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Length of its beats.
    pub beat: f64,
    /// Beats a bar.
    pub beats_per_bar: u32,
}

/// The weight of a candidate by all that was said of its track: the largest of
///
/// * the sum over [`Mark::Moment`]s `t` of exp(−½((c − t)/σ)²), σ half a beat, where c is the candidate's middle or its start:
///   the Python pipeline's weak label, above 1 where moments crowd;
/// * over [`Mark::Loop`]s, their weight times exp(−½(e/σ)²), σ a quarter of a beat, where e is how far the worse of the two
///   edges lies beyond a tolerance of an eighth of a beat (so that the marked loop itself has 1); but at least a quarter of
///   the share of time that both cover (intersection over union), where the edges are whole bars away;
/// * over [`Mark::Start`]s, 0.6 times exp(−½((start − t)/σ)²), σ half a beat.
pub fn weight(place: &Place, marks: &[Mark], align: Align) -> f64 {
    let (mut moments, mut best) = (0.0, 0f64);
    let sigma = MOMENT_SIGMA * place.beat;
    for mark in marks {
        match *mark {
            Mark::Moment(t) => {
                let at = match align {
                    Align::Centre => 0.5 * (place.start + place.end),
                    Align::Start => place.start,
                };
                moments += bell((at - t) / sigma);
            }
            Mark::Start(t) => best = best.max(CUE_WEIGHT * bell((place.start - t) / sigma)),
            Mark::Loop { start, end, weight } => best = best.max(weight * likeness(place, start, end)),
        }
    }
    best.max(moments)
}

/// How much a candidate is the loop from `start` to `end`: 0 to 1.
fn likeness(place: &Place, start: f64, end: f64) -> f64 {
    let off = [place.start - start, place.end - end].map(|d| d / place.beat);
    let worse = off[0].abs().max(off[1].abs());
    let edges = bell((worse - EDGE_TOLERANCE).max(0.0) / EDGE_SIGMA);
    let bar = f64::from(place.beats_per_bar.max(1));
    let whole_bars = off
        .iter()
        .all(|d| (d - (d / bar).round() * bar).abs() <= EDGE_TOLERANCE);
    if !whole_bars {
        return edges;
    }
    let shared = (place.end.min(end) - place.start.max(start)).max(0.0);
    let either = (place.end.max(end) - place.start.min(start)).max(f64::MIN_POSITIVE);
    edges.max(OVERLAP_WEIGHT * shared / either)
}

fn bell(x: f64) -> f64 {
    (-0.5 * x * x).exp()
}

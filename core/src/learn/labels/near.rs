//! Wrong loops that are hard to tell from right ones: the same length a beat or half a bar off, and what the ranking without
//! training likes best among those that overlap a right one.

use std::collections::BTreeSet;

use crate::loops::bars::Bars;
use crate::loops::{Candidate, Structure};
use crate::units::Span;

/// Identifies a span of the grid: first bar, beats into it, length in bars.
pub(crate) type Place = (usize, u32, u32);

/// Where a candidate stands on the grid.
pub(crate) fn place(c: &Candidate) -> Place {
    (c.first_bar, c.beat_offset, c.bars)
}

/// The candidate of the same length `beats` later (negative: earlier); `None` where it would touch or pass an odd bar, or
/// leave the track.
pub fn shifted(bars: &Bars, candidate: &Candidate, beats: i64) -> Option<Candidate> {
    let per = i64::from(bars.beats_per_bar);
    let at = i64::from(candidate.beat_offset) + beats;
    let first_bar = usize::try_from(candidate.first_bar as i64 + at.div_euclid(per)).ok()?;
    let mut out = Candidate {
        first_bar,
        beat_offset: at.rem_euclid(per) as u32,
        ..*candidate
    };
    // Beats are counted as if all bars were regular, so those on the way must be.
    let (from, to) = (candidate.touched(), out.touched());
    let way = bars.bars.get(from.start.min(to.start)..from.end.max(to.end))?;
    if !way.iter().all(|b| b.regular) {
        return None;
    }
    let first = bars.bars.get(first_bar)?.first_beat + out.beat_offset as usize;
    out.span = Span {
        start: *bars.frames.get(first)?,
        end: *bars.frames.get(first + candidate.beats as usize)?,
    };
    Some(out)
}

/// By how many beats a near miss is off: one, or half a bar where that is more; in either direction.
pub fn misses(beats_per_bar: u32) -> Vec<i64> {
    let half = i64::from(beats_per_bar / 2);
    let mut by = vec![1, -1];
    if beats_per_bar.is_multiple_of(2) && half > 1 {
        by.extend([half, -half]);
    }
    by
}

/// Up to `each` near misses of each of `positives`, none of them in `taken`, none twice.
pub fn near_misses(structure: &Structure, positives: &[Candidate], taken: &[Candidate], each: usize) -> Vec<Candidate> {
    let mut seen: BTreeSet<Place> = taken.iter().map(place).collect();
    let by = misses(structure.bars.beats_per_bar);
    let mut out = Vec::new();
    for (i, positive) in positives.iter().enumerate() {
        // Not the same direction first for all of them.
        let turned = by.iter().cycle().skip(i % by.len()).take(by.len());
        let found = turned
            .filter_map(|beats| shifted(&structure.bars, positive, *beats))
            .filter(|c| seen.insert(place(c)));
        out.extend(found.take(each));
    }
    out
}

/// For each positive of `candidates` up to `each` of the candidates with the best `scores` that overlap it and are none
/// themselves; indices, in order, none twice.
pub fn best_wrong(candidates: &[Candidate], positive: &[bool], scores: &[f32], each: usize) -> Vec<usize> {
    let mut wrong: Vec<usize> = (0..candidates.len())
        .filter(|i| !positive.get(*i).copied().unwrap_or(false))
        .collect();
    let score = |i: usize| scores.get(i).copied().unwrap_or(f32::NEG_INFINITY);
    wrong.sort_by(|a, b| score(*b).total_cmp(&score(*a)).then(a.cmp(b)));
    let mut out = BTreeSet::new();
    for (p, c) in candidates.iter().enumerate() {
        if !positive.get(p).copied().unwrap_or(false) {
            continue;
        }
        let near = wrong
            .iter()
            .filter(|i| candidates[**i].span.overlap(&c.span) > 0.0 && !out.contains(*i));
        let found: Vec<usize> = near.take(each).copied().collect();
        out.extend(found);
    }
    out.into_iter().collect()
}

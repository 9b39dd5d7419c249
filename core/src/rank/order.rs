//! Near-duplicates, and the order that spreads over contents and lengths.

use std::collections::BTreeMap;

use super::{Entry, Ranked};
use crate::config::tuning::Tuning;

/// Drops each loop that shares nearly all of its length with a better one of equal length. `ranked` is sorted by score.
pub fn without_duplicates(ranked: &mut Vec<Ranked>, entries: &[Entry<'_>], tuning: &Tuning) {
    // Kept loops of each length, sorted by start: only near neighbours can overlap enough.
    let mut kept: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    ranked.retain(|r| {
        let own = entries[r.index].candidate;
        let taken = kept.entry(own.bars).or_default();
        let at = taken.partition_point(|&k| entries[k].candidate.span.start < own.span.start);
        let near = taken[at.saturating_sub(2)..(at + 2).min(taken.len())].iter();
        let twice = near.map(|&k| &entries[k].candidate.span).any(|span| {
            let shared = span.overlap(&own.span) / span.len().max(own.span.len()).max(1e-9);
            shared > tuning.duplicate_overlap
        });
        if !twice {
            taken.insert(at, r.index);
        }
        !twice
    });
}

/// The first `top` (0: all) of a greedy choice in which each loop's worth rises while its content, or its content at its
/// length, has not been taken yet, and falls with what it shares with a taken loop of its length.
///
/// ```text
/// gain = worth · (1 + f·½^(same content and length) + c·½^(same content)) · (1 − o·overlap)
/// ```
///
/// The factors multiply, so that novelty never buys a place for a loop that is not worth one.
pub fn variety(ranked: &[Ranked], worth: &[f64], entries: &[Entry<'_>], top: usize, tuning: &Tuning) -> Vec<Ranked> {
    let top = if top == 0 { ranked.len() } else { top.min(ranked.len()) };
    let mut left: Vec<(usize, f64)> = (0..ranked.len()).map(|i| (i, 0.0)).collect();
    let mut families: BTreeMap<(usize, u32), i32> = BTreeMap::new();
    let mut contents: BTreeMap<usize, i32> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(top);
    let halves = |n: i32| 0.5f64.powi(n);
    while chosen.len() < top {
        let gain = |&(i, overlap): &(usize, f64)| {
            let e = &entries[ranked[i].index];
            let family = families.get(&(e.content, e.candidate.bars)).copied().unwrap_or(0);
            let content = contents.get(&e.content).copied().unwrap_or(0);
            let novelty = 1.0 + tuning.spread_family * halves(family) + tuning.spread_content * halves(content);
            worth[i] * novelty * (1.0 - tuning.spread_overlap * overlap)
        };
        // The first of the best: `ranked` is sorted, so ties go to the better score, then to the earlier loop.
        let best = left
            .iter()
            .enumerate()
            .map(|(at, x)| (at, gain(x)))
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        let Some((at, _)) = best else { break };
        let (i, _) = left.remove(at);
        let taken = &entries[ranked[i].index];
        *families.entry((taken.content, taken.candidate.bars)).or_default() += 1;
        *contents.entry(taken.content).or_default() += 1;
        for (other, overlap) in &mut left {
            let e = &entries[ranked[*other].index];
            if e.candidate.bars == taken.candidate.bars {
                let span = e.candidate.span;
                let shared = span.overlap(&taken.candidate.span) / span.len().max(1e-9);
                *overlap = overlap.max(shared);
            }
        }
        chosen.push(ranked[i]);
    }
    chosen
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::Candidate;
    use crate::units::Span;

    fn candidate(start: f64, bars: u32) -> Candidate {
        Candidate {
            span: Span {
                start,
                end: start + f64::from(bars),
            },
            bars,
            beats: bars * 4,
            first_bar: start as usize,
            beat_offset: 0,
        }
    }

    fn ranked(n: usize) -> Vec<Ranked> {
        (0..n)
            .map(|index| Ranked {
                index,
                score: 1.0,
                score_prob: 0.1,
                score_rank: index + 1,
                score_share: 0.01,
            })
            .collect()
    }

    fn entries(of: &[(Candidate, usize)]) -> Vec<Entry<'_>> {
        of.iter()
            .map(|(candidate, content)| Entry {
                candidate,
                content: *content,
                boundary: 0.0,
            })
            .collect()
    }

    #[test]
    fn near_duplicates_of_one_length_go() {
        let of = [
            (candidate(0.0, 16), 0),
            (candidate(1.0, 16), 0),
            (candidate(0.0, 8), 0),
            (candidate(4.0, 16), 0),
        ];
        let mut list = ranked(4);
        without_duplicates(&mut list, &entries(&of), &Tuning::default());
        assert_eq!(list.iter().map(|r| r.index).collect::<Vec<_>>(), [0, 2, 3]);
    }

    #[test]
    fn variety_takes_turns_but_never_takes_the_worthless_first() {
        let of = [
            (candidate(0.0, 4), 0),
            (candidate(8.0, 4), 0),
            (candidate(16.0, 4), 1),
            (candidate(24.0, 8), 2),
        ];
        let worth = [1.0, 0.99, 0.9, 0.1];
        let order = variety(&ranked(4), &worth, &entries(&of), 0, &Tuning::default());
        assert_eq!(order.iter().map(|r| r.index).collect::<Vec<_>>(), [0, 2, 1, 3]);
        let two = variety(&ranked(4), &worth, &entries(&of), 2, &Tuning::default());
        assert_eq!(two.len(), 2);
    }
}

//! How far an answer is from the truth, by the rules that the field uses.

use crate::synth::{Region, TrueLoop, Truth};

/// Largest distance in seconds at which an estimated beat counts as found (MIREX, mir_eval).
pub const BEAT_WINDOW: f64 = 0.07;
/// Largest distance in seconds of either edge at which a loop counts as found.
pub const LOOP_WINDOW: f64 = 0.05;

/// F-measure of beats as `mir_eval.beat.f_measure` defines it: what lies in the first five seconds is left out, and each
/// beat is matched at most once, within [`BEAT_WINDOW`]. Both lists are in seconds and in order.
pub fn beat_f(reference: &[f64], estimate: &[f64]) -> f64 {
    let trim = |times: &[f64]| -> Vec<f64> { times.iter().copied().filter(|&t| t >= 5.0).collect() };
    let (reference, estimate) = (trim(reference), trim(estimate));
    if reference.is_empty() || estimate.is_empty() {
        return 0.0;
    }
    // Windows of one width on a line: taking the first that fits is a maximum matching.
    let (mut i, mut j, mut found) = (0, 0, 0usize);
    while i < reference.len() && j < estimate.len() {
        let late = estimate[j] - reference[i];
        if late.abs() <= BEAT_WINDOW {
            found += 1;
            i += 1;
            j += 1;
        } else if late < 0.0 {
            j += 1;
        } else {
            i += 1;
        }
    }
    2.0 * found as f64 / (reference.len() + estimate.len()) as f64
}

/// Median of the signed distances, in seconds, from each reference beat to the nearest estimate, over those within
/// [`BEAT_WINDOW`]; `None` if there are none. A tracker that is late by a constant shows here.
pub fn beat_lag(reference: &[f64], estimate: &[f64]) -> Option<f64> {
    let mut errors: Vec<f64> = reference
        .iter()
        .filter_map(|r| {
            let nearest = estimate
                .iter()
                .min_by(|a, b| (*a - r).abs().total_cmp(&(*b - r).abs()))?;
            let error = nearest - r;
            (error.abs() < BEAT_WINDOW).then_some(error)
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors.get(errors.len() / 2).copied()
}

/// A loop that was suggested: start and end in seconds, length in bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Length in bars.
    pub bars: u32,
}

/// Scores of the best `k` suggestions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtK {
    /// Share of true loops; spans under a lead that does not repeat count neither way, missing answers count as wrong.
    pub precision: f64,
    /// Share of true loops that also start on a phrase.
    pub phrase_precision: f64,
    /// Share of the song's families that were found.
    pub family_recall: f64,
}

fn matching<'a>(loops: &'a [TrueLoop], a: &'a Answer) -> impl Iterator<Item = &'a TrueLoop> {
    loops.iter().filter(move |t| {
        t.bars == a.bars && (t.start - a.start).abs() <= LOOP_WINDOW && (t.end - a.end).abs() <= LOOP_WINDOW
    })
}

/// Scores the first `k` of `answers`, best first.
pub fn loops_at(truth: &Truth, answers: &[Answer], k: usize) -> AtK {
    let families: std::collections::BTreeSet<&str> = truth.true_loops.iter().map(|t| t.family.as_str()).collect();
    let mut found = std::collections::BTreeSet::new();
    let (mut right, mut aligned, mut soft) = (0usize, 0usize, 0usize);
    for answer in answers.iter().take(k) {
        let mut hits = matching(&truth.true_loops, answer).peekable();
        if hits.peek().is_some() {
            let hits: Vec<&TrueLoop> = hits.collect();
            right += 1;
            aligned += usize::from(hits.iter().any(|t| t.phrase_aligned));
            found.extend(hits.iter().map(|t| t.family.as_str()));
        } else if matching(&truth.soft_loops, answer).next().is_some() {
            soft += 1;
        }
    }
    let asked = k.saturating_sub(soft).max(1) as f64;
    AtK {
        precision: right as f64 / asked,
        phrase_precision: aligned as f64 / asked,
        family_recall: found.len() as f64 / families.len().max(1) as f64,
    }
}

/// Time in both lists of regions over time in either; 1 if both are empty. Regions of one list must not overlap.
pub fn region_iou(truth: &[Region], answer: &[(f64, f64)]) -> f64 {
    let length = |spans: &[(f64, f64)]| spans.iter().map(|s| s.1 - s.0).sum::<f64>();
    let truth: Vec<(f64, f64)> = truth.iter().map(|r| (r.start, r.end)).collect();
    let mut both = 0.0;
    for t in &truth {
        for a in answer {
            both += (t.1.min(a.1) - t.0.max(a.0)).max(0.0);
        }
    }
    let either = length(&truth) + length(answer) - both;
    if either > 0.0 { both / either } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_matched_once_and_within_the_window() {
        let reference: Vec<f64> = (0..40).map(|i| 0.5 * f64::from(i)).collect();
        assert_eq!(beat_f(&reference, &reference), 1.0);
        let late: Vec<f64> = reference.iter().map(|t| t + 0.069).collect();
        assert!(beat_f(&reference, &late) > 0.99, "within 70 ms");
        let later: Vec<f64> = reference.iter().map(|t| t + 0.08).collect();
        assert_eq!(beat_f(&reference, &later), 0.0);
        // Twice as many: every beat found, half of the answers wrong.
        let double: Vec<f64> = (0..80).map(|i| 0.25 * f64::from(i)).collect();
        assert!((beat_f(&reference, &double) - 2.0 / 3.0).abs() < 0.02);
        assert!((beat_lag(&reference, &late).unwrap() - 0.069).abs() < 1e-9);
    }

    #[test]
    fn overlap_of_regions() {
        let truth = [Region {
            start: 1.0,
            end: 3.0,
            bars: 1,
        }];
        assert_eq!(region_iou(&truth, &[(1.0, 3.0)]), 1.0);
        assert_eq!(region_iou(&truth, &[(2.0, 4.0)]), 1.0 / 3.0);
        assert_eq!(region_iou(&truth, &[]), 0.0);
        assert_eq!(region_iou(&[], &[]), 1.0);
    }
}

//! What a bar says compared with the other bars of its track.
//!
//! The regressions judge a bar by itself, which holds in a track that is all drums or has none. In a track that has both,
//! its own bars tell more: where the kick, the hats or the pitches fall far below what is usual in it, they are gone.

use super::super::repetition::quantile;
use super::{Measure, WEAKEST};
use crate::config::tuning::Tuning;

/// Percussive sound above 4 kHz is common without drums up to this share of all power, in dB.
const COMMON: f32 = -22.0;
/// None of the traits may outweigh all others by being absent altogether.
const ABSENT: f32 = -2.0;
/// Heaps of levels whose means lie this many dB apart are two.
const APART: f64 = 10.0;
/// Lowest and highest threshold, in dB against what is usual.
const LOWEST: f64 = -18.0;
const HIGHEST: f64 = -6.0;
/// dB of tonal level that stand for odds of e to 1.
const LEVEL_STEP: f32 = 2.0;
/// What the comparison may say at most, of pitches and of drums: less than a bar says by itself at its clearest.
const MOST: (f32, f32) = (3.0, 2.0);

/// Log odds that no drums play, by bar.
///
/// Four traits speak for drums: rises of the lowest band (kick) and of the two highest (hats, snares) against what is
/// usual in the track; hits over all bands at once (snares, attacks); and percussive sound above 4 kHz (hats alone).
pub fn drumless(measures: &[Measure]) -> Vec<f32> {
    let usual = |x: fn(&Measure) -> f32| {
        let mut x: Vec<f32> = measures.iter().map(x).collect();
        quantile(&mut x, 0.6).unwrap_or(0.0).max(WEAKEST)
    };
    let (low, high) = (usual(|m| m.low_hits), usual(|m| m.high_hits));
    let ratio = |x: f32, usual: f32| ((x + 1e-3) / (usual + 1e-3)).ln().max(ABSENT);
    measures
        .iter()
        .map(|m| {
            let rises = 4.5 * ratio(m.low_hits, low) + 3.0 * ratio(m.high_hits, high);
            let hits = 3.5 * m.cover[1] + 1.8 * m.cover[2];
            let odds = -1.3 - rises - hits - (m.shares[0] - COMMON).max(0.0);
            (0.5 * odds).clamp(-MOST.1, MOST.1)
        })
        .collect()
}

/// Log odds that something pitched sounds, by bar: how far the level of steady pitches (`tonal`, in dB against what is
/// usual) lies above the threshold between the bars without and those with.
pub fn pitched(tonal: &[f32], regular: impl Fn(usize) -> bool, tuning: &Tuning) -> Vec<f32> {
    let mut of_regular: Vec<f32> = (0..tonal.len()).filter(|i| regular(*i)).map(|i| tonal[i]).collect();
    let threshold = threshold(&mut of_regular, tuning);
    tonal
        .iter()
        .map(|x| ((x - threshold) / LEVEL_STEP).clamp(-MOST.0, MOST.0))
        .collect()
}

/// The tonal level between drums and whatever has pitch.
///
/// Bars of drums and bass make a heap of their own between the two. So where the lower heap is two, the lowest counts.
fn threshold(tonal: &mut [f32], tuning: &Tuning) -> f32 {
    tonal.sort_unstable_by(f32::total_cmp);
    // A silent bar must not draw the threshold away from what is heard.
    let levels: Vec<f64> = tonal.iter().map(|v| f64::from(v.max(-40.0))).collect();
    let Some(first) = otsu(&levels) else {
        return HIGHEST as f32;
    };
    let lower = levels.get(..first.below).unwrap_or_default();
    let threshold = match otsu(lower) {
        Some(second) if second.apart > APART && second.below >= tuning.break_bars => second.threshold,
        _ => first.threshold,
    };
    threshold.clamp(LOWEST, HIGHEST) as f32
}

/// A cut of sorted values into two heaps.
struct Heaps {
    /// Halfway between them.
    threshold: f64,
    /// How many values lie below.
    below: usize,
    /// Distance of the heaps' means.
    apart: f64,
}

/// The cut of sorted `values` that leaves the least variance within the heaps (Otsu, IEEE Trans. SMC 9, 1979).
fn otsu(values: &[f64]) -> Option<Heaps> {
    let total: f64 = values.iter().sum();
    let n = values.len();
    let mut best: Option<(f64, Heaps)> = None;
    let mut sum = 0.0;
    for k in 1..n {
        sum += values[k - 1];
        let apart = (total - sum) / (n - k) as f64 - sum / k as f64;
        let between = (k * (n - k)) as f64 * apart * apart;
        if best.as_ref().is_none_or(|(b, _)| between > *b) {
            let threshold = 0.5 * (values[k - 1] + values[k]);
            best = Some((
                between,
                Heaps {
                    threshold,
                    below: k,
                    apart,
                },
            ));
        }
    }
    best.map(|(_, heaps)| heaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_cuts_between_two_heaps() {
        let heaps = otsu(&[-20.0, -19.0, -18.0, -1.0, 0.0, 1.0]).unwrap();
        assert_eq!((heaps.below, heaps.threshold, heaps.apart), (3, -9.5, 19.0));
        assert!(otsu(&[1.0]).is_none());
    }

    #[test]
    fn a_bar_is_compared_with_its_track() {
        let tuning = Tuning::default();
        let odds = pitched(&[-30.0, -29.0, 0.0, 1.0, -0.5, 0.5], |_| true, &tuning);
        assert!(
            odds[..2].iter().all(|x| *x < 0.0) && odds[2..].iter().all(|x| *x > 0.0),
            "{odds:?}"
        );
        let drums = Measure {
            low_hits: 20.0,
            high_hits: 20.0,
            ..Measure::default()
        };
        let mut track = vec![drums; 8];
        track.push(Measure {
            low_hits: 1.0,
            high_hits: 2.0,
            shares: [-40.0; 4],
            ..Measure::default()
        });
        let odds = drumless(&track);
        assert!(odds[8] > 0.0 && odds[..8].iter().all(|x| *x < 0.0), "{odds:?}");
    }
}

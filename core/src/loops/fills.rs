//! Bars that end a phrase with something else: fills, breaks for breath, pick-ups.
//!
//! A fill is an orphan: the bar is further from its nearest repeat in the section than the other bars are from theirs.
//! The worst beat counts, by level or by onsets, since a fill may take one beat only.

use std::ops::Range;

use super::distance::Distance;
use super::repetition::{Repetition, median};
use crate::config::tuning::Tuning;

/// Shortest section in which a fill can be told from the rest.
const SHORTEST: usize = 4;
/// Fills end phrases, and the shortest phrase has this many bars.
const PHRASE: usize = 4;

/// The fills of `section`, in order, where it repeats after `unit` bars.
///
/// The last bar is compared with its nearest repeat at any lag. Inner bars that end a phrase, and all bars where no
/// drums play, must fail to repeat what stands a whole number of units away, since there a bar without a repeat may
/// simply be another chord; and a bar that only a fill could have answered is not judged.
pub fn of(repetition: &Repetition, section: &Range<usize>, unit: usize, drumless: bool, tuning: &Tuning) -> Vec<usize> {
    if section.len() < SHORTEST {
        return Vec::new();
    }
    let judge = Judge {
        repetition,
        section,
        unit: unit.max(1),
        tuning,
    };
    let last = section.end - 1;
    let mut fills = Vec::new();
    if judge.is_orphan(last, drumless, &fills) {
        fills.push(last);
    }
    for bar in (section.start + PHRASE - 1..last).step_by(PHRASE) {
        if judge.is_orphan(bar, true, &fills) {
            fills.push(bar);
        }
    }
    fills.sort_unstable();
    fills
}

struct Judge<'a> {
    repetition: &'a Repetition,
    section: &'a Range<usize>,
    unit: usize,
    tuning: &'a Tuning,
}

impl Judge<'_> {
    fn is_orphan(&self, bar: usize, at_units: bool, fills: &[usize]) -> bool {
        let t = self.tuning;
        let octaves = |kind: fn(&Distance) -> f32, ground: f64| {
            let own = self.nearest(bar, at_units, fills, kind)?;
            let without: Vec<usize> = fills.iter().copied().chain([bar]).collect();
            let mut others: Vec<f32> = self
                .section
                .clone()
                .filter(|b| !without.contains(b))
                .filter_map(|b| self.nearest(b, at_units, &without, kind))
                .collect();
            if others.is_empty() {
                return None;
            }
            let ratio = (f64::from(own) + ground) / (f64::from(median(&mut others)) + ground);
            Some(ratio.log2())
        };
        octaves(|d| d.mel_worst, t.fill_ground_mel).is_some_and(|o| o > t.fill_octaves_mel)
            || octaves(|d| d.onset_worst, t.fill_ground_onset).is_some_and(|o| o > t.fill_octaves_onset)
    }

    /// Distance from `bar` to its nearest repeat in the section, other than the bars `without`.
    fn nearest(&self, bar: usize, at_units: bool, without: &[usize], kind: fn(&Distance) -> f32) -> Option<f32> {
        let mut least = f32::INFINITY;
        for (lag, row) in self.repetition.at_lags() {
            if at_units && lag % self.unit != 0 {
                continue;
            }
            for (other, first) in [(bar.checked_sub(*lag), bar.wrapping_sub(*lag)), (Some(bar + lag), bar)] {
                if let Some(other) = other
                    && self.section.contains(&other)
                    && !without.contains(&other)
                    && let Some(d) = row.get(first)
                {
                    least = least.min(kind(d));
                }
            }
        }
        least.is_finite().then_some(least)
    }
}

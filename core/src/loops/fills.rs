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
/// From so many octaves on nothing is a fill.
const NEVER: f64 = 8.0;

/// The fills of `section`, in order, where it repeats after `unit` bars.
///
/// The last bar is compared with its nearest repeat at any lag. Inner bars that end a phrase, and all bars where no
/// drums play, must fail to repeat what stands a whole number of units away, since there a bar without a repeat may
/// simply be another chord; and a bar that only a fill could have answered is not judged. Bars that end no phrase are
/// fills where they stand out by [`Tuning::fill_octaves_inside`] more.
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
    if judge.is_orphan(last, drumless, &fills, 0.0) {
        fills.push(last);
    }
    let ends_phrase = |bar: usize| (bar + 1 - section.start).is_multiple_of(PHRASE);
    for bar in (section.start..last).filter(|b| ends_phrase(*b)) {
        if judge.is_orphan(bar, true, &fills, 0.0) {
            fills.push(bar);
        }
    }
    let more = tuning.fill_octaves_inside;
    if more < NEVER {
        for bar in (section.start..last).filter(|b| !ends_phrase(*b)) {
            if judge.is_orphan(bar, true, &fills, more) {
                fills.push(bar);
            }
        }
    }
    fills.sort_unstable();
    fills
}

/// By how many octaves each bar of `section` is further from its nearest repeat than the other bars are from theirs, by
/// level and by onsets: what [`of`] decides upon, for bars anywhere. 0 where there is nothing to compare with.
pub fn evidence(repetition: &Repetition, section: &Range<usize>, unit: usize, tuning: &Tuning) -> Vec<[f32; 2]> {
    let judge = Judge {
        repetition,
        section,
        unit: unit.max(1),
        tuning,
    };
    let last = section.end.saturating_sub(1);
    section
        .clone()
        .map(|bar| judge.octaves(bar, bar != last, &[]).map(|o| o.unwrap_or(0.0) as f32))
        .collect()
}

struct Judge<'a> {
    repetition: &'a Repetition,
    section: &'a Range<usize>,
    unit: usize,
    tuning: &'a Tuning,
}

impl Judge<'_> {
    fn is_orphan(&self, bar: usize, at_units: bool, fills: &[usize], more: f64) -> bool {
        let t = self.tuning;
        let [mel, onset] = self.octaves(bar, at_units, fills);
        mel.is_some_and(|o| o > t.fill_octaves_mel + more) || onset.is_some_and(|o| o > t.fill_octaves_onset + more)
    }

    /// Octaves between the distance of `bar` to its nearest repeat and the median of those of the other bars, by the
    /// worst beat's level and onsets.
    fn octaves(&self, bar: usize, at_units: bool, fills: &[usize]) -> [Option<f64>; 2] {
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
        [
            octaves(|d| d.mel_worst, t.fill_ground_mel),
            octaves(|d| d.onset_worst, t.fill_ground_onset),
        ]
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

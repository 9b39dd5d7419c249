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

/// The fills of `section`, in order.
///
/// Tested are the last bar and, in a section with repeats enough to tell, every fourth.
pub fn of(repetition: &Repetition, section: &Range<usize>, tuning: &Tuning) -> Vec<usize> {
    let n = section.len();
    if n < SHORTEST {
        return Vec::new();
    }
    (section.start..section.end)
        .filter(|&bar| bar + 1 == section.end || (bar + 1 - section.start) % 4 == 0)
        .filter(|&bar| is_orphan(repetition, section, bar, tuning))
        .collect()
}

fn is_orphan(repetition: &Repetition, section: &Range<usize>, bar: usize, tuning: &Tuning) -> bool {
    let octaves = |kind: fn(&Distance) -> f32, ground: f64| {
        let own = nearest(repetition, section, bar, None, kind)?;
        let mut others: Vec<f32> = section
            .clone()
            .filter(|b| *b != bar)
            .filter_map(|b| nearest(repetition, section, b, Some(bar), kind))
            .collect();
        if others.is_empty() {
            return None;
        }
        let ratio = (f64::from(own) + ground) / (f64::from(median(&mut others)) + ground);
        Some(ratio.log2())
    };
    octaves(|d| d.mel_worst, tuning.fill_ground_mel).is_some_and(|o| o > tuning.fill_octaves_mel)
        || octaves(|d| d.onset_worst, tuning.fill_ground_onset).is_some_and(|o| o > tuning.fill_octaves_onset)
}

/// Distance from `bar` to its nearest repeat in `section` other than `without`.
fn nearest(
    repetition: &Repetition,
    section: &Range<usize>,
    bar: usize,
    without: Option<usize>,
    kind: fn(&Distance) -> f32,
) -> Option<f32> {
    let mut least = f32::INFINITY;
    for (lag, row) in repetition.at_lags() {
        for (other, first) in [(bar.checked_sub(*lag), bar.wrapping_sub(*lag)), (Some(bar + lag), bar)] {
            if let Some(other) = other
                && section.contains(&other)
                && Some(other) != without
                && let Some(d) = row.get(first)
            {
                least = least.min(kind(d));
            }
        }
    }
    least.is_finite().then_some(least)
}

//! After how many bars a section repeats.

use std::ops::Range;

use super::repetition::{Repetition, Unlike, trimmed_mean};
use crate::config::tuning::Tuning;

/// How alike the bars of `section` are at `lag`: the trimmed mean of `kind` over its pairs; `None` where it has none.
pub fn at_lag(
    repetition: &Repetition,
    section: &Range<usize>,
    lag: usize,
    tuning: &Tuning,
    kind: impl Fn(&Unlike) -> f32,
) -> Option<f32> {
    if lag == 0 {
        return None;
    }
    let mut pairs: Vec<f32> = (section.start..section.end.saturating_sub(lag))
        .map(|k| kind(&repetition.unlike(k, k + lag)))
        .collect();
    trimmed_mean(&mut pairs, tuning.trim)
}

/// How unlike the bars of `section` are at `lag` by the worse of the two evidences: levels, and chroma where there are
/// pitches, else onsets.
pub(super) fn worse(
    repetition: &Repetition,
    section: &Range<usize>,
    lag: u32,
    drums_only: bool,
    tuning: &Tuning,
) -> Option<f64> {
    let kind = |u: &Unlike| u.mel.max(if drums_only { u.onset } else { u.chroma });
    at_lag(repetition, section, lag as usize, tuning, kind).map(f64::from)
}

/// The smallest lag at which a section repeats, if it does.
pub fn smallest(repetition: &Repetition, section: &Range<usize>, drums_only: bool, tuning: &Tuning) -> Option<u32> {
    let repeats =
        |lag: &u32| worse(repetition, section, *lag, drums_only, tuning).is_some_and(|z| z < tuning.unit_threshold);
    tuning.lags.iter().copied().find(repeats)
}

/// A section's repeat unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Its length in bars.
    pub bars: u32,
    /// False where it was not heard but stands in for want of better.
    pub found: bool,
}

/// The unit of each section.
///
/// Where none is found, or one bar among drums only (where it is usually two whose difference is slight), priors stand
/// in: two bars for drums, otherwise what most bars of the track have, of four and more, or the next longer lag where the
/// section plainly does not repeat after that (a lead over four bars of chords that takes eight).
pub fn of(repetition: &Repetition, sections: &[Range<usize>], drums_only: &[bool], tuning: &Tuning) -> Vec<Unit> {
    let found: Vec<Option<u32>> = sections
        .iter()
        .zip(drums_only)
        .map(|(s, d)| smallest(repetition, s, *d, tuning))
        .collect();
    let usual = tuning
        .lags
        .iter()
        .copied()
        .filter(|lag| *lag >= 4)
        .map(|lag| {
            let bars: usize = sections
                .iter()
                .zip(&found)
                .filter(|(_, f)| **f == Some(lag))
                .map(|(s, _)| s.len())
                .sum();
            (bars, lag)
        })
        // The most bars; of as many, the smaller unit.
        .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
        .map_or(4, |(_, lag)| lag);
    found
        .iter()
        .zip(drums_only)
        .zip(sections)
        .map(|((f, drums), section)| {
            let refuted =
                |lag: u32| worse(repetition, section, lag, false, tuning).is_some_and(|z| z > tuning.unit_refuted);
            let stand_in = || {
                let mut longer = tuning.lags.iter().copied().filter(|lag| *lag >= usual);
                longer
                    .find(|lag| !refuted(*lag))
                    .or(tuning.lags.last().copied())
                    .unwrap_or(usual)
            };
            let (bars, found) = match (f, drums) {
                (None | Some(1), true) => (2, false),
                (Some(unit), _) => (*unit, true),
                (None, false) => (stand_in(), false),
            };
            Unit { bars, found }
        })
        .collect()
}

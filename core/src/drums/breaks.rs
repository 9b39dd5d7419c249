//! Which passages of a track are its breaks, which bars of them to take, and in what order.
//!
//! A passage is what [`regions`](crate::loops::regions) found: drums alone, or drums above all. A short one is taken whole;
//! of a long one (a drum track is a single passage) the windows that begin on its sections, the best of each content first.

use std::ops::Range;
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::config;
use crate::features::{FeatureTable, Schema};
use crate::loops::regions::Region;
use crate::loops::{Candidate, Structure};
use crate::model::{ModelError, Output, Scorer};
use crate::units::Span;

/// How far the drums are alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing pitched sounds.
    Alone,
    /// Drums stand out from what else sounds.
    Heavy,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alone => "drums_only",
            Self::Heavy => "drum_heavy",
        }
    }
}

/// A break, as whole bars that loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Break {
    /// Its bars.
    pub candidate: Candidate,
    /// How far the drums are alone.
    pub kind: Kind,
    /// Where the passage that it is part of really begins and ends, in frames of the track: not always on bar lines.
    pub passage: Span,
    /// How sure it is that this is a break worth having, 0 to 1: see [`find`].
    pub score: f64,
    /// What the ranker of loops thinks of it.
    pub loop_score: f32,
    /// RMS of the percussive part over that of all, 0 to about 1.
    pub perc_to_total_rms: f32,
}

/// Features that are told beside the score.
const PERC: &str = "perc_to_total_rms";

/// The breaks of a track, best first, at most [`config::Breaks::top_k`] of them (0 for all).
///
/// The score is the product of how likely the drums are alone (of a passage that is only drum-heavy: half of its
/// percussive share), of how well the bars run round as a loop
/// (the scorer's word, which can take half of it away), and of their length (two bars are worth nine tenths of eight).
/// Bars whose content an earlier break holds count half.
pub fn find(
    analysis: &Analysis,
    structure: &Structure,
    scorer: &dyn Scorer,
    settings: &config::Breaks,
) -> Result<Vec<Break>, ModelError> {
    let regions = &structure.regions;
    let mut windows: Vec<Window> = Vec::new();
    for region in &regions.breaks {
        let clear = 1.0 / (1.0 + (-f64::from(region.score)).exp());
        windows.extend(cut(structure, region, Kind::Alone, clear, settings));
    }
    if settings.heavy {
        for region in &regions.drum_heavy {
            let clear = 0.5 * f64::from(region.score.clamp(0.0, 1.0));
            windows.extend(cut(structure, region, Kind::Heavy, clear, settings));
        }
    }
    let candidates: Vec<Candidate> = windows.iter().map(|w| w.candidate).collect();
    let mut wanted: Vec<&str> = scorer.info().columns.iter().map(String::as_str).collect();
    wanted.push(PERC);
    let schema = Arc::new(Schema::of_with(&wanted, analysis.embedding_info())?);
    let table = FeatureTable::of(schema, &candidates, analysis, structure);
    let scores = scorer.score(&table)?;
    let mut left: Vec<(Break, Option<usize>)> = windows
        .into_iter()
        .enumerate()
        .map(|(row, w)| {
            let loop_score = scores.get(row).copied().filter(|s| s.is_finite()).unwrap_or(0.0);
            let bars = f64::from(w.candidate.bars.clamp(1, 8));
            let runs_round = match (scorer.info().calibration, scorer.info().output) {
                (Some(calibration), _) => calibration.probability(f64::from(loop_score)),
                (None, Output::Probability) => f64::from(loop_score.clamp(0.0, 1.0)),
                (None, Output::Relative) => 1.0 / (1.0 + (-f64::from(loop_score)).exp()),
            };
            let score = w.clear * (0.5 + 0.5 * runs_round) * (0.85 + 0.05 * bars.log2());
            let found = Break {
                candidate: w.candidate,
                kind: w.kind,
                passage: w.passage,
                score,
                loop_score,
                perc_to_total_rms: table.get(row, PERC).unwrap_or(0.0),
            };
            (found, w.content)
        })
        .collect();
    let most = if settings.top_k == 0 {
        left.len()
    } else {
        settings.top_k
    };
    let mut chosen: Vec<Break> = Vec::new();
    let mut contents: Vec<usize> = Vec::new();
    while chosen.len() < most && !left.is_empty() {
        let worth = |(b, content): &(Break, Option<usize>)| {
            let again = content.map_or(0, |c| contents.iter().filter(|x| **x == c).count());
            b.score * 0.5f64.powi(again.min(30) as i32)
        };
        // The first of the best, which is the earlier one.
        let best = (0..left.len()).reduce(|a, b| if worth(&left[b]) > worth(&left[a]) { b } else { a });
        let Some(best) = best else { break };
        let (found, content) = left.remove(best);
        contents.extend(content);
        chosen.push(found);
    }
    Ok(chosen)
}

struct Window {
    candidate: Candidate,
    kind: Kind,
    passage: Span,
    clear: f64,
    /// Of the section in which it begins.
    content: Option<usize>,
}

/// The bars to take of one passage.
fn cut(structure: &Structure, region: &Region, kind: Kind, clear: f64, settings: &config::Breaks) -> Vec<Window> {
    let bars = &structure.bars;
    let whole = region.first_bar..(region.first_bar + region.bars).min(bars.len());
    let most = settings.max_bars.max(1) as usize;
    let windows = if whole.len() <= most {
        vec![whole]
    } else {
        let mut starts: Vec<usize> = structure.sections.iter().map(|s| s.bars.start).collect();
        starts.retain(|s| whole.contains(s));
        if starts.first() != Some(&whole.start) {
            starts.insert(0, whole.start);
        }
        let ends = starts.iter().skip(1).copied().chain([whole.end]);
        starts
            .iter()
            .zip(ends)
            .flat_map(|(&start, end)| windows_of(start..end, most))
            .collect()
    };
    windows
        .into_iter()
        .filter(|w| !w.is_empty() && w.clone().all(|b| bars.bars[b].regular))
        .map(|w| Window {
            candidate: Candidate {
                span: bars.span(&w),
                bars: w.len() as u32,
                beats: w.len() as u32 * bars.beats_per_bar,
                first_bar: w.start,
                beat_offset: 0,
            },
            kind,
            passage: region.exact,
            clear,
            content: structure.section_at(w.start).map(|s| structure.sections[s].content),
        })
        .collect()
}

/// Windows of `most` bars from the start of `bars` on, and what is left at the end.
fn windows_of(bars: Range<usize>, most: usize) -> Vec<Range<usize>> {
    bars.clone()
        .step_by(most)
        .map(|start| start..(start + most).min(bars.end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_tile_what_they_are_cut_from() {
        assert_eq!(windows_of(3..20, 8), [3..11, 11..19, 19..20]);
        assert_eq!(
            (windows_of(3..7, 8).len(), windows_of(3..7, 8).first()),
            (1, Some(&(3..7)))
        );
        assert_eq!(windows_of(3..3, 8), Vec::<Range<usize>>::new());
    }
}

//! Passages that are useful for what they lack: breaks (drums alone), drumless and quiet ones; and drum-heavy ones, for
//! tracks without a break.

use std::ops::Range;

use super::bars::Bars;
use super::edges;
use super::evidence::{self, Measure, Row, relative};
use super::repetition::{median, quantile};
use crate::analysis::Analysis;
use crate::analysis::texture::Texture;
use crate::config::tuning::Tuning;
use crate::units::{Span, power_db};

/// A passage of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Where it lies, in frames of the track: whole bars.
    pub span: Span,
    /// Where it really begins and ends, in frames of the track: for breaks see [`edges`]; others lie on
    /// their bars.
    pub exact: Span,
    /// Index of its first bar.
    pub first_bar: usize,
    /// Its length in bars.
    pub bars: usize,
    /// How clearly it is what it is: for breaks the log odds that nothing pitched sounds, for drumless passages those that
    /// no drums play, for quiet ones the dB below the loudest section, for drum-heavy ones the share of percussive sound in
    /// all power, from 0 to 1. Larger is clearer.
    pub score: f32,
}

/// The passages that were found, each kind in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regions {
    /// Drums and no pitched instrument.
    pub breaks: Vec<Region>,
    /// Other instruments play, but drums prevail: what there is to take where a track has no break.
    pub drum_heavy: Vec<Region>,
    /// No drums.
    pub drumless: Vec<Region>,
    /// Well below the loudest section.
    pub quiet: Vec<Region>,
}

/// What is measured of each bar to tell regions.
#[derive(Debug, Clone)]
pub struct BarTraits {
    /// Level of steady pitches in the poorer beats, in dB against the track's 60th percentile.
    pub tonal: Vec<f32>,
    /// Log odds that something pitched sounds; positive with. 0 in silence.
    pub pitched: Vec<f32>,
    /// Log odds that no drums play; positive without.
    pub drumless: Vec<f32>,
    /// Level in dB.
    pub level: Vec<f32>,
    /// What the odds come from.
    pub measures: Vec<Measure>,
}

impl BarTraits {
    /// Measures the bars.
    pub fn of(analysis: &Analysis, bars: &Bars, tuning: &Tuning) -> Self {
        /// Silence has no drums.
        const SILENCE: f32 = 3.0;
        let measures = evidence::measure(&analysis.texture, bars, tuning);
        let rows = evidence::rows(&measures);
        let spectrum = &analysis.spectrum;
        let level = bars
            .bars
            .iter()
            .map(|bar| power_db(spectrum.power.mean(spectrum.frames_of(bar.span))) as f32)
            .collect();
        let mixed = |of: fn(&Row) -> f32, relative: Vec<f32>, silent: f32| -> Vec<f32> {
            rows.iter()
                .zip(relative)
                .map(|(row, relative)| row.as_ref().map_or(silent, |row| of(row).clamp(-MOST, MOST) + relative))
                .collect()
        };
        let mut tonal: Vec<f32> = measures.iter().map(Measure::poorest_tonal).collect();
        let usual = quantile(&mut tonal.clone(), 0.6).unwrap_or(0.0);
        tonal.iter_mut().for_each(|x| *x -= usual);
        let regular = |i: usize| bars.bars[i].regular;
        Self {
            pitched: mixed(evidence::pitched, relative::pitched(&tonal, regular, tuning), 0.0),
            drumless: mixed(evidence::drumless, relative::drumless(&measures), SILENCE),
            tonal,
            level,
            measures,
        }
    }

    /// Level of a stretch of bars, in dB.
    pub fn level_of(&self, bars: &Range<usize>) -> f32 {
        let levels = &self.level[bars.clone()];
        let power: f64 = levels.iter().map(|l| 10f64.powf(f64::from(*l) / 10.0)).sum();
        power_db(power / levels.len().max(1) as f64) as f32
    }

    /// Log odds that no drums play in a stretch of bars: the mean of the bars', none of which counts for too much.
    pub fn drumless_of(&self, bars: &Range<usize>) -> f32 {
        vote(&self.drumless[bars.clone()])
    }

    /// Log odds that something pitched sounds in a stretch of bars, as [`Self::drumless_of`].
    pub fn pitched_of(&self, bars: &Range<usize>) -> f32 {
        vote(&self.pitched[bars.clone()])
    }

    /// What drums are worth in a stretch of bars: the median share of percussive sound in all power (0 to 1), and the
    /// median number of broadband hits a beat.
    pub fn drums_of(&self, bars: &Range<usize>) -> (f32, f32) {
        let middle =
            |of: fn(&Measure) -> f32| median(&mut self.measures[bars.clone()].iter().map(of).collect::<Vec<_>>());
        (middle(|m| m.drum_share), middle(|m| m.hits_a_beat))
    }

    /// True for drums without pitched instruments, as far as one bar tells. Hats alone are not enough.
    pub fn is_break(&self, bar: usize) -> bool {
        self.pitched[bar] < 0.0 && self.drumless[bar] < 0.0 && !self.measures[bar].is_hats_only()
    }

    /// True where a section, on the whole, is drums without pitched instruments.
    pub fn is_break_section(&self, bars: &Range<usize>) -> bool {
        let hats = self.measures[bars.clone()].iter().filter(|m| m.is_hats_only()).count();
        self.pitched_of(bars) < 0.0 && self.drumless_of(bars) < 0.0 && 2 * hats <= bars.len()
    }
}

/// Log odds beyond this count no more.
const MOST: f32 = 4.0;

/// The mean of log odds, none of which may outvote several others.
fn vote(odds: &[f32]) -> f32 {
    odds.iter().map(|o| o.clamp(-MOST, MOST)).sum::<f32>() / odds.len().max(1) as f32
}

/// The regions of a track that was cut into `sections`.
pub fn of(traits: &BarTraits, texture: &Texture, bars: &Bars, sections: &[Range<usize>], tuning: &Tuning) -> Regions {
    let region = |range: Range<usize>, score: f32| Region {
        span: bars.span(&range),
        exact: bars.span(&range),
        first_bar: range.start,
        bars: range.len(),
        score,
    };
    let mean = |range: &Range<usize>, x: &[f32]| x[range.clone()].iter().sum::<f32>() / range.len().max(1) as f32;

    // All are traits of sections: one soft bar does not make a passage, nor does a fill end one.
    let mut alone = vec![false; bars.len()];
    let mut odds = vec![f32::NEG_INFINITY; bars.len()];
    let mut drop = vec![f32::NEG_INFINITY; bars.len()];
    let loudest = sections
        .iter()
        .map(|s| traits.level_of(s))
        .fold(f32::NEG_INFINITY, f32::max);
    for s in sections {
        alone[s.clone()].fill(traits.is_break_section(s));
        odds[s.clone()].fill(traits.drumless_of(s));
        drop[s.clone()].fill(loudest - traits.level_of(s) - tuning.quiet_drop as f32);
    }
    let breaks = stretches(bars.len(), |i| alone[i])
        .into_iter()
        .filter(|r| r.len() >= tuning.break_bars)
        .map(|r| {
            let score = -traits.pitched_of(&r);
            Region {
                exact: edges::edges(texture, bars, &r),
                ..region(r, score)
            }
        })
        .collect();
    let drum_heavy = sections
        .iter()
        .filter(|s| s.len() >= tuning.break_bars && !traits.is_break_section(s) && traits.drumless_of(s) < 0.0)
        .filter_map(|s| {
            let (share, hits) = traits.drums_of(s);
            (f64::from(share) >= tuning.heavy_share && f64::from(hits) >= tuning.heavy_hits)
                .then(|| region(s.clone(), share))
        })
        .collect();
    let drumless = stretches(bars.len(), |i| odds[i] > 0.0)
        .into_iter()
        .map(|r| {
            let score = mean(&r, &odds);
            region(r, score)
        })
        .collect();
    let quiet = stretches(bars.len(), |i| drop[i] >= 0.0)
        .into_iter()
        .map(|r| {
            let score = mean(&r, &drop) + tuning.quiet_drop as f32;
            region(r, score)
        })
        .collect();
    Regions {
        breaks,
        drum_heavy,
        drumless,
        quiet,
    }
}

/// The longest stretches of `0..n` for which `inside` holds.
fn stretches(n: usize, inside: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = None;
    for i in 0..=n {
        match (start, i < n && inside(i)) {
            (None, true) => start = Some(i),
            (Some(s), false) => {
                out.push(s..i);
                start = None;
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_maximal() {
        let x = [true, true, false, true, false, false, true];
        assert_eq!(stretches(7, |i| x[i]), [0..2, 3..4, 6..7]);
        assert!(stretches(0, |_| true).is_empty());
    }
}

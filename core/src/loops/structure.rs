//! The form of a track: its sections, what they hold, and what repeats.

use std::ops::Range;

use super::bars::Bars;
use super::candidate::{self, Candidate};
use super::distance::BarContents;
use super::regions::{self, BarTraits, Regions};
use super::repetition::{Repetition, trimmed_mean};
use super::sections::{self, BarTextures};
use super::{fills, units};
use crate::analysis::Analysis;
use crate::config;
use crate::config::tuning::Tuning;
use crate::progress::{Cancelled, Progress};
use crate::units::Span;

/// A bar this far below the loudest, in dB, is silent: what is left of it is a tail or noise.
const SILENT: f32 = 50.0;
/// So is one below this level in dB, whatever else there is.
const SILENCE: f32 = -90.0;

/// A part of the music within which loops can lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its bars.
    pub bars: Range<usize>,
    /// Where it lies, in frames of the track.
    pub span: Span,
    /// After how many bars it repeats; where that was not found, the likely number.
    pub unit: u32,
    /// False where no unit was heard, and [`Self::unit`] stands in.
    pub unit_found: bool,
    /// How well it repeats at its unit: 1 like other repeats of the track, 0 not at all; `None` where it is too short.
    pub repeats: Option<f32>,
    /// Indices of the bars that hold a fill.
    pub fills: Vec<usize>,
    /// Sections of one number have the same content.
    pub content: usize,
    /// True for a break: drums and nothing pitched.
    pub drums_only: bool,
    /// True where no drums play.
    pub drumless: bool,
    /// Its level in dB below the loudest section.
    pub below_loudest: f32,
}

/// The form of a track.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Its bars.
    pub bars: Bars,
    /// How alike they are.
    pub repetition: Repetition,
    /// What they sound like.
    pub textures: BarTextures,
    /// What tells breaks and the like.
    pub traits: BarTraits,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// Breaks, drumless and quiet passages.
    pub regions: Regions,
    /// For each bar its section; odd bars have none.
    section_of: Vec<Option<usize>>,
    /// For each bar how far it stands out of its section, see [`fills::evidence`].
    orphans: Vec<[f32; 2]>,
    tuning: Tuning,
}

/// Where else a stretch of bars is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Occurrences {
    /// How many other stretches, apart from it and from each other, are the same.
    pub count: usize,
    /// The smallest mean level difference to any stretch apart from it, in dB; `None` where there is none.
    pub nearest_db: Option<f32>,
    /// How alike the most similar stretch is that neither overlaps nor adjoins it: 1 like repeats of the track, 0 not.
    pub elsewhere: f32,
}

impl Structure {
    /// Finds the form. A grid without bars gives a structure without sections.
    pub fn of(analysis: &Analysis, tuning: &Tuning, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let tuning = &tuning.sanitized();
        let rate = f64::from(analysis.track.audio.sample_rate());
        let texture = &analysis.texture;
        let bars = Bars::of(&analysis.rhythm.grid, rate);
        let contents = BarContents::of(texture, &bars, tuning);
        progress.check()?;
        let repetition = Repetition::of(contents, &bars, tuning);
        progress.check()?;
        let textures = BarTextures::of(&texture.bands, &bars, tuning);
        let traits = BarTraits::of(analysis, &bars, tuning);
        let breaks: Vec<bool> = (0..bars.len()).map(|i| traits.is_break(i)).collect();
        let cut = sections::cut(&bars, &breaks, &repetition, &textures, tuning, progress)?;
        let regions = regions::of(&traits, texture, &bars, &cut, tuning);
        let drums_only: Vec<bool> = cut.iter().map(|s| traits.is_break_section(s)).collect();
        let units = units::of(&repetition, &cut, &drums_only, tuning);
        let contents = contents_of(&repetition, &cut, tuning);
        let levels: Vec<f32> = cut.iter().map(|s| traits.level_of(s)).collect();
        let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut section_of = vec![None; bars.len()];
        for (i, s) in cut.iter().enumerate() {
            section_of[s.clone()].fill(Some(i));
        }
        let mut orphans = vec![[0.0; 2]; bars.len()];
        for (s, unit) in cut.iter().zip(&units) {
            orphans[s.clone()].copy_from_slice(&fills::evidence(&repetition, s, unit.bars as usize, tuning));
        }
        let sections = cut
            .into_iter()
            .enumerate()
            .map(|(i, s)| (i, s.clone(), traits.drumless_of(&s) > 0.0))
            .map(|(i, s, drumless)| Section {
                span: bars.span(&s),
                unit: units[i].bars,
                unit_found: units[i].found,
                repeats: units::at_lag(&repetition, &s, units[i].bars as usize, tuning, |u| u.all).map(|z| 1.0 - z),
                fills: fills::of(&repetition, &s, units[i].bars as usize, drumless, tuning),
                content: contents[i],
                drums_only: drums_only[i],
                drumless,
                below_loudest: loudest - levels[i],
                bars: s,
            })
            .collect();
        Ok(Self {
            bars,
            repetition,
            textures,
            traits,
            sections,
            regions,
            section_of,
            orphans,
            tuning: tuning.clone(),
        })
    }

    /// The candidates of the track ([`candidate::all`]) that can be heard: silence repeats perfectly, and nobody wants it. One
    /// that begins or ends with a bar of silence is none.
    pub fn candidates(&self, config: &config::Loops) -> Vec<Candidate> {
        let level = &self.traits.level;
        let loudest = level.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let floor = (loudest - SILENT).max(SILENCE);
        let heard = |bar: usize| level.get(bar).is_some_and(|l| *l > floor);
        let mut all = candidate::all(&self.bars, config);
        all.retain(|c| {
            let bars = c.touched();
            heard(bars.start) && heard(bars.end.saturating_sub(1))
        });
        all
    }

    /// Index of the section that holds `bar`.
    pub fn section_at(&self, bar: usize) -> Option<usize> {
        self.section_of.get(bar).copied().flatten()
    }

    /// How well `section` repeats after `lag` bars: 1 like repeats of this track, 0 not at all, `None` where it is no
    /// longer than that.
    pub fn repeats_at(&self, section: &Section, lag: usize) -> Option<f32> {
        units::at_lag(&self.repetition, &section.bars, lag, &self.tuning, |u| u.all).map(|z| 1.0 - z)
    }

    /// By how many octaves bar `i` is further from its nearest repeat in its section than the other bars are from theirs, by
    /// level and by onsets; 0 where there is nothing to compare with.
    pub fn orphan(&self, i: usize) -> [f32; 2] {
        self.orphans.get(i).copied().unwrap_or_default()
    }

    /// How unlike the bars of `section` are at `lag` by the worse of levels, and chroma where there are pitches, else
    /// onsets: what decides upon its unit. `None` where it is no longer than that.
    pub fn unit_evidence(&self, section: &Section, lag: usize) -> Option<f32> {
        let lag = u32::try_from(lag).ok()?;
        units::worse(&self.repetition, &section.bars, lag, section.drums_only, &self.tuning).map(|z| z as f32)
    }

    /// How unlike two stretches of `n` bars are on the whole; `None` where one leaves the track or lies out of reach.
    pub fn unlike(&self, a: usize, b: usize, n: usize) -> Option<f32> {
        if a.max(b) + n > self.bars.len() || n == 0 || a.abs_diff(b) > self.repetition.reach() {
            return None;
        }
        let mut z: Vec<f32> = (0..n).map(|k| self.repetition.unlike(a + k, b + k).all).collect();
        trimmed_mean(&mut z, self.tuning.trim)
    }

    /// Where else `bars` are heard, within [`Tuning::reach`].
    pub fn occurrences(&self, bars: &Range<usize>) -> Occurrences {
        let n = bars.len();
        let mut out = Occurrences {
            count: 0,
            nearest_db: None,
            elsewhere: 0.0,
        };
        if n == 0 || bars.end > self.bars.len() {
            return out;
        }
        let reach = self.repetition.reach();
        let first = bars.start.saturating_sub(reach);
        let last = (self.bars.len() - n).min(bars.start + reach);
        let mut free = first;
        for t in first..=last {
            let gap = t.abs_diff(bars.start);
            if gap < n {
                continue;
            }
            let db = (0..n)
                .map(|k| self.repetition.unlike(bars.start + k, t + k).db)
                .sum::<f32>()
                / n as f32;
            out.nearest_db = Some(out.nearest_db.map_or(db, |d| d.min(db)));
            let Some(z) = self.unlike(bars.start, t, n) else {
                continue;
            };
            if gap > n {
                out.elsewhere = out.elsewhere.max(1.0 - z);
            }
            if t >= free && f64::from(z) < self.tuning.content_threshold {
                out.count += 1;
                free = t + n;
            }
        }
        out
    }
}

/// Numbers sections by content: a section takes the number of the first that begins alike.
fn contents_of(repetition: &Repetition, sections: &[Range<usize>], tuning: &Tuning) -> Vec<usize> {
    const OPENING: usize = 8;
    let mut first: Vec<&Range<usize>> = Vec::new();
    sections
        .iter()
        .map(|s| {
            let same = first.iter().position(|f| {
                let n = OPENING.min(s.len()).min(f.len());
                let mut z: Vec<f32> = (0..n)
                    .map(|k| repetition.unlike_anywhere(f.start + k, s.start + k, tuning).all)
                    .collect();
                trimmed_mean(&mut z, tuning.trim).is_some_and(|z| f64::from(z) < tuning.content_threshold)
            });
            same.unwrap_or_else(|| {
                first.push(s);
                first.len() - 1
            })
        })
        .collect()
}

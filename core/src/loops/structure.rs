//! The form of a track: its sections, what they hold, and what repeats.

use std::ops::Range;

use super::bars::Bars;
use super::distance::BarContents;
use super::regions::{self, BarTraits, Regions};
use super::repetition::{Repetition, trimmed_mean};
use super::sections::{self, BarTextures};
use super::{fills, units};
use crate::analysis::texture::Texture;
use crate::config::tuning::Tuning;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::grid::BeatGrid;
use crate::units::Span;

/// A part of the music within which loops can lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its bars.
    pub bars: Range<usize>,
    /// Where it lies, in frames of the track.
    pub span: Span,
    /// After how many bars it repeats; where that was not found, the likely number.
    pub unit: u32,
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
    trim: f64,
}

impl Structure {
    /// Finds the form. A grid without bars gives a structure without sections.
    pub fn of(
        texture: &Texture,
        grid: &BeatGrid,
        rate: f64,
        tuning: &Tuning,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let bars = Bars::of(grid, rate);
        let contents = BarContents::of(texture, &bars, tuning);
        progress.check()?;
        let repetition = Repetition::of(contents, &bars, tuning);
        progress.check()?;
        let textures = BarTextures::of(&texture.bands, &bars, tuning);
        let traits = BarTraits::of(texture, &bars, tuning);
        let cut = sections::cut(&bars, &repetition, &textures, tuning, progress)?;
        let regions = regions::of(&traits, &bars, &cut, tuning);
        let mostly = |s: &Range<usize>, is: &dyn Fn(usize) -> bool| 2 * s.clone().filter(|i| is(*i)).count() > s.len();
        let drums_only: Vec<bool> = cut.iter().map(|s| mostly(s, &|i| traits.is_break(i))).collect();
        let units = units::of(&repetition, &cut, &drums_only, tuning);
        let contents = contents_of(&repetition, &cut, tuning);
        let levels: Vec<f32> = cut.iter().map(|s| traits.level_of(s)).collect();
        let loudest = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut section_of = vec![None; bars.len()];
        for (i, s) in cut.iter().enumerate() {
            section_of[s.clone()].fill(Some(i));
        }
        let sections = cut
            .into_iter()
            .enumerate()
            .map(|(i, s)| (i, s.clone(), traits.drumless_of(&s) > 0.0))
            .map(|(i, s, drumless)| Section {
                span: bars.span(&s),
                unit: units[i],
                repeats: units::at_lag(&repetition, &s, units[i] as usize, tuning, |u| u.all).map(|z| 1.0 - z),
                fills: fills::of(&repetition, &s, units[i] as usize, drumless, tuning),
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
            trim: tuning.trim,
        })
    }

    /// Index of the section that holds `bar`.
    pub fn section_at(&self, bar: usize) -> Option<usize> {
        self.section_of.get(bar).copied().flatten()
    }

    /// How well `section` repeats after `lag` bars: 1 like repeats of this track, 0 not at all, `None` where it is no
    /// longer than that.
    pub fn repeats_at(&self, section: &Section, lag: usize) -> Option<f32> {
        let tuning = Tuning {
            trim: self.trim,
            ..Tuning::default()
        };
        units::at_lag(&self.repetition, &section.bars, lag, &tuning, |u| u.all).map(|z| 1.0 - z)
    }

    /// How unlike two stretches of `n` bars are on the whole; `None` where one leaves the track or lies out of reach.
    pub fn unlike(&self, a: usize, b: usize, n: usize) -> Option<f32> {
        if a.max(b) + n > self.bars.len() || n == 0 || a.abs_diff(b) > self.repetition.reach() {
            return None;
        }
        let mut z: Vec<f32> = (0..n).map(|k| self.repetition.unlike(a + k, b + k).all).collect();
        trimmed_mean(&mut z, self.trim)
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

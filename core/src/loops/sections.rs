//! Where one part of the music ends and the next begins, on bar lines.
//!
//! The cut into sections of least cost, found exactly by dynamic programming. A section costs
//!
//! ```text
//! λ  +  min over p of ( κ·min(p, n) + Σ unlike(k, k − p) )  +  Σ texture deviation  +  mixture  −  μ · prior(n)
//! ```
//!
//! for its `n` bars: it is cheap where it repeats at some lag `p`, where it sounds the same throughout, where it is drums
//! alone or not at all (the mixture counts bars of the rarer kind), and where it is 8
//! (or 4) bars long. Neither repetition nor texture does alone: the same drums run through many sections, and many
//! sections vary in texture. The cost of repetition follows the view of M. Goto's RefraiD and of
//! "segment cost" segmenters (Sargent, Bimbot, Vincent, IEEE/ACM TASLP 25(2), 2017) that regularise lengths.

use std::ops::Range;

use super::bars::Bars;
use super::distance::window_mean;
use super::repetition::{Repetition, median};
use crate::analysis::texture::{Bands, GROUPS, WIDE, fast_db};
use crate::config::tuning::Tuning;
use crate::progress::{Cancelled, Progress};

/// Columns of a bar's texture: harmonic and percussive levels, onset strengths.
const COLUMNS: usize = 2 * WIDE + GROUPS;

/// What each bar sounds like on the whole.
#[derive(Debug, Clone)]
pub struct BarTextures {
    rows: Vec<[f32; COLUMNS]>,
    /// The median change from bar to bar, in dB: the unit of texture deviation.
    pub step: f32,
}

impl BarTextures {
    /// Means over each bar: 16 levels in dB of the harmonic, 16 of the percussive part, 8 onset strengths.
    pub fn of(bands: &Bands, bars: &Bars, tuning: &Tuning) -> Self {
        let rows: Vec<[f32; COLUMNS]> = bars
            .bars
            .iter()
            .map(|bar| {
                let (from, to) = (bar.start - tuning.slot_lead, bar.end - tuning.slot_lead);
                let mut row = [0f32; COLUMNS];
                window_mean(&bands.harmonic, bands.hop, from, to, &mut row[..WIDE]);
                window_mean(&bands.percussive, bands.hop, from, to, &mut row[WIDE..2 * WIDE]);
                for x in &mut row[..2 * WIDE] {
                    *x = fast_db(*x).max(bands.floor);
                }
                window_mean(&bands.onset, bands.hop, from, to, &mut row[2 * WIDE..]);
                row
            })
            .collect();
        let mut steps: Vec<f32> = rows.windows(2).map(|w| difference(&w[0], &w[1])).collect();
        Self {
            step: median(&mut steps).max(tuning.texture_step_min as f32),
            rows,
        }
    }

    /// Mean deviation of the bars from their median texture, in texture steps.
    pub fn deviation(&self, bars: Range<usize>) -> f32 {
        let rows = &self.rows[bars];
        if rows.is_empty() {
            return 0.0;
        }
        let centre: [f32; COLUMNS] = std::array::from_fn(|c| {
            let mut column: Vec<f32> = rows.iter().map(|r| r[c]).collect();
            median(&mut column)
        });
        let sum: f32 = rows.iter().map(|r| difference(r, &centre)).sum();
        sum / rows.len() as f32 / self.step
    }

    /// Mean level in dB of bar `i` above 2 kHz.
    pub fn highs(&self, i: usize) -> f32 {
        const FIRST: usize = 8;
        let row = &self.rows[i];
        let sum: f32 = row[FIRST..WIDE].iter().chain(&row[WIDE + FIRST..2 * WIDE]).sum();
        sum / (2 * (WIDE - FIRST)) as f32
    }

    /// Texture change from bar `i − 1` to bar `i`, in texture steps; 0 at the first.
    pub fn novelty(&self, i: usize) -> f32 {
        match (i.checked_sub(1).and_then(|h| self.rows.get(h)), self.rows.get(i)) {
            (Some(a), Some(b)) => difference(a, b) / self.step,
            _ => 0.0,
        }
    }
}

fn difference(a: &[f32; COLUMNS], b: &[f32; COLUMNS]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / COLUMNS as f32
}

/// The cheapest cut of the runs of regular bars into sections, in order.
pub fn cut(
    bars: &Bars,
    breaks: &[bool],
    repetition: &Repetition,
    textures: &BarTextures,
    tuning: &Tuning,
    progress: &dyn Progress,
) -> Result<Vec<Range<usize>>, Cancelled> {
    let mut sections = Vec::new();
    for run in bars.runs() {
        // best[e]: the least cost of the bars of the run before bar e, and where its last section begins.
        let mut best = vec![(f64::INFINITY, 0usize); run.len() + 1];
        best[0] = (0.0, 0);
        for a in 0..run.len() {
            progress.check()?;
            let mut cost = Growing::new(run.start + a, tuning);
            for n in 1..=tuning.section_max.max(1).min(run.len() - a) {
                let c = best[a].0 + cost.extend(repetition, textures, breaks);
                if c < best[a + n].0 {
                    best[a + n] = (c, a);
                }
            }
        }
        let from = sections.len();
        let mut e = run.len();
        while e > 0 {
            let a = best[e].1;
            sections.push(run.start + a..run.start + e);
            e = a;
        }
        sections[from..].reverse();
    }
    Ok(sections)
}

/// The cost of a section that grows bar by bar.
struct Growing<'a> {
    start: usize,
    bars: usize,
    tuning: &'a Tuning,
    /// Σ unlike(k, k − p) for each lag p.
    repeats: Vec<f64>,
    /// How many bars are breaks.
    breaks: usize,
    /// Each texture column's values, sorted.
    columns: Vec<Vec<f32>>,
}

impl<'a> Growing<'a> {
    fn new(start: usize, tuning: &'a Tuning) -> Self {
        Self {
            start,
            bars: 0,
            tuning,
            repeats: vec![0.0; tuning.lags.len()],
            breaks: 0,
            columns: vec![Vec::new(); COLUMNS],
        }
    }

    /// Takes one more bar; gives the cost of the section so far.
    fn extend(&mut self, repetition: &Repetition, textures: &BarTextures, breaks: &[bool]) -> f64 {
        let t = self.tuning;
        let k = self.start + self.bars;
        self.bars += 1;
        let n = self.bars;
        for (sum, &lag) in self.repeats.iter_mut().zip(&t.lags) {
            let lag = lag as usize;
            if lag < n {
                *sum += f64::from(repetition.unlike(k, k - lag).all);
            }
        }
        let unit = |(sum, &lag): (&f64, &u32)| t.unit_cost * f64::from(lag.min(n as u32)) + sum;
        let repeat = self.repeats.iter().zip(&t.lags).map(unit).fold(f64::INFINITY, f64::min);
        let repeat = if repeat.is_finite() { repeat } else { 0.0 };

        let rows = &textures.rows[self.start..=k];
        let mut centre = [0f32; COLUMNS];
        for ((column, x), centre) in self.columns.iter_mut().zip(textures.rows[k]).zip(&mut centre) {
            let at = column.partition_point(|y| y.total_cmp(&x).is_lt());
            column.insert(at, x);
            *centre = 0.5 * (column[(n - 1) / 2] + column[n / 2]);
        }
        let scale = t.texture_scale * f64::from(textures.step);
        let deviation: f64 = rows
            .iter()
            .map(|r| (f64::from(difference(r, &centre)) / scale).min(t.texture_cap))
            .sum();
        let prior = match n {
            n if n % 8 == 0 => 2.0,
            n if n % 4 == 0 => 1.5,
            n if n % 2 == 0 => 0.0,
            _ => -1.5,
        };
        self.breaks += usize::from(breaks.get(k).copied().unwrap_or(false));
        let mixed = self.breaks.min(n - self.breaks) as f64 * t.break_cost;
        t.section_cost + mixed + repeat + deviation - t.phrase_prior * prior
    }
}

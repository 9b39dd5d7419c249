//! Passages that are useful for what they lack: breaks (drums alone), drumless and quiet ones.

use std::ops::Range;

use super::bars::Bars;
use super::distance::window_mean;
use super::repetition::{median, quantile};
use crate::analysis::texture::{GROUPS, Texture};
use crate::config::tuning::Tuning;
use crate::units::{Span, power_db};

/// A passage of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Where it lies, in frames of the track.
    pub span: Span,
    /// Index of its first bar.
    pub first_bar: usize,
    /// Its length in bars.
    pub bars: usize,
    /// How clearly it is what it is: for breaks the distance in dB below the tonal threshold, for drumless passages the
    /// log odds, for quiet ones the dB below the loudest section. Larger is clearer.
    pub score: f32,
}

/// The passages that were found, each kind in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Regions {
    /// Drums and no pitched instrument.
    pub breaks: Vec<Region>,
    /// No drums.
    pub drumless: Vec<Region>,
    /// Well below the loudest section.
    pub quiet: Vec<Region>,
}

/// What is measured of each bar to tell regions.
#[derive(Debug, Clone)]
pub struct BarTraits {
    /// Tonal level in dB against the track's 60th percentile: low where nothing pitched sounds.
    pub tonal: Vec<f32>,
    /// Log odds that no drums play; positive without.
    pub drumless: Vec<f32>,
    /// Level in dB.
    pub level: Vec<f32>,
    /// Tonal level under which a bar is a break.
    pub break_below: f32,
}

impl BarTraits {
    /// Measures the bars.
    pub fn of(texture: &Texture, bars: &Bars, tuning: &Tuning) -> Self {
        let tonal = tonal(texture, bars, tuning);
        let mut regular: Vec<f32> = tonal
            .iter()
            .zip(&bars.bars)
            .filter(|(_, b)| b.regular)
            .map(|(x, _)| *x)
            .collect();
        let break_below = otsu(&mut regular, tuning.break_floor as f32, tuning.break_ceiling as f32);
        let b = &texture.bands;
        let level = bars
            .bars
            .iter()
            .map(|bar| {
                let mut mean = [0f32];
                window_mean(&b.power, b.hop, bar.start, bar.end, &mut mean);
                power_db(f64::from(mean[0])) as f32
            })
            .collect();
        Self {
            tonal,
            drumless: drumless(texture, bars),
            level,
            break_below,
        }
    }

    /// Level of a stretch of bars, in dB.
    pub fn level_of(&self, bars: &Range<usize>) -> f32 {
        let levels = &self.level[bars.clone()];
        let power: f64 = levels.iter().map(|l| 10f64.powf(f64::from(*l) / 10.0)).sum();
        power_db(power / levels.len().max(1) as f64) as f32
    }

    /// Log odds that no drums play in a stretch of bars: the median of the bars'.
    pub fn drumless_of(&self, bars: &Range<usize>) -> f32 {
        median(&mut self.drumless[bars.clone()].to_vec())
    }

    /// True where a bar has neither pitched instruments nor silence.
    pub fn is_break(&self, bar: usize) -> bool {
        self.tonal[bar] < self.break_below && self.drumless[bar] < 0.0
    }
}

/// The 25th percentile over each bar's beats of their tonal level: low only where most of the bar has no pitch, even if
/// a tail rings into it.
fn tonal(texture: &Texture, bars: &Bars, tuning: &Tuning) -> Vec<f32> {
    let t = &texture.tonal;
    let mut x: Vec<f32> = (0..bars.len())
        .map(|i| {
            let mut beats: Vec<f32> = bars
                .beats_of(i)
                .windows(2)
                .map(|w| {
                    let mut mean = [0f32];
                    window_mean(
                        &t.level,
                        t.hop,
                        w[0] - tuning.slot_lead,
                        w[1] - tuning.slot_lead,
                        &mut mean,
                    );
                    power_db(f64::from(mean[0])) as f32
                })
                .collect();
            quantile(&mut beats, 0.25).unwrap_or(-200.0)
        })
        .collect();
    let usual = quantile(&mut x.clone(), 0.6).unwrap_or(0.0);
    x.iter_mut().for_each(|x| *x -= usual);
    x
}

/// The threshold between `low` and `high` that parts `values` into the two most compact classes (Otsu, IEEE Trans. SMC
/// 9, 1979); the limits where that lies outside.
fn otsu(values: &mut [f32], low: f32, high: f32) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    // A single silent bar must not draw the threshold away from what is heard.
    let clipped: Vec<f64> = values.iter().map(|v| f64::from(v.max(-40.0))).collect();
    let total: f64 = clipped.iter().sum();
    let n = clipped.len();
    let (mut best, mut at) = (0.0, f64::from(high));
    let mut below = 0.0;
    for k in 1..n {
        below += clipped[k - 1];
        let (a, b) = (below / k as f64, (total - below) / (n - k) as f64);
        let between = (k * (n - k)) as f64 * (a - b) * (a - b);
        if between > best {
            (best, at) = (between, 0.5 * (clipped[k - 1] + clipped[k]));
        }
    }
    (at as f32).clamp(low, high)
}

/// Log odds that a bar has no drums, from how its kick band, its hat bands and its broadband hits compare with what is
/// usual in the track.
fn drumless(texture: &Texture, bars: &Bars) -> Vec<f32> {
    let b = &texture.bands;
    let mut low = Vec::with_capacity(bars.len());
    let mut high = Vec::with_capacity(bars.len());
    let mut cover = Vec::with_capacity(bars.len());
    for bar in &bars.bars {
        let first = ((bar.start - 0.025) / b.hop).round().max(0.0) as usize;
        let last = (((bar.end - 0.025) / b.hop).round().max(0.0) as usize).min(b.frames);
        let frames = first.min(last)..last;
        let mut kick = Vec::new();
        let mut hats = 0f32;
        let slots = 4 * bar.beats;
        for s in 0..slots {
            let at = bar.start + (bar.end - bar.start) * f64::from(s) / f64::from(slots);
            let mut x = [0f32; GROUPS];
            super::distance::window_max(&b.onset, b.hop, at - 0.035, at + 0.035, &mut x);
            kick.push(x[0]);
            hats += 0.5 * (x[6] + x[7]) / slots as f32;
        }
        low.push(quantile(&mut kick, 0.85).unwrap_or(0.0));
        high.push(hats);
        let mut c = b.cover[frames].to_vec();
        cover.push((
            quantile(&mut c, 0.97).unwrap_or(0.0),
            quantile(&mut c, 0.9).unwrap_or(0.0),
        ));
    }
    if std::env::var("LWDUMP").is_ok() {
        for (i, bar) in bars.bars.iter().enumerate() {
            let first = ((bar.start - 0.025) / b.hop).round().max(0.0) as usize;
            let last = (((bar.end - 0.025) / b.hop).round().max(0.0) as usize).min(b.frames);
            print!("BAR {i} {} {} {} {}", low[i], high[i], cover[i].0, cover[i].1);
            for g in 0..GROUPS {
                let mut k: Vec<f32> = (first..last).map(|t| b.onset[t * GROUPS + g]).collect();
                print!(
                    " {} {}",
                    quantile(&mut k, 0.85).unwrap_or(0.0),
                    quantile(&mut k, 0.97).unwrap_or(0.0)
                );
            }
            for g in 0..16 {
                let p: f32 = (first..last).map(|t| b.percussive[t * 16 + g]).sum();
                let h: f32 = (first..last).map(|t| b.harmonic[t * 16 + g]).sum();
                print!(" {p} {h}");
            }
            println!();
        }
    }
    let usual = |x: &[f32]| quantile(&mut x.to_vec(), 0.6).unwrap_or(0.0);
    let (usual_low, usual_high) = (usual(&low), usual(&high));
    let ratio = |x: f32, usual: f32| ((x + 1e-3) / (usual + 1e-3)).ln();
    (0..bars.len())
        .map(|i| {
            let (c97, c90) = cover[i];
            -1.3 - 4.5 * ratio(low[i], usual_low) - 3.0 * ratio(high[i], usual_high) - 3.5 * c97 - 1.8 * c90
        })
        .collect()
}

/// The regions of a track that was cut into `sections`.
pub fn of(traits: &BarTraits, bars: &Bars, sections: &[Range<usize>], tuning: &Tuning) -> Regions {
    let region = |range: Range<usize>, score: f32| Region {
        span: bars.span(&range),
        first_bar: range.start,
        bars: range.len(),
        score,
    };
    let mean = |range: &Range<usize>, x: &[f32]| x[range.clone()].iter().sum::<f32>() / range.len().max(1) as f32;

    let breaks = stretches(bars.len(), |i| bars.bars[i].regular && traits.is_break(i))
        .into_iter()
        .filter(|r| r.len() >= tuning.break_bars)
        .map(|r| {
            let score = traits.break_below - mean(&r, &traits.tonal);
            region(r, score)
        })
        .collect();

    // Drums and level are traits of sections: one soft bar does not make a passage.
    let mut odds = vec![f32::NEG_INFINITY; bars.len()];
    let mut drop = vec![f32::NEG_INFINITY; bars.len()];
    let loudest = sections
        .iter()
        .map(|s| traits.level_of(s))
        .fold(f32::NEG_INFINITY, f32::max);
    for s in sections {
        odds[s.clone()].fill(traits.drumless_of(s));
        drop[s.clone()].fill(loudest - traits.level_of(s) - tuning.quiet_drop as f32);
    }
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

    #[test]
    fn otsu_parts_two_heaps_within_limits() {
        let mut v = vec![-30.0, -28.0, -29.0, 0.0, 1.0, -1.0, 2.0, 0.5];
        assert_eq!(otsu(&mut v, -18.0, -6.0), -14.5);
        let mut v = vec![-1.0, 0.0, 1.0, 0.5];
        assert_eq!(otsu(&mut v, -18.0, -6.0), -6.0);
        assert_eq!(otsu(&mut [], -18.0, -6.0), -6.0);
    }
}

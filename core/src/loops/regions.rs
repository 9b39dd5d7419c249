//! Passages that are useful for what they lack: breaks (drums alone), drumless and quiet ones.

use std::ops::Range;

use super::bars::Bars;
use super::distance::{SLOTS, window_max, window_mean};
use super::repetition::{median, quantile};
use crate::analysis::Analysis;
use crate::analysis::texture::{GROUPS, Texture, WIDE, fast_db};
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
    pub fn of(analysis: &Analysis, bars: &Bars, tuning: &Tuning) -> Self {
        let texture = &analysis.texture;
        let tonal = tonal(texture, bars, tuning);
        let mut regular: Vec<f32> = tonal
            .iter()
            .zip(&bars.bars)
            .filter(|(_, b)| b.regular)
            .map(|(x, _)| *x)
            .collect();
        let break_below = break_threshold(&mut regular, tuning);
        let spectrum = &analysis.spectrum;
        let level = bars
            .bars
            .iter()
            .map(|bar| power_db(spectrum.power.mean(spectrum.frames_of(bar.span))) as f32)
            .collect();
        Self {
            tonal,
            drumless: drumless(texture, bars, tuning),
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

/// The tonal level under which a bar is a break: between the drums and whatever has pitch.
///
/// Bars of drums and bass make a heap of their own between the two. So where the lower heap is two, the lowest counts.
fn break_threshold(tonal: &mut [f32], tuning: &Tuning) -> f32 {
    /// Heaps whose means lie this many dB apart are two.
    const APART: f64 = 10.0;
    tonal.sort_unstable_by(f32::total_cmp);
    // A silent bar must not draw the threshold away from what is heard.
    let levels: Vec<f64> = tonal.iter().map(|v| f64::from(v.max(-40.0))).collect();
    let (low, high) = (tuning.break_floor, tuning.break_ceiling);
    let Some(first) = otsu(&levels) else { return high as f32 };
    let lower = levels.get(..first.below).unwrap_or_default();
    let threshold = match otsu(lower) {
        Some(second) if second.apart > APART && second.below >= tuning.break_bars => second.threshold,
        _ => first.threshold,
    };
    threshold.clamp(low, high) as f32
}

/// A cut of sorted values into two heaps.
struct Heaps {
    /// Halfway between them.
    threshold: f64,
    /// How many values lie below.
    below: usize,
    /// Distance of the heaps' means.
    apart: f64,
}

/// The cut of sorted `values` that leaves the least variance within the heaps (Otsu, IEEE Trans. SMC 9, 1979).
fn otsu(values: &[f64]) -> Option<Heaps> {
    let total: f64 = values.iter().sum();
    let n = values.len();
    let mut best: Option<(f64, Heaps)> = None;
    let mut sum = 0.0;
    for k in 1..n {
        sum += values[k - 1];
        let apart = (total - sum) / (n - k) as f64 - sum / k as f64;
        let between = (k * (n - k)) as f64 * apart * apart;
        if best.as_ref().is_none_or(|(b, _)| between > *b) {
            let threshold = 0.5 * (values[k - 1] + values[k]);
            best = Some((
                between,
                Heaps {
                    threshold,
                    below: k,
                    apart,
                },
            ));
        }
    }
    best.map(|(_, heaps)| heaps)
}

/// Log odds that each bar has no drums.
///
/// Four traits speak for drums: rises of the lowest band (kick) and of the two highest (hats, snares) against what is
/// usual in the track; hits over all bands at once (snares, attacks); and percussive sound above 4 kHz (hats alone).
fn drumless(texture: &Texture, bars: &Bars, tuning: &Tuning) -> Vec<f32> {
    /// First of the wide bands that lie above 4 kHz.
    const HIGHS: usize = 11;
    /// The rise in dB of the weakest drums: in a track without any, what is usual must not count as drums.
    const WEAKEST: f32 = 4.0;
    /// Percussive sound above 4 kHz is common without drums up to this share of all power, in dB.
    const COMMON: f32 = -22.0;
    struct Bar {
        low: f32,
        high: f32,
        /// 97th and 90th percentile of the share of bands that rise at once.
        cover: [f32; 2],
        /// In dB of all power.
        hats: f32,
    }
    let b = &texture.bands;
    let measured: Vec<Bar> = bars
        .bars
        .iter()
        .map(|bar| {
            let slots = (SLOTS as u32 * bar.beats).max(1);
            let mut kick = Vec::with_capacity(slots as usize);
            let mut high = 0f32;
            for s in 0..slots {
                let at = bar.start + (bar.end - bar.start) * f64::from(s) / f64::from(slots);
                let mut onset = [0f32; GROUPS];
                window_max(
                    &b.onset,
                    b.hop,
                    at - tuning.onset_reach,
                    at + tuning.onset_reach,
                    &mut onset,
                );
                kick.push(onset[0]);
                high += 0.5 * (onset[GROUPS - 2] + onset[GROUPS - 1]);
            }
            let (from, to) = (bar.start - tuning.slot_lead, bar.end - tuning.slot_lead);
            let first = (from / b.hop).round().max(0.0) as usize;
            let last = ((to / b.hop).round().max(0.0) as usize).min(b.frames);
            let mut cover = b.cover[first.min(last)..last].to_vec();
            let (mut harmonic, mut percussive) = ([0f32; WIDE], [0f32; WIDE]);
            window_mean(&b.harmonic, b.hop, from, to, &mut harmonic);
            window_mean(&b.percussive, b.hop, from, to, &mut percussive);
            let all: f32 = harmonic.iter().chain(&percussive).sum();
            let hats: f32 = percussive[HIGHS..].iter().sum();
            Bar {
                low: quantile(&mut kick, 0.85).unwrap_or(0.0),
                high: high / slots as f32,
                cover: [0.97, 0.9].map(|q| quantile(&mut cover, q).unwrap_or(0.0)),
                hats: fast_db(hats) - fast_db(all),
            }
        })
        .collect();
    let usual = |x: fn(&Bar) -> f32| {
        let mut x: Vec<f32> = measured.iter().map(x).collect();
        quantile(&mut x, 0.6).unwrap_or(0.0).max(WEAKEST)
    };
    let (usual_low, usual_high) = (usual(|b| b.low), usual(|b| b.high));
    // None of the traits may outweigh all others by being absent altogether.
    let ratio = |x: f32, usual: f32| ((x + 1e-3) / (usual + 1e-3)).ln().max(-2.0);
    measured
        .iter()
        .map(|b| {
            let rises = 4.5 * ratio(b.low, usual_low) + 3.0 * ratio(b.high, usual_high);
            let hits = 3.5 * b.cover[0] + 1.8 * b.cover[1];
            -1.3 - rises - hits - (b.hats - COMMON).max(0.0)
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
    fn breaks_lie_below_drums_with_bass() {
        let t = Tuning::default();
        let heap = |at: f32, n: usize| (0..n).map(move |i| at + (i % 3) as f32);
        let two: Vec<f32> = heap(-30.0, 8).chain(heap(0.0, 40)).collect();
        assert_eq!(break_threshold(&mut two.clone(), &t), -14.0);
        let mut three: Vec<f32> = heap(-36.0, 10).chain(heap(-16.0, 9)).chain(heap(0.0, 30)).collect();
        assert_eq!(f64::from(break_threshold(&mut three, &t)), t.break_floor);
        let mut one: Vec<f32> = heap(-1.0, 40).collect();
        assert_eq!(f64::from(break_threshold(&mut one, &t)), t.break_ceiling);
        assert_eq!(f64::from(break_threshold(&mut [], &t)), t.break_ceiling);
    }
}

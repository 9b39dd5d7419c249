//! What speaks for drums and for pitched instruments in each bar.
//!
//! A bar is measured by 22 traits ([`TRAITS`]), most of them ratios within the bar, so that they hold for a track that is
//! all drums, or has none, as well as for one that has both. Two logistic regressions weigh them: the log odds that no
//! drums play, and those that something pitched sounds. The weights are fitted on generated music of which every note is
//! known (`training/regions`), each kind of bar and each source of sound counting alike.
//!
//! What tells drums from plucked and struck instruments is less how sharply they begin than what they are made of: an
//! attack of noise raises all bands alike, one of a string or a bar leaves gaps between its harmonics (`jagged_hits`),
//! and only drums go on to the top of the spectrum (`top_share`, `high_flat`).

pub mod relative;
mod weights;

use super::bars::Bars;
use super::distance::{SLOTS, window_max, window_mean};
use super::repetition::quantile;
use crate::analysis::texture::{BANDS, Bands, GROUPS, Texture, WIDE, fast_db};
use crate::config::tuning::Tuning;

pub use weights::TRAITS;

/// The traits of a bar, in the order of [`TRAITS`].
pub type Row = [f32; TRAITS.len()];

/// A trait of a bar: its name, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trait {
    /// Its name.
    pub name: &'static str,
    /// Its usual value; 0 of what is weighed.
    pub mean: f32,
    /// Its usual deviation; 1 of what is weighed.
    pub scale: f32,
    /// What it says for there being no drums.
    pub drumless: f32,
    /// What it says for something pitched.
    pub pitched: f32,
}

/// A trait counts for no more than this many usual deviations.
const MOST: f32 = 4.0;
/// First of the wide bands that lie above 4 kHz.
const HIGHS: usize = 11;
/// First of those above 7.4 kHz.
const TOP: usize = 14;
/// Wide bands below 250 Hz.
const LOWS: usize = 2;
/// What is usual in the track counts as no less than this (dB): where there are no drums, it must not stand for them.
const WEAKEST: f32 = 4.0;
/// Bars this far (dB) below the loud ones of the track are silent.
const SILENT: f32 = 45.0;

/// Log odds that no drums play, of a bar's traits; positive without.
pub fn drumless(row: &Row) -> f32 {
    weights::DRUMLESS_BIAS + weighed(row, |t| t.drumless)
}

/// Log odds that something pitched sounds.
pub fn pitched(row: &Row) -> f32 {
    weights::PITCHED_BIAS + weighed(row, |t| t.pitched)
}

fn weighed(row: &Row, weight: impl Fn(&Trait) -> f32) -> f32 {
    row.iter()
        .zip(&TRAITS)
        .map(|(x, t)| weight(t) * ((x - t.mean) / t.scale).clamp(-MOST, MOST))
        .sum()
}

/// What is measured of a bar before it is compared with the others of the track.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure {
    /// Mean rise of the two highest groups of bands, in dB a frame.
    high_rise: f32,
    /// Mean of their strongest rises at the sixteenths.
    high_hits: f32,
    /// 85th percentile of the lowest group's.
    low_hits: f32,
    /// 99th, 97th and 90th percentile of the share of bands that rise at once.
    cover: [f32; 3],
    /// Unevenness of the spectrum from band to band in dB: at attacks, and throughout.
    jagged: [f32; 2],
    /// Level of the geometric against the arithmetic mean of the bands above 4 kHz, where they are loudest, in dB.
    high_flat: f32,
    /// Percussive share of what lies below 250 Hz, and above 4 kHz, in dB.
    percussive: [f32; 2],
    /// Of all power in dB: percussive sound above 4 kHz; all above 7.4 kHz; all below 250 Hz; all above 4 kHz.
    shares: [f32; 4],
    /// 97th percentile of the power against its mean, in dB.
    peak: f32,
    /// Median of the power above 4 kHz against its mean, in dB.
    high_floor: f32,
    /// Power in dB.
    level: f32,
    /// Mean power of steady lines above 150 Hz in dB; the same in the poorest of the beats.
    tonal: [f32; 2],
    /// 25th percentile of the power of steady lines below 150 Hz, in dB.
    low_steady: f32,
    /// Percussive share of all power, 0 to 1.
    pub drum_share: f32,
    /// Broadband hits a beat.
    pub hits_a_beat: f32,
}

impl Measure {
    /// Level of steady pitches above 150 Hz in the poorest quarter of the beats, in dB: low only where most of the bar has
    /// no pitch, even if a tail rings into it.
    pub fn poorest_tonal(&self) -> f32 {
        self.tonal[1]
    }

    /// True where what sounds lies above 4 kHz: hats and shakers alone make no break.
    pub fn is_hats_only(&self) -> bool {
        /// Four fifths of all power.
        const MOST: f32 = -1.0;
        self.shares[3] > MOST
    }
}

/// Measures the bars.
pub fn measure(texture: &Texture, bars: &Bars, tuning: &Tuning) -> Vec<Measure> {
    let frame = FramePowers::of(&texture.bands);
    (0..bars.len()).map(|i| one(texture, &frame, bars, i, tuning)).collect()
}

/// Power of each frame: all of it, and above 4 kHz.
struct FramePowers {
    all: Vec<f32>,
    high: Vec<f32>,
}

impl FramePowers {
    fn of(b: &Bands) -> Self {
        let rows = || b.harmonic.chunks_exact(WIDE).zip(b.percussive.chunks_exact(WIDE));
        let sum = |from: usize| rows().map(|(h, p)| h[from..].iter().chain(&p[from..]).sum()).collect();
        Self {
            all: sum(0),
            high: sum(HIGHS),
        }
    }
}

fn one(texture: &Texture, powers: &FramePowers, bars: &Bars, i: usize, tuning: &Tuning) -> Measure {
    let (b, t) = (&texture.bands, &texture.tonal);
    let bar = &bars.bars[i];
    let (from, to) = (bar.start - tuning.slot_lead, bar.end - tuning.slot_lead);
    let range = |hop: f64, frames: usize| {
        let last = ((to / hop).round().max(0.0) as usize).min(frames);
        ((from / hop).round().max(0.0) as usize).min(last)..last
    };
    let frames = range(b.hop, b.frames);
    if frames.is_empty() {
        return Measure::default();
    }
    let mut m = Measure::default();
    let at = |values: &mut Vec<f32>, q: f64| quantile(values, q).unwrap_or(0.0);

    let slots = (SLOTS as u32 * bar.beats).max(1);
    let mut low = Vec::with_capacity(slots as usize);
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
        low.push(onset[0]);
        m.high_hits += 0.5 * (onset[GROUPS - 2] + onset[GROUPS - 1]) / slots as f32;
    }
    m.low_hits = at(&mut low, 0.85);

    // Attacks are weighed by how much the upper half of the bands rises.
    let mut weight = 1e-6f32;
    for (onset, jagged) in b.onset[frames.start * GROUPS..frames.end * GROUPS]
        .chunks_exact(GROUPS)
        .zip(&b.jagged[frames.clone()])
    {
        let rise = onset[GROUPS / 2..].iter().sum::<f32>() / (GROUPS / 2) as f32;
        weight += rise;
        m.jagged[0] += rise * jagged;
        m.jagged[1] += jagged / frames.len() as f32;
        m.high_rise += 0.5 * (onset[GROUPS - 2] + onset[GROUPS - 1]) / frames.len() as f32;
    }
    m.jagged[0] /= weight;

    let mut cover = b.cover[frames.clone()].to_vec();
    m.hits_a_beat = hits(&cover) as f32 / bar.beats.max(1) as f32;
    m.cover = [0.99, 0.97, 0.9].map(|q| at(&mut cover, q));

    let (mut all, mut high) = (
        powers.all[frames.clone()].to_vec(),
        powers.high[frames.clone()].to_vec(),
    );
    let loud = at(&mut high.clone(), 0.9);
    let flat: Vec<f32> = b.high_flat[frames.clone()]
        .iter()
        .zip(&high)
        .filter(|(_, p)| **p >= loud)
        .map(|(f, _)| *f)
        .collect();
    m.high_flat = flat.iter().sum::<f32>() / flat.len().max(1) as f32;
    let mean = |x: &[f32]| fast_db(x.iter().sum::<f32>() / x.len().max(1) as f32);
    let (all_mean, high_mean) = (mean(&all), mean(&high));
    m.peak = fast_db(at(&mut all, 0.97)) - all_mean;
    m.high_floor = fast_db(at(&mut high, 0.5)) - high_mean;

    let (mut harmonic, mut percussive) = ([0f32; WIDE], [0f32; WIDE]);
    window_mean(&b.harmonic, b.hop, from, to, &mut harmonic);
    window_mean(&b.percussive, b.hop, from, to, &mut percussive);
    let part = |x: &[f32; WIDE], r: std::ops::Range<usize>| x[r].iter().sum::<f32>();
    let both = |r: std::ops::Range<usize>| part(&harmonic, r.clone()) + part(&percussive, r);
    let whole = both(0..WIDE);
    m.level = fast_db(whole);
    m.percussive = [0..LOWS, HIGHS..WIDE].map(|r| fast_db(part(&percussive, r.clone())) - fast_db(both(r)));
    m.shares = [
        part(&percussive, HIGHS..WIDE),
        both(TOP..WIDE),
        both(0..LOWS),
        both(HIGHS..WIDE),
    ]
    .map(|p| fast_db(p) - m.level);
    m.drum_share = part(&percussive, 0..WIDE) / whole.max(f32::MIN_POSITIVE);

    let mut beats: Vec<f32> = bars
        .beats_of(i)
        .windows(2)
        .map(|w| {
            let mut mean = [0f32];
            let (from, to) = (w[0] - tuning.slot_lead, w[1] - tuning.slot_lead);
            window_mean(&t.level, t.hop, from, to, &mut mean);
            mean[0]
        })
        .collect();
    m.tonal = [
        fast_db(beats.iter().sum::<f32>() / beats.len().max(1) as f32),
        fast_db(at(&mut beats, 0.25)),
    ];
    m.low_steady = fast_db(at(&mut t.low[range(t.hop, t.frames)].to_vec(), 0.25));
    m
}

/// Number of broadband hits: peaks of `cover` above a third of the bands.
fn hits(cover: &[f32]) -> usize {
    const HIT: f32 = 0.33;
    cover
        .windows(3)
        .filter(|w| w[1] > HIT && w[1] > w[0] && w[1] >= w[2])
        .count()
}

/// The traits of all bars; `None` for those that are silent.
pub fn rows(measures: &[Measure]) -> Vec<Option<Row>> {
    let usual = |q: f64, x: fn(&Measure) -> f32| {
        let mut x: Vec<f32> = measures.iter().map(x).collect();
        quantile(&mut x, q).unwrap_or(0.0)
    };
    let usual_high = usual(0.6, |m| m.high_hits).max(WEAKEST);
    let usual_low = usual(0.6, |m| m.low_hits).max(WEAKEST);
    let loud = usual(0.8, |m| m.level);
    let usual_tonal = usual(0.6, |m| m.tonal[0]);
    let usual_steady = usual(0.6, |m| m.low_steady);
    // No trait may outweigh all others by being absent altogether.
    let ratio = |x: f32, usual: f32| ((x + 1e-3) / (usual + 1e-3)).ln().max(-2.0);
    measures
        .iter()
        .map(|m| {
            let row = [
                ratio(m.high_rise, WEAKEST),
                ratio(m.high_hits, usual_high),
                ratio(m.low_hits, usual_low),
                m.cover[0],
                m.cover[1],
                m.cover[2],
                m.jagged[0],
                m.jagged[1],
                m.high_flat,
                m.percussive[0],
                m.percussive[1],
                m.shares[0],
                m.shares[1],
                m.peak,
                m.level - loud,
                m.tonal[0] - m.level,
                m.low_steady - m.level,
                m.tonal[1].max(m.low_steady) - m.level,
                m.tonal[0] - usual_tonal,
                m.low_steady - usual_steady,
                m.shares[2],
                m.high_floor,
            ];
            let heard = m.level > loud - SILENT && m.level > -200.0;
            heard.then_some(row).filter(|r| r.iter().all(|x| x.is_finite()))
        })
        .collect()
}

const _: () = assert!(BANDS == 4 * WIDE && HIGHS < TOP);

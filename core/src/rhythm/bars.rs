//! Bars over given beats: which meter, and which beats begin a bar.
//!
//! Each reading (meter, first downbeat) is scored by how much its downbeats stand out: kicks on the one, snares off it,
//! changes of harmony and bass from bar to bar, section cuts on bar lines, patterns that repeat at the bar's length.

use super::activation::{Heard, Points};
use super::constants::*;
use super::hypothesis::Term;
use super::onset::{Front, GROUPS, quantile, running_max};
use super::sections::Cut;

/// One way to bar a row of beats.
#[derive(Debug, Clone, PartialEq)]
pub struct BarReading {
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// Index of the first beat that begins a bar, below `beats_per_bar`.
    pub first: u32,
    /// Weighted sum of the terms.
    pub score: f32,
    /// What the score is made of.
    pub terms: Vec<Term>,
}

/// Name of the term of the network.
pub(crate) const HEARD: &str = "net_bar";

/// Curves that bars are judged by, each the maximum over ±20 ms.
pub(crate) struct Evidence<'a> {
    front: &'a Front,
    kick: Vec<f32>,
    snare: Vec<f32>,
    pattern: [Vec<f32>; GROUPS],
    cuts: &'a [Cut],
    chroma: Vec<[f64; 12]>,
    bass: Vec<[f64; 12]>,
    heard: Option<&'a Heard>,
}

/// What is measured at each beat, before any meter is assumed.
pub(crate) struct BeatEvidence {
    /// Standardised kick, snare, chord change and bass change.
    kick: Vec<f32>,
    snare: Vec<f32>,
    chord: Vec<f32>,
    bass: Vec<f32>,
    /// Section cuts as (beat number, weight share).
    cuts: Vec<(f64, f32)>,
    /// Mean cosine of beat patterns 3, 4, 6 and 8 beats apart: in favour of four against three.
    four: f32,
    /// First sound as beat number.
    start: f64,
    /// What a network hears of downbeats at the beats.
    heard: Option<Points>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(front: &'a Front, cuts: &'a [Cut], heard: Option<&'a Heard>) -> Self {
        let snare: Vec<f32> = front.flux[2]
            .iter()
            .zip(&front.flux[3])
            .map(|(a, b)| 0.5 * (a + b))
            .collect();
        Self {
            kick: running_max(&front.kick, 2),
            snare: running_max(&snare, 2),
            pattern: std::array::from_fn(|g| running_max(&front.root_flux[g], 2)),
            cuts,
            chroma: prefix(&front.chroma),
            bass: prefix(&front.bass),
            front,
            heard,
        }
    }

    /// Measures the beats (frames, increasing).
    pub(crate) fn at(&self, beats: &[f64]) -> BeatEvidence {
        let n = beats.len();
        let shares = super::sections::shares(self.cuts);
        BeatEvidence {
            kick: standardised(sample(&self.kick, beats), 0.25, 0.0),
            snare: standardised(sample(&self.snare, beats), 0.25, 0.0),
            chord: standardised(changes(&self.chroma, self.front.chroma_floor, beats), 0.0, 0.05),
            bass: standardised(changes(&self.bass, self.front.bass_floor, beats), 0.0, 0.05),
            cuts: self
                .cuts
                .iter()
                .zip(shares)
                .map(|(c, w)| (beat_number(beats, c.at), w))
                .collect(),
            four: if n >= 12 { self.meter(beats) } else { 0.0 },
            start: beat_number(beats, self.front.sound.0 as f64),
            heard: self.heard.map(|h| h.downbeat.at(beats)),
        }
    }

    /// Repetition at 4 and 8 beats less repetition at 3 and 6.
    fn meter(&self, beats: &[f64]) -> f32 {
        const D: usize = 4 * GROUPS;
        let n = beats.len() - 1;
        let mut rows = vec![[0.0f32; D]; n];
        for (row, w) in rows.iter_mut().zip(beats.windows(2)) {
            for q in 0..4 {
                let at = place(w[0] + 0.25 * q as f64 * (w[1] - w[0]), self.front.frames);
                for g in 0..GROUPS {
                    row[q * GROUPS + g] = self.pattern[g][at];
                }
            }
        }
        for d in 0..D {
            let mean = rows.iter().map(|r| r[d]).sum::<f32>() / n as f32;
            let sd = (rows.iter().map(|r| (r[d] - mean).powi(2)).sum::<f32>() / n as f32).sqrt();
            let scale = if sd > 0.0 { 1.0 / sd } else { 0.0 };
            rows.iter_mut().for_each(|r| r[d] = (r[d] - mean) * scale);
        }
        let norms: Vec<f32> = rows
            .iter()
            .map(|r| r.iter().map(|x| x * x).sum::<f32>().sqrt())
            .collect();
        let alike = |lag: usize| -> f32 {
            let pairs = n.saturating_sub(lag);
            let sum: f32 = (0..pairs)
                .map(|b| {
                    let dot: f32 = rows[b].iter().zip(&rows[b + lag]).map(|(a, b)| a * b).sum();
                    dot / (norms[b] * norms[b + lag]).max(1e-6)
                })
                .sum();
            sum / pairs.max(1) as f32
        };
        alike(4) + alike(8) - alike(3) - alike(6)
    }
}

impl BeatEvidence {
    /// All readings in the given meters, best first.
    pub(crate) fn readings(&self, meters: &[u32]) -> Vec<BarReading> {
        let mut all: Vec<BarReading> = meters
            .iter()
            .flat_map(|&m| (0..m).map(move |k| (m, k)))
            .map(|(m, k)| self.reading(m, k))
            .collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all
    }

    fn reading(&self, m: u32, first: u32) -> BarReading {
        let (bar, k) = (m as usize, first as usize);
        let weights = if self.heard.is_some() { &HEARD_BAR } else { &BAR };
        let contrast = |x: &[f32]| mean_at(x, bar, |p| p == k) - mean_at(x, bar, |p| p != k);
        let back = |p: usize| {
            let place = (p + bar - k) % bar;
            if bar == 4 { place % 2 == 1 } else { place > 0 }
        };
        let snare = mean_at(&self.snare, bar, back) - mean_at(&self.snare, bar, |p| !back(p));
        let off_line = |beat: f64| {
            let place = (beat - k as f64).rem_euclid(bar as f64);
            place.min(bar as f64 - place)
        };
        // A share of one at the line and zero elsewhere, scaled so that chance is alike in all meters.
        let near = |beat: f64| (-0.5 * (off_line(beat) / 0.3).powi(2)).exp() as f32 * bar as f32 / 4.0;
        let cuts: f32 = self.cuts.iter().map(|&(b, w)| w * near(b)).sum();
        let meter = match m {
            4 | 2 => self.four,
            3 | 6 => -self.four,
            _ => 0.0,
        };
        let mut terms = vec![
            Term::new("kick", weights.kick, contrast(&self.kick)),
            Term::new("snare", weights.snare, snare),
            Term::new("chord_change", weights.chord, contrast(&self.chord)),
            Term::new("bass_change", weights.bass, contrast(&self.bass)),
            Term::new("cuts", weights.cuts, cuts),
            Term::new("meter", weights.meter, meter),
            Term::new("start", weights.start, near(self.start)),
        ];
        if let Some(heard) = &self.heard {
            terms.push(Term::new(HEARD, weights.network, heard.evidence_of(k, bar)));
        }
        BarReading {
            beats_per_bar: m,
            first,
            score: terms.iter().map(Term::contribution).sum(),
            terms,
        }
    }

    /// Downbeats of a reading. In four-four the phase may change within two beats of a section cut where the bars after it
    /// say so clearly; elsewhere every bar is whole. With a network heard, the bars may begin in another phase than the
    /// reading's, which is that of most of the track.
    pub(crate) fn downbeats(&self, reading: &BarReading, count: usize) -> Vec<usize> {
        let (bar, first) = (reading.beats_per_bar.max(1) as usize, reading.first as usize);
        let plain = || (first..count).step_by(bar).collect();
        if bar != 4 || count < 40 {
            return plain();
        }
        let ev: Vec<f32> = (0..count)
            .map(|b| {
                let back = |d: usize| self.snare.get(b + d).copied().unwrap_or(0.0);
                let snare = 0.5 * (back(1) + back(3) - back(0) - back(2));
                let heard = self.heard.as_ref().map_or(0.0, |h| BAR_HEARD * (h.value[b] - h.mean()));
                BAR.kick * self.kick[b]
                    + BAR.snare * snare
                    + BAR.chord * self.chord[b]
                    + BAR.bass * self.bass[b]
                    + heard
            })
            .collect();
        let may_jump: Vec<bool> = (0..count)
            .map(|b| b >= 16 && b + 16 < count && self.cuts.iter().any(|c| (c.0 - b as f64).abs() <= 2.0))
            .collect();
        let (jump, elsewhere) = match self.heard {
            Some(_) => (HEARD_BAR_JUMP, -HEARD_BAR_JUMP),
            None => (BAR_JUMP, f32::MIN),
        };
        let mut score = [elsewhere; 4];
        score[first] = 0.0;
        let mut from = vec![[0u8; 4]; count];
        for b in 0..count {
            let old = score;
            let top = (0..4).fold(0, |a, p| if old[p] > old[a] { p } else { a });
            for p in 0..4 {
                from[b][p] = p as u8;
                if may_jump[b] && old[top] - jump > old[p] {
                    score[p] = old[top] - jump;
                    from[b][p] = top as u8;
                }
                if b % 4 == p {
                    score[p] += ev[b];
                }
            }
        }
        let mut at = (0..4).fold(0, |a, p| if score[p] > score[a] { p } else { a });
        let mut phases = vec![0usize; count];
        for b in (0..count).rev() {
            phases[b] = at;
            at = usize::from(from[b][at]);
        }
        let mut out: Vec<usize> = Vec::new();
        for (b, &p) in phases.iter().enumerate() {
            if b % 4 == p && out.last().is_none_or(|&l| b - l >= 2) {
                out.push(b);
            }
        }
        out
    }
}

fn prefix(rows: &[[f32; 12]]) -> Vec<[f64; 12]> {
    let mut total = [0.0f64; 12];
    let mut out = vec![total];
    for r in rows {
        total.iter_mut().zip(r).for_each(|(t, &x)| *t += f64::from(x));
        out.push(total);
    }
    out
}

/// Integral of the chroma up to a frame of the curves, linear between chroma frames.
fn integral(sums: &[[f64; 12]], frame: f64) -> [f64; 12] {
    // Chroma frame `c` stands for the hop between its centre and the one before.
    let x = (frame * HOP as f64 / CHROMA_HOP as f64 + 1.0).clamp(0.0, (sums.len() - 1) as f64);
    let i = (x as usize).min(sums.len() - 2);
    let f = x - i as f64;
    std::array::from_fn(|p| sums[i][p] * (1.0 - f) + sums[i + 1][p] * f)
}

/// Change of chroma at each beat: one less the cosine between what comes before and after, over one beat and over two,
/// averaged. `floor` is the norm a chroma frame up to which it is noise: changes of noise count as none.
fn changes(sums: &[[f64; 12]], floor: f64, beats: &[f64]) -> Vec<f32> {
    let n = beats.len();
    if n < 3 || sums.len() < 2 {
        return vec![0.0; n];
    }
    let edges: Vec<[f64; 12]> = beats.iter().map(|&b| integral(sums, b)).collect();
    let span = |a: usize, b: usize| -> [f64; 12] { std::array::from_fn(|p| edges[b][p] - edges[a][p]) };
    let width = |a: usize, b: usize| (beats[b] - beats[a]) * HOP as f64 / CHROMA_HOP as f64;
    let norm = |x: &[f64; 12]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let change = |b: usize, reach: usize| {
        let (lo, hi) = (b.saturating_sub(reach), (b + reach).min(n - 1));
        let (x, y) = (span(lo, b), span(b, hi));
        let scale = norm(&x) * norm(&y) + floor * floor * width(lo, b) * width(b, hi);
        let dot: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
        if scale > 1e-9 { 1.0 - dot / scale } else { 0.0 }
    };
    (0..n)
        .map(|b| match b {
            0 => f32::NAN,
            _ if b + 1 == n => f32::NAN,
            _ => (0.5 * (change(b, 1) + change(b, 2))) as f32,
        })
        .collect()
}

/// Clips at the 98th percentile, then removes the mean and divides by the standard deviation plus `floor` times the mean
/// plus `least`, so that small differences of strong values are no evidence; what is not a number counts as average.
fn standardised(mut x: Vec<f32>, floor: f32, least: f32) -> Vec<f32> {
    let known: Vec<f32> = x.iter().copied().filter(|v| v.is_finite()).collect();
    let n = known.len().max(1) as f32;
    let top = quantile(&known, 0.98);
    let mean = known.iter().map(|v| v.min(top)).sum::<f32>() / n;
    let sd = (known.iter().map(|v| (v.min(top) - mean).powi(2)).sum::<f32>() / n).sqrt();
    for v in &mut x {
        *v = if v.is_finite() && sd > 1e-6 {
            (v.min(top) - mean) / (sd + floor * mean + least)
        } else {
            0.0
        };
    }
    x
}

fn mean_at(x: &[f32], bar: usize, pick: impl Fn(usize) -> bool) -> f32 {
    let (mut sum, mut n) = (0.0f32, 0.0f32);
    for (i, &v) in x.iter().enumerate() {
        if pick(i % bar) {
            sum += v;
            n += 1.0;
        }
    }
    sum / n.max(1.0)
}

/// Nearest frame within the curves.
pub(crate) fn place(frame: f64, frames: usize) -> usize {
    (frame.round().max(0.0) as usize).min(frames.saturating_sub(1))
}

/// Values of a curve at the beats.
pub(crate) fn sample(curve: &[f32], beats: &[f64]) -> Vec<f32> {
    beats.iter().map(|&b| curve[place(b, curve.len())]).collect()
}

/// A frame as a beat number, between beats and beyond the ends.
pub(crate) fn beat_number(beats: &[f64], frame: f64) -> f64 {
    if beats.len() < 2 {
        return 0.0;
    }
    let i = beats
        .partition_point(|&b| b <= frame)
        .saturating_sub(1)
        .min(beats.len() - 2);
    i as f64 + (frame - beats[i]) / (beats[i + 1] - beats[i])
}

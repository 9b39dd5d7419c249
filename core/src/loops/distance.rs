//! How unlike two bars are, heard beat by beat and slot by slot.
//!
//! A beat is cut into four slots. Each slot has the levels of 64 mel bands and the onset strength of 8; each half beat
//! has two chromas. Two bars are compared at equal positions:
//!
//! * **mel**: mean absolute difference of levels, in dB. A true repeat in a mix is 0.5 to 1.8 dB off, other bars 2 to 8.
//! * **chroma**: 1 − cosine of the log-compressed chromas: up to 0.005 for a repeat, from 0.015 otherwise.
//! * **onset**: Σ|a − b| / Σ(a + b) of the onset strengths: 0 for the same pattern, 1 for patterns that share no hit.
//!
//! For mel and onset the worst beat is kept as well, since a fill often takes one beat only.

use super::bars::Bars;
use crate::analysis::texture::{BANDS, CHROMA, GROUPS, Texture, fast_db};
use crate::config::tuning::Tuning;
use crate::vectorized;

/// Slots of a beat.
pub(crate) const SLOTS: usize = 4;
/// Slots of a beat that have chromas of their own.
const HALVES: usize = 2;
const MEL: usize = SLOTS * BANDS;
const ONSET: usize = SLOTS * GROUPS;
const PITCH: usize = HALVES * CHROMA;

/// What is compared of each bar, a row a beat.
#[derive(Debug, Clone)]
pub struct BarContents {
    beats_per_bar: usize,
    bars: usize,
    /// Levels in dB.
    mel: Vec<f32>,
    /// Onset strengths in dB.
    onset: Vec<f32>,
    /// Log-compressed chromas of unit length.
    chroma: Vec<f32>,
    ground: f32,
}

/// How unlike two bars are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Mean level difference in dB.
    pub mel: f32,
    /// 1 − cosine of chromas.
    pub chroma: f32,
    /// Relative difference of onset patterns.
    pub onset: f32,
    /// [`Self::mel`] of the worst beat.
    pub mel_worst: f32,
    /// [`Self::onset`] of the worst beat.
    pub onset_worst: f32,
}

impl Distance {
    /// Between bars that cannot be compared.
    pub const FAR: Self = Self {
        mel: 60.0,
        chroma: 1.0,
        onset: 1.0,
        mel_worst: 60.0,
        onset_worst: 1.0,
    };
}

impl BarContents {
    /// Cuts `texture` along `bars`. Bars of an odd number of beats are left empty.
    pub fn of(texture: &Texture, bars: &Bars, tuning: &Tuning) -> Self {
        let per = bars.beats_per_bar as usize;
        let n = bars.len() * per;
        let mut out = Self {
            beats_per_bar: per,
            bars: bars.len(),
            mel: vec![0.0; n * MEL],
            onset: vec![0.0; n * ONSET],
            chroma: vec![0.0; n * PITCH],
            ground: tuning.onset_ground as f32,
        };
        let b = &texture.bands;
        let t = &texture.tonal;
        let lead = tuning.slot_lead;
        let floor = b.floor + 55.0 - tuning.level_range as f32;
        for (i, bar) in bars.bars.iter().enumerate().filter(|(_, bar)| bar.regular) {
            for (k, beat) in bars.beats_of(i).windows(2).take(bar.beats as usize).enumerate() {
                let row = i * per + k;
                let at = |part: f64| beat[0] + (beat[1] - beat[0]) * part;
                for s in 0..SLOTS {
                    let (from, to) = (at(s as f64 / SLOTS as f64), at((s + 1) as f64 / SLOTS as f64));
                    let mel = &mut out.mel[row * MEL + s * BANDS..][..BANDS];
                    window_mean(&b.mel, b.hop, from - lead, to - lead - tuning.slot_gap, mel);
                    mel.iter_mut().for_each(|x| *x = fast_db(*x).max(floor));
                    let onset = &mut out.onset[row * ONSET + s * GROUPS..][..GROUPS];
                    window_max(
                        &b.onset,
                        b.hop,
                        from - tuning.onset_reach,
                        from + tuning.onset_reach,
                        onset,
                    );
                }
                for h in 0..HALVES {
                    let (from, to) = (at(h as f64 / HALVES as f64), at((h + 1) as f64 / HALVES as f64));
                    let chroma = &mut out.chroma[row * PITCH + h * CHROMA..][..CHROMA];
                    window_mean(&t.chroma, t.hop, from - lead, to - lead - tuning.slot_gap, chroma);
                }
            }
        }
        out.compress_chroma();
        out
    }

    /// log(1 + 100·c / the track's 90th percentile), then unit length, so that a dot product is a cosine.
    fn compress_chroma(&mut self) {
        let mut sorted: Vec<f32> = self.chroma.iter().copied().filter(|c| *c > 0.0).collect();
        if sorted.is_empty() {
            return;
        }
        let at = (sorted.len() * 9 / 10).min(sorted.len() - 1);
        let (_, p90, _) = sorted.select_nth_unstable_by(at, f32::total_cmp);
        let gain = 100.0 / p90.max(f32::MIN_POSITIVE);
        for row in self.chroma.chunks_exact_mut(PITCH) {
            row.iter_mut().for_each(|c| *c = (gain * *c).ln_1p());
            let length = row.iter().map(|c| c * c).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|c| *c /= length);
            }
        }
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.bars
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.bars == 0
    }

    /// How unlike bars `i` and `j` are. Both must be regular.
    pub fn between(&self, i: usize, j: usize) -> Distance {
        self.compare(i * self.beats_per_bar, j * self.beats_per_bar, self.beats_per_bar)
    }

    /// How unlike two beats are: the first `a.1` beats into bar `a.0`. Both bars must be regular.
    pub fn between_beats(&self, a: (usize, usize), b: (usize, usize)) -> Distance {
        self.compare(a.0 * self.beats_per_bar + a.1, b.0 * self.beats_per_bar + b.1, 1)
    }

    /// How unlike two stretches of `beats` beats are, from beats `i` and `j` (counted as if all bars were regular).
    fn compare(&self, i: usize, j: usize, beats: usize) -> Distance {
        let mut sum = [0f32; 3];
        let mut worst = [0f32; 2];
        vectorized!({
            for k in 0..beats {
                let (a, b) = (i + k, j + k);
                let mel = absolute(&self.mel[a * MEL..][..MEL], &self.mel[b * MEL..][..MEL]) / MEL as f32;
                let (x, y) = (&self.onset[a * ONSET..][..ONSET], &self.onset[b * ONSET..][..ONSET]);
                let total = x.iter().zip(y).map(|(x, y)| x + y).sum::<f32>();
                let onset = absolute(x, y) / total.max(self.ground);
                let (x, y) = (&self.chroma[a * PITCH..][..PITCH], &self.chroma[b * PITCH..][..PITCH]);
                sum[0] += mel;
                sum[1] += cosine_distance(x, y);
                sum[2] += onset;
                worst[0] = worst[0].max(mel);
                worst[1] = worst[1].max(onset);
            }
        });
        let per = 1.0 / beats.max(1) as f32;
        Distance {
            mel: sum[0] * per,
            chroma: sum[1] * per,
            onset: sum[2] * per,
            mel_worst: worst[0],
            onset_worst: worst[1],
        }
    }
}

#[inline(always)]
fn absolute(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
        for l in 0..16 {
            lanes[l] += (a[l] - b[l]).abs();
        }
    }
    lanes.iter().sum()
}

/// Of vectors of unit length; two silences are alike, silence and sound are not.
#[inline(always)]
fn cosine_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [[0f32; 16]; 3];
    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
        for l in 0..16 {
            lanes[0][l] += a[l] * b[l];
            lanes[1][l] += a[l];
            lanes[2][l] += b[l];
        }
    }
    let [dot, a, b] = lanes.map(|x| x.iter().sum::<f32>());
    if a == 0.0 && b == 0.0 {
        0.0
    } else {
        (1.0 - dot).max(0.0)
    }
}

/// Means over the time from `from` to `to` (seconds) of the columns of `rows`, a row each `hop` seconds, edge rows
/// counted by the part of them that lies inside.
pub(crate) fn window_mean(rows: &[f32], hop: f64, from: f64, to: f64, out: &mut [f32]) {
    out.fill(0.0);
    let columns = out.len();
    let frames = rows.len() / columns.max(1);
    // Row t stands for [t − ½, t + ½) hops.
    let (from, to) = (from / hop + 0.5, to / hop + 0.5);
    let first = from.floor().max(0.0) as usize;
    let last = (to.ceil().max(0.0) as usize).min(frames);
    let mut weight = 0f32;
    for t in first..last {
        let w = ((t as f64 + 1.0).min(to) - (t as f64).max(from)).max(0.0) as f32;
        weight += w;
        for (o, x) in out.iter_mut().zip(&rows[t * columns..(t + 1) * columns]) {
            *o += w * x;
        }
    }
    if weight > 0.0 {
        out.iter_mut().for_each(|o| *o /= weight);
    }
}

/// Largest values of the columns of `rows` whose times lie between `from` and `to` (seconds); 0 where there are none.
pub(crate) fn window_max(rows: &[f32], hop: f64, from: f64, to: f64, out: &mut [f32]) {
    out.fill(0.0);
    let columns = out.len();
    let frames = rows.len() / columns.max(1);
    let first = (from / hop).ceil().max(0.0) as usize;
    let end = ((to / hop).floor().max(-1.0) + 1.0) as usize;
    for t in first..end.min(frames) {
        for (o, x) in out.iter_mut().zip(&rows[t * columns..(t + 1) * columns]) {
            *o = o.max(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_weigh_edge_rows_by_what_lies_inside() {
        let rows = [0.0, 1.0, 2.0, 3.0, 4.0];
        let mut out = [0.0];
        window_mean(&rows, 1.0, 0.5, 2.5, &mut out);
        assert_eq!(out, [1.5]);
        window_mean(&rows, 1.0, 1.0, 2.0, &mut out);
        assert_eq!(out, [1.5]);
        window_mean(&rows, 1.0, 1.25, 2.25, &mut out);
        assert!((out[0] - 1.75).abs() < 1e-6);
        window_mean(&rows, 1.0, 9.0, 12.0, &mut out);
        assert_eq!(out, [0.0]);
        window_max(&rows, 1.0, 0.5, 2.5, &mut out);
        assert_eq!(out, [2.0]);
        window_max(&rows, 1.0, -5.0, -2.0, &mut out);
        assert_eq!(out, [0.0]);
    }

    #[test]
    fn cosine_of_silence() {
        let z = [0.0; 48];
        let mut one = [0.0; 48];
        one[3] = 1.0;
        assert_eq!(cosine_distance(&z, &z), 0.0);
        assert_eq!(cosine_distance(&z, &one), 1.0);
        assert_eq!(cosine_distance(&one, &one), 0.0);
    }
}

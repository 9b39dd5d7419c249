//! Which bars occur again, measured against what a repeat in this very track looks like.
//!
//! A sequencer repeats to the tenth of a decibel, a band to a few; what counts as "the same" must come from the track.
//! The *repeat floor* of each kind of distance is a low percentile, over the bars, of the distance to the nearest
//! repeat. Distances become octaves above that floor, clipped to 0..1 and mixed.

use super::bars::Bars;
use super::distance::{BarContents, Distance};
use crate::config::tuning::Tuning;

/// What distances between repeats of this track look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// In dB.
    pub mel: f32,
    /// In 1 − cosine.
    pub chroma: f32,
    /// In relative onset difference.
    pub onset: f32,
}

/// Normalised distances of a pair of bars, each from 0 (a repeat) to 1 (different).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unlike {
    /// By mel levels.
    pub mel: f32,
    /// By chroma.
    pub chroma: f32,
    /// By onsets.
    pub onset: f32,
    /// All three, weighed.
    pub all: f32,
    /// The mel distance as it is, in dB.
    pub db: f32,
}

impl Unlike {
    const FAR: Self = Self {
        mel: 1.0,
        chroma: 1.0,
        onset: 1.0,
        all: 1.0,
        db: 60.0,
    };
}

/// The bars of a track compared with each other.
#[derive(Debug, Clone)]
pub struct Repetition {
    /// The contents that were compared.
    pub contents: BarContents,
    /// The repeat floor.
    pub floor: Floor,
    regular: Vec<bool>,
    /// Row `lag - 1` holds the pairs `(i, i + lag)`.
    near: Vec<Vec<Unlike>>,
    /// For each lag of [`Tuning::lags`] the distances of the pairs `(i, i + lag)`.
    raw: Vec<(usize, Vec<Distance>)>,
}

impl Repetition {
    /// Compares the bars.
    pub fn of(contents: BarContents, bars: &Bars, tuning: &Tuning) -> Self {
        let n = contents.len();
        let regular: Vec<bool> = bars.bars.iter().map(|b| b.regular).collect();
        let pair = |i: usize, j: usize| {
            if regular[i] && regular[j] {
                contents.between(i, j)
            } else {
                Distance::FAR
            }
        };
        let raw: Vec<(usize, Vec<Distance>)> = tuning
            .lags
            .iter()
            .map(|&lag| lag as usize)
            .filter(|&lag| lag > 0 && lag < n)
            .map(|lag| (lag, (0..n - lag).map(|i| pair(i, i + lag)).collect()))
            .collect();
        let floor = floor(&raw, &regular, tuning);
        let near = (1..n.min(tuning.reach + 1))
            .map(|lag| match raw.iter().find(|(l, _)| *l == lag) {
                Some((_, row)) => row.iter().map(|d| unlike(d, &floor, tuning)).collect(),
                None => (0..n - lag)
                    .map(|i| unlike(&pair(i, i + lag), &floor, tuning))
                    .collect(),
            })
            .collect();
        Self {
            contents,
            floor,
            regular,
            near,
            raw,
        }
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.regular.len()
    }

    /// True where there are no bars.
    pub fn is_empty(&self) -> bool {
        self.regular.is_empty()
    }

    /// How far apart bars may lie to be compared by [`Self::unlike`].
    pub fn reach(&self) -> usize {
        self.near.len()
    }

    /// How unlike bars `i` and `j` are; entirely, where they lie beyond reach.
    pub fn unlike(&self, i: usize, j: usize) -> Unlike {
        let (i, j) = (i.min(j), i.max(j));
        if i == j {
            return Unlike {
                mel: 0.0,
                chroma: 0.0,
                onset: 0.0,
                all: 0.0,
                db: 0.0,
            };
        }
        let row = self.near.get(j - i - 1);
        row.and_then(|row| row.get(i)).copied().unwrap_or(Unlike::FAR)
    }

    /// The same at any distance in time, computed anew.
    pub fn unlike_anywhere(&self, i: usize, j: usize, tuning: &Tuning) -> Unlike {
        if i.abs_diff(j) <= self.near.len() {
            return self.unlike(i, j);
        }
        match (self.regular.get(i), self.regular.get(j)) {
            (Some(true), Some(true)) => unlike(&self.contents.between(i, j), &self.floor, tuning),
            _ => Unlike::FAR,
        }
    }

    /// Distances as they are of the pairs one of [`Tuning::lags`] apart.
    pub fn at_lags(&self) -> &[(usize, Vec<Distance>)] {
        &self.raw
    }
}

/// A low percentile, over bars, of the distance to the nearest repeat, for each kind; held within limits.
fn floor(raw: &[(usize, Vec<Distance>)], regular: &[bool], tuning: &Tuning) -> Floor {
    let kind = |f: fn(&Distance) -> f32, least: f64, cap: f64| {
        let mut nearest = vec![f32::INFINITY; regular.len()];
        for (lag, row) in raw {
            for (i, d) in row.iter().enumerate() {
                let d = f(d);
                nearest[i] = nearest[i].min(d);
                nearest[i + lag] = nearest[i + lag].min(d);
            }
        }
        let mut nearest: Vec<f32> = nearest
            .into_iter()
            .zip(regular)
            .filter_map(|(d, r)| (*r && d.is_finite()).then_some(d))
            .collect();
        let (least, cap) = (least as f32, cap.max(least) as f32);
        quantile(&mut nearest, tuning.floor_quantile).map_or(cap, |f| f.clamp(least, cap))
    };
    Floor {
        mel: kind(|d| d.mel, tuning.floor_min_mel, tuning.floor_max_mel),
        chroma: kind(|d| d.chroma, tuning.floor_min_chroma, tuning.floor_max_chroma),
        onset: kind(|d| d.onset, tuning.floor_min_onset, tuning.floor_max_onset),
    }
}

fn unlike(d: &Distance, floor: &Floor, tuning: &Tuning) -> Unlike {
    let octaves = |d: f32, floor: f32, offset: f64, span: f64| {
        let x = ((f64::from(d) + offset) / (f64::from(floor) + offset).max(1e-9))
            .max(1e-9)
            .log2()
            / span.max(1e-9);
        x.clamp(0.0, 1.0) as f32
    };
    let mel = octaves(d.mel, floor.mel, tuning.offset_mel, tuning.octaves_mel);
    let chroma = octaves(d.chroma, floor.chroma, tuning.offset_chroma, tuning.octaves_chroma);
    let onset = octaves(d.onset, floor.onset, tuning.offset_onset, tuning.octaves_onset);
    let (wm, wc, wo) = (tuning.weight_mel, tuning.weight_chroma, tuning.weight_onset);
    let sum = f64::from(mel) * wm + f64::from(chroma) * wc + f64::from(onset) * wo;
    Unlike {
        mel,
        chroma,
        onset,
        all: (sum / (wm + wc + wo).max(1e-9)) as f32,
        db: d.mel,
    }
}

/// The quantile `q` of `values` (linear between neighbours, as numpy's); `None` of nothing.
pub(crate) fn quantile(values: &mut [f32], q: f64) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    values.sort_unstable_by(f32::total_cmp);
    let at = q.clamp(0.0, 1.0) * last as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(last);
    let part = (at - low as f64) as f32;
    Some(values[low] + (values[high] - values[low]) * part)
}

/// The median, for callers that have at least one value; 0 of nothing.
pub(crate) fn median(values: &mut [f32]) -> f32 {
    quantile(values, 0.5).unwrap_or(0.0)
}

/// The mean of `values` without the share `trim` of the largest; `None` of nothing.
pub(crate) fn trimmed_mean(values: &mut [f32], trim: f64) -> Option<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let keep = values.len() - ((values.len() as f64 * trim) as usize).min(values.len().saturating_sub(1));
    let kept = values.get(..keep).filter(|k| !k.is_empty())?;
    Some((kept.iter().map(|x| f64::from(*x)).sum::<f64>() / kept.len() as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_trimmed_means() {
        assert_eq!(quantile(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [4.0, 0.0, 2.0], 0.25), Some(1.0));
        assert_eq!(trimmed_mean(&mut [], 0.25), None);
        assert_eq!(trimmed_mean(&mut [9.0], 0.25), Some(9.0));
        assert_eq!(trimmed_mean(&mut [9.0, 1.0, 1.0, 1.0], 0.25), Some(1.0));
    }

    #[test]
    fn a_floor_without_repeats_is_capped() {
        let t = Tuning::default();
        let far = vec![(1, vec![Distance::FAR; 7])];
        let f = floor(&far, &[true; 8], &t);
        assert_eq!((f64::from(f.mel) * 1e6).round() / 1e6, t.floor_max_mel);
        assert!(unlike(&Distance::FAR, &f, &t).all > 0.99);
        let near = Distance {
            mel: 0.0,
            chroma: 0.0,
            onset: 0.0,
            mel_worst: 0.0,
            onset_worst: 0.0,
        };
        assert_eq!(unlike(&near, &f, &t).all, 0.0);
    }
}

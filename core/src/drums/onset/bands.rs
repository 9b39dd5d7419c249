//! Triangles on the bins of a spectrum, kept sparse, applied eight lanes wide.

use crate::dsp::mel::MelBank;

/// Bands, each a run of weights over bins.
#[derive(Debug, Clone)]
pub(crate) struct Bank {
    /// First bin of each band, and its weights' range.
    bands: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f32>,
    /// Frequency of each band's peak, in Hz.
    pub(crate) centres: Vec<f64>,
}

impl Bank {
    /// `per_octave` triangles an octave from `low` to `high` Hz with their peaks on bins, each bin once: where the
    /// spacing is finer than the bins, a band is a single bin. Peaks have the weight 1.
    pub(crate) fn logarithmic(rate: f64, n_fft: usize, per_octave: f64, low: f64, high: f64) -> Self {
        let bin = rate / n_fft as f64;
        let steps = ((high / low).log2() * per_octave).floor() as usize;
        let mut peaks: Vec<usize> = (0..=steps)
            .map(|i| (low * 2f64.powf(i as f64 / per_octave) / bin).round() as usize)
            .filter(|k| *k < n_fft / 2 + 1)
            .collect();
        peaks.dedup();
        let (mut bands, mut weights, mut centres) = (Vec::new(), Vec::new(), Vec::new());
        for w in peaks.windows(3) {
            let (left, peak, right) = (w[0], w[1], w[2]);
            let start = weights.len();
            weights.extend((left + 1..right).map(|k| {
                let (rise, fall) = (
                    (k - left) as f32 / (peak - left) as f32,
                    (right - k) as f32 / (right - peak) as f32,
                );
                rise.min(fall)
            }));
            bands.push((left + 1, start..weights.len()));
            centres.push(peak as f64 * bin);
        }
        Self {
            bands,
            weights,
            centres,
        }
    }

    /// The bands of a mel bank.
    pub(crate) fn mel(bank: &MelBank) -> Self {
        let (mut bands, mut weights) = (Vec::new(), Vec::new());
        for b in 0..bank.bands() {
            let (first, w) = bank.band(b);
            let start = weights.len();
            weights.extend_from_slice(w);
            bands.push((first, start..weights.len()));
        }
        let centres = (0..bank.bands()).map(|b| bank.centre(b)).collect();
        Self {
            bands,
            weights,
            centres,
        }
    }

    /// Number of bands.
    pub(crate) fn len(&self) -> usize {
        self.bands.len()
    }

    /// Weighted sum of each band of `spectrum`.
    #[inline(always)]
    pub(crate) fn apply(&self, spectrum: &[f32], out: &mut [f32]) {
        for (out, (first, range)) in out.iter_mut().zip(&self.bands) {
            let weights = &self.weights[range.start..range.end];
            *out = dot(weights, &spectrum[*first..*first + weights.len()]);
        }
    }
}

/// Scalar product, in eight lanes so that it vectorises.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (x, y) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = x.remainder().iter().zip(y.remainder()).map(|(a, b)| a * b).sum();
    for (x, y) in x.zip(y) {
        for i in 0..8 {
            lanes[i] += x[i] * y[i];
        }
    }
    rest + lanes.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_triangles_between_their_neighbours_peaks() {
        let bank = Bank::logarithmic(44100.0, 1024, 24.0, 30.0, 17000.0);
        let bin = 44100.0 / 1024.0;
        let spectrum: Vec<f32> = (0..513).map(|k| ((k * 37) % 101) as f32).collect();
        let mut out = vec![0.0; bank.len()];
        bank.apply(&spectrum, &mut out);
        assert!((100..140).contains(&bank.len()), "{}", bank.len());
        for b in 1..bank.len() - 1 {
            let (l, c, r) = (bank.centres[b - 1], bank.centres[b], bank.centres[b + 1]);
            assert!(l < c && c < r);
            let sum: f64 = (0..513)
                .map(|k| {
                    let hz = k as f64 * bin;
                    let w = ((hz - l) / (c - l)).min((r - hz) / (r - c)).max(0.0);
                    w * f64::from(spectrum[k])
                })
                .sum();
            assert!(
                (sum - f64::from(out[b])).abs() < 1e-3 * sum.max(1.0),
                "band {b}: {sum} {}",
                out[b]
            );
        }
    }
}

//! Mel filter bank, as `librosa.filters.mel` (Slaney's scale and normalisation), kept sparse.
//!
//! Slaney's mel scale is linear below 1 kHz (a mel is 200/3 Hz) and logarithmic above (27 mels for a factor of 6.4).
//! Band `b` is a triangle from edge `b` to edge `b + 2` with its peak at edge `b + 1`, of unit area in Hz.

use pulp::{Arch, Simd, WithSimd};

use super::median::LANES;

const HZ_PER_MEL: f64 = 200.0 / 3.0;
const LOG_FROM_HZ: f64 = 1000.0;
const LOG_FROM_MEL: f64 = LOG_FROM_HZ / HZ_PER_MEL;

/// Frequency in Hz of `mel` on Slaney's scale.
pub fn mel_to_hz(mel: f64) -> f64 {
    if mel < LOG_FROM_MEL {
        mel * HZ_PER_MEL
    } else {
        LOG_FROM_HZ * (6.4f64.ln() / 27.0 * (mel - LOG_FROM_MEL)).exp()
    }
}

/// `hz` on Slaney's mel scale.
pub fn hz_to_mel(hz: f64) -> f64 {
    if hz < LOG_FROM_HZ {
        hz / HZ_PER_MEL
    } else {
        LOG_FROM_MEL + 27.0 / 6.4f64.ln() * (hz / LOG_FROM_HZ).ln()
    }
}

/// Triangles over the bins of a spectrum.
#[derive(Debug, Clone)]
pub struct MelBank {
    bins: usize,
    bands: Vec<Band>,
    weights: Vec<f32>,
}

#[derive(Debug, Clone)]
struct Band {
    /// First bin with weight.
    first: usize,
    /// Its weights, in the bank's.
    weights: std::ops::Range<usize>,
    centre: f64,
}

impl MelBank {
    /// `bands` triangles from `low` to `high` Hz over the `n_fft / 2 + 1` bins of a spectrum at `rate` Hz.
    pub fn new(rate: f64, n_fft: usize, bands: usize, low: f64, high: f64) -> Self {
        let bins = n_fft / 2 + 1;
        let (from, to) = (hz_to_mel(low), hz_to_mel(high));
        let edge = |i: usize| mel_to_hz(from + (to - from) * i as f64 / (bands + 1) as f64);
        let mut weights = Vec::new();
        let bands = (0..bands)
            .map(|b| {
                let (left, centre, right) = (edge(b), edge(b + 1), edge(b + 2));
                let weight = |k: usize| {
                    let hz = k as f64 * rate / n_fft as f64;
                    let rise = (hz - left) / (centre - left);
                    let fall = (right - hz) / (right - centre);
                    rise.min(fall).max(0.0) as f32 * (2.0 / (right - left)) as f32
                };
                let first = (0..bins).find(|k| weight(*k) > 0.0).unwrap_or(0);
                let start = weights.len();
                weights.extend((first..bins).map(weight).take_while(|w| *w > 0.0));
                Band {
                    first,
                    weights: start..weights.len(),
                    centre,
                }
            })
            .collect();
        Self { bins, bands, weights }
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Number of bins of the spectra it takes.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Frequency of the peak of band `b` in Hz; 0 past the last band.
    pub fn centre(&self, b: usize) -> f64 {
        self.bands.get(b).map_or(0.0, |b| b.centre)
    }

    /// First bin of band `b`, and its weights.
    pub fn band(&self, b: usize) -> (usize, &[f32]) {
        self.bands
            .get(b)
            .map_or((0, &[]), |b| (b.first, &self.weights[b.weights.clone()]))
    }

    /// Mel spectrum of one power spectrum.
    pub fn apply(&self, power: &[f32], out: &mut [f32]) {
        for (out, band) in out.iter_mut().zip(&self.bands) {
            let weights = &self.weights[band.weights.clone()];
            *out = power[band.first..].iter().zip(weights).map(|(p, w)| p * w).sum();
        }
    }

    /// Mel spectra of a block of power spectra, a frame a lane. `power` has [`Self::bins`] rows, `out` one a band.
    pub fn apply_lanes(&self, power: &[[f32; LANES]], out: &mut [[f32; LANES]]) {
        Arch::new().dispatch(Apply { bank: self, power, out });
    }
}

struct Apply<'a> {
    bank: &'a MelBank,
    power: &'a [[f32; LANES]],
    out: &'a mut [[f32; LANES]],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (out, band) in self.out.iter_mut().zip(&self.bank.bands) {
            let weights = &self.bank.weights[band.weights.clone()];
            let out = S::as_mut_simd_f32s(out).0;
            let zero = simd.splat_f32s(0.0);
            // Two vectors at a time: eight lanes a register on common machines, so one block a turn.
            for v in (0..out.len()).step_by(2) {
                let (mut a, mut b) = (zero, zero);
                for (w, p) in weights.iter().zip(&self.power[band.first..]) {
                    let (w, p) = (simd.splat_f32s(*w), S::as_simd_f32s(p).0);
                    a = simd.mul_add_e_f32s(w, p[v], a);
                    if let Some(p) = p.get(v + 1) {
                        b = simd.mul_add_e_f32s(w, *p, b);
                    }
                }
                out[v] = a;
                if let Some(out) = out.get_mut(v + 1) {
                    *out = b;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_is_slaneys_and_invertible() {
        assert!((mel_to_hz(15.0) - 1000.0).abs() < 1e-9);
        assert!((mel_to_hz(42.0) - 6400.0).abs() < 1e-9);
        for hz in [0.0, 30.0, 999.0, 1001.0, 8000.0, 22050.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9);
        }
    }

    #[test]
    fn wide_bands_have_unit_area() {
        let bank = MelBank::new(44100.0, 2048, 128, 0.0, 22050.0);
        assert_eq!((bank.bands(), bank.bins()), (128, 1025));
        let spacing = 44100.0 / 2048.0;
        for b in 100..128 {
            let (_, weights) = bank.band(b);
            let area = weights.iter().map(|w| f64::from(*w)).sum::<f64>() * spacing;
            // A triangle sampled at its bins: within half a per cent where it spans more than ten.
            assert!((area - 1.0).abs() < 0.005, "band {b}: {area}");
        }
    }

    #[test]
    fn lanes_agree_with_single_frames() {
        let bank = MelBank::new(44100.0, 2048, 128, 0.0, 22050.0);
        let block: Vec<[f32; LANES]> = (0..bank.bins())
            .map(|k| std::array::from_fn(|l| ((k * 7 + l * 13) % 31) as f32 + l as f32))
            .collect();
        let mut lanes = vec![[0.0; LANES]; bank.bands()];
        bank.apply_lanes(&block, &mut lanes);
        for l in 0..LANES {
            let frame: Vec<f32> = block.iter().map(|x| x[l]).collect();
            let mut one = vec![0.0; bank.bands()];
            bank.apply(&frame, &mut one);
            for (b, (one, lanes)) in one.iter().zip(&lanes).enumerate() {
                // Fused multiply-add rounds once where the plain sum rounds twice.
                assert!((one - lanes[l]).abs() <= 1e-5 * one.abs(), "band {b}, lane {l}");
            }
        }
    }
}

//! Mel bands, their harmonic and percussive parts, onset strength by band.

use super::fast_db;
use crate::dsp::network::MedianNetwork;
use crate::vectorized;

/// Mel bands.
pub(crate) const BANDS: usize = 64;
/// Groups of four mel bands, in which the harmonic and percussive parts are kept.
pub(crate) const WIDE: usize = 16;
/// Groups of eight mel bands, in which onset strength is kept.
pub(crate) const GROUPS: usize = 8;

const LOWEST: f64 = 30.0;
const HIGHEST: f64 = 10_500.0;
/// Frames of the median along time: 0.22 s at a hop of 11.6 ms.
const TIME: usize = 19;
/// Bands of the median along frequency.
const FREQUENCY: usize = 11;
/// Frames over which a rise is measured.
const RISE: usize = 2;
/// Levels are floored this many dB below the track's 99th percentile: what lies lower is noise.
const RANGE: f32 = 55.0;
/// A band that rises by this many dB takes part in a broadband hit.
const HIT: f32 = 6.0;
/// Bands in which the evenness of the spectrum is measured: wide enough to hold several harmonics at each place.
const UPPER: std::ops::Range<usize> = 24..60;
/// First of the bands above 4 kHz.
const HIGH: usize = 44;

/// Coarse spectra of a track, a row a frame.
#[derive(Debug, Clone)]
pub struct Bands {
    /// Seconds from frame to frame; frame `t` is centred on `t * hop`.
    pub hop: f64,
    /// Number of frames.
    pub frames: usize,
    /// Power in 64 mel bands from 30 Hz to 10.5 kHz.
    pub mel: Vec<f32>,
    /// Power of the harmonic part in 16 bands.
    pub harmonic: Vec<f32>,
    /// Power of the percussive part in 16 bands.
    pub percussive: Vec<f32>,
    /// Onset strength in 8 bands: the mean rise over two frames of the mel levels, in dB, falls taken as zero.
    pub onset: Vec<f32>,
    /// Share of the bands in which the percussive part rises by more than 6 dB at once: near 1 for a snare.
    pub cover: Vec<f32>,
    /// How uneven the levels are from band to band from 1.4 to 9 kHz: their mean absolute second difference in dB. Low
    /// for noise, high for a few harmonics.
    pub jagged: Vec<f32>,
    /// Geometric against arithmetic mean of the bands above 4 kHz, in dB: 0 where they are alike, as in a hat.
    pub high_flat: Vec<f32>,
    /// The level in dB under which nothing is told apart: 55 dB below the 99th percentile of the mel levels.
    pub floor: f32,
}

/// Takes spectra, gives [`Bands`].
#[derive(Debug)]
pub struct BandSink {
    hop: f64,
    /// For each band its first bin and the weights from there.
    bank: Vec<(usize, Vec<f32>)>,
    mel: Vec<f32>,
    squared: Vec<f32>,
}

impl BandSink {
    /// For spectra whose bins lie `bin_hz` apart and whose frames `hop` seconds; `frames` is what to make room for.
    pub fn new(bin_hz: f64, hop: f64, frames: usize) -> Self {
        Self {
            hop,
            bank: mel_bank(bin_hz),
            mel: Vec::with_capacity(frames * BANDS),
            squared: Vec::new(),
        }
    }

    /// The next frame's magnitudes, from 0 Hz upwards, at least to 10.5 kHz. A spectrum that ends lower has nothing
    /// above its end.
    pub fn push(&mut self, magnitude: &[f32]) {
        let Self { bank, mel, squared, .. } = self;
        vectorized!({
            squared.clear();
            squared.extend(magnitude.iter().map(|m| m * m));
            for (first, weights) in bank.iter() {
                let bins = squared.get(*first..).unwrap_or_default();
                mel.push(bins.iter().zip(weights).map(|(x, w)| x * w).sum());
            }
        });
    }

    /// What the frames amount to.
    pub fn finish(self) -> Bands {
        let Self { hop, mel, .. } = self;
        let frames = mel.len() / BANDS;
        let floor = quantile_db(&mel, 0.99) - RANGE;
        let mask = percussive_mask(&mel, frames);
        let mut harmonic = Vec::with_capacity(frames * WIDE);
        let mut percussive = Vec::with_capacity(frames * WIDE);
        for (m, w) in mel.chunks_exact(BANDS).zip(mask.chunks_exact(BANDS)) {
            for (m, w) in m.chunks_exact(BANDS / WIDE).zip(w.chunks_exact(BANDS / WIDE)) {
                let p: f32 = m.iter().zip(w).map(|(m, w)| m * w).sum();
                percussive.push(p);
                harmonic.push((m.iter().sum::<f32>() - p).max(0.0));
            }
        }
        let Rises {
            onset,
            cover,
            jagged,
            high_flat,
        } = rises(&mel, &mask, floor, frames);
        Bands {
            hop,
            frames,
            mel,
            harmonic,
            percussive,
            onset,
            cover,
            jagged,
            high_flat,
            floor,
        }
    }
}

/// Triangles evenly spaced on O'Shaughnessy's mel scale, which resolves the bass better than Slaney's does.
fn mel_bank(bin_hz: f64) -> Vec<(usize, Vec<f32>)> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let step = (mel(HIGHEST) - mel(LOWEST)) / (BANDS + 1) as f64;
    let edge = |i: usize| hz(mel(LOWEST) + i as f64 * step);
    (0..BANDS)
        .map(|b| {
            // At least a bin to either side, so that no band falls between bins.
            let centre = edge(b + 1);
            let low = edge(b).min(centre - bin_hz);
            let high = edge(b + 2).max(centre + bin_hz);
            let first = (low / bin_hz).ceil().max(0.0) as usize;
            let last = (high / bin_hz).floor() as usize;
            let weights = (first..=last.max(first))
                .map(|k| {
                    let f = k as f64 * bin_hz;
                    let rise = (f - low) / (centre - low);
                    let fall = (high - f) / (high - centre);
                    rise.min(fall).max(0.0) as f32
                })
                .collect();
            (first, weights)
        })
        .collect()
}

/// The quantile `q` of the levels of `power` in dB, to 0.1 dB, without sorting.
fn quantile_db(power: &[f32], q: f64) -> f32 {
    const LOW: f32 = -300.0;
    const PER_DB: f32 = 10.0;
    let mut counts = vec![0usize; 6000];
    for p in power {
        let bin = ((fast_db(*p) - LOW) * PER_DB).max(0.0) as usize;
        counts[bin.min(5999)] += 1;
    }
    let wanted = (power.len() as f64 * q) as usize;
    let mut seen = 0;
    for (bin, n) in counts.iter().enumerate() {
        seen += n;
        if seen > wanted {
            return LOW + bin as f32 / PER_DB;
        }
    }
    LOW
}

/// Share of the percussive part in each mel cell.
fn percussive_mask(mel: &[f32], frames: usize) -> Vec<f32> {
    const PAD: usize = FREQUENCY / 2;
    let along_time = MedianNetwork::new(TIME);
    let along_frequency = MedianNetwork::new(FREQUENCY);
    let magnitude: Vec<f32> = mel.iter().map(|m| m.sqrt()).collect();
    let row = |t: isize| {
        let t = t.clamp(0, frames as isize - 1) as usize;
        &magnitude[t * BANDS..(t + 1) * BANDS]
    };
    let mut mask = vec![0f32; mel.len()];
    let (mut h, mut p) = ([0f32; BANDS], [0f32; BANDS]);
    let mut padded = [0f32; BANDS + 2 * PAD];
    for (t, mask) in mask.chunks_exact_mut(BANDS).enumerate() {
        let now = row(t as isize);
        along_time.medians(|i| row(t as isize + i as isize - (TIME / 2) as isize), &mut h);
        padded[PAD..PAD + BANDS].copy_from_slice(now);
        for i in 0..PAD {
            padded[PAD - 1 - i] = now[i];
            padded[PAD + BANDS + i] = now[BANDS - 1 - i];
        }
        along_frequency.medians(|i| &padded[i..i + BANDS], &mut p);
        for ((w, h), p) in mask.iter_mut().zip(&h).zip(&p) {
            let (h, p) = (h * h, p * p);
            *w = if h + p > 0.0 { p / (h + p) } else { 0.5 };
        }
    }
    mask
}

/// What is measured of the levels of each frame: see the fields of [`Bands`].
struct Rises {
    onset: Vec<f32>,
    cover: Vec<f32>,
    jagged: Vec<f32>,
    high_flat: Vec<f32>,
}

/// Onset strength by groups of bands, the share of bands that rise sharply, and how even the spectrum is.
fn rises(mel: &[f32], mask: &[f32], floor: f32, frames: usize) -> Rises {
    const PER: usize = BANDS / GROUPS;
    let mut onset = vec![0f32; frames * GROUPS];
    let mut cover = vec![0f32; frames];
    let mut jagged = vec![0f32; frames];
    let mut high_flat = vec![0f32; frames];
    // The last few frames' levels, whole and percussive.
    let mut levels = [[floor; 2 * BANDS]; RISE + 1];
    for t in 0..frames {
        let (m, w) = (&mel[t * BANDS..(t + 1) * BANDS], &mask[t * BANDS..(t + 1) * BANDS]);
        let now = t % (RISE + 1);
        vectorized!({
            for b in 0..BANDS {
                levels[now][b] = fast_db(m[b]).max(floor);
                levels[now][BANDS + b] = fast_db(m[b] * w[b]).max(floor);
            }
        });
        if t == 0 {
            levels = [levels[0]; RISE + 1];
        }
        let (new, old) = (&levels[now], &levels[(now + 1) % (RISE + 1)]);
        for (g, out) in onset[t * GROUPS..(t + 1) * GROUPS].iter_mut().enumerate() {
            let range = g * PER..(g + 1) * PER;
            let sum: f32 = new[range.clone()]
                .iter()
                .zip(&old[range])
                .map(|(n, o)| (n - o).max(0.0))
                .sum();
            *out = sum / PER as f32;
        }
        let sharp = new[BANDS..]
            .iter()
            .zip(&old[BANDS..])
            .filter(|(n, o)| *n - *o > HIT)
            .count();
        cover[t] = sharp as f32 / BANDS as f32;
        let bend: f32 = new[UPPER].windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).sum();
        jagged[t] = bend / (UPPER.len() - 2) as f32;
        let (high, count) = (&new[HIGH..BANDS], (BANDS - HIGH) as f32);
        let mean = m[HIGH..].iter().sum::<f32>() / count;
        high_flat[t] = high.iter().sum::<f32>() / count - fast_db(mean).max(floor);
    }
    Rises {
        onset,
        cover,
        jagged,
        high_flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spectra(frames: usize, f: impl Fn(usize, usize) -> f32) -> Bands {
        let bin = 22_050.0 / 1024.0;
        let mut sink = BandSink::new(bin, 256.0 / 22_050.0, frames);
        for t in 0..frames {
            let m: Vec<f32> = (0..513).map(|k| f(t, k)).collect();
            sink.push(&m);
        }
        sink.finish()
    }

    #[test]
    fn every_band_has_weight() {
        for bin in [21.5, 43.0, 5.4] {
            for (first, w) in mel_bank(bin) {
                assert!(w.iter().sum::<f32>() > 0.3, "band at bin {first}");
            }
        }
    }

    #[test]
    fn a_steady_line_is_harmonic_and_a_click_percussive() {
        let line = spectra(60, |_, k| if k == 40 { 1.0 } else { 1e-6 });
        let h: f32 = line.harmonic[30 * WIDE..31 * WIDE].iter().sum();
        let p: f32 = line.percussive[30 * WIDE..31 * WIDE].iter().sum();
        assert!(h > 100.0 * p, "{h} {p}");
        let click = spectra(60, |t, _| if t == 30 { 1.0 } else { 1e-6 });
        let h: f32 = click.harmonic[30 * WIDE..31 * WIDE].iter().sum();
        let p: f32 = click.percussive[30 * WIDE..31 * WIDE].iter().sum();
        assert!(p > 100.0 * h, "{h} {p}");
        assert!(click.cover[30] > 0.99 && click.cover[20] == 0.0);
        let comb = spectra(60, |_, k| if k % 40 == 0 { 1.0 } else { 1e-6 });
        assert!(comb.jagged[30] > 5.0 * click.jagged[30]);
        assert!(comb.high_flat[30] < click.high_flat[30] - 5.0);
        assert!(click.onset[30 * GROUPS] > 40.0 && click.onset[29 * GROUPS] == 0.0);
    }

    #[test]
    fn silence_is_finite() {
        let b = spectra(20, |_, _| 0.0);
        assert!(
            b.onset
                .iter()
                .chain(&b.cover)
                .chain(&b.harmonic)
                .all(|x| x.is_finite() && *x == 0.0)
        );
        let none = spectra(0, |_, _| 0.0);
        assert_eq!(none.frames, 0);
    }
}

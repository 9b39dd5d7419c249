//! Harmonic/percussive separation by median filtering, streamed, as `librosa.decompose.hpss` with its defaults.
//!
//! A steady tone is a ridge along time and a drum hit a ridge along frequency. The median over 31 frames keeps the first
//! and flattens the second; the median over 31 bins does the reverse. Soft masks (power 2, margin 1) share out each bin
//! between the two: `h² / (h² + p²)` for the harmonic part, the rest for the percussive one, half each where both are 0.
//!
//! A median of an odd number of values is one of them, so that the medians of powers are the squared medians of
//! magnitudes: this works on power throughout and never takes a root.
//!
//! Sources: D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010; J. Driedger, M. Müller,
//! S. Disch, "Extending harmonic-percussive separation of audio signals", ISMIR 2014.

use std::collections::VecDeque;

use pulp::{Arch, Simd, WithSimd};
use realfft::num_complex::Complex32;

use super::istft::Istft;
use super::lanes::{to_lanes, to_rows};
use super::median::{LANES, Padded, REACH, TILE, WIDTH, reflect, tile31};
use super::stft::{Stft, frame_count, power};

const HALF: usize = WIDTH / 2;

/// Rows kept: the reach of one tile of medians.
const RING: usize = REACH;

// A tile is a block of frames, one a lane.
const _: () = assert!(TILE == LANES);

/// Sum of powers below which a bin counts as silent: the smallest normal number, as in librosa.
const SILENT: f32 = f32::MIN_POSITIVE;

/// Up to [`LANES`] consecutive frames with their harmonic masks, a frame a lane.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Number of the frame in lane 0.
    pub first: usize,
    /// How many lanes hold frames; the others hold copies that count for nothing.
    pub frames: usize,
    /// Power, a row a bin.
    pub power: &'a [[f32; LANES]],
    /// Harmonic mask, a row a bin: the harmonic part has this share of the magnitude, the percussive part the rest.
    pub harmonic: &'a [[f32; LANES]],
}

/// Takes frames of power one by one and gives them back in blocks, with masks, 15 to 30 frames later.
#[derive(Debug, Clone)]
pub struct Separator {
    bins: usize,
    ring: Vec<f32>,
    /// Frames taken.
    taken: usize,
    /// Frames given back.
    given: usize,
    along_time: Vec<f32>,
    lanes: Padded,
    harmonic: Vec<[f32; LANES]>,
    percussive: Vec<[f32; LANES]>,
}

impl Separator {
    /// For spectra of `bins` bins.
    pub fn new(bins: usize) -> Self {
        Self {
            bins,
            ring: vec![0.0; RING * bins],
            taken: 0,
            given: 0,
            along_time: vec![0.0; TILE * bins],
            lanes: Padded::new(bins),
            harmonic: vec![[0.0; LANES]; bins],
            percussive: vec![[0.0; LANES]; bins],
        }
    }

    /// Takes the power spectrum of the next frame; calls `sink` when that completes a block.
    pub fn push(&mut self, power: &[f32], sink: impl FnMut(Block<'_>)) {
        let at = self.taken % RING * self.bins;
        self.ring[at..at + self.bins].copy_from_slice(power);
        self.taken += 1;
        if self.taken == self.given + TILE + HALF {
            self.give(None, sink);
        }
    }

    /// Gives back the frames that are still held. Afterwards it is as new.
    pub fn finish(&mut self, mut sink: impl FnMut(Block<'_>)) {
        while self.given < self.taken {
            self.give(Some(self.taken), &mut sink);
        }
        (self.taken, self.given) = (0, 0);
    }

    /// Separates the next tile. `total` is the number of all frames once it is known: the mirror's place.
    fn give(&mut self, total: Option<usize>, mut sink: impl FnMut(Block<'_>)) {
        let (first, bins) = (self.given, self.bins);
        let row = |t: isize| {
            // Until the end is known it lies beyond the tile's reach, and only the start mirrors.
            let t = reflect(t, total.unwrap_or(usize::MAX / 4)) % RING;
            &self.ring[t * bins..(t + 1) * bins]
        };
        let reach: [&[f32]; REACH] = std::array::from_fn(|i| row((first + i) as isize - HALF as isize));
        tile31(&reach, &mut self.along_time);
        to_lanes(&std::array::from_fn(|l| reach[HALF + l]), self.lanes.lines_mut());
        self.lanes.median31(&mut self.percussive);
        let along_time = &self.along_time;
        to_lanes(
            &std::array::from_fn(|l| &along_time[l * bins..(l + 1) * bins]),
            &mut self.harmonic,
        );
        Arch::new().dispatch(Mask {
            harmonic: &mut self.harmonic,
            percussive: &self.percussive,
        });
        let frames = total.map_or(TILE, |total| TILE.min(total - first));
        self.given += frames;
        sink(Block {
            first,
            frames,
            power: self.lanes.lines(),
            harmonic: &self.harmonic,
        });
    }
}

struct Mask<'a> {
    /// In: medians along time. Out: masks.
    harmonic: &'a mut [[f32; LANES]],
    percussive: &'a [[f32; LANES]],
}

impl WithSimd for Mask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (silent, half) = (simd.splat_f32s(SILENT), simd.splat_f32s(0.5));
        for (h, p) in self.harmonic.iter_mut().zip(self.percussive) {
            for (h, p) in S::as_mut_simd_f32s(h).0.iter_mut().zip(S::as_simd_f32s(p).0) {
                let sum = simd.add_f32s(*h, *p);
                let share = simd.div_f32s(*h, sum);
                *h = simd.select_f32s(simd.less_than_f32s(sum, silent), half, share);
            }
        }
    }
}

/// Splits `signal` into a harmonic and a percussive part, each as long as it is, whose sum it is.
///
/// The percussive part is the inverse transform of the masked spectrum, the harmonic part what is left. Memory beyond the
/// two results is some fifty frames.
pub fn separate(signal: &[f32], n_fft: usize, hop: usize) -> (Vec<f32>, Vec<f32>) {
    let percussive = percussive(&[signal], n_fft, hop).pop().unwrap_or_default();
    let harmonic = signal.iter().zip(&percussive).map(|(x, p)| x - p).collect();
    (harmonic, percussive)
}

/// The percussive part of each of `planes`, the channels of one recording, of equal lengths.
///
/// All channels share one mask, that of their mean power: each of their own would move sounds about between them.
pub fn percussive(planes: &[&[f32]], n_fft: usize, hop: usize) -> Vec<Vec<f32>> {
    let samples = planes.iter().map(|p| p.len()).min().unwrap_or(0);
    let mut stft = Stft::new(n_fft, hop);
    let bins = stft.bins();
    let mut channels = Channels {
        inverse: planes.iter().map(|_| Istft::new(n_fft, hop, samples)).collect(),
        held: VecDeque::with_capacity(REACH),
        spare: Vec::new(),
        masks: vec![0.0; bins * LANES],
    };
    let mut separator = Separator::new(bins);
    let (mut row, mut sum) = (vec![0.0; bins], vec![0.0; bins]);
    let gain = 1.0 / planes.len().max(1) as f32;
    for t in 0..frame_count(samples, hop) {
        let mut kept = channels.spare.pop().unwrap_or_default();
        kept.clear();
        sum.fill(0.0);
        for plane in planes {
            let spectrum = stft.frame(&plane[..samples], t);
            kept.extend_from_slice(spectrum);
            power(spectrum, &mut row);
            sum.iter_mut().zip(&row).for_each(|(sum, p)| *sum += p * gain);
        }
        channels.held.push_back(kept);
        separator.push(&sum, |block| channels.take(block));
    }
    separator.finish(|block| channels.take(block));
    channels.inverse.into_iter().map(Istft::finish).collect()
}

/// Spectra that wait for their masks.
struct Channels {
    /// One a channel.
    inverse: Vec<Istft>,
    /// The frames not yet masked, each with all its channels.
    held: VecDeque<Vec<Complex32>>,
    /// Frames to use again.
    spare: Vec<Vec<Complex32>>,
    masks: Vec<f32>,
}

impl Channels {
    /// Hands the percussive part of each frame of `block` to the inverse transforms.
    fn take(&mut self, block: Block<'_>) {
        to_rows(block.harmonic, &mut self.masks);
        let bins = block.harmonic.len().max(1);
        for mask in self.masks.chunks_exact(bins).take(block.frames) {
            let Some(mut spectra) = self.held.pop_front() else {
                return;
            };
            for (spectrum, inverse) in spectra.chunks_exact_mut(bins).zip(&mut self.inverse) {
                for (z, mask) in spectrum.iter_mut().zip(mask) {
                    *z *= 1.0 - mask;
                }
                inverse.push(spectrum);
            }
            self.spare.push(spectra);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::median::{median_columns, median_rows};

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        (0..n)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1u32 << 24) as f32
            })
            .collect()
    }

    /// All frames, separated: (power, harmonic mask), row-major.
    fn run(frames: &[f32], bins: usize) -> (Vec<f32>, Vec<f32>) {
        let mut separator = Separator::new(bins);
        let (mut power, mut mask) = (Vec::new(), Vec::new());
        let mut sink = |b: Block<'_>| {
            assert_eq!(b.first * bins, power.len());
            for l in 0..b.frames {
                power.extend(b.power.iter().map(|x| x[l]));
                mask.extend(b.harmonic.iter().map(|x| x[l]));
            }
        };
        for frame in frames.chunks_exact(bins) {
            separator.push(frame, &mut sink);
        }
        separator.finish(&mut sink);
        (power, mask)
    }

    #[test]
    fn masks_are_the_ratio_of_the_medians_at_any_length() {
        let bins = 45;
        for count in [1, 2, 14, 15, 16, 30, 31, 32, 46, 47, 48, 62, 63, 100] {
            let magnitude = noise(count * bins, count as u64);
            let squared: Vec<f32> = magnitude.iter().map(|m| m * m).collect();
            let (power, mask) = run(&squared, bins);
            assert_eq!(power, squared);
            let h = median_columns(&magnitude, bins, WIDTH);
            let p = median_rows(&magnitude, bins, WIDTH);
            for (i, (h, p)) in h.iter().zip(&p).enumerate() {
                let expected = h * h / (h * h + p * p);
                assert!((mask[i] - expected).abs() < 1e-6, "{count} frames, cell {i}");
            }
        }
    }

    #[test]
    fn silence_is_shared_equally() {
        let (_, mask) = run(&vec![0.0; 40 * 9], 9);
        assert!(mask.iter().all(|m| *m == 0.5));
    }

    #[test]
    fn a_tone_is_harmonic_and_a_click_percussive() {
        let n = 44100;
        let tone: Vec<f32> = (0..n).map(|i| 0.3 * (i as f32 * 0.0627).sin()).collect();
        let mut both = tone.clone();
        for at in [8000, 20000, 32000] {
            both[at] += 0.9;
        }
        let (harmonic, percussive) = separate(&both, 2048, 512);
        let energy = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
        // Away from the ends, where the window cuts the tone, and which therefore are clicks.
        let inner = 4096..n - 4096;
        let difference: Vec<f32> = inner.clone().map(|i| harmonic[i] - tone[i]).collect();
        assert!(energy(&difference) < 0.02 * energy(&tone[inner.clone()]));
        for at in [8000, 20000, 32000] {
            assert!(percussive[at] > 0.6, "{}", percussive[at]);
        }
        for i in 0..n {
            assert!((harmonic[i] + percussive[i] - both[i]).abs() < 1e-6);
        }
    }

    #[test]
    fn channels_share_a_mask_and_keep_their_places() {
        let x = noise(30_000, 3);
        let half: Vec<f32> = x.iter().map(|v| 0.5 * v).collect();
        let silent = vec![0.0; x.len()];
        let parts = percussive(&[&x, &half, &silent], 1024, 256);
        let (_, alone) = separate(&x, 1024, 256);
        assert_eq!(parts.len(), 3);
        assert!(parts[2].iter().all(|v| *v == 0.0));
        for (i, one) in alone.iter().enumerate() {
            assert!((parts[0][i] - 2.0 * parts[1][i]).abs() < 1e-5);
            // The mask does not depend on the level.
            assert!((parts[0][i] - one).abs() < 1e-4, "{i}");
        }
        assert!(percussive(&[], 1024, 256).is_empty());
    }
}

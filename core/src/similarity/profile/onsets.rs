//! Onset curves in wide bands, of audio that runs round.

use crate::dsp::hpss::{Block, Separator};
use crate::dsp::mel::{MelBank, hz_to_mel, mel_to_hz};
use crate::dsp::stft::{Stft, power};

/// Wide bands: kick and bass, snare body, snare and claps, hats.
pub(super) const BANDS: usize = 4;
/// Mel bands.
pub(super) const MELS: usize = 64;
/// Samples in a frame (46 ms).
const N_FFT: usize = 1024;
/// Samples between frames (10 ms), about: a whole number of frames fills the loop.
const HOP: usize = 220;
/// Fewest frames, however short the audio, and most, however long.
const FRAMES: std::ops::RangeInclusive<usize> = 64..=24_000;
/// Range of the mel bands in Hz.
const RANGE_HZ: (f64, f64) = (30.0, 11_000.0);
/// Edges of the narrow bands in Hz; two make a wide one.
const EDGES_HZ: [f64; 2 * BANDS + 1] = [30.0, 110.0, 220.0, 450.0, 1000.0, 2200.0, 4500.0, 7500.0, 11_000.0];
/// The level that is added before logarithms are taken, relative to the loudest band of the loop: 30 dB down in power.
const FLOOR: f32 = 1e-3;
/// The rise is taken over so many frames.
const LAG: usize = 2;
/// Frames before and after the loop, from its other end, that the separation needs to know.
const AROUND: usize = 16;

/// The mel power spectrum of a loop, frame by frame: all of it, and its percussive part.
pub(super) struct Front {
    /// Power, [`MELS`] values a frame.
    pub(super) all: Vec<f32>,
    percussive: Vec<f32>,
    bank: MelBank,
}

impl Front {
    /// Of `mono` at [`super::super::RATE`].
    pub(super) fn of(mono: &[f32]) -> Self {
        let rate = f64::from(super::super::RATE);
        let bank = MelBank::new(rate, N_FFT, MELS, RANGE_HZ.0, RANGE_HZ.1);
        let gains = gains();
        if mono.is_empty() {
            let (all, percussive) = (Vec::new(), Vec::new());
            return Self { all, percussive, bank };
        }
        let frames = (mono.len().div_ceil(HOP)).clamp(*FRAMES.start(), *FRAMES.end());
        // Frame 1 of the transform is centred on `N_FFT / 2` where that is the hop: no zeros come in.
        let mut stft = Stft::new(N_FFT, N_FFT / 2);
        let mut separator = Separator::new(stft.bins());
        let (mut piece, mut row) = (vec![0.0; N_FFT], vec![0.0; stft.bins()]);
        let mut all = Vec::with_capacity(frames * MELS);
        let mut percussive = Vec::with_capacity(frames * MELS);
        let mut mel = vec![0.0; MELS];
        let mut take = |block: Block<'_>, row: &mut Vec<f32>| {
            for lane in 0..block.frames {
                if !(AROUND..AROUND + frames).contains(&(block.first + lane)) {
                    continue;
                }
                for masked in [false, true] {
                    for ((out, p), h) in row.iter_mut().zip(block.power).zip(block.harmonic) {
                        let share = if masked { 1.0 - h[lane] } else { 1.0 };
                        *out = p[lane] * share * share;
                    }
                    bank.apply(row, &mut mel);
                    let to = if masked { &mut percussive } else { &mut all };
                    to.extend(mel.iter().zip(&gains).map(|(x, g)| x * g));
                }
            }
        };
        let mut masked = vec![0.0; stft.bins()];
        for t in 0..frames + 2 * AROUND {
            // Counted from AROUND loops of frames before the start, so that nothing is negative.
            let turn = (t + AROUND * frames - AROUND) % frames;
            let centre = (turn as u64 * mono.len() as u64 / frames as u64) as usize;
            fill_round(mono, centre, &mut piece);
            power(stft.frame(&piece, 1), &mut row);
            separator.push(&row, |block| take(block, &mut masked));
        }
        separator.finish(|block| take(block, &mut masked));
        Self { all, percussive, bank }
    }

    /// Onset strength in each wide band, and in all: a value of 0 or more a frame.
    ///
    /// The rise of the logarithm of each mel band over [`LAG`] frames against the highest of it and its neighbours, so
    /// that a note which wavers is no onset (S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset
    /// detection", DAFx 2013).
    pub(super) fn curves(&self) -> [Vec<f32>; BANDS + 1] {
        let frames = self.percussive.len() / MELS;
        let mut curves: [Vec<f32>; BANDS + 1] = std::array::from_fn(|_| vec![0.0; frames]);
        let loudest = self.percussive.iter().copied().fold(0.0, f32::max);
        if loudest <= 0.0 {
            return curves;
        }
        let logs: Vec<f32> = self.percussive.iter().map(|x| (x + loudest * FLOOR).log10()).collect();
        let narrow: Vec<Vec<usize>> = EDGES_HZ
            .windows(2)
            .map(|edge| {
                let inside = |b: &usize| (edge[0]..edge[1]).contains(&self.bank.centre(*b));
                (0..MELS).filter(inside).collect()
            })
            .collect();
        let mut rise = [0.0; MELS];
        for t in 0..frames {
            let now = &logs[t * MELS..(t + 1) * MELS];
            let before = (t + frames - LAG) % frames * MELS;
            let before = &logs[before..before + MELS];
            for (b, rise) in rise.iter_mut().enumerate() {
                let around = &before[b.saturating_sub(1)..(b + 2).min(MELS)];
                let highest = around.iter().copied().fold(f32::MIN, f32::max);
                *rise = (now[b] - highest).max(0.0);
            }
            for (n, bands) in narrow.iter().enumerate() {
                let mean = bands.iter().map(|b| rise[*b]).sum::<f32>() / bands.len().max(1) as f32;
                curves[n / 2][t] += mean / 2.0;
                curves[BANDS][t] += mean / (2 * BANDS) as f32;
            }
        }
        curves
    }
}

/// What undoes the unit area of each mel band: power is summed, not its density.
fn gains() -> Vec<f32> {
    let (from, to) = (hz_to_mel(RANGE_HZ.0), hz_to_mel(RANGE_HZ.1));
    let edge = |i: usize| mel_to_hz(from + (to - from) * i as f64 / (MELS + 1) as f64);
    (0..MELS).map(|b| ((edge(b + 2) - edge(b)) / 2.0) as f32).collect()
}

/// Fills `piece` with the samples around `centre` of audio that runs round.
fn fill_round(mono: &[f32], centre: usize, piece: &mut [f32]) {
    let n = mono.len();
    let half = piece.len() / 2;
    // Whole turns are added, so that nothing is negative.
    let mut at = (centre + half.div_ceil(n) * n - half) % n;
    let mut rest = piece;
    while !rest.is_empty() {
        let run = (n - at).min(rest.len());
        let (head, tail) = rest.split_at_mut(run);
        head.copy_from_slice(&mono[at..at + run]);
        (rest, at) = (tail, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_runs_round() {
        let mut piece = [0.0; 8];
        fill_round(&[0.0, 1.0, 2.0], 0, &mut piece);
        assert_eq!(piece, [2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0]);
        fill_round(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 5, &mut piece);
        assert_eq!(piece, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn a_click_rises_where_it_is_even_at_the_seam() {
        for at in [0usize, 5000, 21_900] {
            let mut mono = vec![0.0; 22_000];
            mono[at] = 1.0;
            let curves = Front::of(&mono).curves();
            let all = &curves[BANDS];
            assert_eq!(all.len(), 100);
            let top = (0..all.len()).max_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap();
            // The rise begins when the click enters the frame's window, half a frame before it.
            let late = (top as isize - (at / HOP) as isize).rem_euclid(100);
            assert!(late <= 1 || late >= 97, "{at}: {top}");
        }
    }
}

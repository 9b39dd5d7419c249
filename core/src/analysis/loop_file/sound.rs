//! Onset strength of a file taken as a ring.

use crate::dsp::stft::{Stft, magnitude, power};

/// Frames a second of the sound that is analysed.
pub(super) const RATE: u32 = 22_050;
const N_FFT: usize = 1024;
/// Samples between frames: 10 ms.
const HOP: usize = 220;
/// Frames by which a rise shows before the attack that makes it: the window reaches 23 ms ahead.
const ADVANCE: f64 = 1.0;
/// First bins of the bands (21.5 Hz each), and one past the last.
const EDGES: [usize; 26] = [
    1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60, 76, 96, 121, 152, 192, 242, 305, 384, 488,
];
const BANDS: usize = EDGES.len() - 1;
/// Groups of bands: kick; body of drums, bass and chords; snare; sticks; hats.
pub(super) const GROUPS: usize = 5;
/// First band of each group, and one past the last.
const GROUP_BANDS: [usize; GROUPS + 1] = [0, 5, 12, 18, 22, BANDS];
/// Power below which (RMS) there is nothing to hear: -80 dBFS.
const SILENCE: f64 = 1e-4;
/// Fewer samples than this are no sound that anything could be said of.
const LEAST: usize = 64;

/// A file's curves.
pub(super) struct Sound {
    /// Frames.
    pub(super) frames: usize,
    /// Rise of the root of the magnitude a frame by group; mean 1, or all 0 where the group is silent.
    pub(super) flux: [Vec<f32>; GROUPS],
    /// The groups' flux together, mean 1.
    pub(super) all: Vec<f32>,
    /// Mean root magnitude by group, of all groups' sum.
    pub(super) share: [f32; GROUPS],
    /// Rise by group as a share of the magnitude: how much of it is attacks.
    pub(super) rising: [f32; GROUPS],
    /// Level by frame, RMS.
    pub(super) level: Vec<f32>,
    /// Mean flatness of the spectrum above 500 Hz, 0 to 1, weighed by level.
    pub(super) flatness: f32,
}

impl Sound {
    /// The curves of `mono` at [`RATE`]; none where there is nothing to hear.
    pub(super) fn of(mono: &[f32]) -> Option<Self> {
        let n = mono.len();
        let mean_square = mono.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n.max(1) as f64;
        if n < LEAST || mean_square.is_nan() || mean_square.sqrt() < SILENCE {
            return None;
        }
        let frames = n.div_ceil(HOP).max(1);
        // A whole window of the end before the start, and of the start after the end.
        let before = N_FFT;
        let ring: Vec<f32> = (0..n + 2 * N_FFT + HOP)
            .map(|i| mono[(i + n - before % n) % n])
            .collect();
        let mut stft = Stft::new(N_FFT, 1);
        let mut spectrum = vec![0.0f32; stft.bins()];
        let mut roots = vec![[0.0f32; BANDS]; frames];
        let (mut flat, mut weight) = (0.0f64, 0.0f64);
        for (t, root) in roots.iter_mut().enumerate() {
            power(stft.frame(&ring, before + t * HOP), &mut spectrum);
            let (f, w) = flatness(&spectrum[24..488]);
            flat += f * w;
            weight += w;
            let whole = spectrum.clone();
            magnitude(&whole, &mut spectrum);
            for (r, edge) in root.iter_mut().zip(EDGES.windows(2)) {
                let width = (edge[1] - edge[0]) as f32;
                *r = (spectrum[edge[0]..edge[1]].iter().sum::<f32>() / width).sqrt();
            }
        }
        let mut flux: [Vec<f32>; GROUPS] = std::array::from_fn(|_| vec![0.0; frames]);
        let mut share = [0.0f32; GROUPS];
        let mut rising = [0.0f32; GROUPS];
        for g in 0..GROUPS {
            let bands = GROUP_BANDS[g]..GROUP_BANDS[g + 1];
            let (mut sum, mut rise) = (0.0f64, 0.0f64);
            for t in 0..frames {
                // Over two frames, so that an attack between two windows counts as much as one on them.
                let (now, then) = (&roots[(t + 1) % frames], &roots[(t + frames - 1) % frames]);
                let up: f32 = bands.clone().map(|b| (now[b] - then[b]).max(0.0)).sum();
                flux[g][t] = up;
                rise += f64::from(up);
                sum += bands.clone().map(|b| f64::from(roots[t][b])).sum::<f64>();
            }
            share[g] = (sum / (bands.len() * frames) as f64) as f32;
            rising[g] = if sum > 0.0 { (rise / sum) as f32 } else { 0.0 };
        }
        let total: f32 = share.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        share.iter_mut().for_each(|s| *s /= total);
        let mut all = vec![0.0f32; frames];
        for (g, curve) in flux.iter_mut().enumerate() {
            for (a, x) in all.iter_mut().zip(curve.iter()) {
                *a += *x;
            }
            // What leaks from the groups that sound is no rhythm of a group that does not.
            if share[g] < 2e-3 {
                curve.fill(0.0);
            }
            normalise(curve);
        }
        normalise(&mut all);
        let level = mono
            .chunks(HOP)
            .map(|c| (c.iter().map(|x| x * x).sum::<f32>() / c.len() as f32).sqrt())
            .collect();
        Some(Self {
            frames,
            flux,
            all,
            share,
            rising,
            level,
            flatness: if weight > 0.0 { (flat / weight) as f32 } else { 0.0 },
        })
    }

    /// The attacks' places as parts of the file, and the roots of their strengths.
    pub(super) fn places(&self) -> Vec<(f64, f64)> {
        let n = self.frames;
        let place = |t: usize| {
            let (a, b, c) = (self.all[(t + n - 1) % n], self.all[t], self.all[(t + 1) % n]);
            let bend = a - 2.0 * b + c;
            let shift = if bend < 0.0 { 0.5 * (a - c) / bend } else { 0.0 };
            ((t as f64 + f64::from(shift) + ADVANCE) / n as f64, f64::from(b).sqrt())
        };
        Self::attacks(&self.all).into_iter().map(place).collect()
    }

    /// Sum of `curve` by `slots` equal parts of the ring; the first is centred on the start of the file.
    pub(super) fn slots(&self, curve: &[f32], slots: usize) -> Vec<f32> {
        let mut out = vec![0.0; slots];
        let n = self.frames as f64;
        for (t, x) in curve.iter().enumerate() {
            let part = (t as f64 + ADVANCE) / n;
            let slot = (part * slots as f64 + 0.5).floor() as usize % slots.max(1);
            out[slot] += x;
        }
        out
    }

    /// Frames of the attacks in `curve`: its peaks.
    pub(super) fn attacks(curve: &[f32]) -> Vec<usize> {
        const REACH: usize = 4;
        let n = curve.len();
        let top = curve.iter().fold(0.0f32, |a, b| a.max(*b));
        let least = (0.12 * top).max(1.2);
        (0..n)
            .filter(|&t| {
                let x = curve[t];
                x > least && (1..=REACH.min(n / 2)).all(|d| x >= curve[(t + n - d) % n] && x > curve[(t + d) % n])
            })
            .collect()
    }
}

/// Flatness (geometric by arithmetic mean) of a power spectrum, and its power.
fn flatness(power: &[f32]) -> (f64, f64) {
    let sum: f64 = power.iter().map(|p| f64::from(*p)).sum();
    if sum <= 0.0 {
        return (0.0, 0.0);
    }
    let mean = sum / power.len() as f64;
    let log = power.iter().map(|p| f64::from(*p + 1e-12).ln()).sum::<f64>() / power.len() as f64;
    ((log.exp() / mean).clamp(0.0, 1.0), sum.sqrt())
}

/// To mean 1, where there is anything.
fn normalise(curve: &mut [f32]) {
    let mean = curve.iter().map(|x| f64::from(*x)).sum::<f64>() / curve.len().max(1) as f64;
    if mean > 1e-9 {
        curve.iter_mut().for_each(|x| *x = (f64::from(*x) / mean) as f32);
    }
}

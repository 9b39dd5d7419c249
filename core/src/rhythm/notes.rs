//! Note hits: onsets of whatever has pitch, with the drums left aside.
//!
//! # The task
//!
//! A loop is sliced on its notes. What counts is the moment at which a pitch starts to sound, be it a pluck, a chord or a
//! pad that swells; a hat or a snare between two notes is no place for an edge.
//!
//! # Stages
//!
//! 1. The sound at 16 to 32 kHz, brought to one level; magnitudes of windows of some 93 ms, which tell two notes a
//!    semitone apart down to about 180 Hz, eight windows to one length.
//! 2. Peaks along frequency are pitch, what is broad is drums: each bin counts by `s² / (s² + (4 m)²)`, `m` the median of
//!    the 31 bins (some 330 Hz) about it. That is the percussive half of median filtering alone, with a margin. Its other
//!    half, the median along time, would ask for notes of 180 ms and more: sixteenths are shorter.
//! 3. Triangles, 24 to the octave from 130 Hz to 5 kHz: above the body of a kick drum, below the hats. The notes of a bass
//!    are heard by their harmonics.
//! 4. SuperFlux: the rise, on a log scale, over the loudest of three neighbouring bands 30 ms before, so that vibrato does
//!    not count. What has risen must last: the level after is the mean of the 50 ms that follow.
//! 5. Peaks that stand out from their surroundings by a fixed amount. A fixed one, because a pad that changes once a bar
//!    has next to no rise on the mean, and by that measure everything else would be a note.
//! 6. The time of the attack from the waveform, where it shows there.
//!
//! Sources: Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013; Fitzgerald, DAFx 2010,
//! and Driedger, Müller and Disch, ISMIR 2014, for medians and margins.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::attack;
use super::constants::RATE;
use crate::audio::resample::halve;
use crate::dsp::lanes::to_lanes;
use crate::dsp::log::log10;
use crate::dsp::median::{LANES, Padded};
use crate::dsp::stft::{Stft, frame_count, power};
use crate::progress::{Cancelled, Progress};
use crate::vectorized;

/// What counts as an onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// What has pitch.
    Notes,
    /// Everything, drums too: where there are too few notes.
    Mix,
}

/// The onset of a note, or of several at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// Time of the attack in seconds from the start of the stretch.
    pub time: f64,
    /// Sum over the bands of the rise, in tenfolds of level: 1.6 is the weakest that counts, a chord has some 10.
    pub strength: f32,
}

/// Length of a window in seconds, before it is rounded to a power of two.
const WINDOW: f64 = 0.0929;
/// Windows start this part of their length apart.
const OVERLAP: usize = 8;
/// Lowest and highest band in Hz: of pitch, and of everything.
const PITCHED: (f64, f64) = (130.0, 5_000.0);
const FULL: (f64, f64) = (40.0, 7_500.0);
/// Bands an octave.
const PER_OCTAVE: f64 = 24.0;
/// What a bin must exceed the median about it by to count half.
const MARGIN: f32 = 4.0;
/// RMS to which the sound is brought.
const LEVEL: f64 = 0.1;
/// Below this RMS there is nothing to hear.
const SILENCE: f64 = 1e-5;
/// Levels are compressed as `log10(1 + GAIN · amplitude)`.
const GAIN: f32 = 512.0;
/// The rise is counted from this long before, in seconds.
const LAG: f64 = 0.030;
/// And must last this long.
const HOLD: f64 = 0.050;
/// Least amount by which a peak stands out from the mean about it.
const THRESHOLD: f32 = 1.6;
/// That mean reaches from this long before to this long after, in seconds.
const MEAN: (f64, f64) = (0.100, 0.070);
/// A peak is the largest within this of it, in seconds.
const PEAK: f64 = 0.030;
/// Least distance of two notes in seconds.
const APART: f64 = 0.050;
/// How much later than the curve's maximum attacks lie, in seconds, the waveform apart.
const LATE: f64 = 0.0;
/// Least rise, 0 to 1, of an attack in the waveform that is believed.
const RISE: f64 = 0.25;
/// Blocks of frames between two looks at whether to go on: some 3 s of sound.
const CHECK: usize = 16;

/// The onsets in `mono`, sampled at `rate` Hz, in order of time. Silence, noise and nothing at all have none; samples that
/// are not finite count as silence.
///
/// The level is that of the whole stretch: hand in some bars, not a moment.
pub fn onsets(mono: &[f32], rate: u32, heard: Heard, progress: &dyn Progress) -> Result<Vec<Note>, Cancelled> {
    let mut signal: Vec<f32> = mono.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect();
    let mut rate = f64::from(rate);
    while rate >= 32_000.0 {
        signal = halve(&signal);
        rate /= 2.0;
    }
    let rms = (signal.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / signal.len().max(1) as f64).sqrt();
    if rms < SILENCE || !rms.is_finite() {
        return Ok(Vec::new());
    }
    let gain = (LEVEL / rms) as f32;
    signal.iter_mut().for_each(|x| *x *= gain);

    let n_fft = (1usize << (WINDOW * rate).log2().round().max(4.0) as u32).max(16);
    let hop = n_fft / OVERLAP;
    let frames_a_second = rate / hop as f64;
    let curve = curve(&signal, rate, n_fft, heard, progress)?;
    let mut notes: Vec<Note> = peaks(&curve, frames_a_second)
        .into_iter()
        .map(|(frame, strength)| Note {
            time: refine(&signal, rate, frame / frames_a_second + LATE),
            strength,
        })
        .collect();
    // Two peaks may share an attack in the waveform.
    notes.sort_by(|a, b| a.time.total_cmp(&b.time));
    notes.dedup_by(|b, a| {
        let same = b.time - a.time < 0.5 * APART;
        if same && b.strength > a.strength {
            a.strength = b.strength;
        }
        same
    });
    Ok(notes)
}

/// The attack near `seconds`, from the waveform where it rises there.
fn refine(signal: &[f32], rate: f64, seconds: f64) -> f64 {
    // The blocks of `attack` are half a millisecond at 22.05 kHz; a neighbouring rate makes them a little longer or shorter.
    let near = (0.6..1.5).contains(&(rate / RATE));
    match attack::locate(signal, seconds * rate).filter(|_| near) {
        Some((sample, rise)) if rise >= RISE => (sample / rate).max(0.0),
        _ => seconds.max(0.0),
    }
}

/// Triangles over bins: for each band its first bin and its weights.
struct Bands(Vec<(usize, Vec<f32>)>);

impl Bands {
    fn new(rate: f64, n_fft: usize, (low, high): (f64, f64)) -> Self {
        let high = high.min(0.45 * rate);
        let bin = rate / n_fft as f64;
        let count = (PER_OCTAVE * (high / low).log2()).max(0.0) as usize + 3;
        let mut centres: Vec<usize> = (0..count)
            .map(|k| (low * (k as f64 / PER_OCTAVE).exp2() / bin).round() as usize)
            .filter(|k| *k <= n_fft / 2)
            .collect();
        centres.dedup();
        let triangle = |w: &[usize]| {
            let (lo, mid, hi) = (w[0], w[1], w[2]);
            let weights = (lo + 1..hi)
                .map(|k| {
                    if k <= mid {
                        (k - lo) as f32 / (mid - lo) as f32
                    } else {
                        (hi - k) as f32 / (hi - mid) as f32
                    }
                })
                .collect();
            (lo + 1, weights)
        };
        Self(centres.windows(3).map(triangle).collect())
    }

    /// One more than the last bin that any band reads.
    fn reach(&self) -> usize {
        self.0.iter().map(|(first, w)| first + w.len()).max().unwrap_or(0)
    }
}

/// The rise at each frame.
fn curve(
    signal: &[f32],
    rate: f64,
    n_fft: usize,
    heard: Heard,
    progress: &dyn Progress,
) -> Result<Vec<f32>, Cancelled> {
    let hop = n_fft / OVERLAP;
    let bands = Bands::new(
        rate,
        n_fft,
        match heard {
            Heard::Notes => PITCHED,
            Heard::Mix => FULL,
        },
    );
    let mut stft = Stft::new(n_fft, hop);
    // The median reaches half its width past the highest band.
    let bins = (bands.reach() + crate::dsp::median::WIDTH / 2).min(stft.bins());
    let frames = frame_count(signal.len(), hop);
    let mut rise = Rise::new(bands.0.len(), rate / hop as f64, frames);
    let mut rows = vec![0.0f32; LANES * bins];
    let mut lanes = Padded::new(bins);
    let mut medians = vec![[0.0f32; LANES]; bins];
    let mut levels = vec![[0.0f32; LANES]; bands.0.len()];
    // A sine of amplitude 1 has the magnitude n_fft / 4.
    let scale = GAIN * 4.0 / n_fft as f32;
    for (block, first) in (0..frames).step_by(LANES).enumerate() {
        if block % CHECK == 0 {
            progress.check()?;
        }
        for (lane, row) in rows.chunks_exact_mut(bins).enumerate() {
            power(&stft.frame(signal, first + lane)[..bins], row);
        }
        to_lanes(
            &std::array::from_fn(|l| &rows[l * bins..(l + 1) * bins]),
            lanes.lines_mut(),
        );
        if heard == Heard::Notes {
            lanes.median31(&mut medians);
        }
        pitched(lanes.lines(), &mut medians, heard);
        band_levels(&bands, &medians, scale, &mut levels);
        log10(levels.as_flattened_mut());
        for lane in 0..LANES.min(frames - first) {
            rise.push(levels.iter().map(|l| l[lane]));
        }
    }
    Ok(rise.finish())
}

/// Magnitudes from power and its medians, in the medians' place: of what has pitch alone, or of everything.
fn pitched(power: &[[f32; LANES]], medians: &mut [[f32; LANES]], heard: Heard) {
    // The median of squares is the square of the median.
    let margin = match heard {
        Heard::Notes => MARGIN * MARGIN,
        Heard::Mix => 0.0,
    };
    vectorized!({
        for (m, p) in medians.iter_mut().zip(power) {
            for (m, p) in m.iter_mut().zip(p) {
                let sum = p + margin * *m;
                *m = p.sqrt() * (p / (sum + f32::MIN_POSITIVE));
            }
        }
    });
}

/// `1 + scale · amplitude` of each band.
fn band_levels(bands: &Bands, magnitudes: &[[f32; LANES]], scale: f32, out: &mut [[f32; LANES]]) {
    vectorized!({
        for ((first, weights), out) in bands.0.iter().zip(out) {
            let mut sum = [0.0f32; LANES];
            for (w, m) in weights.iter().zip(&magnitudes[*first..]) {
                for (s, m) in sum.iter_mut().zip(m) {
                    *s += w * m;
                }
            }
            for (o, s) in out.iter_mut().zip(&sum) {
                *o = 1.0 + scale * s;
            }
        }
    });
}

/// Band levels as they come, and the rise as soon as what follows is known.
struct Rise {
    lag: usize,
    hold: usize,
    /// The last `lag + hold + 1` rows; what is longer ago is dropped.
    rows: VecDeque<Vec<f32>>,
    /// The same, each band the loudest of itself and its neighbours.
    widened: VecDeque<Vec<f32>>,
    bands: usize,
    out: Vec<f32>,
}

impl Rise {
    fn new(bands: usize, frames_a_second: f64, frames: usize) -> Self {
        let of = |seconds: f64| ((seconds * frames_a_second).round() as usize).max(1);
        Self {
            lag: of(LAG),
            hold: of(HOLD),
            rows: VecDeque::new(),
            widened: VecDeque::new(),
            bands,
            out: Vec::with_capacity(frames),
        }
    }

    fn push(&mut self, levels: impl Iterator<Item = f32>) {
        let full = self.rows.len() > self.lag + self.hold;
        let recycled = |rows: &mut VecDeque<Vec<f32>>| if full { rows.pop_front() } else { None }.unwrap_or_default();
        let mut row = recycled(&mut self.rows);
        row.clear();
        row.extend(levels);
        let mut wide = recycled(&mut self.widened);
        wide.clear();
        let last = row.len().saturating_sub(1);
        wide.extend((0..row.len()).map(|b| row[b.saturating_sub(1)].max(row[b]).max(row[(b + 1).min(last)])));
        self.rows.push_back(row);
        self.widened.push_back(wide);
        self.give(self.hold + 1);
    }

    /// Gives the frame that has `after` rows from itself on, if there is one that far back.
    fn give(&mut self, after: usize) {
        let Some(at) = self.rows.len().checked_sub(after) else {
            return;
        };
        // The first frames of a stretch have no frame to rise from: what sounds at once is not known to begin.
        let Some(from) = at.checked_sub(self.lag).and_then(|i| self.widened.get(i)) else {
            self.out.push(0.0);
            return;
        };
        let gain = 1.0 / after as f32;
        let mut mean = vec![0.0f32; self.bands];
        for row in self.rows.range(at..) {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += gain * x);
        }
        self.out
            .push(mean.iter().zip(from).map(|(m, f)| (m - f).max(0.0)).sum());
    }

    fn finish(mut self) -> Vec<f32> {
        for after in (1..=self.hold).rev() {
            self.give(after);
        }
        self.out
    }
}

/// Peaks of the curve: their frame, with fraction, and their height.
fn peaks(curve: &[f32], frames_a_second: f64) -> Vec<(f64, f32)> {
    let of = |seconds: f64| (seconds * frames_a_second).round() as usize;
    let (reach, before, after) = (of(PEAK).max(1), of(MEAN.0), of(MEAN.1));
    let window = |n: usize, a: usize, b: usize| &curve[n.saturating_sub(a)..(n + b + 1).min(curve.len())];
    let mut out: Vec<(f64, f32)> = Vec::new();
    for (n, &x) in curve.iter().enumerate() {
        if x < THRESHOLD || window(n, reach, reach).iter().any(|y| *y > x) {
            continue;
        }
        let around = window(n, before, after);
        let mean = around.iter().sum::<f32>() / around.len() as f32;
        let last = out.last().map_or(f64::NEG_INFINITY, |l| l.0);
        if x < mean + THRESHOLD || (n as f64 - last) < APART * frames_a_second {
            continue;
        }
        let at = |i: Option<usize>| i.and_then(|i| curve.get(i)).copied().unwrap_or(x);
        let (l, r) = (at(n.checked_sub(1)), at(Some(n + 1)));
        let bend = l - 2.0 * x + r;
        let shift = if bend < 0.0 {
            (0.5 * (l - r) / bend).clamp(-0.5, 0.5)
        } else {
            0.0
        };
        out.push((n as f64 + f64::from(shift), x));
    }
    out
}

//! What a hit's classifier sees: candidates, each with its spectrum in the moments around the attack.
//!
//! For each candidate onset there are three parts, all relative to the track's own level, so that gain does not matter:
//!
//! * **patch** [[`BANDS`] × [`FRAMES`]], a band a row: log-mel spectrum, 30 Hz to 16 kHz, from windows of 23 ms. Columns
//!   are centred from 50 ms before the attack to 270 ms after it: 5 ms apart near the attack, means over two to four
//!   such steps elsewhere ([`COLUMNS`]).
//! * **low** [[`LOW_BANDS`] × [`LOW_FRAMES`]]: 25 to 500 Hz, from windows of 93 ms centred [`LOW_OFFSETS`] after the
//!   attack. It tells kicks, toms and bass notes apart, which 43 Hz a bin cannot.
//! * **scalars** [[`SCALARS`]]: what lies around the candidate in time, and its rank in the track ([`SCALAR_NAMES`]).
//!
//! Levels are in units of 20 dB relative to the track's level (the 95th percentile of its frames with sound), no lower
//! than −4. A window of the patch lies exactly on the attack by interpolation between frames; those of the low part are
//! transformed where they lie.

use super::onset::flux::PARTS;
use super::onset::{self, CANDIDATES, Front, HOP, N_FFT, Onset, OnsetError, PLAIN, RATE};
use crate::audio::resample::halve;
use crate::dsp::log::log10;
use crate::dsp::mel::MelBank;
use crate::dsp::stft::{Stft, power};
use crate::progress::{Cancelled, Progress};

/// Bands of the patch.
pub const BANDS: usize = 48;
/// Columns of the patch.
pub const FRAMES: usize = 32;
/// Range of the patch in Hz.
pub const RANGE_HZ: (f64, f64) = (30.0, 16_000.0);
/// First step and number of steps (of [`HOP`] samples, 0 at the attack) whose mean each column of the patch is.
pub const COLUMNS: [(isize, usize); FRAMES] = columns();
/// Column of the attack itself.
pub const ATTACK: usize = 6;

/// Bands of the low part.
pub const LOW_BANDS: usize = 16;
/// Columns of the low part.
pub const LOW_FRAMES: usize = 8;
/// Centres of the low part's windows after the attack, in seconds.
pub const LOW_OFFSETS: [f64; LOW_FRAMES] = [-0.0464, -0.012, 0.012, 0.0464, 0.070, 0.1, 0.15, 0.21];
/// Edges of the low bands in bins of 10.77 Hz: single bins first, then a sixth of an octave or more.
const LOW_EDGES: [usize; LOW_BANDS + 1] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20, 25, 30, 37, 46];
/// The low part's rate is the eighth of [`RATE`].
const LOW_HALVINGS: u32 = 3;
const LOW_N_FFT: usize = 512;

/// Scalars.
pub const SCALARS: usize = 22;
/// What the scalars are, in order.
///
/// Gaps are `ln(gap / 0.1 s)` within ±3, ratios natural logarithms within ±3, ranks parts of the track's candidates that
/// are lower, levels as in the patch.
pub const SCALAR_NAMES: [&str; SCALARS] = [
    "log_strength",
    "strength_rank",
    "attack_level",
    "attack_level_rank",
    "rise",
    "decay_50_110",
    "decay_110_220",
    "gap_before",
    "gap_after",
    "gap_before_plain",
    "gap_after_plain",
    "strength_over_before",
    "strength_over_after",
    "flux_120",
    "flux_400",
    "flux_1500",
    "flux_5000",
    "flux_17000",
    "zero_crossings",
    "crest",
    "density",
    "repetition",
];

/// Levels are in these units (dB) and no lower than [`FLOOR`].
const UNIT_DB: f32 = 20.0;
const FLOOR: f32 = -4.0;
/// Percentile of the frames with sound that is the track's level.
const REFERENCE: f64 = 0.95;
/// Frames this far below the loudest in dB are not counted as sound.
const SOUND_DB: f32 = -60.0;
/// Bound of gaps and ratios.
const BOUND: f32 = 3.0;
/// Samples of the attack that zero crossings and crest are taken from (20 ms).
const HEAD: usize = 882;
/// Candidates within so many seconds are what `density` counts.
const DENSITY: f64 = 1.0;
/// The candidates most like this one whose mean distance is `repetition`.
const LIKE: usize = 3;

const fn columns() -> [(isize, usize); FRAMES] {
    let mut out = [(0, 0); FRAMES];
    let (mut step, mut i) = (-10isize, 0);
    while i < FRAMES {
        let width = if i < 4 {
            2
        } else if i < 18 {
            1
        } else if i < 25 {
            2
        } else {
            4
        };
        out[i] = (step, width);
        step += width as isize;
        i += 1;
    }
    out
}

/// Candidate onsets with what a classifier sees of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// The onsets, in order of time.
    pub onsets: Vec<Onset>,
    /// `onsets.len()` patches of [`BANDS`] × [`FRAMES`] values.
    pub patch: Vec<f32>,
    /// `onsets.len()` low parts of [`LOW_BANDS`] × [`LOW_FRAMES`] values.
    pub low: Vec<f32>,
    /// `onsets.len()` times [`SCALARS`] values.
    pub scalars: Vec<f32>,
}

impl Candidates {
    /// The candidates of `mono` at `rate` Hz; none in silence.
    pub fn of(mono: &[f32], rate: u32, progress: &dyn Progress) -> Result<Self, OnsetError> {
        let mono = onset::at_rate(mono, rate)?;
        Ok(Self::at_rate(&mono, progress)?)
    }

    /// The same at [`RATE`], for samples that are finite.
    pub(crate) fn at_rate(mono: &[f32], progress: &dyn Progress) -> Result<Self, Cancelled> {
        let Some(gain) = onset::gain(mono) else {
            return Ok(Self::default());
        };
        let bank = MelBank::new(f64::from(RATE), N_FFT, BANDS, RANGE_HZ.0, RANGE_HZ.1);
        let front = Front::of(mono, gain, Some(&bank), progress)?;
        let (onsets, frames) = onset::of_front(&front, mono, gain, CANDIDATES, progress)?;
        let reference = reference(&front.level);
        let mut patch = vec![0.0; onsets.len() * BANDS * FRAMES];
        for (onset, patch) in onsets.iter().zip(patch.chunks_exact_mut(BANDS * FRAMES)) {
            spectrum(&front.mel, reference, onset.time, patch);
        }
        let low = low(mono, gain, &onsets, reference, progress)?;
        let scalars = scalars(mono, &front, &onsets, &frames, reference, &patch);
        Ok(Self {
            onsets,
            patch,
            low,
            scalars,
        })
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.onsets.len()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.onsets.is_empty()
    }

    /// The patch of candidate `i`: [`BANDS`] rows of [`FRAMES`].
    pub fn patch(&self, i: usize) -> &[f32] {
        &self.patch[i * BANDS * FRAMES..(i + 1) * BANDS * FRAMES]
    }

    /// The low part of candidate `i`: [`LOW_BANDS`] rows of [`LOW_FRAMES`].
    pub fn low(&self, i: usize) -> &[f32] {
        &self.low[i * LOW_BANDS * LOW_FRAMES..(i + 1) * LOW_BANDS * LOW_FRAMES]
    }

    /// The scalars of candidate `i`.
    pub fn scalars(&self, i: usize) -> &[f32] {
        &self.scalars[i * SCALARS..(i + 1) * SCALARS]
    }
}

/// The level of a track: a high percentile of its frames with sound, in dB.
fn reference(level: &[f32]) -> f32 {
    let loudest = level.iter().fold(f32::MIN, |a, x| a.max(*x));
    let mut sound: Vec<f32> = level.iter().copied().filter(|x| *x > loudest + SOUND_DB).collect();
    let at = ((sound.len() as f64 * REFERENCE) as usize).min(sound.len().saturating_sub(1));
    if sound.is_empty() {
        return 0.0;
    }
    *sound.select_nth_unstable_by(at, f32::total_cmp).1
}

/// A level in dB as the classifier sees it.
#[inline(always)]
fn scaled(db: f32, reference: f32) -> f32 {
    ((db - reference) / UNIT_DB).max(FLOOR)
}

/// The patch at `time` from the log-mel spectrum.
fn spectrum(mel: &[f32], reference: f32, time: f64, out: &mut [f32]) {
    let frames = mel.len() / BANDS;
    let at = time * f64::from(RATE) / HOP as f64;
    let (first, part) = (at.floor() as isize, (at - at.floor()) as f32);
    let row = |n: isize| -> Option<&[f32]> {
        let n = usize::try_from(n).ok().filter(|n| *n < frames)?;
        Some(&mel[n * BANDS..(n + 1) * BANDS])
    };
    // Outside the signal there is silence.
    let mut sums = [0.0f32; BANDS];
    let add = |n: isize, weight: f32, sums: &mut [f32; BANDS]| match row(n) {
        Some(row) => sums
            .iter_mut()
            .zip(row)
            .for_each(|(s, x)| *s += weight * scaled(*x, reference)),
        None => sums.iter_mut().for_each(|s| *s += weight * FLOOR),
    };
    for (column, (step, width)) in COLUMNS.into_iter().enumerate() {
        sums.fill(0.0);
        // Neighbouring steps share the frames between them.
        let weight = 1.0 / width as f32;
        for i in 0..=width {
            let share = if i == 0 {
                1.0 - part
            } else if i == width {
                part
            } else {
                1.0
            };
            add(first + step + i as isize, weight * share, &mut sums);
        }
        for (b, s) in sums.iter().enumerate() {
            out[b * FRAMES + column] = *s;
        }
    }
}

/// The low parts of all candidates.
fn low(
    mono: &[f32],
    gain: f32,
    onsets: &[Onset],
    reference: f32,
    progress: &dyn Progress,
) -> Result<Vec<f32>, Cancelled> {
    const SIZE: usize = LOW_BANDS * LOW_FRAMES;
    let mut out = vec![FLOOR; onsets.len() * SIZE];
    if onsets.is_empty() {
        return Ok(out);
    }
    let mut signal = halve(mono);
    for _ in 1..LOW_HALVINGS {
        progress.check()?;
        signal = halve(&signal);
    }
    let rate = f64::from(RATE >> LOW_HALVINGS) + f64::from(RATE % (1 << LOW_HALVINGS)) / f64::from(1 << LOW_HALVINGS);
    // A hop of one sample: frame `t` is centred on sample `t`.
    let mut stft = Stft::new(LOW_N_FFT, 1);
    let mut squares = vec![0.0; stft.bins()];
    let unit = (gain * 4.0 / LOW_N_FFT as f32).powi(2);
    let mut bands = [0.0f32; LOW_BANDS];
    for (i, (onset, out)) in onsets.iter().zip(out.chunks_exact_mut(SIZE)).enumerate() {
        if i % 256 == 0 {
            progress.check()?;
        }
        for (column, offset) in LOW_OFFSETS.into_iter().enumerate() {
            let at = ((onset.time + offset) * rate).round();
            if at < 0.0 {
                continue;
            }
            power(stft.frame(&signal, at as usize), &mut squares);
            for (band, edge) in bands.iter_mut().zip(LOW_EDGES.windows(2)) {
                *band = 1e-12 + unit * squares[edge[0]..edge[1]].iter().sum::<f32>();
            }
            log10(&mut bands);
            for (b, x) in bands.iter().enumerate() {
                out[b * LOW_FRAMES + column] = scaled(10.0 * x, reference);
            }
        }
    }
    Ok(out)
}

/// The scalars of all candidates. `frames` are the frames of their peaks.
fn scalars(mono: &[f32], front: &Front, onsets: &[Onset], frames: &[usize], reference: f32, patch: &[f32]) -> Vec<f32> {
    let n = onsets.len();
    // Level in dB: mean over frames from `from` to `to` seconds after `time`.
    let level = |time: f64, from: f64, to: f64| -> f32 {
        let at = |t: f64| ((time + t) * f64::from(RATE) / HOP as f64).round();
        let (a, b) = (at(from), at(to).max(at(from) + 1.0));
        if b <= 0.0 {
            return FLOOR;
        }
        let a = a.max(0.0) as usize;
        let b = (b as usize).min(front.level.len());
        if a >= b {
            return FLOOR;
        }
        let sum: f32 = front.level[a..b].iter().map(|x| scaled(*x, reference)).sum();
        sum / (b - a) as f32
    };
    let attack: Vec<f32> = onsets.iter().map(|o| level(o.time, 0.0, 0.02)).collect();
    let strength: Vec<f32> = onsets.iter().map(|o| o.strength).collect();
    let (strength_rank, attack_rank) = (ranks(&strength), ranks(&attack));
    let gap = |seconds: f64| ((seconds / 0.1).ln() as f32).clamp(-BOUND, BOUND);
    let ratio = |a: f32, b: f32| (a / b).ln().clamp(-BOUND, BOUND);
    let plain = |o: &&Onset| o.strength >= PLAIN;
    let repetition = repetition(patch, n);
    let mut out = Vec::with_capacity(n * SCALARS);
    for (i, o) in onsets.iter().enumerate() {
        let (before, after) = (&onsets[..i], &onsets[i + 1..]);
        let since = |b: Option<&Onset>| b.map_or(BOUND, |b| gap(o.time - b.time));
        let until = |a: Option<&Onset>| a.map_or(BOUND, |a| gap(a.time - o.time));
        let parts = front.parts.get(frames[i]).copied().unwrap_or([0.0; PARTS]);
        let head = head(mono, o.time);
        let near = |x: &&Onset| (x.time - o.time).abs() <= DENSITY;
        let density = before.iter().rev().take_while(near).count() + after.iter().take_while(near).count();
        let row: [f32; SCALARS] = [
            o.strength.ln(),
            strength_rank[i],
            attack[i],
            attack_rank[i],
            attack[i] - level(o.time, -0.045, -0.015),
            level(o.time, 0.05, 0.11) - attack[i],
            level(o.time, 0.11, 0.22) - attack[i],
            since(before.last()),
            until(after.first()),
            since(before.iter().rfind(plain)),
            until(after.iter().find(plain)),
            before.last().map_or(0.0, |b| ratio(o.strength, b.strength)),
            after.first().map_or(0.0, |a| ratio(o.strength, a.strength)),
            parts[0].ln_1p(),
            parts[1].ln_1p(),
            parts[2].ln_1p(),
            parts[3].ln_1p(),
            parts[4].ln_1p(),
            head.0,
            head.1,
            density as f32 / 20.0,
            repetition[i],
        ];
        out.extend(row);
    }
    out
}

/// Zero crossings a sample and crest (peak to RMS, in units of 20 dB) of the first 20 ms.
fn head(mono: &[f32], time: f64) -> (f32, f32) {
    let from = ((time * f64::from(RATE)) as usize).min(mono.len());
    let part = &mono[from..(from + HEAD).min(mono.len())];
    let crossings = part.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
    let peak = part.iter().fold(0.0f32, |a, x| a.max(x.abs()));
    let square = part.iter().map(|x| x * x).sum::<f32>() / part.len().max(1) as f32;
    let crest = if square > 0.0 {
        (peak / square.sqrt()).log10()
    } else {
        0.0
    };
    (crossings as f32 / part.len().max(1) as f32, crest)
}

/// For each value the part of the others that are lower.
fn ranks(values: &[f32]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut out = vec![0.0; values.len()];
    let scale = 1.0 / values.len().saturating_sub(1).max(1) as f32;
    for (rank, i) in order.into_iter().enumerate() {
        out[i] = rank as f32 * scale;
    }
    out
}

/// How much each candidate's attack differs from those most like it, each freed of its level: drums repeat themselves.
/// RMS difference in units of 20 dB, at most [`BOUND`].
fn repetition(patch: &[f32], n: usize) -> Vec<f32> {
    /// Every second band of four columns.
    const SIZE: usize = BANDS / 2 * 4;
    /// Candidates at either side among which likenesses are sought; a bound for long tracks.
    const REACH: usize = 256;
    let mut heads = vec![0.0f32; n * SIZE];
    for (patch, head) in patch.chunks_exact(BANDS * FRAMES).zip(heads.chunks_exact_mut(SIZE)) {
        for b in 0..BANDS / 2 {
            for (c, column) in [ATTACK + 1, ATTACK + 3, ATTACK + 8, ATTACK + 14]
                .into_iter()
                .enumerate()
            {
                let at = |b: usize| patch[b * FRAMES + column];
                head[b * 4 + c] = 0.5 * (at(2 * b) + at(2 * b + 1));
            }
        }
        let mean = head.iter().sum::<f32>() / SIZE as f32;
        head.iter_mut().for_each(|x| *x -= mean);
    }
    let head = |i: usize| &heads[i * SIZE..(i + 1) * SIZE];
    (0..n)
        .map(|i| {
            let mut best = [f32::INFINITY; LIKE];
            for j in i.saturating_sub(REACH)..(i + REACH + 1).min(n) {
                if i == j {
                    continue;
                }
                let mut d = distance(head(i), head(j));
                for slot in &mut best {
                    if d < *slot {
                        std::mem::swap(slot, &mut d);
                    }
                }
            }
            let mean = best.iter().map(|d| (d / SIZE as f32).sqrt().min(BOUND)).sum::<f32>();
            mean / LIKE as f32
        })
        .collect()
}

/// Sum of squared differences, in eight lanes.
#[inline(always)]
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            let d = a[i] - b[i];
            lanes[i] += d * d;
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests;

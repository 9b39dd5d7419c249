//! The tracker's front end: onset strength in five groups of bands, texture, chroma.
//!
//! Two kinds of spectral flux serve two purposes. The *log flux* (SuperFlux: Böck and Widmer, DAFx 2013) treats soft and
//! loud attacks alike and finds pulses; the *linear flux* (Masri 1996) tells how strong an attack is and chooses among
//! pulses. Curve value `i` compares the spectra one hop before and one hop after frame `i`, so it belongs to time
//! `i * HOP` less [`FLUX_ADVANCE`](super::constants::FLUX_ADVANCE).
//!
//! Spectra are streamed; what is kept is some 25 numbers a frame and 44 a texture slot.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex32;

use super::constants::*;
use super::input::{self, Input, MelTap};
use crate::dsp::stft::hann;
use crate::progress::{Cancelled, Progress, Stage};
use crate::vectorized;

/// Groups of bands.
pub(crate) const GROUPS: usize = 5;

/// The curves that the tracker works on, at [`FPS`] unless said otherwise.
pub(crate) struct Front {
    /// Frames of the curves.
    pub(crate) frames: usize,
    /// Log flux by group.
    pub(crate) log_flux: [Vec<f32>; GROUPS],
    /// Linear flux by group, mean 1, at most 30.
    pub(crate) flux: [Vec<f32>; GROUPS],
    /// Flux of the square root of the magnitudes by group, mean 1.
    pub(crate) root_flux: [Vec<f32>; GROUPS],
    /// Kick: rise below 150 Hz that falls again within 0.14 s, mean 1.
    pub(crate) kick: Vec<f32>,
    /// First frame with sound and one past the last.
    pub(crate) sound: (usize, usize),
    /// Bands of a texture slot.
    pub(crate) bands: usize,
    /// Mean log magnitude by slot and band.
    pub(crate) texture: Vec<f32>,
    /// Chroma, 60 to 4000 Hz, by chroma frame, mean removed.
    pub(crate) chroma: Vec<[f32; 12]>,
    /// Chroma, 40 to 250 Hz, by chroma frame, mean removed.
    pub(crate) bass: Vec<[f32; 12]>,
    /// Norm a frame up to which chroma is taken for noise.
    pub(crate) chroma_floor: f64,
    /// The same for the bass.
    pub(crate) bass_floor: f64,
}

/// Bins of the onset spectrum that each band sums, and the group of each band.
struct Bands {
    edges: Vec<usize>,
    group: Vec<usize>,
}

impl Bands {
    /// Single bins up to bin 8, then a sixth of an octave each.
    fn new() -> Self {
        let nyquist = N_FFT / 2;
        let mut edges: Vec<usize> = (1..=9).collect();
        let mut edge = 9.0f64;
        while edges.last().is_some_and(|&e| e < nyquist) {
            edge *= 2f64.powf(1.0 / 6.0);
            let next = (edge.round() as usize).min(nyquist);
            if edges.last().is_some_and(|&e| next > e) {
                edges.push(next);
            }
        }
        let bin = RATE / N_FFT as f64;
        let group = edges
            .windows(2)
            .map(|w| {
                let centre = 0.5 * (w[0] + w[1] - 1) as f64 * bin;
                GROUP_EDGES.iter().filter(|&&e| centre >= e).count()
            })
            .collect();
        Self { edges, group }
    }

    fn len(&self) -> usize {
        self.group.len()
    }
}

/// `ln(1 + x)` for `x >= 0` to about 1e-5: exponent and a polynomial of the mantissa, so that it vectorises.
#[inline(always)]
pub(super) fn ln_1p(x: f32) -> f32 {
    let y = 1.0 + x;
    let bits = y.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    // Least squares of log2(1 + t) on [0, 1), exact at both ends; 3e-6 off at most.
    let t = m - 1.0;
    let p = t
        * (1.442_527_3
            + t * (-0.717_913_5 + t * (0.456_540_4 + t * (-0.275_968_96 + t * (0.120_100_26 - t * 0.025_285_51)))));
    (p + exponent as f32) * std::f32::consts::LN_2
}

/// Loads the frame centred on sample `centre`, levelled and windowed; zero outside the signal. Samples that are not
/// finite count as zero.
#[inline(always)]
pub(super) fn load(frame: &mut [f32], window: &[f32], signal: &[f32], centre: isize, mean: f32, gain: f32) {
    let n = frame.len();
    let start = centre - (n / 2) as isize;
    let lo = start.clamp(0, signal.len() as isize) as usize;
    let hi = (start + n as isize).clamp(lo as isize, signal.len() as isize) as usize;
    frame.fill(0.0);
    if lo == hi {
        return;
    }
    let at = (lo as isize - start) as usize;
    for ((f, s), w) in frame[at..].iter_mut().zip(&signal[lo..hi]).zip(&window[at..]) {
        let x = if s.is_finite() { *s } else { 0.0 };
        *f = (x - mean) * gain * w;
    }
}

/// Magnitudes of a spectrum.
#[inline(always)]
pub(super) fn magnitudes(spectrum: &[Complex32], out: &mut [f32]) {
    for (m, z) in out.iter_mut().zip(spectrum) {
        *m = (z.re * z.re + z.im * z.im).sqrt();
    }
}

/// Sum in eight lanes, so that it vectorises.
#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let chunks = x.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for c in chunks {
        for (l, v) in lanes.iter_mut().zip(c) {
            *l += v;
        }
    }
    rest + lanes.iter().sum::<f32>()
}

/// Scalar product in eight lanes; as many terms as the shorter has.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
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

/// Mean and RMS about the mean of the finite samples.
pub(super) fn level(signal: &[f32]) -> (f64, f64) {
    let (mut total, mut power) = (0.0f64, 0.0f64);
    for block in signal.chunks(4096) {
        let (mut s, mut p) = ([0.0f32; 8], [0.0f32; 8]);
        for c in block.chunks(8) {
            for ((s, p), x) in s.iter_mut().zip(&mut p).zip(c) {
                let x = if x.is_finite() { *x } else { 0.0 };
                *s += x;
                *p += x * x;
            }
        }
        total += f64::from(s.iter().sum::<f32>());
        power += f64::from(p.iter().sum::<f32>());
    }
    let n = signal.len().max(1) as f64;
    let mean = total / n;
    let variance = power / n - mean * mean;
    // What a subtraction of nearly equal powers leaves of a constant is rounding.
    let floor = 1e-6 * mean * mean;
    (mean, if variance > floor { variance.sqrt() } else { 0.0 })
}

/// One band frame: magnitudes summed, their logarithm and their square root.
#[derive(Clone)]
struct BandFrame {
    sum: Vec<f32>,
    log: Vec<f32>,
    root: Vec<f32>,
}

impl BandFrame {
    fn new(n: usize) -> Self {
        Self {
            sum: vec![0.0; n],
            log: vec![0.0; n],
            root: vec![0.0; n],
        }
    }
}

/// Gain that brings a signal of this RMS to [`RMS`].
pub(super) fn gain(rms: f64) -> f32 {
    (RMS / rms) as f32
}

/// Makes the curves of `mono` at 22.05 kHz, and the beat network's input too if `heard` by one. `None` where it is silent,
/// constant or too short to carry a beat.
pub(crate) fn front(
    mono: &[f32],
    heard: bool,
    progress: &dyn Progress,
) -> Result<Option<(Front, Option<Input>)>, Cancelled> {
    let (mean, rms) = level(mono);
    let usable = rms.is_finite() && rms >= SILENCE_RMS && mono.len() as f64 >= MIN_SECONDS * RATE;
    if !usable {
        return Ok(None);
    }
    let (mean, gain) = (mean as f32, gain(rms));
    let mut tap = if heard { MelTap::new(mono, mean) } else { None };
    let mut front = fluxes(mono, mean, gain, tap.as_mut(), progress)?;
    chroma(mono, mean, gain, &mut front, progress)?;
    if front.sound.1 <= front.sound.0 {
        return Ok(None);
    }
    Ok(Some((front, tap.map(|tap| tap.finish(mono)))))
}

fn fluxes(
    mono: &[f32],
    mean: f32,
    gain: f32,
    mut tap: Option<&mut MelTap>,
    progress: &dyn Progress,
) -> Result<Front, Cancelled> {
    let bands = Bands::new();
    let nb = bands.len();
    let frames = 1 + mono.len() / HOP;
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(N_FFT);
    let window = hann(N_FFT);
    let (mut frame, mut spectrum, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let mut mags = vec![0.0f32; N_FFT / 2 + 1];
    let curve = || vec![0.0f32; frames];
    let mut log_flux: [Vec<f32>; GROUPS] = std::array::from_fn(|_| curve());
    let mut flux: [Vec<f32>; GROUPS] = std::array::from_fn(|_| curve());
    let mut root_flux: [Vec<f32>; GROUPS] = std::array::from_fn(|_| curve());
    let (mut low, mut total) = (curve(), curve());
    let slots = frames.div_ceil(SLOT);
    let mut texture = vec![0.0f32; slots * nb];
    let widths: [f32; GROUPS] = std::array::from_fn(|g| bands.group.iter().filter(|&&x| x == g).count().max(1) as f32);
    // The last three band frames, newest at `at`.
    let mut ring = [BandFrame::new(nb), BandFrame::new(nb), BandFrame::new(nb)];
    for step in 0..frames + 2 {
        if step % 2048 == 0 {
            progress.check()?;
            progress.report(Stage::Track, 0.6 * step as f32 / frames as f32);
        }
        // Step `s` transforms frame `s - 1` and completes curve value `s - 2`.
        let centre = (step as isize - 1) * HOP as isize;
        vectorized!(load(&mut frame, &window, mono, centre, mean, gain));
        // The buffers come from the plan, so their lengths fit and the transform cannot fail.
        let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
        let (at, before) = (step % 3, (step + 1) % 3);
        let mut new = std::mem::replace(
            &mut ring[at],
            BandFrame {
                sum: vec![],
                log: vec![],
                root: vec![],
            },
        );
        vectorized!({
            magnitudes(&spectrum, &mut mags);
            for (b, w) in bands.edges.windows(2).enumerate() {
                new.sum[b] = sum(&mags[w[0]..w[1]]);
            }
            for ((l, r), &s) in new.log.iter_mut().zip(&mut new.root).zip(&new.sum) {
                *l = ln_1p(s);
                *r = s.sqrt();
            }
        });
        if step >= 1 && step <= frames {
            let n = step - 1;
            if let Some(tap) = tap.as_mut().filter(|_| n % input::STRIDE == 0) {
                tap.push(&mags, gain);
            }
            low[n] = new
                .sum
                .iter()
                .zip(&bands.group)
                .take_while(|x| *x.1 == 0)
                .map(|x| x.0)
                .sum();
            total[n] = sum(&new.sum);
            let slot = n / SLOT;
            let size = (frames - slot * SLOT).min(SLOT) as f32;
            for (t, l) in texture[slot * nb..(slot + 1) * nb].iter_mut().zip(&new.log) {
                *t += l / size;
            }
        }
        if step >= 2 {
            let i = step - 2;
            let old = &ring[before];
            let (mut o, mut e, mut r) = ([0.0f32; GROUPS], [0.0f32; GROUPS], [0.0f32; GROUPS]);
            for b in 0..nb {
                let g = bands.group[b];
                let around = old.log[b]
                    .max(old.log[b.saturating_sub(1)])
                    .max(old.log[(b + 1).min(nb - 1)]);
                o[g] += (new.log[b] - around).max(0.0);
                e[g] += (new.sum[b] - old.sum[b]).max(0.0);
                r[g] += (new.root[b] - old.root[b]).max(0.0);
            }
            for g in 0..GROUPS {
                log_flux[g][i] = o[g] / widths[g];
                flux[g][i] = e[g];
                root_flux[g][i] = r[g];
            }
        }
        ring[at] = new;
    }
    let mut kick = kicks(&low);
    flux.iter_mut().chain(&mut root_flux).for_each(|c| normalise(c));
    normalise(&mut kick);
    Ok(Front {
        frames,
        log_flux,
        flux,
        root_flux,
        kick,
        sound: sounding(&total),
        bands: nb,
        texture,
        chroma: Vec::new(),
        bass: Vec::new(),
        chroma_floor: 0.0,
        bass_floor: 0.0,
    })
}

/// Rise of the low band over two frames, as far as it falls again within 0.14 s: a drum, not a bass note.
fn kicks(low: &[f32]) -> Vec<f32> {
    let reach = (0.14 * FPS) as usize;
    let n = low.len();
    (0..n)
        .map(|i| {
            let (before, after) = (if i > 0 { low[i - 1] } else { 0.0 }, low[(i + 1).min(n - 1)]);
            let rise = after - before;
            if rise <= 0.0 {
                return 0.0;
            }
            let window = &low[i..(i + reach).min(n)];
            let (mut peak, mut fall) = (0.0f32, 0.0f32);
            for &x in window {
                peak = peak.max(x);
                fall = fall.max(peak - x);
            }
            rise.min(fall)
        })
        .collect()
}

/// Divides by the mean and clips at 30.
fn normalise(curve: &mut [f32]) {
    let mean = curve.iter().map(|&x| f64::from(x)).sum::<f64>() / curve.len().max(1) as f64;
    let scale = if mean > 0.0 { (1.0 / mean) as f32 } else { 0.0 };
    curve.iter_mut().for_each(|x| *x = (*x * scale).min(30.0));
}

/// First and one past the last frame above 2 % of the level that 5 % of the frames pass.
fn sounding(total: &[f32]) -> (usize, usize) {
    let threshold = 0.02 * quantile(total, 0.95);
    let first = total.iter().position(|&x| x > threshold);
    let last = total.iter().rposition(|&x| x > threshold);
    match (first, last) {
        (Some(a), Some(b)) => (a, b + 1),
        _ => (0, 0),
    }
}

/// The `q` quantile (nearest rank) of `x`; 0 of nothing.
pub(crate) fn quantile(x: &[f32], q: f64) -> f32 {
    if x.is_empty() {
        return 0.0;
    }
    let mut copy = x.to_vec();
    let k = ((copy.len() - 1) as f64 * q).round() as usize;
    *copy.select_nth_unstable_by(k, f32::total_cmp).1
}

fn chroma(mono: &[f32], mean: f32, gain: f32, front: &mut Front, progress: &dyn Progress) -> Result<(), Cancelled> {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(CHROMA_FFT);
    let window = hann(CHROMA_FFT);
    let (mut frame, mut spectrum, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let bin = RATE / CHROMA_FFT as f64;
    let (first, last) = ((40.0 / bin).ceil() as usize, (4_000.0 / bin) as usize);
    // Lower pitch class of each bin and the share of the next one.
    let classes: Vec<(usize, f32)> = (first..=last)
        .map(|k| {
            let pitch = 12.0 * (k as f64 * bin / 440.0).log2() + 69.0;
            ((pitch.floor() as i64).rem_euclid(12) as usize, pitch.fract() as f32)
        })
        .collect();
    let (mid_from, bass_to) = ((60.0 / bin).ceil() as usize, (250.0 / bin) as usize);
    let mut logs = vec![0.0f32; classes.len()];
    let (mut held, mut previous) = (logs.clone(), logs.clone());
    let mut means = [0.0f64; 2];
    let count = 1 + mono.len() / CHROMA_HOP;
    for t in 0..count {
        if t % 512 == 0 {
            progress.check()?;
            progress.report(Stage::Track, 0.6 + 0.2 * t as f32 / count as f32);
        }
        vectorized!(load(&mut frame, &window, mono, (t * CHROMA_HOP) as isize, mean, gain));
        let _ = fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch);
        vectorized!({
            for (l, z) in logs.iter_mut().zip(&spectrum[first..=last]) {
                *l = ln_1p((z.re * z.re + z.im * z.im).sqrt());
            }
        });
        // What sounds in this frame and the one before: notes stay, drums do not.
        for ((s, l), p) in held.iter_mut().zip(&logs).zip(&mut previous) {
            *s = l.min(*p);
            *p = *l;
        }
        let (mut mid, mut bass) = ([0.0f32; 12], [0.0f32; 12]);
        for ((k, &(low, share)), &l) in (first..).zip(&classes).zip(&held) {
            let high = if low == 11 { 0 } else { low + 1 };
            if k >= mid_from {
                mid[low] += l * (1.0 - share);
                mid[high] += l * share;
            }
            if k <= bass_to {
                bass[low] += l * (1.0 - share);
                bass[high] += l * share;
            }
        }
        for (c, total) in [&mut mid, &mut bass].into_iter().zip(&mut means) {
            let mean = c.iter().sum::<f32>() / 12.0;
            *total += f64::from(mean);
            c.iter_mut().for_each(|x| *x -= mean);
        }
        front.chroma.push(mid);
        front.bass.push(bass);
    }
    let floor = |total: f64| CHROMA_FLOOR * 12f64.sqrt() * total / count as f64;
    (front.chroma_floor, front.bass_floor) = (floor(means[0]), floor(means[1]));
    Ok(())
}

impl Front {
    /// The pulse curve and its share below 150 Hz: log flux by group against its own surroundings, compressed, summed.
    pub(crate) fn pulses(&self) -> ([Vec<f32>; GROUPS], Vec<f32>) {
        let groups: [Vec<f32>; GROUPS] = std::array::from_fn(|g| {
            let curve = &self.log_flux[g];
            let global = mean(curve);
            let local = running_mean(curve, (3.0 * FPS) as usize);
            curve
                .iter()
                .zip(&local)
                .map(|(&x, &m)| (x / (m + 0.3 * global).max(1e-9)).sqrt().min(6.0))
                .collect()
        });
        let mut all = vec![0.0f32; self.frames];
        for (g, w) in groups.iter().zip(GROUP_WEIGHTS) {
            all.iter_mut().zip(g).for_each(|(a, x)| *a += w * x);
        }
        (groups, all)
    }

    /// Linear flux over all groups, mean 1.
    pub(crate) fn attack(&self) -> Vec<f32> {
        let mut all = vec![0.0f32; self.frames];
        for g in &self.flux {
            all.iter_mut().zip(g).for_each(|(a, x)| *a += x / GROUPS as f32);
        }
        all
    }

    /// Seconds of a place on the curves.
    pub(crate) fn seconds(frame: f64) -> f64 {
        frame * HOP as f64 / RATE + FLUX_ADVANCE
    }

    /// Place on the curves of a time in seconds.
    pub(crate) fn frame(seconds: f64) -> f64 {
        (seconds - FLUX_ADVANCE) * FPS
    }
}

/// Arithmetic mean; 0 of nothing.
pub(crate) fn mean(x: &[f32]) -> f32 {
    (x.iter().map(|&v| f64::from(v)).sum::<f64>() / x.len().max(1) as f64) as f32
}

/// Mean over `reach` values on either side, fewer at the ends.
pub(crate) fn running_mean(x: &[f32], reach: usize) -> Vec<f32> {
    let n = x.len();
    let (mut lo, mut hi, mut total) = (0, 0, 0.0f64);
    (0..n)
        .map(|i| {
            while hi < (i + reach + 1).min(n) {
                total += f64::from(x[hi]);
                hi += 1;
            }
            while lo + reach < i {
                total -= f64::from(x[lo]);
                lo += 1;
            }
            (total.max(0.0) / (hi - lo).max(1) as f64) as f32
        })
        .collect()
}

/// Maximum over `reach` values on either side.
pub(crate) fn running_max(x: &[f32], reach: usize) -> Vec<f32> {
    let n = x.len();
    (0..n)
        .map(|i| {
            x[i.saturating_sub(reach)..(i + reach + 1).min(n)]
                .iter()
                .copied()
                .fold(0.0, f32::max)
        })
        .collect()
}

/// Gaussian smoothing of standard deviation `sigma` values, three of them wide, renormalised at the ends.
pub(crate) fn gauss(x: &[f32], sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as isize;
    let kernel: Vec<f32> = (-reach..=reach)
        .map(|k| (-0.5 * (k as f64 / sigma).powi(2)).exp() as f32)
        .collect();
    let n = x.len() as isize;
    (0..n)
        .map(|i| {
            let (lo, hi) = ((i - reach).max(0), (i + reach + 1).min(n));
            let w = &kernel[(lo - i + reach) as usize..(hi - i + reach) as usize];
            let total: f32 = w.iter().sum();
            x[lo as usize..hi as usize]
                .iter()
                .zip(w)
                .map(|(x, w)| x * w)
                .sum::<f32>()
                / total
        })
        .collect()
}

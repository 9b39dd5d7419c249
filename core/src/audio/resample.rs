//! Sample-rate conversion without delay: output frame `n` lies at input frame `n · from / to`.
//!
//! Every filter here is symmetric (linear phase) and its delay is taken out, so that what is found at the analysis rate
//! lies where it lies in the track. Halving, which serves 44.1, 88.2 and 176.4 kHz sources, is a half-band filter of
//! which only the taps that are not zero are computed; other ratios go through `rubato`'s synchronous FFT resampler.

use super::buffer::AudioBuffer;
use crate::vectorized;
use rubato::Resampler;

/// Taps on each side of the half-band filter, its centre apart; every other one is zero.
const SIDE: usize = 31;
/// Pairs of taps that are not zero.
const PAIRS: usize = SIDE.div_ceil(2);
/// Output frames computed at a time; their input stays in the first-level cache.
const BLOCK: usize = 2048;
/// Output frames whose sums are held in registers.
const TILE: usize = 32;

/// Why a rate cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot convert from {from} to {to} Hz: {reason}")]
pub struct ResampleError {
    /// From this rate.
    pub from: u32,
    /// To this rate.
    pub to: u32,
    /// The cause.
    pub reason: String,
}

/// Length of the result: ⌈`frames` · `to` / `from`⌉.
pub fn resampled_len(frames: usize, from: u32, to: u32) -> usize {
    let exact = frames as u128 * u128::from(to);
    exact.div_ceil(u128::from(from.max(1))) as usize
}

/// Converts `signal` from `from` to `to` Hz.
///
/// Linear phase, no delay, ⌈n·to/from⌉ frames; what lies beyond the ends is taken for silence. The pass band reaches to
/// 0.83 of the lower Nyquist frequency when halving and 0.9 otherwise; images and aliases from beyond the transition
/// band are below −70 dB.
///
/// ```
/// # use loopwright_core::audio::resample::to_rate;
/// let mut click = vec![0.0; 48_000];
/// click[24_000] = 1.0;
/// let out = to_rate(&click, 48_000, 22_050).unwrap();
/// assert_eq!(out.len(), 22_050);
/// let peak = (0..out.len()).max_by(|&a, &b| out[a].total_cmp(&out[b]));
/// assert_eq!(peak, Some(11_025));
/// ```
pub fn to_rate(signal: &[f32], from: u32, to: u32) -> Result<Vec<f32>, ResampleError> {
    convert(
        signal.len(),
        |start, out| out.copy_from_slice(&signal[start..start + out.len()]),
        from,
        to,
    )
}

/// The mean of the channels of `audio` at `to` Hz, as [`to_rate`] of [`AudioBuffer::mono`] but without holding that in
/// memory where the rate is halved.
pub fn mono_to_rate(audio: &AudioBuffer, to: u32) -> Result<Vec<f32>, ResampleError> {
    let planes = audio.planes();
    let gain = 1.0 / planes.len() as f32;
    let fill = |start: usize, out: &mut [f32]| match planes {
        [mono] => out.copy_from_slice(&mono[start..start + out.len()]),
        [left, right] => {
            for ((out, l), r) in out.iter_mut().zip(&left[start..]).zip(&right[start..]) {
                *out = (l + r) * 0.5;
            }
        }
        many => {
            out.fill(0.0);
            for plane in many {
                for (out, x) in out.iter_mut().zip(&plane[start..]) {
                    *out += x;
                }
            }
            out.iter_mut().for_each(|x| *x *= gain);
        }
    };
    convert(audio.frames(), fill, audio.sample_rate(), to)
}

/// Halves the rate; output frame `n` lies at input frame `2n`. A half-band low-pass of 63 taps (windowed sinc, Blackman:
/// Oppenheim and Schafer, *Discrete-Time Signal Processing*, 7.5) of unit gain at 0 Hz.
pub fn halve(input: &[f32]) -> Vec<f32> {
    halve_from(input.len(), |start, out| {
        out.copy_from_slice(&input[start..start + out.len()])
    })
}

/// `fill(start, out)` writes input frames `start ..` to `out`, inside `0..frames`.
fn convert(frames: usize, fill: impl Fn(usize, &mut [f32]), from: u32, to: u32) -> Result<Vec<f32>, ResampleError> {
    if from == 0 || to == 0 {
        return Err(ResampleError {
            from,
            to,
            reason: "a rate of 0 Hz".into(),
        });
    }
    // The half-band filter's transition lies around the new Nyquist frequency, which is harmless where that is the goal or
    // far above it; a rate in between (48 kHz on the way to 22.05) is converted in one step.
    let halves = |rate: u32| rate.is_multiple_of(2) && (rate / 2 == to || rate / 2 >= to.saturating_mul(2));
    if !halves(from) {
        let mut input = vec![0.0; frames];
        fill(0, &mut input);
        return if from == to {
            Ok(input)
        } else {
            by_fft(&input, from, to)
        };
    }
    let mut signal = halve_from(frames, fill);
    let mut rate = from / 2;
    while halves(rate) {
        signal = halve(&signal);
        rate /= 2;
    }
    if rate != to {
        signal = by_fft(&signal, rate, to)?;
        // Rounding up after each step may have given one frame more than rounding up once.
        signal.truncate(resampled_len(frames, from, to));
    }
    Ok(signal)
}

/// The taps at odd distances 1, 3, 5, … from the centre. With the centre's ½ they sum to 1.
fn half_band() -> [f32; PAIRS] {
    let mut taps = [0.0f64; PAIRS];
    for (k, tap) in taps.iter_mut().enumerate() {
        let distance = (2 * k + 1) as f64;
        let x = std::f64::consts::PI * distance / 2.0;
        // Blackman over 2·32 + 1 points, whose ends are zero and left out.
        let w = std::f64::consts::PI * distance / (SIDE + 1) as f64;
        *tap = 0.5 * x.sin() / x * (0.42 + 0.5 * w.cos() + 0.08 * (2.0 * w).cos());
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|t| (t * 0.25 / sum) as f32)
}

/// With `e[m] = x[2m]` and `o[m] = x[2m + 1]`, output `n` is `e[n] / 2 + Σ h[k] (o[n − k − 1] + o[n + k])`: the even
/// phase is only scaled, and the odd one meets a dense filter that vectorises over `n`.
fn halve_from(frames: usize, fill: impl Fn(usize, &mut [f32])) -> Vec<f32> {
    let taps = half_band();
    let total = frames.div_ceil(2);
    let mut output = vec![0.0; total];
    // Input of a block with the filter's reach on both sides.
    let mut input = vec![0.0f32; 2 * (BLOCK + TILE + 2 * PAIRS)];
    let mut even = vec![0.0f32; BLOCK + TILE];
    let mut odd = vec![0.0f32; BLOCK + TILE + 2 * PAIRS];
    for (index, out) in output.chunks_mut(BLOCK).enumerate() {
        // input[0] is frame 2 (index·BLOCK − PAIRS), so that odd[0] is o[index·BLOCK − PAIRS].
        let first = 2 * (index * BLOCK) as isize - 2 * PAIRS as isize;
        let lead = usize::try_from(-first).unwrap_or(0);
        let start = usize::try_from(first).unwrap_or(0);
        let there = frames.saturating_sub(start).min(input.len() - lead);
        input[..lead].fill(0.0);
        fill(start, &mut input[lead..lead + there]);
        input[lead + there..].fill(0.0);
        vectorized!(half_block(&taps, &input, &mut even, &mut odd, out));
    }
    output
}

#[inline(always)]
fn half_block(taps: &[f32; PAIRS], input: &[f32], even: &mut [f32], odd: &mut [f32], output: &mut [f32]) {
    let (frames, _) = input.as_chunks::<2>();
    for (o, f) in odd.iter_mut().zip(frames) {
        *o = f[1];
    }
    for (e, f) in even.iter_mut().zip(&frames[PAIRS..]) {
        *e = f[0];
    }
    for (tile, out) in output.chunks_mut(TILE).enumerate() {
        let at = tile * TILE;
        let mut sums = [0.0f32; TILE];
        for (k, &tap) in taps.iter().enumerate() {
            let left = &odd[at + PAIRS - k - 1..][..TILE];
            let right = &odd[at + PAIRS + k..][..TILE];
            for i in 0..TILE {
                sums[i] += tap * (left[i] + right[i]);
            }
        }
        for ((out, sum), e) in out.iter_mut().zip(&sums).zip(&even[at..]) {
            *out = 0.5 * e + sum;
        }
    }
}

/// Any ratio, through `rubato`.
fn by_fft(input: &[f32], from: u32, to: u32) -> Result<Vec<f32>, ResampleError> {
    use rubato::audioadapter_buffers::direct::SequentialSlice;
    let failed = |reason: String| ResampleError { from, to, reason };
    let expected = resampled_len(input.len(), from, to);
    if input.is_empty() {
        return Ok(Vec::new());
    }
    // Blocks are multiples of the ratio's terms. About a thousand frames make the transition band narrow; an even
    // multiple gives the filter a whole number of frames on each side, so that its delay can be taken out exactly.
    let unit = (from / gcd(from, to)) as usize;
    let block = unit * 1024usize.div_ceil(unit).next_multiple_of(2);
    let mut resampler = rubato::Fft::<f32>::new_custom(
        from as usize,
        to as usize,
        block,
        1,
        1,
        WINDOW,
        rubato::FixedSync::Input,
    )
    .map_err(|e| failed(e.to_string()))?;
    let mut output = vec![0.0; resampler.process_all_needed_output_len(input.len()).max(expected)];
    let frames = output.len();
    let source = SequentialSlice::new(input, 1, input.len()).map_err(|e| failed(e.to_string()))?;
    let mut sink = SequentialSlice::new_mut(&mut output, 1, frames).map_err(|e| failed(e.to_string()))?;
    resampler
        .process_all_into_buffer(&source, &mut sink, input.len(), None)
        .map_err(|e| failed(e.to_string()))?;
    output.truncate(expected);
    Ok(output)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Side lobes below −90 dB.
const WINDOW: rubato::WindowFunction = rubato::WindowFunction::BlackmanHarris2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::{PI, TAU};

    /// The definition: all 63 taps, one by one, in double precision.
    fn halve_by_definition(input: &[f32]) -> Vec<f64> {
        let side = SIDE as isize;
        let tap = |k: isize| {
            let x = PI * k as f64 / 2.0;
            let sinc = if k == 0 { 1.0 } else { x.sin() / x };
            let w = PI * k as f64 / (side + 1) as f64;
            0.5 * sinc * (0.42 + 0.5 * w.cos() + 0.08 * (2.0 * w).cos())
        };
        let sum: f64 = (-side..=side).map(tap).sum();
        (0..input.len().div_ceil(2))
            .map(|n| {
                let at = |k: isize| usize::try_from(2 * n as isize + k).ok().and_then(|i| input.get(i));
                (-side..=side)
                    .map(|k| tap(k) / sum * at(k).map_or(0.0, |&x| f64::from(x)))
                    .sum()
            })
            .collect()
    }

    fn sine(frames: usize, frequency: f64, rate: u32) -> Vec<f32> {
        (0..frames)
            .map(|i| (TAU * frequency * i as f64 / f64::from(rate)).sin() as f32)
            .collect()
    }

    /// Largest deviation from `gain` times the same sine at the other rate, away from the ends.
    fn deviation(out: &[f32], frequency: f64, rate: u32) -> f64 {
        let edge = out.len() / 8;
        let expected = sine(out.len(), frequency, rate);
        let pairs = out.iter().zip(&expected).skip(edge).take(out.len() - 2 * edge);
        pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
    }

    fn peak(out: &[f32]) -> f64 {
        let edge = out.len() / 8;
        out[edge..out.len() - edge]
            .iter()
            .fold(0.0, |m, x| x.abs().max(m))
            .into()
    }

    #[test]
    fn halving_is_its_definition() {
        let noise: Vec<f32> = (0..9001u64)
            .map(|i| ((i * i * 2_654_435_761) % 2003) as f32 / 1001.0 - 1.0)
            .collect();
        for length in [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 4095, 4096, 4097, 9001] {
            let fast = halve(&noise[..length]);
            let slow = halve_by_definition(&noise[..length]);
            assert_eq!(fast.len(), slow.len());
            for (n, (a, b)) in fast.iter().zip(&slow).enumerate() {
                // 2e-3 of the textbook sum comes from normalising the sides alone, so compare to rounding only.
                assert!((f64::from(*a) - b).abs() < 2e-5, "length {length}, frame {n}: {a} {b}");
            }
        }
    }

    #[test]
    fn sines_keep_amplitude_and_phase() {
        for (from, to) in [
            (44_100, 22_050),
            (88_200, 22_050),
            (176_400, 22_050),
            (48_000, 22_050),
            (96_000, 22_050),
        ] {
            for frequency in [50.0, 440.0, 3000.0, 8000.0] {
                let out = to_rate(&sine(from as usize, frequency, from), from, to).unwrap();
                let error = deviation(&out, frequency, to);
                assert!(error < 1e-3, "{from} to {to}, {frequency} Hz: {error}");
            }
        }
        for (from, to) in [
            (48_000, 44_100),
            (44_100, 48_000),
            (8000, 22_050),
            (11_025, 22_050),
            (44_056, 22_050),
        ] {
            for frequency in [50.0, 440.0, 3000.0] {
                let out = to_rate(&sine(from as usize, frequency, from), from, to).unwrap();
                let error = deviation(&out, frequency, to);
                assert!(error < 1e-3, "{from} to {to}, {frequency} Hz: {error}");
            }
        }
    }

    #[test]
    fn aliases_are_rejected() {
        for from in [44_100u32, 48_000, 88_200, 96_000, 192_000] {
            for frequency in [13_300.0, 15_000.0, 19_000.0, 21_500.0] {
                let out = to_rate(&sine(from as usize, frequency, from), from, 22_050).unwrap();
                let level = 20.0 * peak(&out).log10();
                assert!(level < -60.0, "{from} Hz, {frequency} Hz: {level:.1} dB");
            }
        }
    }

    #[test]
    fn an_impulse_stays_where_it_is() {
        for (from, to) in [
            (44_100, 22_050),
            (88_200, 22_050),
            (48_000, 22_050),
            (48_000, 44_100),
            (22_050, 44_100),
        ] {
            for second in [0.1, 0.5, 0.9] {
                let mut x = vec![0.0; from as usize];
                x[(second * f64::from(from)) as usize] = 1.0;
                let y = to_rate(&x, from, to).unwrap();
                let weight: f64 = y.iter().map(|&v| f64::from(v * v)).sum();
                let centre: f64 = y
                    .iter()
                    .enumerate()
                    .map(|(i, &v)| i as f64 * f64::from(v * v))
                    .sum::<f64>()
                    / weight;
                let expected = (second * f64::from(from)).floor() * f64::from(to) / f64::from(from);
                assert!(
                    (centre - expected).abs() < 0.05,
                    "{from} to {to} at {second} s: {centre} {expected}"
                );
            }
        }
    }

    #[test]
    fn mono_first_or_last_is_the_same() {
        let a = sine(30_001, 700.0, 44_100);
        let b = sine(30_001, 3100.0, 44_100);
        for rate in [44_100, 88_200, 48_000] {
            for planes in [
                vec![a.clone()],
                vec![a.clone(), b.clone()],
                vec![a.clone(), b.clone(), a.clone()],
            ] {
                let audio = AudioBuffer::new(planes, rate).unwrap();
                let fused = mono_to_rate(&audio, 22_050).unwrap();
                let apart = to_rate(&audio.mono(), rate, 22_050).unwrap();
                assert_eq!(fused.len(), apart.len());
                assert!(fused.iter().zip(&apart).all(|(a, b)| (a - b).abs() < 1e-6));
            }
        }
    }

    #[test]
    fn rates_of_zero_are_refused() {
        assert!(to_rate(&[1.0], 0, 1).is_err());
        assert!(to_rate(&[1.0], 1, 0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn length_is_rounded_up_once(frames in 0usize..5000, from in 1000u32..200_000, to in 8000u32..50_000) {
            let out = to_rate(&vec![0.5; frames], from, to).unwrap();
            prop_assert_eq!(out.len(), resampled_len(frames, from, to));
            prop_assert!(out.iter().all(|x| x.is_finite()));
        }
    }
}

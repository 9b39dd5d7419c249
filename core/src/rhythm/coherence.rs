//! Is it one tempo throughout? Long coherent integration of the pulse curve at the harmonics of a pulse.
//!
//! The curve is brought to baseband at each harmonic of a first guess and summed in blocks of a quarter of a second, so
//! that the exact frequency is found by a short transform and the cost grows with the length of the track, no faster.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

use super::constants::*;

/// A pulse frequency and how coherent the curve is at it.
pub(crate) struct Coherence {
    /// Pulse period in frames.
    pub(crate) period: f64,
    /// 0 to 1: phase agreement of the 8-s blocks.
    pub(crate) value: f64,
}

/// Harmonics that find the frequency.
const HARMONICS: [u32; 6] = [1, 2, 3, 4, 6, 8];
/// Frames of a baseband block (a quarter of a second).
const BLOCK: usize = 25;
/// How far from the guess the frequency is sought.
const REACH: f64 = 0.03;

/// The most coherent pulse within 3 % of `period` frames.
pub(crate) fn measure(curve: &[f32], period: f64) -> Coherence {
    let guess = 1.0 / period;
    let blocks = curve.len().div_ceil(BLOCK);
    let mean = f64::from(super::onset::mean(curve));
    let baseband: Vec<Vec<Complex64>> = HARMONICS
        .iter()
        .map(|&h| {
            let step = Complex64::from_polar(1.0, -std::f64::consts::TAU * f64::from(h) * guess);
            curve
                .chunks(BLOCK)
                .enumerate()
                .map(|(b, chunk)| {
                    let angle = (f64::from(h) * guess * (b * BLOCK) as f64).fract();
                    let mut turn = Complex64::from_polar(1.0, -std::f64::consts::TAU * angle);
                    let mut total = Complex64::default();
                    for &x in chunk {
                        total += turn * (f64::from(x) - mean);
                        turn *= step;
                    }
                    total
                })
                .collect()
        })
        .collect();
    // Spectra over offset from the guess, in cycles a block.
    let size = (8 * blocks).next_power_of_two().max(64);
    let spectra: Vec<Vec<Complex64>> = baseband.iter().map(|y| spectrum(y, size)).collect();
    let power = |offset: f64| -> f64 {
        HARMONICS
            .iter()
            .zip(&spectra)
            .map(|(&h, s)| {
                let x = (offset * f64::from(h) * BLOCK as f64).rem_euclid(1.0) * size as f64;
                let (i, f) = (x as usize % size, x.fract());
                s[i].norm_sqr() * (1.0 - f) + s[(i + 1) % size].norm_sqr() * f
            })
            .sum()
    };
    // A quarter of the resolution of the highest harmonic.
    let step = 1.0 / (8.0 * 4.0 * curve.len() as f64);
    let reach = (REACH * guess / step) as i64;
    let (best, _) = (-reach..=reach).fold((0.0, f64::MIN), |a, k| {
        let offset = k as f64 * step;
        let p = power(offset);
        if p > a.1 { (offset, p) } else { a }
    });
    let per = ((COHERENCE_BLOCK * FPS) as usize / BLOCK).min(blocks / 4).max(1);
    // Coherent against incoherent sum of the blocks at one harmonic.
    let agreement = |h: u32| -> (f64, f64) {
        let Some(at) = HARMONICS.iter().position(|&x| x == h) else {
            return (0.0, 0.0);
        };
        let (mut total, mut sum) = (Complex64::default(), 0.0);
        for (c, chunk) in baseband[at].chunks(per).enumerate() {
            let mut z = Complex64::default();
            for (b, y) in chunk.iter().enumerate() {
                let angle = (best * f64::from(h) * ((c * per + b) * BLOCK) as f64).fract();
                z += y * Complex64::from_polar(1.0, -std::f64::consts::TAU * angle);
            }
            total += z;
            sum += z.norm();
        }
        (total.norm(), sum)
    };
    let pooled = |harmonics: &[u32]| {
        let (c, s) = harmonics
            .iter()
            .map(|&h| agreement(h))
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        if s > 0.0 { c / s } else { 0.0 }
    };
    Coherence {
        period: 1.0 / (guess + best),
        value: pooled(&[2, 4]).max(pooled(&[1, 2, 4, 3])),
    }
}

/// Spectrum of a complex sequence padded to `size`, frequencies in transform order: the transforms of the real and of
/// the imaginary part, put together.
fn spectrum(x: &[Complex64], size: usize) -> Vec<Complex64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(size);
    let part = |pick: fn(&Complex64) -> f64| {
        let mut input = fft.make_input_vec();
        input.iter_mut().zip(x).for_each(|(i, z)| *i = pick(z));
        let mut output = fft.make_output_vec();
        // The buffers come from the plan: their lengths fit.
        let _ = fft.process(&mut input, &mut output);
        output
    };
    let (re, im) = (part(|z| z.re), part(|z| z.im));
    let j = Complex64::new(0.0, 1.0);
    (0..size)
        .map(|k| {
            let m = (size - k) % size;
            if k <= size / 2 {
                re[k] + j * im[k]
            } else {
                re[m].conj() + j * im[m].conj()
            }
        })
        .collect()
}

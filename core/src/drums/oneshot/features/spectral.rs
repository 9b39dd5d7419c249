//! Where the energy lies in frequency, how it is spread, and whether it is a tone.

use std::ops::Range;

use super::Feature;
use crate::drums::oneshot::sound::{BIN, LOOK_BIN, RATE, Sound, db};

/// Measures of a spectrum's shape.
const SHAPE: usize = 7;
/// Stretches of time whose spectra are measured.
const STRETCHES: [Range<u32>; 3] = [0..30, 30..120, 120..400];
/// Bands in Hz whose flatness is measured.
const FLAT: [Range<f32>; 6] = [
    80.0..350.0,
    350.0..1000.0,
    1000.0..2500.0,
    2500.0..5000.0,
    5000.0..9000.0,
    9000.0..16_000.0,
];
/// Bands in Hz of the low end.
const LOW: [Range<f32>; 7] = [
    25.0..45.0,
    45.0..65.0,
    65.0..90.0,
    90.0..130.0,
    130.0..180.0,
    180.0..260.0,
    260.0..400.0,
];
/// Where the lowest strong tone is looked for, in Hz.
const TONE: Range<f32> = 30.0..800.0;

pub(super) static FEATURES: &[Feature] = &[
    Feature {
        name: "shape",
        unit: "octaves, dB",
        width: SHAPE * STRETCHES.len(),
        doc: "of 0-30, 30-120 and 120-400 ms: centroid, spread, roll-off at 50, 85 and 95 % (octaves over 55 Hz), \
              flatness and crest (dB); a stretch after the end repeats the one before",
        compute: shapes,
    },
    Feature {
        name: "flatness_early",
        unit: "dB",
        width: FLAT.len(),
        doc: "geometric over arithmetic mean of the power in six bands, 0-93 ms: 0 for noise, low for tones",
        compute: |s, out| flatness(&s.looks[0], out),
    },
    Feature {
        name: "flatness_late",
        unit: "dB",
        width: FLAT.len(),
        doc: "the same, 80-173 ms",
        compute: |s, out| flatness(&s.looks[1], out),
    },
    Feature {
        name: "low_early",
        unit: "dB",
        width: LOW.len(),
        doc: "power in seven bands of 25 to 400 Hz, 0-93 ms, relative to all of it",
        compute: |s, out| low(&s.looks[0], out),
    },
    Feature {
        name: "low_late",
        unit: "dB",
        width: LOW.len(),
        doc: "the same, 80-173 ms",
        compute: |s, out| low(&s.looks[1], out),
    },
    Feature {
        name: "tone",
        unit: "octaves, dB",
        width: 5,
        doc: "strongest partial of 30-800 Hz: its place early and late (octaves over 55 Hz), how far it stands out of \
              that range early and late (dB), and how far it falls",
        compute: tone,
    },
    Feature {
        name: "periodicity",
        unit: "1",
        width: 2,
        doc: "greatest normalised autocorrelation at lags of 50-1000 Hz, of 5-98 ms and of 100-193 ms, below 5 kHz",
        compute: |s, out| {
            out[0] = periodicity(s, 5);
            out[1] = periodicity(s, 100);
        },
    },
];

fn octaves(hz: f32) -> f32 {
    (hz.max(10.0) / 55.0).log2()
}

fn shapes(sound: &Sound, out: &mut [f32]) {
    let mut last = [0.0; SHAPE];
    for (ms, out) in STRETCHES.iter().zip(out.chunks_exact_mut(SHAPE)) {
        if let Some(shape) = shape(&sound.spectrum(ms.clone())) {
            last = shape;
        }
        out.copy_from_slice(&last);
    }
}

/// The shape of a power spectrum above 40 Hz; `None` of silence.
fn shape(spectrum: &[f32]) -> Option<[f32; SHAPE]> {
    let bins = &spectrum[1..];
    let total: f32 = bins.iter().sum();
    if total <= 1e-12 {
        return None;
    }
    let place = |k: usize| octaves((k + 1) as f32 * BIN);
    let mean = |f: &dyn Fn(usize) -> f32| bins.iter().enumerate().map(|(k, p)| p * f(k)).sum::<f32>() / total;
    let centroid = mean(&place);
    let spread = mean(&|k| (place(k) - centroid).powi(2)).max(0.0).sqrt();
    let roll = |share: f32| {
        let mut sum = 0.0;
        let at = bins.iter().position(|p| {
            sum += p;
            sum >= share * total
        });
        place(at.unwrap_or(bins.len() - 1))
    };
    let average = total / bins.len() as f32;
    let floor = average * 1e-7;
    let logs = bins.iter().map(|p| db(p.max(floor) / average)).sum::<f32>() / bins.len() as f32;
    let top = bins.iter().copied().fold(0.0, f32::max);
    Some([
        centroid,
        spread,
        roll(0.5),
        roll(0.85),
        roll(0.95),
        logs,
        db(top / average),
    ])
}

/// Bins of a close look in a band.
fn bins<'a>(look: &'a [f32], hz: &Range<f32>) -> &'a [f32] {
    let bin = |hz: f32| ((hz / LOOK_BIN).ceil() as usize).min(look.len());
    &look[bin(hz.start)..bin(hz.end)]
}

fn flatness(look: &[f32], out: &mut [f32]) {
    for (o, hz) in out.iter_mut().zip(&FLAT) {
        let band = bins(look, hz);
        let mean = band.iter().sum::<f32>() / band.len().max(1) as f32;
        *o = if mean > 1e-10 {
            band.iter().map(|p| db((p / mean).max(1e-6))).sum::<f32>() / band.len() as f32
        } else {
            // What noise gives: where there is nothing there is no tone either.
            -2.5
        };
    }
}

fn low(look: &[f32], out: &mut [f32]) {
    let total: f32 = look.iter().sum();
    for (o, hz) in out.iter_mut().zip(&LOW) {
        let sum: f32 = bins(look, hz).iter().sum();
        *o = if total > 1e-10 {
            db((sum / total).max(1e-6))
        } else {
            -60.0
        };
    }
}

fn tone(sound: &Sound, out: &mut [f32]) {
    let first = (TONE.start / LOOK_BIN).ceil();
    let find = |look: &[f32]| {
        let band = bins(look, &TONE);
        let mean = band.iter().sum::<f32>() / band.len().max(1) as f32;
        let (at, top) = band
            .iter()
            .enumerate()
            .fold((0, 0.0), |best, (k, p)| if *p > best.1 { (k, *p) } else { best });
        (mean > 1e-10).then(|| (octaves((first + at as f32) * LOOK_BIN), db(top / mean)))
    };
    let early = find(&sound.looks[0]).unwrap_or((0.0, 0.0));
    let late = find(&sound.looks[1]).unwrap_or((early.0, 0.0));
    out.copy_from_slice(&[early.0, late.0, early.1, late.1, (early.0 - late.0).clamp(-2.0, 2.0)]);
}

/// Greatest normalised autocorrelation of 93 ms from `ms` on; 0 for what is too short or silent.
fn periodicity(sound: &Sound, ms: usize) -> f32 {
    const STEP: usize = 4;
    let rate = RATE as usize / STEP;
    let start = ms * RATE as usize / 1000;
    let part = sound.samples.get(start..).unwrap_or_default();
    let x: Vec<f32> = part
        .chunks_exact(STEP)
        .take(1024)
        .map(|c| c.iter().sum::<f32>() / STEP as f32)
        .collect();
    let (shortest, longest) = (rate / 1000, rate / 50);
    if x.len() < 2 * longest {
        return 0.0;
    }
    let n = x.len() - longest;
    let energy = |y: &[f32]| y.iter().map(|v| v * v).sum::<f32>();
    let head = energy(&x[..n]);
    // Falls into the first zero crossing of the correlation, so that a slow wave is not taken for its smallest lag.
    let mut fallen = false;
    let mut best = 0.0f32;
    for lag in 1..longest {
        let shifted = &x[lag..lag + n];
        let product: f32 = x[..n].iter().zip(shifted).map(|(a, b)| a * b).sum();
        let r = product / (head * energy(shifted)).sqrt().max(1e-9);
        fallen |= r < 0.3;
        if fallen && lag >= shortest {
            best = best.max(r);
        }
    }
    best
}

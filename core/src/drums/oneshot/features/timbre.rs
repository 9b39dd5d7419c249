//! Mel bands in stretches of time, and their cepstra.

use std::f32::consts::PI;
use std::ops::Range;

use super::Feature;
use crate::drums::oneshot::sound::{MELS, Sound, db};

/// Cepstral coefficients, without the zeroth (the level).
const CEPSTRA: usize = 13;

/// A feature of all mel bands in some milliseconds.
macro_rules! mel {
    ($name:literal, $from:literal, $to:literal) => {
        Feature {
            name: $name,
            unit: "dB",
            width: MELS,
            doc: "mean power of each mel band in these milliseconds, below the greatest of all frames",
            compute: |s, out| out.copy_from_slice(&mean_db(s, $from..$to)),
        }
    };
}

/// A feature of the cepstrum of some milliseconds.
macro_rules! mfcc {
    ($name:literal, $from:literal, $to:literal) => {
        Feature {
            name: $name,
            unit: "dB",
            width: CEPSTRA,
            doc: "cosine transform of the mel bands' mean power in these milliseconds, coefficients 1 to 13",
            compute: |s, out| cepstrum(&mean_db(s, $from..$to), out),
        }
    };
}

pub(super) static FEATURES: &[Feature] = &[
    mel!("mel_0_20", 0, 20),
    mel!("mel_20_50", 20, 50),
    mel!("mel_50_120", 50, 120),
    mel!("mel_120_300", 120, 300),
    mel!("mel_300_700", 300, 700),
    mel!("mel_0_1000", 0, 1000),
    mfcc!("mfcc_0_50", 0, 50),
    mfcc!("mfcc_50_200", 50, 200),
    mfcc!("mfcc_0_500", 0, 500),
    Feature {
        name: "mfcc_deviation",
        unit: "dB",
        width: CEPSTRA,
        doc: "standard deviation of the cepstra of the first 200 ms' frames",
        compute: deviation,
    },
];

/// Mean power of the bands in dB; the floor where the sound has ended.
fn mean_db(sound: &Sound, ms: Range<u32>) -> [f32; MELS] {
    let frames = sound.frames(ms.clone());
    // What lies past the end is silence: it counts in the mean.
    let wanted = (((ms.end - ms.start) as f32) / 5.805).max(1.0);
    std::array::from_fn(|b| {
        let sum: f32 = sound.mel[frames.clone()].iter().map(|row| row[b]).sum();
        db((sum / wanted.max(frames.len() as f32)).max(1e-8))
    })
}

/// Orthonormal cosine transform (type II), without the zeroth coefficient.
fn cepstrum(bands: &[f32; MELS], out: &mut [f32]) {
    let scale = (2.0 / MELS as f32).sqrt();
    for (k, c) in out.iter_mut().enumerate() {
        let turn = PI * (k + 1) as f32 / MELS as f32;
        let term = |(b, x): (usize, &f32)| x * (turn * (b as f32 + 0.5)).cos();
        *c = scale * bands.iter().enumerate().map(term).sum::<f32>();
    }
}

fn deviation(sound: &Sound, out: &mut [f32]) {
    let rows = &sound.mel_db[sound.frames(0..200)];
    let (mut sum, mut squares) = ([0.0f64; CEPSTRA], [0.0f64; CEPSTRA]);
    let mut row = [0.0f32; CEPSTRA];
    for bands in rows {
        cepstrum(bands, &mut row);
        for ((s, q), x) in sum.iter_mut().zip(&mut squares).zip(&row) {
            *s += f64::from(*x);
            *q += f64::from(*x).powi(2);
        }
    }
    let n = rows.len().max(1) as f64;
    for ((o, s), q) in out.iter_mut().zip(&sum).zip(&squares) {
        *o = (q / n - (s / n).powi(2)).max(0.0).sqrt() as f32;
    }
}

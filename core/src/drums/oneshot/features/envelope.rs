//! How the sound rises and falls, as a whole and in six bands.

use super::Feature;
use crate::drums::oneshot::sound::{BANDS, FRAME, RATE, Sound, db};

/// Falls in dB whose times are measured.
const FALLS: [f32; 5] = [6.0, 12.0, 20.0, 30.0, 40.0];
/// Shares of the energy whose times are measured.
const SHARES: [f64; 3] = [0.5, 0.9, 0.95];

pub(super) static FEATURES: &[Feature] = &[
    Feature {
        name: "attack",
        unit: "log2 ms",
        width: 1,
        doc: "time from the attack to the loudest millisecond",
        compute: |s, out| out[0] = log_ms(peak(&s.envelope) as f32),
    },
    Feature {
        name: "fall",
        unit: "log2 ms",
        width: FALLS.len(),
        doc: "time from the loudest millisecond to the last within 6, 12, 20, 30 and 40 dB of it",
        compute: falls,
    },
    Feature {
        name: "energy_time",
        unit: "log2 ms",
        width: 1 + SHARES.len(),
        doc: "mean time of the energy, and times by which 50, 90 and 95 % of it have come",
        compute: energy_times,
    },
    Feature {
        name: "late_energy",
        unit: "dB",
        width: 3,
        doc: "energy after 30, 100 and 300 ms, relative to all of it",
        compute: late_energy,
    },
    Feature {
        name: "bumps",
        unit: "1, dB, dB",
        width: 3,
        doc: "bursts above 700 Hz within the first 60 ms (a clap has several): their number, the depth of the dips between them, and \
              the deviation from an even fall",
        compute: bumps,
    },
    Feature {
        name: "slope",
        unit: "dB/100 ms",
        width: 3,
        doc: "slope of the level at 0-50, 50-200 and 200-600 ms after the peak, down to -60 dB",
        compute: slopes,
    },
    Feature {
        name: "peak_factor",
        unit: "dB",
        width: 1,
        doc: "greatest sample over the RMS of the first 100 ms",
        compute: |s, out| {
            let head = &s.samples[..s.samples.len().min(4410)];
            let power = head.iter().map(|x| x * x).sum::<f32>() / head.len().max(1) as f32;
            out[0] = if head.is_empty() { 0.0 } else { -db(power) };
        },
    },
    Feature {
        name: "band_level",
        unit: "dB",
        width: BANDS,
        doc: "greatest power of each of six bands, relative to the sum of these",
        compute: band_levels,
    },
    Feature {
        name: "band_peak",
        unit: "log2 ms",
        width: BANDS,
        doc: "time of that",
        compute: |s, out| each_band(s, out, |band, at, _| log_ms(1e3 * FRAME * at.min(band.len()) as f32)),
    },
    Feature {
        name: "band_fall",
        unit: "log2 ms",
        width: BANDS,
        doc: "time from that until the band is 20 dB lower for good",
        compute: |s, out| {
            each_band(s, out, |band, at, top| {
                let last = band.iter().rposition(|p| *p >= top * 0.01).unwrap_or(at);
                log_ms(1e3 * FRAME * (last - at.min(last)) as f32)
            });
        },
    },
    Feature {
        name: "band_time",
        unit: "log2 ms",
        width: BANDS,
        doc: "mean time of the band's energy",
        compute: |s, out| {
            each_band(s, out, |band, _, _| {
                let total: f32 = band.iter().sum();
                let moment: f32 = band.iter().enumerate().map(|(t, p)| t as f32 * p).sum();
                log_ms(1e3 * FRAME * moment / total.max(1e-20))
            });
        },
    },
];

/// Milliseconds on a scale on which short times count: log2(1 + ms).
fn log_ms(ms: f32) -> f32 {
    (1.0 + ms.max(0.0)).log2()
}

fn peak(envelope: &[f32]) -> usize {
    let best = envelope.iter().enumerate();
    best.fold((0, 0.0), |best, (i, x)| if *x > best.1 { (i, *x) } else { best })
        .0
}

fn falls(sound: &Sound, out: &mut [f32]) {
    let at = peak(&sound.envelope);
    for (o, fall) in out.iter_mut().zip(FALLS) {
        let limit = 10f32.powf(-fall / 20.0);
        let last = sound.envelope.iter().rposition(|x| *x >= limit).unwrap_or(at);
        *o = log_ms(last.saturating_sub(at) as f32);
    }
}

fn energy_times(sound: &Sound, out: &mut [f32]) {
    let power = |x: &f32| f64::from(*x).powi(2);
    let total: f64 = sound.envelope.iter().map(power).sum();
    if total <= 0.0 {
        return;
    }
    let moment: f64 = sound
        .envelope
        .iter()
        .enumerate()
        .map(|(i, x)| i as f64 * power(x))
        .sum();
    out[0] = log_ms((moment / total) as f32);
    for (o, share) in out[1..].iter_mut().zip(SHARES) {
        let mut sum = 0.0;
        let at = sound.envelope.iter().position(|x| {
            sum += power(x);
            sum >= share * total
        });
        *o = log_ms(at.unwrap_or(sound.envelope.len()) as f32);
    }
}

fn late_energy(sound: &Sound, out: &mut [f32]) {
    let sum = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>();
    let total = sum(&sound.envelope).max(1e-12);
    for (o, ms) in out.iter_mut().zip([30, 100, 300]) {
        *o = db((sum(sound.envelope.get(ms..).unwrap_or_default()) / total).max(1e-6));
    }
}

/// Level of each millisecond in dB, not below -60.
fn levels(part: &[f32]) -> Vec<f32> {
    part.iter().map(|x| db((x * x).max(1e-6))).collect()
}

/// Slope in dB a millisecond and deviation from that line in dB.
fn line(y: &[f32]) -> (f32, f32) {
    let n = y.len() as f32;
    if y.len() < 3 {
        return (0.0, 0.0);
    }
    let (mx, my) = ((n - 1.0) / 2.0, y.iter().sum::<f32>() / n);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, v) in y.iter().enumerate() {
        xy += (i as f32 - mx) * (v - my);
        xx += (i as f32 - mx).powi(2);
    }
    let slope = xy / xx;
    let rest = y
        .iter()
        .enumerate()
        .map(|(i, v)| (v - my - slope * (i as f32 - mx)).powi(2));
    (slope, (rest.sum::<f32>() / n).sqrt())
}

fn bumps(sound: &Sound, out: &mut [f32]) {
    const STEPS: usize = 62;
    const STEP: usize = 44;
    // Below 700 Hz a wave itself goes up and down from millisecond to millisecond: two first-order high-passes.
    let pole = (-std::f32::consts::TAU * 700.0 / RATE as f32).exp();
    let head = &sound.samples[..sound.samples.len().min(STEPS * STEP)];
    let mut high = head.to_vec();
    for _ in 0..2 {
        let (mut before, mut y) = (0.0, 0.0);
        for x in &mut high {
            y = pole * (y + *x - before);
            before = std::mem::replace(x, y);
        }
    }
    let power = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32;
    let top = head.chunks(STEP).map(power).fold(1e-12, f32::max);
    let steps: Vec<f32> = high.chunks(STEP).map(|part| power(part) / top).collect();
    // Three milliseconds at a time: noise alone makes single ones jump.
    let smooth = steps.windows(3).map(|w| (w[0] + w[1] + w[2]) / 3.0);
    let level: Vec<f32> = smooth.map(|p| db(p.max(1e-6))).collect();
    let (mut count, mut depth) = (0.0, 0.0);
    let (mut top, mut bottom) = (-60.0f32, 0.0f32);
    let mut falling = false;
    for y in &level {
        if falling {
            bottom = bottom.min(*y);
            // A new burst: 4 dB up from the dip, and no mere ripple of the tail.
            if *y > bottom + 4.0 && *y > -24.0 {
                count += 1.0;
                depth += (top.min(*y) - bottom).min(20.0);
                (falling, top) = (false, *y);
            }
        } else {
            top = top.max(*y);
            if *y < top - 3.0 {
                (falling, bottom) = (true, *y);
            }
        }
    }
    out.copy_from_slice(&[count, depth, line(&level).1]);
}

fn slopes(sound: &Sound, out: &mut [f32]) {
    let from = &sound.envelope[peak(&sound.envelope)..];
    for (o, (a, b)) in out.iter_mut().zip([(0, 50), (50, 200), (200, 600)]) {
        let mut level = levels(&from[a.min(from.len())..b.min(from.len())]);
        // What lies past the end is silence.
        level.resize(b - a, -60.0);
        *o = 100.0 * line(&level).0;
    }
}

fn each_band(sound: &Sound, out: &mut [f32], measure: fn(&[f32], usize, f32) -> f32) {
    for (b, o) in out.iter_mut().enumerate() {
        let band: Vec<f32> = sound.bands.iter().map(|row| row[b]).collect();
        let at = peak(&band);
        let top = band.get(at).copied().unwrap_or(0.0);
        *o = if top > 0.0 { measure(&band, at, top) } else { 0.0 };
    }
}

fn band_levels(sound: &Sound, out: &mut [f32]) {
    for (b, o) in out.iter_mut().enumerate() {
        *o = sound.bands.iter().map(|row| row[b]).fold(0.0, f32::max);
    }
    let total: f32 = out.iter().sum();
    for o in out.iter_mut() {
        *o = if total > 0.0 { db((*o / total).max(1e-6)) } else { -60.0 };
    }
}

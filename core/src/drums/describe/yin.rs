//! Pitch by YIN (A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", 2002).

use crate::vectorized;

/// Sample rate in Hz.
const RATE: f32 = 22_050.0;
/// Samples of a frame, and between frames.
const FRAME: usize = 1024;
const HOP: usize = 256;
/// Samples that are compared.
const WINDOW: usize = FRAME / 2;
/// Shortest and longest period in samples: 2000 and 50 Hz.
const PERIODS: (usize, usize) = (11, 441);
/// A dip of the normalised difference below this is a period.
const THRESHOLD: f32 = 0.1;

/// The pitch of each whole frame of `signal` in Hz; none where the signal is shorter than a frame.
pub(super) fn track(signal: &[f32]) -> Vec<f32> {
    let frames = (signal.len() + HOP).saturating_sub(FRAME) / HOP;
    (0..frames).map(|t| pitch(&signal[t * HOP..t * HOP + FRAME])).collect()
}

/// The pitch of a frame.
fn pitch(frame: &[f32]) -> f32 {
    let longest = PERIODS.1 + 1;
    let mut difference = [0.0f32; PERIODS.1 + 2];
    vectorized!({
        for (lag, d) in difference.iter_mut().enumerate().skip(1) {
            *d = square(&frame[..WINDOW], &frame[lag..lag + WINDOW]);
        }
    });
    // The cumulative mean normalised difference: 1 at a lag of 0.
    let mut sum = 0.0f32;
    let mut normalised = [1.0f32; PERIODS.1 + 2];
    for lag in 1..=longest {
        sum += difference[lag];
        if sum > 0.0 {
            normalised[lag] = difference[lag] * lag as f32 / sum;
        }
    }
    let d = &normalised;
    let dip = |lag: &usize| d[*lag] < d[*lag - 1] && d[*lag] <= d[*lag + 1];
    let periods = || PERIODS.0..=PERIODS.1;
    let best = periods()
        .filter(dip)
        .find(|lag| d[*lag] < THRESHOLD)
        .or_else(|| periods().min_by(|&a, &b| d[a].total_cmp(&d[b])))
        .unwrap_or(PERIODS.1);
    let (l, c, r) = (d[best - 1], d[best], d[best + 1]);
    let bend = l - 2.0 * c + r;
    let shift = if bend > 0.0 {
        (0.5 * (l - r) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    RATE / (best as f32 + shift)
}

/// Sum of squared differences, in eight lanes.
#[inline(always)]
fn square(a: &[f32], b: &[f32]) -> f32 {
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
mod tests {
    use super::*;

    #[test]
    fn the_pitch_of_tones_is_found() {
        for hz in [55.0f32, 110.0, 440.0, 1000.0, 1900.0] {
            let tone: Vec<f32> = (0..4096)
                .map(|i| {
                    let phase = std::f32::consts::TAU * hz * i as f32 / RATE;
                    phase.sin() + 0.4 * (2.0 * phase).sin() + 0.2 * (3.0 * phase).cos()
                })
                .collect();
            let got = track(&tone);
            assert_eq!(got.len(), 13);
            for f0 in got {
                assert!((f0 / hz - 1.0).abs() < 0.01, "{hz}: {f0}");
            }
        }
    }

    #[test]
    fn short_signals_have_no_frames_and_silence_no_nonsense() {
        assert!(track(&[0.5; 1023]).is_empty());
        assert!(track(&[0.0; 2048]).iter().all(|f| f.is_finite()));
    }
}

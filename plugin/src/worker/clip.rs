//! Clips for auditioning: a loop's own samples, at the host's rate, at the history's loudness.

use loopwright_core::audio::AudioBuffer;
use loopwright_core::audio::loudness;
use loopwright_core::audio::resample::{ResampleError, resampled_len, to_rate};
use loopwright_core::units::db_amplitude;

/// Most that a clip is raised or lowered, in dB: what is meant to be quiet should not become noise.
const MOST_DB: f64 = 18.0;
/// A clip is repeated until it is this long before its loudness is measured, in seconds.
const MEASURED: f64 = 3.0;
/// What is played before and after a loop while its rate is converted, in seconds: itself, so that it still runs round.
const AROUND: f64 = 0.05;

/// Left and right of `planes`: one channel is both, more than two are the first two.
pub(super) fn stereo(mut planes: Vec<Vec<f32>>) -> [Vec<f32>; 2] {
    planes.truncate(2);
    let right = planes.pop().unwrap_or_default();
    let left = planes.pop().unwrap_or_else(|| right.clone());
    [left, right]
}

/// The planes at another rate; those of a loop run round as before.
pub(super) fn at_rate(planes: [Vec<f32>; 2], from: u32, to: u32, looped: bool) -> Result<[Vec<f32>; 2], ResampleError> {
    if from == to {
        return Ok(planes);
    }
    let [left, right] = planes;
    let convert = |plane: &[f32]| -> Result<Vec<f32>, ResampleError> {
        let frames = plane.len();
        let wanted = resampled_len(frames, from, to);
        if !looped || frames == 0 {
            return to_rate(plane, from, to);
        }
        // Whole seconds of source and result fall together only at multiples of this many frames.
        let step = (from / common(from, to)).max(1) as usize;
        let lead = ((AROUND * f64::from(from)) as usize).div_ceil(step) * step;
        let round: Vec<f32> = (0..lead + frames + lead)
            .map(|i| {
                let at = (i + frames * lead.div_ceil(frames) - lead) % frames;
                plane.get(at).copied().unwrap_or(0.0)
            })
            .collect();
        let skip = resampled_len(lead, from, to);
        Ok(to_rate(&round, from, to)?.into_iter().skip(skip).take(wanted).collect())
    };
    Ok([convert(&left)?, convert(&right)?])
}

fn common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common(b, a % b) }
}

/// Integrated loudness of a clip played round, in LUFS; `None` for silence.
pub(super) fn loudness_of(planes: &[Vec<f32>; 2], rate: u32) -> Option<f64> {
    let frames = planes[0].len();
    if frames == 0 || rate == 0 {
        return None;
    }
    let rounds = (MEASURED * f64::from(rate) / frames as f64).ceil().clamp(1.0, 1000.0) as usize;
    let repeated = planes.each_ref().map(|p| p.repeat(rounds));
    let views: Vec<&[f32]> = repeated.iter().map(Vec::as_slice).collect();
    loudness::integrated(&views, rate).ok().filter(|l| l.is_finite())
}

/// Brings a clip from `own` LUFS to `target`, within [`MOST_DB`]; where one of the two is not known, it is as loud as it was.
/// Returns its peak then, which may be above full scale: the player, who knows the level, holds it down.
pub(super) fn match_loudness(planes: &mut [Vec<f32>; 2], own: Option<f64>, target: Option<f64>) -> f32 {
    let matched = match (own, target) {
        (Some(own), Some(target)) => (target - own).clamp(-MOST_DB, MOST_DB),
        _ => 0.0,
    };
    // What is not finite is no sound, and would spoil the peak.
    let peak = planes.iter_mut().flatten().fold(0.0f32, |m, x| {
        if !x.is_finite() {
            *x = 0.0;
        }
        m.max(x.abs())
    });
    let gain = db_amplitude(matched) as f32;
    if gain != 1.0 {
        planes.iter_mut().flatten().for_each(|x| *x *= gain);
    }
    peak * gain
}

/// Left and right of a whole buffer.
pub(super) fn of_buffer(audio: AudioBuffer) -> ([Vec<f32>; 2], u32) {
    let rate = audio.sample_rate();
    (stereo(audio.planes().to_vec()), rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(frames: usize, cycles: f64, gain: f64) -> Vec<f32> {
        (0..frames)
            .map(|i| (gain * (TAU * cycles * i as f64 / frames as f64).sin()) as f32)
            .collect()
    }

    #[test]
    fn a_loop_still_runs_round_at_another_rate() {
        // Whole cycles, so the loop is a sine without end; so must the converted one be.
        for (frames, from, to) in [
            (44_100, 44_100, 48_000),
            (48_000, 48_000, 44_100),
            (1000, 96_000, 44_100),
        ] {
            let x = sine(frames, (frames as f64 / 100.0).round(), 0.5);
            let [left, right] = at_rate([x.clone(), x], from, to, true).unwrap();
            assert_eq!(left, right);
            assert_eq!(left.len(), resampled_len(frames, from, to));
            let n = left.len() as f64 * f64::from(from) / f64::from(to) / frames as f64;
            let cycles = (frames as f64 / 100.0).round() * n;
            let want = sine(left.len(), cycles, 0.5);
            let worst = left.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn clips_are_as_loud_as_the_history_and_tell_their_peak() {
        for target in [-20.0, -6.0] {
            let soft = sine(48_000, 997.0, 0.09);
            let mut planes = [soft.clone(), soft];
            let own = loudness_of(&planes, 48_000);
            let told = match_loudness(&mut planes, own, Some(target));
            let now = loudness_of(&planes, 48_000).unwrap();
            assert!((now - target).abs() < 0.1, "{now}");
            let peak = planes[0].iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!((peak - told).abs() < 1e-6, "{peak} is not {told}");
        }
        // Far from the target it goes part of the way.
        let mut faint = [vec![0.001; 48_000], vec![0.001; 48_000]];
        match_loudness(&mut faint, Some(-60.0), Some(-10.0));
        assert!((faint[0][0] / 0.001 - db_amplitude(18.0) as f32).abs() < 0.01);
    }

    #[test]
    fn damaged_samples_are_silent() {
        let mut planes = [vec![f32::NAN, 0.5], vec![f32::INFINITY, -0.5]];
        assert_eq!(match_loudness(&mut planes, None, None), 0.5);
        assert_eq!(planes, [vec![0.0, 0.5], vec![0.0, -0.5]]);
    }

    #[test]
    fn one_channel_is_both() {
        assert_eq!(stereo(vec![vec![1.0]]), [vec![1.0], vec![1.0]]);
        assert_eq!(stereo(vec![vec![1.0], vec![2.0], vec![3.0]]), [vec![1.0], vec![2.0]]);
        assert_eq!(stereo(Vec::new()), [Vec::<f32>::new(), Vec::new()]);
    }
}

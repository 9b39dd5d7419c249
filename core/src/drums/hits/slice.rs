//! Where a hit is cut out, and how.

use crate::audio::AudioBuffer;
use crate::units::Span;

/// The slice begins so much before the attack, in seconds: at a zero crossing within these bounds, else between them.
const LEAD: (f64, f64) = (0.001, 0.002);
/// It ends so much before the next attack.
const GAP: f64 = 0.008;
/// Longest slice.
const LONGEST: f64 = 2.0;
/// Fades in seconds: the first lies before the attack.
const FADE_IN: f64 = 0.001;
const FADE_OUT: f64 = 0.009;
/// Length of the blocks whose level tells where a hit has died away.
const BLOCK: f64 = 0.005;
/// Below its peak in dB a hit has died away.
const DECAYED_DB: f64 = 60.0;
/// Part of the blocks that are taken for the noise floor, how far above it in dB a hit still sounds, and how far below
/// its peak the floor counts at all: between dense hits there is no floor to be heard.
const FLOOR_PART: f64 = 0.02;
const ABOVE_FLOOR_DB: f64 = 3.0;
const FLOOR_DB: f64 = 40.0;

/// The slices of hits at `onsets` (frames of the track, rising), whole frames. `mono` is the track from frame `offset`
/// on, `end` where the passage ends.
pub(super) fn bounds(mono: &[f32], offset: usize, rate: u32, onsets: &[f64], end: f64) -> Vec<Span> {
    let rate = f64::from(rate);
    let block = ((BLOCK * rate) as usize).max(1);
    let floor = floor(mono, block);
    let last = (end.floor().max(0.0) as usize).saturating_sub(offset).min(mono.len());
    onsets
        .iter()
        .enumerate()
        .map(|(i, &onset)| {
            let onset = (onset - offset as f64).max(0.0);
            let start = start(mono, onset, rate);
            let limit = match onsets.get(i + 1) {
                Some(next) => (next - offset as f64 - GAP * rate).max(0.0) as usize,
                None => last,
            };
            // However near the next hit, something is left of this one.
            let least = onset.ceil() as usize + (2.0 * GAP * rate) as usize;
            let limit = limit.max(least).min(start + (LONGEST * rate) as usize).min(mono.len());
            let limit = limit.max((start + 1).min(mono.len()));
            let end = decay(&mono[start..limit], block, floor).map_or(limit, |n| start + n);
            Span {
                start: (offset + start) as f64,
                end: (offset + end) as f64,
            }
        })
        .collect()
}

/// The frame at which the slice of an attack begins.
fn start(mono: &[f32], onset: f64, rate: f64) -> usize {
    let at = |before: f64| (onset - before * rate).floor().max(0.0) as usize;
    let (first, last, ideal) = (at(LEAD.1), at(LEAD.0), at(0.5 * (LEAD.0 + LEAD.1)));
    let crosses = |i: &usize| match (i.checked_sub(1).and_then(|j| mono.get(j)), mono.get(*i)) {
        (Some(a), Some(b)) => *b == 0.0 || (*a < 0.0) != (*b < 0.0),
        _ => false,
    };
    let nearest = (first..=last).filter(crosses).min_by_key(|i| i.abs_diff(ideal));
    nearest.unwrap_or(ideal).min(mono.len().saturating_sub(1))
}

/// Mean square of the quietest blocks.
fn floor(mono: &[f32], block: usize) -> f64 {
    let mut levels: Vec<f64> = mono.chunks(block).map(square).collect();
    if levels.is_empty() {
        return 0.0;
    }
    let at = (levels.len() as f64 * FLOOR_PART) as usize;
    *levels.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Frames after which the hit has died away; `None` where it sounds to the end.
fn decay(hit: &[f32], block: usize, floor: f64) -> Option<usize> {
    let levels: Vec<f64> = hit.chunks(block).map(square).collect();
    let peak = levels.iter().fold(0.0f64, |a, x| a.max(*x));
    let power = |db: f64| 10f64.powf(db / 10.0);
    let floor = (floor * power(ABOVE_FLOOR_DB)).min(peak * power(-FLOOR_DB));
    let threshold = floor.max(peak * power(-DECAYED_DB));
    let sounding = levels.iter().rposition(|x| *x > threshold)?;
    // The fade has to fit in after what sounds.
    let fade = (FADE_OUT / BLOCK).ceil() as usize;
    let end = (sounding + 1 + fade) * block;
    (end < hit.len()).then_some(end)
}

fn square(x: &[f32]) -> f64 {
    x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len().max(1) as f64
}

/// Cuts `span` (whole frames) out of `audio`, every channel: faded in before the attack and out at the end, so that the
/// first and the last frame are exactly 0.
pub fn cut(audio: &AudioBuffer, span: Span) -> Vec<Vec<f32>> {
    let rate = f64::from(audio.sample_rate());
    let end = (span.end.max(0.0) as usize).min(audio.frames());
    let start = (span.start.max(0.0) as usize).min(end);
    audio
        .planes()
        .iter()
        .map(|plane| {
            let mut out = plane[start..end].to_vec();
            fade(&mut out, (FADE_IN * rate) as usize, (FADE_OUT * rate) as usize);
            out
        })
        .collect()
}

/// Raised-cosine fades over the first and the last frames; both ends become 0. Where the fades do not fit they are
/// shortened in proportion.
fn fade(x: &mut [f32], fade_in: usize, fade_out: usize) {
    let n = x.len();
    let fits = |fade: usize| fade.min(n * fade / (fade_in + fade_out).max(1)).max(1);
    let gain = |i: usize, fade: usize| 0.5 - 0.5 * (std::f64::consts::PI * i as f64 / fade as f64).cos();
    let (a, b) = (fits(fade_in), fits(fade_out));
    for (i, x) in x.iter_mut().take(a).enumerate() {
        *x *= gain(i, a) as f32;
    }
    for (i, x) in x.iter_mut().rev().take(b).enumerate() {
        *x *= gain(i, b) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// Decaying tones at the given frames.
    fn hits(n: usize, at: &[usize], decay: f32) -> Vec<f32> {
        let mut x = vec![0.0f32; n];
        for &at in at {
            for (i, x) in x[at..].iter_mut().enumerate() {
                let t = i as f32 / RATE as f32;
                *x += 0.5 * (6000.0 * t).cos() * (-t * decay).exp();
            }
        }
        x
    }

    #[test]
    fn slices_begin_before_the_attack_and_end_before_the_next() {
        let at = [5000, 20_000, 22_000, 60_000];
        let mono = hits(100_000, &at, 8.0);
        let onsets: Vec<f64> = at.iter().map(|a| 700.0 + *a as f64).collect();
        let got = bounds(&mono, 700, RATE, &onsets, 90_000.0);
        for (i, (span, onset)) in got.iter().zip(&onsets).enumerate() {
            let lead = (onset - span.start) / f64::from(RATE);
            assert!((0.00095..=0.00205).contains(&lead), "hit {i}: {lead}");
            assert!(span.len() > 0.0 && span.len() <= 2.0 * f64::from(RATE));
            if let Some(next) = onsets.get(i + 1) {
                assert!((next - span.end) / f64::from(RATE) >= 0.0079, "hit {i}");
            }
            assert_eq!((span.start.fract(), span.end.fract()), (0.0, 0.0));
        }
        // The last sounds to the end of the passage.
        assert_eq!(got[3].end, 90_000.0);
    }

    #[test]
    fn a_hit_ends_where_it_has_died_away() {
        let mono = hits(400_000, &[1000, 300_000], 60.0);
        let got = bounds(&mono, 0, RATE, &[1000.0, 300_000.0], 400_000.0);
        // 60 dB at 60 nepers a second: 0.115 s.
        for (span, onset) in got.iter().zip([1000.0, 300_000.0]) {
            let length = (span.end - onset) / f64::from(RATE);
            assert!((0.115..0.14).contains(&length), "{length}");
        }
        // Over a noise floor 30 dB below the peak it is not cut before it is 40 dB down.
        let noisy: Vec<f32> = mono
            .iter()
            .enumerate()
            .map(|(i, x)| x + if i % 2 == 0 { 0.01 } else { -0.01 })
            .collect();
        let got = bounds(&noisy, 0, RATE, &[1000.0, 300_000.0], 400_000.0);
        assert_eq!(got[0].len(), 2.0 * f64::from(RATE));
    }

    #[test]
    fn the_start_is_a_zero_crossing_if_there_is_one() {
        let mono: Vec<f32> = (0..4800).map(|i| (i as f32 * 0.13).sin()).collect();
        let got = start(&mono, 2000.0, f64::from(RATE));
        assert!((mono[got - 1] < 0.0) != (mono[got] < 0.0));
        assert!((1904..=1952).contains(&got));
        assert_eq!(start(&[0.5; 4800], 2000.0, f64::from(RATE)), 1928);
        assert_eq!(start(&[0.5; 4800], 3.0, f64::from(RATE)), 0);
        assert_eq!(start(&[], 3.0, f64::from(RATE)), 0);
    }

    #[test]
    fn near_hits_and_the_end_of_the_track_leave_something() {
        let mono = hits(3000, &[1000, 1500, 2900], 8.0);
        for span in bounds(&mono, 0, RATE, &[1000.0, 1500.0, 2900.0], 2950.0) {
            assert!(span.len() > 0.0 && span.end <= 3000.0, "{span:?}");
        }
        assert!(bounds(&[], 0, RATE, &[], 0.0).is_empty());
        assert!(bounds(&[], 0, RATE, &[4.0], 0.0)[0].len() >= 0.0);
    }

    #[test]
    fn what_is_cut_begins_and_ends_with_nothing() {
        let audio = AudioBuffer::new(vec![vec![0.5; 10_000], vec![-0.25; 10_000]], RATE).unwrap();
        let got = cut(
            &audio,
            Span {
                start: 100.0,
                end: 5100.0,
            },
        );
        assert_eq!((got.len(), got[0].len()), (2, 5000));
        for plane in &got {
            assert_eq!((plane[0], plane[4999]), (0.0, 0.0));
            // The attack, 1 ms in, is whole, and the fade falls without a step.
            assert_eq!(plane[48], plane[2000]);
            assert_eq!(plane[5000 - 433], plane[2000]);
            let steps = plane[4500..].windows(2).map(|w| (w[1] - w[0]).abs());
            assert!(steps.fold(0.0, f32::max) < 0.002);
        }
        let short = cut(&audio, Span { start: 0.0, end: 3.0 });
        assert_eq!((short[0][0], short[0][2]), (0.0, 0.0));
        assert!(
            cut(
                &audio,
                Span {
                    start: 20_000.0,
                    end: 30_000.0
                }
            )[0]
            .is_empty()
        );
    }
}

//! The samples of a loop, from the recording, with the seam mended where it would click.
//!
//! A loop is the recording's own samples, untouched, whenever its end meets its start without a click. Where it would
//! click (see [`seam`]), its last milliseconds are cross-faded with what the recording plays just before the loop's start:
//! the last frame is then the one before the first, and the wrap is the recording's own continuation. The first samples
//! are never touched, so the downbeat stays as it was.
//!
//! The fade is linear where both sides are alike, and makes up for the loss of level where they are not; in both its
//! weights reach exactly 0 and 1, or a step would remain. It is kept clear of an attack near the end. Where the length asked
//! for does not pass, others are tried; where none passes, the start moves by up to a millisecond to a calmer place; what
//! comes nearest is kept, and its measure reported.

use serde::{Deserialize, Serialize};

use crate::audio::AudioBuffer;
use crate::config;
use crate::loops::seam::{self, Seam, Source};

/// What is missing at the recording's end may be made up with silence, in seconds: the grid's error, not music.
pub const MAX_PAD: f64 = 0.050;
/// Lengths of cross-fade to try after the one asked for, in milliseconds. Short ones change the energy least, where the
/// loop's end and what precedes its start differ in level.
const OTHERS_MS: [f64; 10] = [5.0, 20.0, 3.0, 2.0, 1.0, 0.5, 8.0, 1.5, 0.7, 30.0];
/// A seam is mended when it comes this near to its limits, and is mended when it stays as far below: nobody's rounding
/// then makes a click of it.
const MARGIN: f64 = 0.9;
/// Farthest that the start moves to mend a seam, in seconds.
const NUDGE: f64 = 0.001;
/// How many other starts are tried.
const NUDGES: usize = 16;
/// Correlation of both sides from which a cross-fade keeps the sum of the weights rather than of the powers.
const ALIKE: f64 = 0.5;
/// A rise of the first difference, which a sustained bass does not hide, that counts as an attack near the end, in dB.
const ATTACK_DB: f64 = 9.0;

/// Why a loop cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// The loop runs past the recording's end.
    #[error("a loop of {frames} frames from frame {start} runs past the end of the recording at {end}")]
    PastEnd {
        /// First frame.
        start: usize,
        /// Length.
        frames: usize,
        /// The recording's length.
        end: usize,
    },
    /// Nothing to cut.
    #[error("a loop has no frames")]
    Empty,
}

/// How a seam was mended.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SeamReport {
    /// The seam of the plain cut.
    pub before: Seam,
    /// The seam as written.
    pub after: Seam,
    /// Length of the cross-fade, 0 where there is none.
    pub crossfade_ms: f64,
}

/// A loop's samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cut {
    /// Its channels.
    pub planes: Vec<Vec<f32>>,
    /// The frame of the recording at which it starts, within a millisecond of the one asked for.
    pub start: Option<usize>,
    /// Its seam.
    pub seam: SeamReport,
}

/// Cuts `frames` frames from frame `start` of `audio`, mending the seam or fading the ends as `config` says.
pub fn cut(audio: &AudioBuffer, start: usize, frames: usize, config: &config::Export) -> Result<Cut, CutError> {
    if frames == 0 {
        return Err(CutError::Empty);
    }
    let rate = f64::from(audio.sample_rate());
    let short = (start + frames).saturating_sub(audio.frames());
    if start >= audio.frames() || short as f64 > MAX_PAD * rate {
        return Err(CutError::PastEnd {
            start,
            frames,
            end: audio.frames(),
        });
    }
    let mut mender = Mender::new(audio, start, frames);
    let before = mender.measure(start);
    let mut report = SeamReport {
        before,
        after: before,
        crossfade_ms: 0.0,
    };
    if config.fade_ms > 0.0 {
        mender.fade_ends((config.fade_ms * 1e-3 * rate).round() as usize);
        report.after = mender.measure(start);
    } else if before.excess() > MARGIN && config.crossfade_ms > 0.0 {
        let best = mender.mend(start, before, config.crossfade_ms);
        mender.apply(&best);
        report.after = mender.measure(best.start);
        report.crossfade_ms = best.fade as f64 / rate * 1e3;
        return Ok(Cut {
            planes: mender.planes,
            start: Some(best.start),
            seam: report,
        });
    }
    Ok(Cut {
        planes: mender.planes,
        start: Some(start),
        seam: report,
    })
}

/// What lies before the recording's first frame, for loops that start there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Origin {
    /// Silence: the loop begins as the recording does.
    Silence,
    /// The recording turned about its first sample, which continues it without a kink.
    Mirror,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Attempt {
    start: usize,
    /// Frames of cross-fade.
    fade: usize,
    origin: Origin,
    seam: Seam,
}

struct Mender<'a> {
    audio: &'a AudioBuffer,
    planes: Vec<Vec<f32>>,
    /// Where `planes` start in the recording.
    at: usize,
    yardsticks: Vec<f64>,
}

impl<'a> Mender<'a> {
    fn new(audio: &'a AudioBuffer, start: usize, frames: usize) -> Self {
        let planes = slice(audio, start, frames);
        let yardsticks = seam::yardsticks(&planes);
        Self {
            audio,
            planes,
            at: start,
            yardsticks,
        }
    }

    /// The seam of the loop as it is. A cross-fade changes some hundredths of a loop at most, so the yardsticks of the plain
    /// cut go on to hold.
    fn measure(&self, start: usize) -> Seam {
        let rate = self.audio.sample_rate();
        seam::measure(&self.planes, Some(self.source(start)), rate, &self.yardsticks)
    }

    /// The plain cut from frame `start`.
    fn source(&self, start: usize) -> Source<'a> {
        Source {
            recording: self.audio.planes(),
            start,
            frames: self.planes[0].len(),
        }
    }

    /// Finds the best mend. Works on the last frames only, so that trying costs little.
    fn mend(&self, start: usize, plain: Seam, wanted_ms: f64) -> Attempt {
        let mut best = Attempt {
            start,
            fade: 0,
            origin: Origin::Silence,
            seam: plain,
        };
        for start in std::iter::once(start).chain(self.calm_starts(start)) {
            for attempt in self.attempts(start, wanted_ms) {
                if attempt.seam.excess() < best.seam.excess() {
                    best = attempt;
                }
                if best.seam.excess() <= MARGIN {
                    return best;
                }
            }
        }
        best
    }

    /// Cross-fades at one start, in the order of preference.
    fn attempts(&self, start: usize, wanted_ms: f64) -> impl Iterator<Item = Attempt> {
        let rate = f64::from(self.audio.sample_rate());
        let frames = self.planes[0].len();
        let head = (seam::EXACT_SECONDS * rate).round() as usize;
        let most = frames.saturating_sub(head).min(frames / 2);
        let length = move |ms: f64| (ms * 1e-3 * rate).round() as usize;
        let wanted = length(wanted_ms).clamp(1, most.max(1));
        let others = OTHERS_MS.map(|fade| length(fade).max(1));
        // Clear of an attack first; then, if nothing else helps, over it.
        let clear = self.clear_of_attack(start, frames, wanted);
        let mut fades: Vec<usize> = Vec::new();
        for limit in [clear, usize::MAX] {
            for fade in std::iter::once(wanted).chain(others) {
                let fade = fade.min(limit);
                if fade <= most && !fades.contains(&fade) {
                    fades.push(fade);
                }
            }
        }
        fades.into_iter().flat_map(move |fade| {
            let origins: &[Origin] = if fade > start {
                &[Origin::Silence, Origin::Mirror]
            } else {
                &[Origin::Silence]
            };
            origins.iter().map(move |&origin| self.attempt(start, fade, origin))
        })
    }

    fn attempt(&self, start: usize, fade: usize, origin: Origin) -> Attempt {
        // Head and tail are all that the measure looks at.
        let rate = f64::from(self.audio.sample_rate());
        let frames = self.planes[0].len();
        let window = (seam::ENERGY_SECONDS * rate).round() as usize;
        let tail = fade.max(window).min(frames);
        let head = window.max(2).min(frames);
        let ends: Vec<Vec<f32>> = {
            let mut tails = slice(self.audio, start + frames - tail, tail);
            let skip = tail - fade;
            let mut faded: Vec<&mut [f32]> = tails.iter_mut().map(|t| &mut t[skip..]).collect();
            crossfade(&mut faded, self.audio, start, origin);
            let heads = slice(self.audio, start, head);
            heads
                .into_iter()
                .zip(tails)
                .map(|(mut h, t)| {
                    h.extend(t);
                    h
                })
                .collect()
        };
        let source = Some(self.source(start));
        Attempt {
            start,
            fade,
            origin,
            seam: seam::measure(&ends, source, self.audio.sample_rate(), &self.yardsticks),
        }
    }

    fn apply(&mut self, attempt: &Attempt) {
        let frames = self.planes[0].len();
        if attempt.start != self.at {
            self.planes = slice(self.audio, attempt.start, frames);
            self.at = attempt.start;
        }
        if attempt.fade > 0 {
            let from = frames - attempt.fade;
            let mut tails: Vec<&mut [f32]> = self.planes.iter_mut().map(|p| &mut p[from..]).collect();
            crossfade(&mut tails, self.audio, attempt.start, attempt.origin);
        }
    }

    /// Starts near `start` where the recording itself is smooth, nearest first: a cross-faded seam is as smooth as the
    /// recording is at the start.
    fn calm_starts(&self, start: usize) -> Vec<usize> {
        let reach = (NUDGE * f64::from(self.audio.sample_rate())).round() as usize;
        let end = self.audio.frames();
        let frames = self.planes[0].len();
        let rough = |s: usize| {
            let worst = self.audio.planes().iter().zip(&self.yardsticks).map(|(x, &y)| {
                let d2 = |i: usize| f64::from((x[i - 1] - 2.0 * x[i] + x[i + 1]).abs());
                d2(s - 1).max(d2(s)) / y.max(1e-6)
            });
            worst.fold(0.0, f64::max)
        };
        let mut starts: Vec<usize> = (1..=reach)
            .flat_map(|d| [start.checked_sub(d), start.checked_add(d)])
            .flatten()
            .filter(|&s| s >= 2 && s + 1 < end && s + frames <= end.max(start + frames))
            .filter(|&s| rough(s) <= 1.0)
            .collect();
        // A few, spread over the reach.
        let stride = starts.len().div_ceil(NUDGES).max(1);
        starts = starts.into_iter().step_by(stride).collect();
        starts
    }

    /// The longest cross-fade up to `wanted` that leaves alone an attack in the last `2 * wanted` frames. An attack in the
    /// very last milliseconds is the next bar's, come early: it is faded over.
    fn clear_of_attack(&self, start: usize, frames: usize, wanted: usize) -> usize {
        let rate = f64::from(self.audio.sample_rate());
        let hop = ((0.001 * rate).round() as usize).max(1);
        let blocks = 2 * wanted / hop;
        let power = |block: usize| -> f64 {
            // Block 0 is the last one.
            let to = start + frames - (block * hop).min(frames);
            let from = to.saturating_sub(hop);
            let sum = |x: &Vec<f32>| {
                let steps = x
                    .get(from..to)
                    .unwrap_or_default()
                    .windows(2)
                    .map(|w| f64::from(w[1] - w[0]));
                steps.map(|d| d * d).sum::<f64>()
            };
            self.audio.planes().iter().map(sum).sum::<f64>() + 1e-9 * hop as f64
        };
        let early = (0.003 * rate) as usize / hop;
        for block in early..blocks {
            let before = (1..=5).map(|k| power(block + k)).sum::<f64>() / 5.0;
            if 10.0 * (power(block) / before).log10() > ATTACK_DB {
                return (block * hop).max(1);
            }
        }
        usize::MAX
    }

    fn fade_ends(&mut self, fade: usize) {
        let fade = fade.min(self.planes[0].len() / 2);
        for plane in &mut self.planes {
            let n = plane.len();
            for i in 0..fade {
                let k = i as f32 / fade as f32;
                plane[i] *= k;
                plane[n - 1 - i] *= k;
            }
        }
    }
}

/// The frames `[start, start + frames)`, with silence past the end.
fn slice(audio: &AudioBuffer, start: usize, frames: usize) -> Vec<Vec<f32>> {
    let end = (start + frames).min(audio.frames());
    audio
        .planes()
        .iter()
        .map(|p| {
            let mut v = Vec::with_capacity(frames);
            v.extend_from_slice(p.get(start..end).unwrap_or_default());
            v.resize(frames, 0.0);
            v
        })
        .collect()
}

/// Fades `tails`, the last frames of a loop, into the frames of `audio` that precede `start`.
fn crossfade(tails: &mut [&mut [f32]], audio: &AudioBuffer, start: usize, origin: Origin) {
    let fade = tails.first().map_or(0, |t| t.len());
    let preroll = |x: &[f32], i: usize| -> f32 {
        match (start + i).checked_sub(fade) {
            Some(at) => x[at],
            None => match origin {
                Origin::Silence => 0.0,
                Origin::Mirror => 2.0 * x[0] - x.get(fade - start - i).copied().unwrap_or(0.0),
            },
        }
    };
    let (mut ab, mut aa, mut bb) = (0.0f64, 0.0f64, 0.0f64);
    for (tail, x) in tails.iter().zip(audio.planes()) {
        for (i, &a) in tail.iter().enumerate() {
            let (a, b) = (f64::from(a), f64::from(preroll(x, i)));
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
    }
    let alike = if aa > 0.0 && bb > 0.0 {
        ab / (aa * bb).sqrt()
    } else {
        1.0
    };
    for (tail, x) in tails.iter_mut().zip(audio.planes()) {
        for (i, v) in tail.iter_mut().enumerate() {
            // The last frame of the fade is the recording's, bit for bit.
            if i + 1 >= fade {
                *v = preroll(x, i);
                continue;
            }
            let b = (i + 1) as f64 / fade as f64;
            let a = 1.0 - b;
            let gain = if alike >= ALIKE {
                1.0
            } else {
                1.0 / (a * a + b * b + 2.0 * a * b * alike.max(0.0)).sqrt()
            };
            *v = (gain * (a * f64::from(*v) + b * f64::from(preroll(x, i)))) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::seam::verify;

    const RATE: u32 = 44_100;

    fn noise(seed: u64, n: usize) -> Vec<f32> {
        let mut d = super::super::pcm::Tpdf::new(seed);
        (0..n).map(|_| d.next()).collect()
    }

    /// Pads that do not repeat with the bar, their partials and levels drawn from `seed`.
    fn pads(seed: u64, frames: usize) -> Vec<f32> {
        let draw = noise(seed, 12);
        let partials: Vec<(f64, f64)> = (0..6)
            .map(|k| {
                (
                    110.0 * (k + 1) as f64 * (1.0 + 0.02 * f64::from(draw[k])),
                    0.1 / (k + 1) as f64,
                )
            })
            .collect();
        (0..frames)
            .map(|i| {
                let t = i as f64 / f64::from(RATE);
                let sum: f64 = partials
                    .iter()
                    .map(|(f, a)| a * (std::f64::consts::TAU * f * t).sin())
                    .sum();
                (sum * (1.0 + 0.3 * (t * 1.7).sin())) as f32
            })
            .collect()
    }

    fn buffer(planes: Vec<Vec<f32>>) -> AudioBuffer {
        AudioBuffer::new(planes, RATE).unwrap()
    }

    fn default_cut(audio: &AudioBuffer, start: usize, frames: usize) -> Cut {
        cut(audio, start, frames, &config::Export::default()).unwrap()
    }

    #[test]
    fn what_repeats_is_not_touched() {
        let bar = noise(3, 20_000);
        let x: Vec<f32> = (0..100_000).map(|i| 0.3 * bar[i % 20_000]).collect();
        let audio = buffer(vec![x.clone()]);
        let made = default_cut(&audio, 30_000, 40_000);
        assert_eq!(made.planes[0], x[30_000..70_000]);
        assert_eq!(made.seam.crossfade_ms, 0.0);
        assert_eq!(made.seam.before, made.seam.after);
    }

    #[test]
    fn a_clicking_seam_ends_on_the_frame_before_the_start() {
        let audio = buffer(vec![pads(1, 200_000), pads(2, 200_000)]);
        let (start, frames) = (50_000, 88_211);
        let made = default_cut(&audio, start, frames);
        assert!(
            made.seam.before.ratio > 5.0 && made.seam.crossfade_ms > 0.0,
            "{:?}",
            made.seam
        );
        let start = made.start.unwrap();
        let verdict = verify(&made.planes, audio.planes(), start, frames, RATE);
        assert!(verdict.passes(), "{verdict:?}");
        for (cut, x) in made.planes.iter().zip(audio.planes()) {
            assert_eq!(cut[frames - 1], x[start - 1]);
            let faded = (made.seam.crossfade_ms * 44.1).round() as usize;
            assert_eq!(cut[..frames - faded], x[start..start + frames - faded]);
        }
    }

    #[test]
    fn the_report_is_what_the_verifier_finds() {
        for seed in 0..8 {
            let audio = buffer(vec![pads(seed, 150_000)]);
            let made = default_cut(&audio, 20_000, 100_003);
            let verdict = verify(&made.planes, audio.planes(), made.start.unwrap(), 100_003, RATE);
            assert!(
                (verdict.seam.ratio - made.seam.after.ratio).abs() < 0.02,
                "{verdict:?} {:?}",
                made.seam
            );
            assert_eq!(verdict.seam.energy_db, made.seam.after.energy_db);
        }
    }

    #[test]
    fn an_attack_near_the_end_is_kept() {
        let mut x = pads(5, 200_000);
        let (start, frames) = (50_000, 88_211);
        let at = start + frames - 530; // 12 ms before the end; too short a burst to hide the seam
        for (i, n) in noise(9, 60).into_iter().enumerate() {
            x[at + i] += 0.6 * n * (-(i as f32) / 20.0).exp();
        }
        let audio = buffer(vec![x.clone()]);
        let config = config::Export {
            crossfade_ms: 20.0,
            ..config::Export::default()
        };
        let made = cut(&audio, start, frames, &config).unwrap();
        assert!(
            made.seam.crossfade_ms > 0.0 && made.seam.crossfade_ms <= 12.1,
            "{:?}",
            made.seam
        );
        assert_eq!(made.planes[0][frames - 540..frames - 529], x[at - 10..at + 1]);
    }

    #[test]
    fn before_the_recording_is_silence_or_its_mirror() {
        // Begins in silence: fades out to it.
        let mut x = pads(4, 150_000);
        x.iter_mut()
            .take(2000)
            .enumerate()
            .for_each(|(i, v)| *v *= i as f32 / 2000.0);
        let made = default_cut(&buffer(vec![x]), 0, 100_003);
        assert!(
            made.seam.before.clicks() && !made.seam.after.clicks(),
            "{:?}",
            made.seam
        );
        // Begins in the middle of a wave.
        let x = pads(4, 150_000)[500..].to_vec();
        let made = default_cut(&buffer(vec![x]), 0, 100_003);
        assert!(
            made.seam.before.clicks() && !made.seam.after.clicks(),
            "{:?}",
            made.seam
        );
    }

    #[test]
    fn music_after_silence_wraps_into_silence() {
        let mut x = pads(4, 200_000);
        x[..20_000].fill(0.0);
        (20_000..24_000).for_each(|i| x[i] *= (i - 20_000) as f32 / 4000.0);
        let audio = buffer(vec![x]);
        let made = default_cut(&audio, 20_000, 100_003);
        assert!(
            verify(&made.planes, audio.planes(), made.start.unwrap(), 100_003, RATE).passes(),
            "{:?}",
            made.seam
        );
    }

    #[test]
    fn what_is_missing_at_the_end_is_silence_up_to_a_limit() {
        let audio = buffer(vec![pads(1, 100_000)]);
        let made = default_cut(&audio, 50_000, 51_000);
        assert_eq!(made.planes[0].len(), 51_000);
        assert!(!made.seam.after.clicks());
        let config = config::Export::default();
        assert!(matches!(
            cut(&audio, 50_000, 60_000, &config),
            Err(CutError::PastEnd { .. })
        ));
        assert!(matches!(
            cut(&audio, 100_000, 10, &config),
            Err(CutError::PastEnd { .. })
        ));
        assert_eq!(cut(&audio, 0, 0, &config), Err(CutError::Empty));
    }

    #[test]
    fn plain_fades_on_request() {
        let audio = buffer(vec![pads(1, 100_000)]);
        let config = config::Export {
            fade_ms: 5.0,
            ..config::Export::default()
        };
        let made = cut(&audio, 10_000, 50_000, &config).unwrap();
        assert_eq!((made.planes[0][0], made.planes[0][49_999]), (0.0, 0.0));
        assert_eq!(made.planes[0][1000..49_000], audio.planes()[0][11_000..59_000]);
    }

    proptest::proptest! {
        #[test]
        fn any_cut_has_its_length_and_its_head(start in 0usize..120_000, frames in 1usize..60_000, seed in 0u64..50,
                                               hiss in 0.0f32..0.2) {
            let n = noise(seed, 120_000);
            let x: Vec<f32> = pads(seed, 120_000).iter().zip(n).map(|(p, n)| p + hiss * n).collect();
            let audio = buffer(vec![x]);
            if let Ok(made) = cut(&audio, start, frames, &config::Export::default()) {
                let at = made.start.unwrap();
                let verdict = verify(&made.planes, audio.planes(), at, frames, RATE);
                proptest::prop_assert!(verdict.exact_length);
                proptest::prop_assert!(at.abs_diff(start) <= 45);
                // A tenth of a second is less than any loop has; with less there is no room to mend.
                if frames > 4410 && at + frames <= 120_000 {
                    proptest::prop_assert!(verdict.exact_head);
                    if start > 1000 {
                        proptest::prop_assert!(!verdict.seam.clicks(), "{:?} {:?}", made.seam, verdict);
                    }
                }
            }
        }
    }
}

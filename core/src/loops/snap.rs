//! From a line of the beat grid to the frame at which a loop is cut.
//!
//! A grid line tells where a bar begins to within some milliseconds; ears tell a clipped attack within one. So the start
//! goes to the foot of the attack near the line, with a millisecond to spare, where there is a clear one; where the music
//! is smooth, the line itself is the best that is known, and the start is the frame nearest to it. The choice depends on
//! the line alone, never on the loop's length, so all loops that start on a line start on the same frame.
//!
//! The length is the distance of the grid's lines (or the tempo's, on a constant grid), rounded once.

use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use crate::audio::AudioBuffer;
use crate::rhythm::grid::BeatGrid;

/// Farthest that a start moves from its line, in seconds: less than the spread of a tight player.
pub const REACH: f64 = 0.012;
/// What is left before the attack's foot, in seconds.
pub const LEAD: f64 = 0.001;
/// Least rise of the level over an attack, in dB.
const MIN_RISE_DB: f64 = 9.0;
/// What an attack at the end of the reach must rise more than one on the line, in dB.
const DISTANCE_DB: f64 = 3.0;
/// Before and after an attack, the stretches whose levels are compared, in seconds.
const BEFORE: f64 = 0.005;
const AFTER: f64 = 0.003;
/// An attack stands out from the mean of this much around the line, in seconds.
const CONTEXT: f64 = 0.080;
/// Silence, as mean power.
const POWER_FLOOR: f64 = 1e-9;

/// Where a loop is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// First frame.
    pub start: usize,
    /// Length in frames, at least 1.
    pub frames: usize,
}

/// Places `candidate` on the frames of `audio`.
pub fn place(audio: &AudioBuffer, grid: &BeatGrid, candidate: &Candidate) -> Placement {
    Placement {
        start: start_frame(audio, candidate.span.start),
        frames: length_frames(grid, candidate, audio.sample_rate()),
    }
}

/// The loop's length in frames: rounded once, halves up (a loop one frame short is worse off than one that is long). Sums
/// of floating point that miss a half by less than a millionth count as it.
pub fn length_frames(grid: &BeatGrid, candidate: &Candidate, sample_rate: u32) -> usize {
    let exact = if grid.constant {
        f64::from(candidate.beats) * grid.tempo.period() * f64::from(sample_rate)
    } else {
        candidate.span.len()
    };
    ((exact + 0.5 + 1e-6).floor() as usize).max(1)
}

/// The frame at which a loop that begins at the line `line` (in frames) starts.
pub fn start_frame(audio: &AudioBuffer, line: f64) -> usize {
    let last = audio.frames().saturating_sub(1);
    let nearest = (line.max(0.0).round() as usize).min(last);
    attack_start(audio, line).unwrap_or(nearest).min(last)
}

/// The frame [`LEAD`] before the foot of the clearest attack within [`REACH`] of `line` (in frames); `None` where the music is
/// smooth there.
pub fn attack_start(audio: &AudioBuffer, line: f64) -> Option<usize> {
    let rate = f64::from(audio.sample_rate());
    let frames_of = |seconds: f64| ((seconds * rate).round() as usize).max(1);
    let (reach, before, after) = (frames_of(REACH), frames_of(BEFORE), frames_of(AFTER));
    let (lead, context) = (frames_of(LEAD), frames_of(CONTEXT));
    let centre = line.max(0.0).round() as usize;
    if centre >= audio.frames() {
        return None;
    }
    let from = centre.saturating_sub(context + reach);
    let to = (centre + context + reach).min(audio.frames());
    let energy = Energy::of(audio, from, to);

    let level = energy
        .mean(centre.saturating_sub(context), centre + context)
        .max(POWER_FLOOR);
    let step = frames_of(0.000_2);
    let mut best: Option<(f64, usize)> = None;
    for t in (centre.saturating_sub(reach)..=(centre + reach).min(to)).step_by(step) {
        let (low, high) = (energy.mean(t.saturating_sub(before), t), energy.mean(t, t + after));
        let rise = 10.0 * ((high + POWER_FLOOR) / (low + POWER_FLOOR)).log10();
        if high < level || rise < MIN_RISE_DB {
            continue;
        }
        let score = rise - DISTANCE_DB * (t as f64 - line).abs() / reach as f64;
        if best.is_none_or(|(s, _)| score > s) {
            best = Some((score, t));
        }
    }
    let (_, t) = best?;

    // The foot: where a short mean of the power first leaves the level before, on its way to the attack's height.
    let short = frames_of(0.000_25);
    let low = energy.mean(t.saturating_sub(before), t.saturating_sub(lead));
    let span = t.saturating_sub(2 * lead)..t + after;
    let top = span.clone().map(|i| energy.mean(i, i + short)).fold(0.0, f64::max);
    let threshold = low + 0.03 * (top - low);
    let foot = span.clone().find(|&i| energy.mean(i, i + short) > threshold)? + short / 2;
    let start = foot.saturating_sub(lead);
    Some(start.clamp(centre.saturating_sub(reach), centre + reach))
}

/// Power of a stretch, pre-emphasised so that attacks stand out from a sustained bass, as sums from the stretch's start.
struct Energy {
    from: usize,
    sums: Vec<f64>,
}

impl Energy {
    fn of(audio: &AudioBuffer, from: usize, to: usize) -> Self {
        const EMPHASIS: f32 = 0.97;
        let mut power = vec![0.0f64; to - from];
        for plane in audio.planes() {
            let mut last = from.checked_sub(1).map_or(0.0, |i| plane[i]);
            for (p, &x) in power.iter_mut().zip(&plane[from..to]) {
                let d = x - EMPHASIS * last;
                *p += f64::from(d * d);
                last = x;
            }
        }
        let mut sum = 0.0;
        let sums = std::iter::once(0.0)
            .chain(power.into_iter().map(|p| {
                sum += p;
                sum
            }))
            .collect();
        Self { from, sums }
    }

    /// Mean over `[a, b)`; what lies outside the stretch is silent.
    fn mean(&self, a: usize, b: usize) -> f64 {
        let at = |i: usize| self.sums[i.saturating_sub(self.from).min(self.sums.len() - 1)];
        if b <= a {
            0.0
        } else {
            (at(b) - at(a)).max(0.0) / (b - a) as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::grid::GridSource;
    use crate::units::{Bpm, Span};

    const RATE: u32 = 44_100;

    /// Two detuned sines, and a decaying 60 Hz thump with a click of a start at each of `hits`.
    fn music(frames: usize, hits: &[usize]) -> AudioBuffer {
        let mut x: Vec<f32> = (0..frames)
            .map(|i| {
                let t = i as f64 / f64::from(RATE);
                (0.05 * (t * 220.3 * std::f64::consts::TAU).sin() + 0.05 * (t * 331.7 * std::f64::consts::TAU).sin())
                    as f32
            })
            .collect();
        for &h in hits {
            for (i, v) in x[h..].iter_mut().take(8000).enumerate() {
                let t = i as f64 / f64::from(RATE);
                *v += (0.7
                    * (-t * 20.0).exp()
                    * (t * 60.0 * std::f64::consts::TAU + 0.6 * (-t * 300.0).exp() * 8.0).sin())
                    as f32;
            }
        }
        AudioBuffer::new(vec![x.clone(), x], RATE).unwrap()
    }

    #[test]
    fn starts_a_millisecond_before_the_attack() {
        let audio = music(200_000, &[100_000]);
        let lead = (LEAD * f64::from(RATE)) as i64;
        for line in [99_600.0, 99_800.3, 100_000.0, 100_200.0, 100_400.9] {
            let start = start_frame(&audio, line) as i64;
            let before = 100_000 - start;
            assert!(
                (lead - 15..=lead + 25).contains(&before),
                "line {line}: {before} frames before"
            );
        }
    }

    #[test]
    fn smooth_music_and_far_attacks_leave_the_line() {
        let audio = music(200_000, &[100_000]);
        for line in [50_000.4, 50_000.6, 98_900.0, 101_500.2, 0.2, 199_999.9] {
            assert_eq!(
                start_frame(&audio, line),
                (line.round() as usize).min(199_999),
                "{line}"
            );
        }
        let silence = AudioBuffer::new(vec![vec![0.0; 1000]], RATE).unwrap();
        assert_eq!(start_frame(&silence, 500.2), 500);
        assert_eq!(start_frame(&silence, 5000.0), 999);
        assert_eq!(start_frame(&silence, -3.0), 0);
    }

    #[test]
    fn lengths_round_once_and_ties_go_up() {
        let mut grid = BeatGrid::empty(GridSource::Given);
        let candidate = |beats: u32, len: f64| Candidate {
            span: Span {
                start: 0.25,
                end: 0.25 + len,
            },
            bars: 1,
            beats,
            first_bar: 0,
            beat_offset: 0,
        };
        grid.constant = true;
        for (bpm, beats, rate, want) in [
            (124.0, 32, 44_100, 682_839),
            (124.0, 32, 48_000, 743_226),
            (174.0, 16, 44_100, 243_310),
            (128.0, 16, 44_100, 330_750),
            (120.0, 1, 44_101, 22_051),
        ] {
            grid.tempo = Bpm(bpm);
            assert_eq!(length_frames(&grid, &candidate(beats, 1.0), rate), want, "{bpm}");
        }
        grid.constant = false;
        assert_eq!(length_frames(&grid, &candidate(4, 1000.5), RATE), 1001);
        assert_eq!(length_frames(&grid, &candidate(4, 1000.49), RATE), 1000);
        assert_eq!(length_frames(&grid, &candidate(4, -5.0), RATE), 1);
    }
}

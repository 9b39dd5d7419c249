//! Beat activations: what a neural network hears in every frame, and how well a reading of the beats agrees with it.
//!
//! A network is asked to judge, not to track: its frames are 20 ms apart and its peaks some milliseconds off, while the
//! readings lie on the attacks to a millisecond. So each reading is scored by its *fit* to the activation, the harmonic
//! mean of two shares, as recall and precision make an F-measure: how sure the network is at the reading's points, and how
//! much of what the network hears lies on them. The first is low for a reading with too many beats or at the wrong phase,
//! the second for one with too few.

use std::fmt::Debug;

use super::RhythmError;
use super::constants::FPS;
use super::input::Input;
use super::onset::{Front, mean, running_max};
use crate::progress::Progress;

/// Probabilities of a beat and of a downbeat, frame by frame; frame `n` is at `n / rate` seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Activations {
    /// Frames a second.
    pub rate: f64,
    /// Probability of a beat (downbeats are beats), 0 to 1.
    pub beat: Vec<f32>,
    /// Probability of a downbeat, 0 to 1; as many frames.
    pub downbeat: Vec<f32>,
}

/// What a model is played.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// The track, mono at 22.05 kHz.
    pub mono: &'a [f32],
    /// Its bands, for a model that [wants](BeatModel::wants_input) them; `None` where the track is silent.
    pub input: Option<&'a Input>,
}

/// Something that hears beats. Shared by all tracks and threads of a run.
pub trait BeatModel: Debug + Send + Sync {
    /// Names it, and tells it from any other: for records of what was done.
    fn id(&self) -> &str;

    /// True where it hears [`Sound::input`].
    fn wants_input(&self) -> bool;

    /// Its activations; empty where there is nothing to hear.
    fn activations(&self, sound: Sound<'_>, progress: &dyn Progress) -> Result<Activations, RhythmError>;
}

/// Distance from a point of a reading within which a peak of the activation counts as heard by it, in seconds.
const TOLERANCE: f64 = 0.06;
/// Least peak that counts: below, a network murmurs.
const LEAST_PEAK: f32 = 0.05;
/// Reach of the local level on either side in seconds: two slow beats, and a slow bar.
const BEAT_REACH: f64 = 2.0;
const DOWNBEAT_REACH: f64 = 5.0;

/// Activations, made ready to be asked by many readings.
pub(crate) struct Heard {
    pub(crate) beat: Curve,
    pub(crate) downbeat: Curve,
}

/// One activation on the frames of the onset curves' clock.
pub(crate) struct Curve {
    /// Frames a second.
    rate: f64,
    /// Maximum over a frame on either side.
    wide: Vec<f32>,
    /// How loud the network is around each frame: so that passages in which it hears nothing do not count against a
    /// reading that goes through them.
    level: Vec<f32>,
    /// Peaks as (onset frame, height), in order.
    peaks: Vec<(f64, f32)>,
    /// Sum of their heights.
    mass: f32,
}

/// How an activation looks from the points of a reading.
pub(crate) struct Points {
    /// Activation at each point.
    pub(crate) value: Vec<f32>,
    /// Level around each point.
    level: Vec<f32>,
    /// Height of the peaks within [`TOLERANCE`] of each point.
    caught: Vec<f32>,
    /// Height of all peaks.
    mass: f32,
}

impl Heard {
    /// `None` where there is nothing to hear.
    pub(crate) fn new(activations: &Activations) -> Option<Self> {
        let known = activations.rate.is_finite() && activations.rate > 0.0;
        let heard = Self {
            beat: Curve::new(&activations.beat, activations.rate, BEAT_REACH),
            downbeat: Curve::new(&activations.downbeat, activations.rate, DOWNBEAT_REACH),
        };
        (known && heard.beat.mass > 0.0).then_some(heard)
    }
}

impl Curve {
    fn new(activation: &[f32], rate: f64, reach: f64) -> Self {
        let n = activation.len();
        let mut peaks = Vec::new();
        for i in 0..n {
            let x = activation[i];
            let (before, after) = (&activation[i.saturating_sub(2)..i], &activation[i + 1..(i + 3).min(n)]);
            // The first of equal neighbours is the peak.
            let top = before.iter().all(|&y| y < x) && after.iter().all(|&y| y <= x);
            if x >= LEAST_PEAK && top {
                // The curves' clock runs by the advance of the flux before the signal's.
                peaks.push((Front::frame(i as f64 / rate), x));
            }
        }
        Self {
            rate,
            wide: running_max(activation, 1),
            level: levels(activation, (reach * rate) as usize),
            mass: peaks.iter().map(|p| p.1).sum(),
            peaks,
        }
    }

    /// Asks at `points` (onset frames, increasing).
    pub(crate) fn at(&self, points: &[f64]) -> Points {
        let n = self.wide.len();
        let place = |p: f64| {
            let i = (Front::seconds(p) * self.rate).round();
            (i >= 0.0 && i < n as f64).then_some(i as usize)
        };
        let pick = |curve: &[f32]| points.iter().map(|&p| place(p).map_or(0.0, |i| curve[i])).collect();
        let mut caught = vec![0.0f32; points.len()];
        let mut i = 0;
        for &(at, height) in &self.peaks {
            while i + 1 < points.len() && (points[i + 1] - at).abs() <= (points[i] - at).abs() {
                i += 1;
            }
            if points.get(i).is_some_and(|p| (p - at).abs() <= TOLERANCE * FPS) {
                caught[i] += height;
            }
        }
        Points {
            value: pick(&self.wide),
            level: pick(&self.level),
            caught,
            mass: self.mass,
        }
    }
}

impl Points {
    /// Fit of all points, 0 to 1.
    pub(crate) fn fit(&self) -> f32 {
        self.fit_of(0, 1)
    }

    /// Fit of the points from number `first` on, each `every`th, 0 to 1.
    pub(crate) fn fit_of(&self, first: usize, every: usize) -> f32 {
        let (mut sure, mut level, mut caught) = (0.0f64, 0.0f64, 0.0f64);
        for i in (first..self.value.len()).step_by(every.max(1)) {
            sure += f64::from(self.value[i] * self.level[i]);
            level += f64::from(self.level[i]);
            caught += f64::from(self.caught[i]);
        }
        let share = |part: f64, whole: f64| if whole > 0.0 { (part / whole).min(1.0) } else { 0.0 };
        let (p, r) = (share(sure, level), share(caught, f64::from(self.mass)));
        if p + r > 0.0 {
            (2.0 * p * r / (p + r)) as f32
        } else {
            0.0
        }
    }

    /// Mean activation over all points.
    pub(crate) fn mean(&self) -> f32 {
        mean(&self.value)
    }
}

/// Largest activation within `reach` frames of each. In linear time, unlike [`running_max`]: the reach is hundreds.
fn levels(x: &[f32], reach: usize) -> Vec<f32> {
    let n = x.len();
    // Indices of candidates, values falling.
    let mut queue = std::collections::VecDeque::new();
    let mut next = 0;
    (0..n)
        .map(|i| {
            while next < (i + reach + 1).min(n) {
                while queue.back().is_some_and(|&b: &usize| x[b] <= x[next]) {
                    queue.pop_back();
                }
                queue.push_back(next);
                next += 1;
            }
            while queue.front().is_some_and(|&f| f + reach < i) {
                queue.pop_front();
            }
            queue.front().map_or(0.0, |&f| x[f])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 50.0;

    /// Peaks of height `height(k)` at `time(k)` seconds, one frame wide with half as much beside.
    fn activation(seconds: f64, time: impl Fn(usize) -> f64, height: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut x = vec![0.01f32; (seconds * RATE) as usize];
        for k in 0.. {
            let i = (time(k) * RATE).round() as usize;
            if i + 1 >= x.len() {
                return x;
            }
            x[i] = height(k);
            if i > 0 {
                x[i - 1] = 0.5 * height(k);
            }
            x[i + 1] = 0.5 * height(k);
        }
        x
    }

    fn curve(x: &[f32]) -> Curve {
        Curve::new(x, RATE, BEAT_REACH)
    }

    /// Points every `period` seconds from `first`.
    fn grid(first: f64, period: f64, seconds: f64) -> Vec<f64> {
        (0..)
            .map(|k| first + f64::from(k) * period)
            .take_while(|t| *t < seconds)
            .map(Front::frame)
            .collect()
    }

    #[test]
    fn the_right_reading_fits_best() {
        let c = curve(&activation(60.0, |k| 0.4 + 0.5 * k as f64, |_| 0.9));
        let right = c.at(&grid(0.4, 0.5, 59.5)).fit();
        assert!(right > 0.93, "{right}");
        for (what, points) in [
            ("off-beat", grid(0.65, 0.5, 59.5)),
            ("twice as fast", grid(0.4, 0.25, 59.5)),
            ("half as fast", grid(0.4, 1.0, 59.5)),
            ("three for two", grid(0.4, 1.0 / 3.0, 59.5)),
        ] {
            let fit = c.at(&points).fit();
            assert!(fit < right - 0.2, "{what}: {fit} against {right}");
        }
        // A reading 30 ms late is the same reading; frames are 20 ms long.
        let late = c.at(&grid(0.43, 0.5, 59.5)).fit();
        assert!(late > 0.4 * right, "{late}");
    }

    #[test]
    fn a_passage_without_beats_does_not_change_the_fit() {
        let full = curve(&activation(60.0, |k| 0.4 + 0.5 * k as f64, |_| 0.8));
        // Twenty silent seconds in the middle.
        let broken = curve(&activation(
            60.0,
            |k| 0.4 + 0.5 * k as f64,
            |k| if (40..80).contains(&k) { 0.01 } else { 0.8 },
        ));
        let points = grid(0.4, 0.5, 59.5);
        let (a, b) = (full.at(&points).fit(), broken.at(&points).fit());
        // The edges of the passage, two seconds each, still count.
        assert!((a - b).abs() < 0.06, "{a} {b}");
    }

    #[test]
    fn bars_are_told_apart() {
        let c = curve(&activation(60.0, |k| 0.4 + 2.0 * k as f64, |_| 0.7));
        let points = c.at(&grid(0.4, 0.5, 59.5));
        let fits: Vec<f32> = (0..4).map(|k| points.fit_of(k, 4)).collect();
        assert!(fits[0] > 0.6 && fits[1..].iter().all(|f| *f < 0.1), "{fits:?}");
        assert!((0..3).all(|k| points.fit_of(k, 3) < fits[0] - 0.2));
    }

    #[test]
    fn levels_are_the_running_maximum() {
        let x: Vec<f32> = (0..500u32).map(|i| (i * i * 31 % 97) as f32).collect();
        for reach in [0, 1, 7, 499, 1000] {
            assert_eq!(levels(&x, reach), running_max(&x, reach));
        }
        assert!(levels(&[], 3).is_empty());
    }

    #[test]
    fn nothing_heard_is_nothing_known() {
        let none = |beat: Vec<f32>| {
            let downbeat = vec![0.0; beat.len()];
            Heard::new(&Activations {
                rate: RATE,
                beat,
                downbeat,
            })
            .is_none()
        };
        assert!(none(vec![]) && none(vec![0.0; 500]) && none(vec![0.04; 500]));
        assert!(!none(activation(20.0, |k| k as f64, |_| 0.9)));
    }
}

//! Beat activations: what a neural network hears in every frame, and what that says for a reading of the beats.
//!
//! A network is asked to judge, not to track: its frames are 20 ms apart and its peaks some milliseconds off, while the
//! readings lie on the attacks to a millisecond. So each reading is asked what the network hears at its points. Were the
//! frames independent, the log-likelihood of a reading would be the sum of the log-odds at its points, up to a constant
//! that all readings share: points on beats add, points between beats subtract, beats that are left out do not add. That
//! sum is the evidence, per second, so that it does not grow with the length of the track. On songs of known beats it
//! chooses right more often than the F-like fit of precision and recall that suggests itself.

use std::fmt::Debug;

use super::RhythmError;
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

/// Log-odds beyond these count no further: one frame in which the network is sure, rightly or wrongly, is one frame.
const ODDS: (f32, f32) = (-3.0, 6.0);
/// Points a second of a usual reading, at which evidence is the mean log-odds a point: 120 beats a minute, 30 bars.
const USUAL_BEATS: f64 = 2.0;
const USUAL_BARS: f64 = 0.5;
/// Below this everywhere the network hears nothing.
const HEARS: f32 = 0.1;
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
    /// Largest probability over a frame on either side.
    wide: Vec<f32>,
    /// Log-odds of that, weighed by the largest probability around: passages in which the network hears nothing say
    /// nothing against a reading that goes through them.
    odds: Vec<f32>,
    /// Points in the whole activation of a usual reading.
    usual: f64,
}

/// How an activation looks from the points of a reading.
pub(crate) struct Points {
    /// Probability at each point.
    pub(crate) value: Vec<f32>,
    /// Weighed log-odds at each point.
    odds: Vec<f32>,
    /// Points of a usual reading.
    usual: f64,
}

impl Heard {
    /// `None` where there is nothing to hear.
    pub(crate) fn new(activations: &Activations) -> Option<Self> {
        let known = activations.rate.is_finite() && activations.rate > 0.0;
        let hears = activations.beat.iter().any(|&p| p > HEARS);
        (known && hears).then(|| Self {
            beat: Curve::new(&activations.beat, activations.rate, BEAT_REACH, USUAL_BEATS),
            downbeat: Curve::new(&activations.downbeat, activations.rate, DOWNBEAT_REACH, USUAL_BARS),
        })
    }
}

impl Curve {
    fn new(activation: &[f32], rate: f64, reach: f64, usual: f64) -> Self {
        let wide = running_max(activation, 1);
        let level = levels(activation, (reach * rate) as usize);
        let odds = wide
            .iter()
            .zip(&level)
            .map(|(&p, l)| {
                let p = p.clamp(1e-4, 1.0 - 1e-4);
                (p / (1.0 - p)).ln().clamp(ODDS.0, ODDS.1) * l
            })
            .collect();
        Self {
            rate,
            usual: (usual * activation.len() as f64 / rate).max(1.0),
            wide,
            odds,
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
        Points {
            value: pick(&self.wide),
            odds: pick(&self.odds),
            usual: self.usual,
        }
    }
}

impl Points {
    /// Evidence for all points: mean log-odds at a usual number of them.
    pub(crate) fn evidence(&self) -> f32 {
        self.evidence_of(0, 1)
    }

    /// Evidence for the points from number `first` on, each `every`th.
    pub(crate) fn evidence_of(&self, first: usize, every: usize) -> f32 {
        let points = self.odds.iter().skip(first).step_by(every.max(1));
        (points.map(|&o| f64::from(o)).sum::<f64>() / self.usual) as f32
    }

    /// Mean probability over all points.
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
        Curve::new(x, RATE, BEAT_REACH, USUAL_BEATS)
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
    fn the_right_reading_has_the_most_evidence() {
        let c = curve(&activation(60.0, |k| 0.4 + 0.5 * k as f64, |_| 0.9));
        let right = c.at(&grid(0.4, 0.5, 59.5)).evidence();
        // Odds of nine to one at the usual number of points, weighed by the probability around.
        assert!((right - 0.9 * 9f32.ln()).abs() < 0.05, "{right}");
        for (what, points) in [
            ("off-beat", grid(0.65, 0.5, 59.5)),
            ("twice as fast", grid(0.4, 0.25, 59.5)),
            ("half as fast", grid(0.4, 1.0, 59.5)),
            ("three for two", grid(0.4, 1.0 / 3.0, 59.5)),
        ] {
            let evidence = c.at(&points).evidence();
            assert!(evidence < right - 0.8, "{what}: {evidence} against {right}");
        }
        // Frames are 20 ms long: a reading 30 ms late is far better than one on the off-beat.
        let evidence = |first: f64| c.at(&grid(first, 0.5, 59.5)).evidence();
        assert!(evidence(0.43) > evidence(0.65) + 1.0);
    }

    #[test]
    fn a_passage_in_which_nothing_is_heard_says_nothing() {
        // Twenty silent seconds in the middle.
        let c = curve(&activation(
            60.0,
            |k| 0.4 + 0.5 * k as f64,
            |k| if (40..80).contains(&k) { 0.01 } else { 0.8 },
        ));
        let silent = c.at(&grid(24.4, 0.5, 36.0)).evidence();
        assert!(silent.abs() < 0.01, "{silent}");
    }

    #[test]
    fn bars_are_told_apart() {
        let c = Curve::new(
            &activation(60.0, |k| 0.4 + 2.0 * k as f64, |_| 0.7),
            RATE,
            DOWNBEAT_REACH,
            USUAL_BARS,
        );
        let points = c.at(&grid(0.4, 0.5, 59.5));
        let of: Vec<f32> = (0..4).map(|k| points.evidence_of(k, 4)).collect();
        assert!(of[0] > 0.4 && of[1..].iter().all(|e| *e < -1.0), "{of:?}");
        assert!((0..3).all(|k| points.evidence_of(k, 3) < of[0] - 0.8));
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

//! A track with clicks on its beats, to judge a grid by ear.
//!
//! A click is a decaying cosine: it is at its height on the very sample of the beat, so what is heard is where the grid
//! is, to the sample, and a flam against the music shows a grid that is off. Downbeats are an octave higher and louder.

use super::AudioView;
use crate::audio::AudioBuffer;
use crate::rhythm::grid::BeatGrid;

/// Pitch of downbeats and of other beats in Hz.
const PITCHES: (f64, f64) = (2000.0, 1000.0);
/// Level of other beats against downbeats.
const OTHER: f64 = 0.6;
/// Time constant of the decay in seconds.
const DECAY: f64 = 0.008;
/// Length of a click in seconds.
const LENGTH: f64 = 0.05;
/// Height of the downbeats' clicks, full scale 1; the track is brought down to leave as much.
const HEIGHT: f64 = 0.5;
/// Least height, so that clicks are heard over silence too.
const LEAST: f64 = 0.1;

/// What is heard beside the clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bed {
    /// The track, brought down so far that nothing clips.
    Track,
    /// Silence.
    Silence,
}

/// The track with its clicks, at its own rate, in as many channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Clicks {
    planes: Vec<Vec<f32>>,
    sample_rate: u32,
    /// Gain that the track got, linear.
    pub gain: f32,
    /// Clicks that lie on the track.
    pub count: usize,
}

impl Clicks {
    /// Puts a click on each beat of `grid` that lies on the track, on the sample nearest to it.
    ///
    /// The track is brought down to half scale where it is louder, never raised, and the clicks are as high as it is, at
    /// most half scale: their sum does not clip. A click ends where the next begins. The planes are copied: memory grows
    /// by the track's own size.
    pub fn of(audio: &AudioBuffer, grid: &BeatGrid, bed: Bed) -> Self {
        let rate = f64::from(audio.sample_rate());
        let loudest = |m: f32, x: &f32| if x.is_finite() { m.max(x.abs()) } else { m };
        let peak = f64::from(audio.planes().iter().flatten().fold(0.0, loudest));
        let (gain, height) = match bed {
            Bed::Track if peak > 0.0 => {
                let gain = (HEIGHT / peak).min(1.0);
                (gain, (gain * peak).clamp(LEAST, HEIGHT))
            }
            Bed::Track => (1.0, HEIGHT),
            Bed::Silence => (0.0, HEIGHT),
        };
        let mut planes: Vec<Vec<f32>> = match bed {
            Bed::Track => audio
                .planes()
                .iter()
                .map(|p| {
                    p.iter()
                        .map(|x| {
                            if x.is_finite() {
                                (f64::from(*x) * gain) as f32
                            } else {
                                0.0
                            }
                        })
                        .collect()
                })
                .collect(),
            Bed::Silence => vec![vec![0.0; audio.frames()]; audio.channels()],
        };
        let sounds = [sound(PITCHES.1, rate, OTHER * height), sound(PITCHES.0, rate, height)];
        let starts: Vec<usize> = grid.beats.iter().map(|b| b.round().max(0.0) as usize).collect();
        let mut count = 0;
        for (i, &start) in starts.iter().enumerate() {
            if start >= audio.frames() {
                break;
            }
            count += 1;
            let room = starts.get(i + 1).map_or(usize::MAX, |next| next.saturating_sub(start));
            let downbeat = usize::from(grid.downbeats.binary_search(&i).is_ok());
            for plane in &mut planes {
                let place = plane.iter_mut().skip(start).take(room);
                place.zip(&sounds[downbeat]).for_each(|(x, click)| *x += click);
            }
        }
        Self {
            planes,
            sample_rate: audio.sample_rate(),
            gain: gain as f32,
            count,
        }
    }

    /// The samples, for a writer.
    pub fn view(&self) -> AudioView<'_> {
        AudioView {
            planes: &self.planes,
            sample_rate: self.sample_rate,
        }
    }
}

/// One click.
fn sound(pitch: f64, rate: f64, height: f64) -> Vec<f32> {
    let pitch = pitch.min(rate / 4.0);
    let length = (LENGTH * rate).ceil() as usize;
    (0..length)
        .map(|n| {
            let t = n as f64 / rate;
            // The last tenth is faded: what is left of the decay must not click itself.
            let fade = ((LENGTH - t) / (0.1 * LENGTH)).clamp(0.0, 1.0);
            (height * fade * (-t / DECAY).exp() * (std::f64::consts::TAU * pitch * t).cos()) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::grid::GridSource;
    use crate::units::Bpm;

    fn grid(beats: Vec<f64>, downbeats: Vec<usize>) -> BeatGrid {
        BeatGrid {
            beats,
            downbeats,
            tempo: Bpm(120.0),
            ..BeatGrid::empty(GridSource::Tracked)
        }
    }

    #[test]
    fn clicks_begin_on_the_sample_of_each_beat() {
        let audio = AudioBuffer::new(vec![vec![0.25; 48_000]; 2], 48_000).unwrap();
        let beats = vec![0.0, 9_999.6, 20_000.4, 30_000.5, 47_990.0, 60_000.0];
        let clicks = Clicks::of(&audio, &grid(beats, vec![1, 4]), Bed::Silence);
        assert_eq!((clicks.count, clicks.gain), (5, 0.0));
        for plane in clicks.view().planes {
            assert_eq!(plane.len(), 48_000);
            let mut begun = Vec::new();
            let mut quiet = usize::MAX;
            for (i, x) in plane.iter().enumerate() {
                if *x != 0.0 && quiet > 1000 {
                    begun.push((i, (x * 1000.0).round() / 1000.0));
                }
                quiet = if *x == 0.0 { quiet.saturating_add(1) } else { 0 };
            }
            // Each at its full height at once.
            assert_eq!(
                begun,
                [(0, 0.3), (10_000, 0.5), (20_000, 0.3), (30_001, 0.3), (47_990, 0.5)]
            );
        }
    }

    #[test]
    fn downbeats_are_an_octave_higher() {
        let audio = AudioBuffer::new(vec![vec![0.0; 96_000]], 48_000).unwrap();
        let clicks = Clicks::of(&audio, &grid(vec![0.0, 48_000.0], vec![0]), Bed::Silence);
        let turns = |from: usize| {
            let part = &clicks.view().planes[0][from..from + 1000];
            part.windows(2).filter(|w| w[0] * w[1] < 0.0).count()
        };
        assert_eq!((turns(0), turns(48_000)), (83, 42));
    }

    #[test]
    fn the_track_is_kept_and_nothing_clips() {
        let wave = |level: f32| -> Vec<f32> { (0..44_100).map(|i| if i % 2 == 0 { level } else { -level }).collect() };
        for level in [1.0f32, 1.7, 0.2, 0.0] {
            let audio = AudioBuffer::new(vec![wave(level), wave(-level)], 44_100).unwrap();
            let beats: Vec<f64> = (0..400).map(|k| f64::from(k) * 100.0).collect();
            let clicks = Clicks::of(&audio, &grid(beats, vec![0, 4]), Bed::Track);
            let view = clicks.view();
            assert!(view.planes.iter().flatten().all(|x| x.abs() <= 1.0), "{level}");
            assert!(clicks.gain <= 1.0 && (clicks.gain == 1.0) == (level <= 0.5), "{level}");
            // Between clicks the track is as it was, but for its level.
            assert!((view.planes[0][43_000] - audio.planes()[0][43_000] * clicks.gain).abs() < 1e-6);
            assert_eq!(view.planes[1][43_000], -view.planes[0][43_000]);
        }
        let broken = AudioBuffer::new(vec![vec![f32::NAN; 100]], 44_100).unwrap();
        let clicks = Clicks::of(&broken, &grid(vec![10.0], vec![]), Bed::Track);
        assert!(clicks.view().planes[0].iter().all(|x| x.is_finite()));
    }
}

//! Where a break really begins and ends: not on the bar line but where the pitched sound stops and starts again.
//!
//! A tail may ring into a break's first bar, a pick-up may enter before its last is over, and many a break begins a beat
//! before the line. Round each end the frames are parted where that leaves the fewest on the wrong side of a level
//! between pitched and not, and the time is moved to the nearest attack or sixteenth.

use std::ops::Range;

use super::bars::Bars;
use super::distance::SLOTS;
use super::repetition::median;
use crate::analysis::texture::{GROUPS, Texture, fast_db};
use crate::units::Span;

/// The pitched sound must lie this many dB above what the drums leave, or the bar lines stand.
const APART: f32 = 8.0;
/// An end lies where the level has come down to (or risen above) this share of the way, in dB, from drums to pitch.
const DOWN: f32 = 0.35;
/// How far, in seconds, an attack or a sixteenth draws an end to itself.
const DRAW: f64 = 0.06;
/// Seconds by which the long spectra hear what stops after its end, and what starts before its beginning.
const SMEAR: f64 = 0.07;
/// What sounds this little of a second into the break is no tail.
const SLACK: f64 = 0.03;

/// The part of the bars round `region` in which nothing pitched sounds, in frames of the track.
///
/// `region` are the bars of a break. Either end moves by less than a bar outwards, and inwards by no more than a bar or a
/// quarter of the break.
pub fn edges(texture: &Texture, bars: &Bars, region: &Range<usize>) -> Span {
    let lines = bars.span(region);
    let (Some(first), Some(last)) = (
        bars.bars.get(region.start),
        region.end.checked_sub(1).and_then(|e| bars.bars.get(e)),
    ) else {
        return lines;
    };
    if last.end <= last.start || region.is_empty() {
        return lines;
    }
    let rate = last.span.end / last.end;
    // A bass below 150 Hz counts where nothing higher stops: drums, too, leave some of what holds down there.
    let levels = [&texture.tonal.level, &texture.tonal.low].map(|power| Levels::of(power, texture.tonal.hop));
    let inward = |bar: f64| bar.min(0.25 * (last.end - first.start));
    let grounds = levels.each_ref().map(|level| level.median(first.start, last.end));
    let part = |window, pitched, stops| {
        let mut both = levels.iter().zip(grounds);
        both.find_map(|(level, ground)| level.part(window, pitched, ground, stops))
    };

    let start = region
        .start
        .checked_sub(1)
        .and_then(|b| bars.bars.get(b))
        .and_then(|before| {
            let window = (before.start, first.start + inward(first.end - first.start));
            let at = part(window, (before.start, first.start), true)?;
            Some(settle(texture, bars, at, window, true))
        });
    let end = bars.bars.get(region.end).and_then(|after| {
        let window = (last.end - inward(last.end - last.start), after.end);
        let at = part(window, (after.start, after.end), false)?;
        Some(settle(texture, bars, at, window, false))
    });
    let span = Span {
        start: start.map_or(lines.start, |t| t * rate),
        end: end.map_or(lines.end, |t| t * rate),
    };
    if span.end > span.start { span } else { lines }
}

/// The level of what is pitched, in dB, frame by frame.
struct Levels {
    db: Vec<f32>,
    hop: f64,
}

impl Levels {
    fn of(power: &[f32], hop: f64) -> Self {
        Self {
            db: power.iter().map(|p| fast_db(*p)).collect(),
            hop,
        }
    }

    /// The frames that lie between two times.
    fn frames(&self, from: f64, to: f64) -> Range<usize> {
        let last = ((to / self.hop).floor().max(0.0) as usize + 1).min(self.db.len());
        ((from / self.hop).ceil().max(0.0) as usize).min(last)..last
    }

    fn median(&self, from: f64, to: f64) -> f32 {
        median(&mut self.db[self.frames(from, to)].to_vec())
    }

    /// The time in `window` at which pitch stops (or starts), as heard in `pitched`; `None` where the two levels are one.
    fn part(&self, window: (f64, f64), pitched: (f64, f64), ground: f32, stops: bool) -> Option<f64> {
        let frames = self.frames(window.0, window.1);
        let mut sounding = self.db[self.frames(pitched.0, pitched.1)].to_vec();
        // Pitch may have left most of its bar already: what is loud in it counts.
        let loud = super::repetition::quantile(&mut sounding, 0.8)?;
        if loud - ground < APART {
            return None;
        }
        let limit = ground + DOWN * (loud - ground);
        let above: Vec<bool> = self.db[frames.clone()].iter().map(|x| *x > limit).collect();
        // Wrong on the pitched side is below the limit, wrong on the other above it.
        let wrong_first = |a: bool| usize::from(a != stops);
        let mut wrong: usize = above.iter().map(|a| usize::from(*a == stops)).sum();
        let (mut least, mut best) = (wrong, 0);
        for (k, a) in above.iter().enumerate() {
            wrong = wrong + wrong_first(*a) - usize::from(*a == stops);
            if wrong < least {
                (least, best) = (wrong, k + 1);
            }
        }
        let heard = (frames.start as f64 + best as f64 - 0.5) * self.hop;
        Some(if stops { heard - SMEAR } else { heard + SMEAR })
    }
}

/// `time`, drawn to an attack, or to a sixteenth. The start of a break moves to the next of them, behind the tail.
fn settle(texture: &Texture, bars: &Bars, time: f64, window: (f64, f64), starts: bool) -> f64 {
    let near = |t: &f64| (t - time).abs() <= DRAW && *t >= window.0 - SLACK && *t <= window.1 + SLACK;
    let closest = |times: Vec<f64>| {
        times
            .into_iter()
            .filter(near)
            .min_by(|a, b| (a - time).abs().total_cmp(&(b - time).abs()))
    };
    let grid: Vec<f64> = bars
        .beats
        .windows(2)
        .filter(|w| w[1] > window.0 - 1.0 && w[0] < window.1 + 1.0)
        .flat_map(|w| (0..SLOTS).map(move |s| w[0] + (w[1] - w[0]) * s as f64 / SLOTS as f64))
        .collect();
    if let Some(t) = closest(grid.clone()) {
        return t;
    }
    if let Some(t) = closest(attacks(texture, time - DRAW, time + DRAW)) {
        return t;
    }
    let next = grid.into_iter().find(|t| *t >= time - SLACK && *t <= window.1 + SLACK);
    if starts { next.unwrap_or(time) } else { time }
}

/// Times in seconds of the sharpest rises between two times.
fn attacks(texture: &Texture, from: f64, to: f64) -> Vec<f64> {
    /// Mean rise in dB over all bands.
    const LEAST: f32 = 3.0;
    let b = &texture.bands;
    let strength = |t: usize| {
        let row = b.onset.get(t * GROUPS..(t + 1) * GROUPS).unwrap_or_default();
        row.iter().sum::<f32>() / GROUPS as f32
    };
    let last = ((to / b.hop).floor().max(0.0) as usize + 1).min(b.frames);
    (((from / b.hop).ceil().max(0.0) as usize)..last)
        .filter(|&t| {
            let now = strength(t);
            now > LEAST && now > t.checked_sub(1).map_or(0.0, strength) && now >= strength(t + 1)
        })
        .map(|t| t as f64 * b.hop)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::analysis::texture::{Bands, tonal};
    use crate::progress::Silent;
    use crate::rhythm::grid::{BeatGrid, GridSource};
    use crate::units::Bpm;

    const RATE: f64 = 11_025.0;

    /// Ten bars of two seconds with a click on each beat, and a chord in all of them but from `stops` to `starts`.
    fn made(stops: f64, starts: f64) -> (Texture, Bars) {
        let mono: Vec<f32> = (0..(20.0 * RATE) as usize)
            .map(|i| {
                let t = i as f64 / RATE;
                let click = if t.rem_euclid(0.5) < 0.004 { 0.5 } else { 0.0 };
                let chord = [110.0, 277.2, 329.6].iter().map(|hz| (TAU * hz * t).sin()).sum::<f64>();
                let on = !(stops..starts).contains(&t);
                (click * (t * 12_345.0).sin() + if on { 0.1 * chord } else { 0.0 }) as f32
            })
            .collect();
        let bands = Bands {
            hop: 0.0116,
            frames: 0,
            mel: Vec::new(),
            harmonic: Vec::new(),
            percussive: Vec::new(),
            onset: Vec::new(),
            cover: Vec::new(),
            jagged: Vec::new(),
            high_flat: Vec::new(),
            floor: -100.0,
        };
        let grid = BeatGrid {
            beats: (0..40).map(|b| f64::from(b) * 0.5 * RATE).collect(),
            downbeats: (0..10).map(|b| b * 4).collect(),
            beats_per_bar: 4,
            tempo: Bpm(120.0),
            constant: true,
            confidence: 1.0,
            source: GridSource::Given,
        };
        let tonal = tonal(&mono, RATE, &Silent).unwrap();
        (Texture { bands, tonal }, Bars::of(&grid, RATE))
    }

    #[track_caller]
    fn assert_edges(stops: f64, starts: f64, wanted: (f64, f64)) {
        let (texture, bars) = made(stops, starts);
        let found = edges(&texture, &bars, &(3..7));
        let found = (found.start / RATE, found.end / RATE);
        let near = |a: f64, b: f64| (a - b).abs() < 0.001;
        assert!(
            near(found.0, wanted.0) && near(found.1, wanted.1),
            "{found:?}, not {wanted:?}"
        );
    }

    #[test]
    fn pitch_that_stops_inside_the_bar_before_lengthens_the_break() {
        assert_edges(5.0, 14.0, (5.0, 14.0));
        assert_edges(4.5, 14.0, (4.5, 14.0));
    }

    #[test]
    fn a_tail_and_a_pick_up_shorten_it() {
        assert_edges(6.75, 13.5, (6.75, 13.5));
        // Between two sixteenths: to the next.
        assert_edges(6.46, 14.0, (6.5, 14.0));
    }

    #[test]
    fn pitch_that_starts_late_lengthens_it() {
        assert_edges(6.0, 15.0, (6.0, 15.0));
    }

    #[test]
    fn bar_lines_stand_where_nothing_changes_or_nothing_is() {
        assert_edges(30.0, 40.0, (6.0, 14.0));
        let (texture, bars) = made(0.0, 20.0);
        assert_eq!(edges(&texture, &bars, &(3..7)), bars.span(&(3..7)));
        assert_eq!(edges(&texture, &bars, &(0..10)), bars.span(&(0..10)));
        assert_eq!(edges(&texture, &bars, &(4..4)), bars.span(&(4..4)));
    }
}

//! What the user says of the grid, applied in this one place, so that everything that is made from it sees one grid.
//!
//! Order: tempo (`bpm` restricts the tracker; a ratio re-reads its pulse), beats (`shift_beat`), meter, bar lines
//! (`shift_bar` or `first_downbeat`), and at last `grid_offset_ms`. A tracked pulse that is read another way is compared
//! with the readings that the tracker had made itself: where one of them lies there it is taken, and in either case the
//! beats are drawn to the attacks. Beats that were given, by a person or a host, are counted differently but never moved
//! from where they were put, but by the shift that is asked for.

use super::constants::*;
use super::grid::{BeatGrid, median_gap};
use super::hypothesis::{Draft, same, steady_beats, tolerance};
use super::onset::Front;
use super::score::{Judge, Scored};
use super::{Rhythm, bars};
use crate::config::{self, fraction::Fraction};
use crate::units::Bpm;

/// Re-reads the pulse of one tracked song.
pub(super) struct Rereader<'a, 'b> {
    pub(super) judge: &'a Judge<'b>,
    /// First and last frame with sound.
    pub(super) sound: (f64, f64),
    /// Judge without preference for common tempi: one was asked for.
    pub(super) free: bool,
}

/// A reading: one of those that the tracker made, or a new one.
pub(super) enum Reading {
    /// Its place among them.
    Kept(usize),
    /// A new one.
    Made(Box<Scored>),
}

impl Reading {
    /// The reading itself.
    pub(super) fn scored<'s>(&'s self, ranked: &'s [Scored]) -> Option<&'s Scored> {
        match self {
            Self::Kept(i) => ranked.get(*i),
            Self::Made(s) => Some(s),
        }
    }
}

impl Rereader<'_, '_> {
    /// The best of `ranked` with `ratio` beats for each of its beats, moved later by `shift` of the new beat. Of the
    /// phases that a ratio leaves open the one that explains the track best is taken. `None` where nothing is left.
    pub(super) fn read(&self, ranked: &[Scored], ratio: Fraction, shift: Option<Fraction>) -> Option<Reading> {
        let base = &ranked.first()?.draft;
        let mut read: Option<Reading> = None;
        if ratio != Fraction::ONE {
            let phases = (0..ratio.denominator()).map(|phase| self.recounted(base, ratio, phase));
            let judged = phases
                .filter(|d| d.beats.len() >= 2)
                .map(|d| self.judge.judge(d, self.free));
            let best = judged.reduce(|a, b| if b.score > a.score { b } else { a })?;
            read = Some(kept_or(ranked, best));
        }
        let Some(shift) = shift else {
            return Some(read.unwrap_or(Reading::Kept(0)));
        };
        let from = match &read {
            Some(reading) => &reading.scored(ranked)?.draft,
            None => base,
        };
        let moved = self.moved(from, shift.value());
        (moved.beats.len() >= 2).then(|| kept_or(ranked, self.judge.judge(moved, self.free)))
    }

    /// `ratio` p/q beats for each beat: every q-th of the places that divide each beat into p, from the `phase`-th on.
    fn recounted(&self, of: &Draft, ratio: Fraction, phase: u32) -> Draft {
        let parts = f64::from(ratio.numerator());
        self.respaced(of, f64::from(phase) / parts, 1.0 / ratio.value(), ratio.value())
    }

    /// The beats moved later by `part` of a beat.
    fn moved(&self, of: &Draft, part: f64) -> Draft {
        self.respaced(of, part, 1.0, 1.0)
    }

    /// Beats at beat numbers `first + k * step` of another reading, from the first sound to the last.
    fn respaced(&self, of: &Draft, first: f64, step: f64, ratio: f64) -> Draft {
        let (lo, hi) = self.sound;
        let ratio = of.ratio * ratio;
        match of.line {
            Some((start, period)) => {
                let period_now = period * step;
                let (beats, start) = steady_beats(start + first * period, period_now, lo, hi);
                Draft {
                    ratio,
                    beats,
                    line: Some((start, period_now)),
                }
            }
            None => {
                let k = ((bars::beat_number(&of.beats, lo - tolerance()) - first) / step).ceil();
                let beats = (0..)
                    .map(|i| at_number(&of.beats, first + (k + f64::from(i)) * step))
                    .take_while(|t| *t <= hi)
                    .collect();
                Draft {
                    ratio,
                    beats,
                    line: None,
                }
            }
        }
    }
}

/// The reading of `ranked` that lies where `made` does, else `made`.
fn kept_or(ranked: &[Scored], made: Scored) -> Reading {
    let lies_there = |s: &Scored| {
        (s.draft.ratio / made.draft.ratio - 1.0).abs() < 0.01 && s.draft.beats.len() >= 2 && same(&s.draft, &made.draft)
    };
    match ranked.iter().position(lies_there) {
        Some(i) => Reading::Kept(i),
        None => Reading::Made(Box::new(made)),
    }
}

/// The frame at a beat number, between beats and (at the tempo there) beyond the ends. Two beats at least.
fn at_number(beats: &[f64], x: f64) -> f64 {
    let i = (x.floor().max(0.0) as usize).min(beats.len() - 2);
    beats[i] + (x - i as f64) * (beats[i + 1] - beats[i])
}

/// Puts the reading first that `settings` ask for.
pub(super) fn choose(mut ranked: Vec<Scored>, reading: Option<Reading>) -> Vec<Scored> {
    let chosen = match reading {
        None | Some(Reading::Kept(0)) => return ranked,
        Some(Reading::Kept(i)) => ranked.remove(i),
        Some(Reading::Made(made)) => *made,
    };
    ranked.insert(0, chosen);
    ranked
}

/// Applies what `settings` say of confidence, bar lines and offset to a tracked rhythm, and to its first hypothesis, which
/// stays the grid. `end` is the length of the track in frames at `rate`.
pub(super) fn finish(rhythm: &mut Rhythm, settings: &config::Rhythm, rate: u32, end: f64) {
    // What is said is taken for certain.
    if settings.moves_beats() {
        rhythm.beat_confidence = 1.0;
    }
    if settings.moves_bars() {
        rhythm.bar_confidence = 1.0;
    }
    rhythm.grid.confidence = rhythm.beat_confidence * rhythm.bar_confidence;
    rhythm.grid = on_bars(&rhythm.grid, settings, rate, end);
    let grid = &rhythm.grid;
    let Some(best) = rhythm.hypotheses.first_mut() else {
        return;
    };
    best.beats.clone_from(&grid.beats);
    best.downbeats.clone_from(&grid.downbeats);
    let first = grid.downbeats.first().map_or(0, |d| *d as u32) % grid.beats_per_bar.max(1);
    let reading = best
        .bars
        .iter()
        .position(|b| b.beats_per_bar == grid.beats_per_bar && b.first == first);
    if let Some(i) = reading {
        best.bars[..=i].rotate_right(1);
    }
}

/// A grid whose beats stand, with its bar lines and its offset as `settings` say.
pub(super) fn on_bars(grid: &BeatGrid, settings: &config::Rhythm, rate: u32, end: f64) -> BeatGrid {
    let mut grid = if settings.shift_bar != 0 {
        grid.shifted(settings.shift_bar)
    } else {
        grid.clone()
    };
    if let Some(seconds) = settings.first_downbeat {
        grid = with_downbeat_at(&grid, seconds * f64::from(rate));
    }
    offset(&grid, settings.grid_offset_ms * f64::from(rate) / 1000.0, end)
}

/// Whole bars counted, both ways, from the beat nearest to `frame`: what the tracker said of the bars does not count.
fn with_downbeat_at(grid: &BeatGrid, frame: f64) -> BeatGrid {
    let last = grid.beats.len().saturating_sub(1) as f64;
    let beat = bars::beat_number(&grid.beats, frame).round().clamp(0.0, last) as usize;
    let meter = grid.beats_per_bar.max(1) as usize;
    BeatGrid {
        downbeats: (beat % meter..grid.beats.len()).step_by(meter).collect(),
        ..grid.clone()
    }
}

/// The grid moved by `frames`; beats that leave the track are dropped.
fn offset(grid: &BeatGrid, frames: f64, end: f64) -> BeatGrid {
    if frames == 0.0 {
        return grid.clone();
    }
    let moved: Vec<f64> = grid.beats.iter().map(|b| b + frames).collect();
    let dropped = moved.iter().take_while(|b| **b < 0.0).count();
    let beats: Vec<f64> = moved.into_iter().skip(dropped).take_while(|b| *b <= end).collect();
    let downbeats = grid
        .downbeats
        .iter()
        .filter_map(|d| d.checked_sub(dropped))
        .filter(|d| *d < beats.len())
        .collect();
    BeatGrid {
        beats,
        downbeats,
        ..grid.clone()
    }
}

/// Readings of given beats as `settings` ask: one for each phase that the ratio leaves open. Exact: nothing is drawn to
/// attacks. `end` is the length of the track in the unit of `beats`.
pub(super) fn respaced_given(beats: &[f64], settings: &config::Rhythm, end: f64) -> Vec<Vec<f64>> {
    let ratio = settings.ratio().unwrap_or(Fraction::ONE);
    let shift = settings.shift_beat.map_or(0.0, Fraction::value);
    if beats.len() < 2 {
        return vec![beats.to_vec()];
    }
    let step = 1.0 / ratio.value();
    let (last, parts) = ((beats.len() - 1) as f64, f64::from(ratio.numerator()));
    let read = |phase: u32| {
        let first = f64::from(phase) / parts;
        let count = ((last - first) / step + 1e-9).floor().max(0.0) as u64 + 1;
        (0..count)
            .map(|k| at_number(beats, first + (k as f64 + shift) * step))
            .filter(|t| (0.0..=end).contains(t))
            .collect()
    };
    (0..ratio.denominator()).map(read).collect()
}

/// A grid that came with its bars, with everything applied that `settings` say. Bars keep their number of beats when the
/// beats are counted differently, and the first one keeps its place.
pub(super) fn on_given(grid: &BeatGrid, settings: &config::Rhythm, rate: u32, end: f64) -> BeatGrid {
    let mut out = grid.clone();
    if settings.moves_beats() && grid.beats.len() >= 2 {
        let first = grid.downbeats.first().map_or(0.0, |d| grid.beats[*d]);
        let gap = median_gap(&grid.beats);
        let shift = settings.shift_beat.map_or(0.0, Fraction::value);
        let ratio = settings.ratio().unwrap_or(Fraction::ONE).value();
        // Where the first downbeat is to be found, then the phase that has a beat there.
        let wanted = first + shift * gap / ratio;
        let nearest = |beats: &[f64]| {
            let near = beats.iter().enumerate().map(|(i, b)| ((b - wanted).abs(), i));
            near.min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let readings = respaced_given(&grid.beats, settings, end);
        let best = readings
            .into_iter()
            .filter(|r| r.len() >= 2)
            .filter_map(|r| nearest(&r).map(|(off, i)| (off, i, r)))
            .reduce(|a, b| if b.0 < a.0 { b } else { a });
        if let Some((_, at, beats)) = best {
            let meter = grid.beats_per_bar.max(1) as usize;
            if !grid.downbeats.is_empty() {
                out.downbeats = if ratio == 1.0 {
                    let dropped = usize::from(at_number(&grid.beats, shift) < 0.0);
                    let kept = grid.downbeats.iter().filter_map(|d| d.checked_sub(dropped));
                    kept.filter(|d| *d < beats.len()).collect()
                } else {
                    (at % meter..beats.len()).step_by(meter).collect()
                };
            }
            out.beats = beats;
            out.tempo = Bpm(grid.tempo.0 * ratio);
        }
    }
    if let Some(meter) = settings.beats_per_bar.filter(|m| *m != grid.beats_per_bar) {
        out = out.with_meter(meter);
    }
    on_bars(&out, settings, rate, end)
}

/// First and last sound, as places for beats.
pub(super) fn sound(front: &Front) -> (f64, f64) {
    (front.sound.0 as f64, front.sound.1 as f64)
}

/// The length of `mono` in frames at `rate`.
pub(super) fn end(mono: &[f32], rate: u32) -> f64 {
    mono.len() as f64 / RATE * f64::from(rate)
}

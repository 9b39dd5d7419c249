//! What else a track could be taken for, each with the settings that make it so: twice, half, three halves of the tempo;
//! the beat on what was taken for the off-beat; bars that begin on another beat, or hold another number.
//!
//! Readings of the beats are told from the tracker's own reading, whatever the settings have put in its place: `x2` is
//! twice the tempo that was tracked. Shifts of the bar lines are told from the grid in force.

use super::bars::BarReading;
use super::constants::*;
use super::grid::BeatGrid;
use super::hypothesis::Draft;
use super::overrides::{Reading, Rereader, on_bars};
use super::score::Scored;
use super::{Rhythm, bar_confidence, beat_confidence, clear, margin, native};
use crate::config::{self, fraction::Fraction};
use crate::units::Bpm;

/// Another reading of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// What it is called: `x2`, `/2`, `x3/2`, `beats +1/2`, `bars +1`, `3 beats a bar`, `as tracked`; where it takes two
    /// steps, both, with a comma between them.
    pub name: String,
    /// The overrides that choose it: all that are needed, those already in force that still hold among them.
    pub settings: config::Rhythm,
    /// Tempo.
    pub tempo: Bpm,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// First beat, in frames at the track's own rate.
    pub first_beat: f64,
    /// First downbeat, likewise; none where not even one bar begins.
    pub first_downbeat: Option<f64>,
    /// Weighted sum of the tracker's terms, comparable with the scores of hypotheses.
    pub score: f32,
    /// How likely it is by the tracker's own evidence, 0 to 1. Where no override moves beats or bars, the grid's confidence
    /// and these together do not exceed 1; what is missing lies with other readings, or with no beat at all.
    pub probability: f32,
}

/// The name of the tracker's own choice, where the settings have put another in its place.
pub const AS_TRACKED: &str = "as tracked";

/// Ratios that are always offered.
const RATIOS: [(i32, u32); 8] = [(2, 1), (1, 2), (3, 2), (2, 3), (4, 3), (3, 4), (3, 1), (1, 3)];
/// Shifts of the beats that are always offered.
const SHIFTS: [(i32, u32); 3] = [(1, 2), (1, 3), (2, 3)];
/// Other kept readings are offered from this probability on.
const WORTH_NAMING: f32 = 0.01;
/// Tempi that are offered, in BPM.
const OFFERED: (f64, f64) = (20.0, 400.0);

/// A reading of the beats before it is drawn to the attacks.
pub(super) struct Other {
    name: String,
    settings: config::Rhythm,
    draft: Draft,
    downbeats: Vec<usize>,
    beats_per_bar: u32,
    score: f32,
    probability: f32,
}

/// What the tracker believes of the beats: shares of the probability that its own choice leaves.
struct Belief {
    own: f32,
    rest: f32,
    /// Sum of the weights of all other readings, and the score that weighs 1.
    total: f32,
    best: f32,
    map: (f32, f32),
}

impl Belief {
    fn of(ranked: &[Scored], clarity: f32, sure: &Calibration) -> Self {
        let best = ranked.first().map_or(0.0, |s| s.score);
        let own = beat_confidence(margin(ranked), clarity, sure);
        Self {
            own,
            rest: clear(clarity) - own,
            total: ranked
                .iter()
                .skip(1)
                .map(|s| weight(s.score - best, sure.beats))
                .sum::<f32>()
                .max(f32::MIN_POSITIVE),
            best,
            map: sure.beats,
        }
    }

    /// Probability of a reading of the beats, whatever its bars.
    fn beats(&self, ranked: &[Scored], reading: &Reading) -> f32 {
        match reading {
            Reading::Kept(0) => self.own,
            reading => reading.scored(ranked).map_or(0.0, |s| {
                let w = weight(s.score - self.best, self.map);
                // One that the tracker had not made takes its part of the rest.
                let made = matches!(reading, Reading::Made(_));
                self.rest * w / (self.total + if made { w } else { 0.0 })
            }),
        }
    }
}

fn weight(lead: f32, (slope, _): (f32, f32)) -> f32 {
    (slope * lead).exp()
}

/// Probability of each reading of the bars, given the beats.
fn bar_probabilities(readings: &[BarReading], sure: &Calibration) -> Vec<f32> {
    let first = bar_confidence(readings, sure);
    let best = readings.first().map_or(0.0, |b| b.score);
    let w = |b: &BarReading| weight(b.score - best, sure.bars);
    let total: f32 = readings.iter().skip(1).map(w).sum::<f32>().max(f32::MIN_POSITIVE);
    let rest = readings.iter().skip(1).map(|b| (1.0 - first) * w(b) / total);
    readings.first().map(|_| first).into_iter().chain(rest).collect()
}

/// All readings worth offering beside the one that `settings` ask for; `ranked` are the tracker's, best first.
pub(super) fn readings(
    reread: &Rereader<'_, '_>,
    ranked: &[Scored],
    settings: &config::Rhythm,
    clarity: f32,
) -> Vec<Other> {
    let sure = reread.judge.calibration();
    let belief = Belief::of(ranked, clarity, sure);
    // What was said of tempo and meter restricts the tracker, and so holds for all.
    let plain = config::Rhythm {
        bpm: settings.bpm,
        beats_per_bar: settings.beats_per_bar,
        grid_offset_ms: settings.grid_offset_ms,
        ..config::Rhythm::default()
    };
    let mut out = Vec::new();
    let mut offer = |name: &str, ratio: Option<Fraction>, shift: Option<Fraction>| {
        let reading = reread.read(ranked, ratio.unwrap_or(Fraction::ONE), shift)?;
        let scored = reading.scored(ranked)?;
        let bars = scored.bars.first()?;
        let settings = config::Rhythm {
            tempo_ratio: ratio,
            shift_beat: shift,
            ..plain.clone()
        };
        let probability = belief.beats(ranked, &reading) * bar_confidence(&scored.bars, sure);
        out.push(Other::of(name.to_owned(), settings, scored, bars, probability));
        Some(())
    };
    if settings.moves_beats() || settings.moves_bars() {
        offer(AS_TRACKED, None, None);
    }
    let ratios = || RATIOS.iter().filter_map(|(n, d)| Fraction::new(*n, *d));
    // A tempo that was said leaves none to offer.
    if settings.bpm.is_none() {
        ratios().for_each(|r| {
            offer(&ratio_name(r), Some(r), None);
        });
    }
    for shift in SHIFTS.iter().filter_map(|(n, d)| Fraction::new(*n, *d)) {
        offer(&format!("beats +{shift}"), None, Some(shift));
    }
    // Readings of the tracker's that take both.
    for ratio in [Fraction::ONE]
        .into_iter()
        .chain(ratios().filter(|_| settings.bpm.is_none()))
    {
        for shift in [(1, 2), (1, 3), (2, 3), (1, 4), (3, 4)] {
            let Some(shift) = Fraction::new(shift.0, shift.1) else {
                continue;
            };
            if ratio == Fraction::ONE && shift.denominator() != 4 {
                continue;
            }
            let Some(Reading::Kept(i)) = reread.read(ranked, ratio, Some(shift)) else {
                continue;
            };
            if belief.beats(ranked, &Reading::Kept(i)) < WORTH_NAMING {
                continue;
            }
            let (name, ratio) = match ratio {
                Fraction::ONE => (String::new(), None),
                r => (format!("{}, ", ratio_name(r)), Some(r)),
            };
            offer(&format!("{name}beats +{shift}"), ratio, Some(shift));
        }
    }
    if settings.beats_per_bar.is_none() {
        out.extend(other_meters(ranked, &belief, sure, &plain));
    }
    out
}

fn ratio_name(ratio: Fraction) -> String {
    match (ratio.numerator(), ratio.denominator()) {
        (1, d) => format!("/{d}"),
        _ => format!("x{ratio}"),
    }
}

/// What the tracker would have chosen, had it been told another meter.
fn other_meters(ranked: &[Scored], belief: &Belief, sure: &Calibration, plain: &config::Rhythm) -> Vec<Other> {
    let Some(own) = ranked.first().and_then(|s| s.bars.first()) else {
        return Vec::new();
    };
    let mut meters: Vec<u32> = ranked[0].bars.iter().map(|b| b.beats_per_bar).collect();
    meters.sort_unstable();
    meters.dedup();
    meters.retain(|m| *m != own.beats_per_bar);
    let told = |meter: u32| {
        let best = |s: &Scored| {
            let bars = s.bars.iter().find(|b| b.beats_per_bar == meter)?;
            let own = s.bars.first().map_or(0.0, |b| b.score);
            Some((s.score + BEAT.bars * (bars.score - own), bars.clone()))
        };
        let readings = ranked.iter().enumerate().filter_map(|(i, s)| Some((i, s, best(s)?)));
        let (i, scored, (score, bars)) = readings.reduce(|a, b| if b.2.0 > a.2.0 { b } else { a })?;
        let place = scored.bars.iter().position(|b| *b == bars)?;
        let of_bars = bar_probabilities(&scored.bars, sure).get(place).copied().unwrap_or(0.0);
        let settings = config::Rhythm {
            beats_per_bar: Some(meter),
            ..plain.clone()
        };
        let probability = belief.beats(ranked, &Reading::Kept(i)) * of_bars;
        let other = Other::of(format!("{meter} beats a bar"), settings, scored, &bars, probability);
        Some(Other { score, ..other })
    };
    meters.into_iter().filter_map(told).collect()
}

impl Other {
    fn of(name: String, settings: config::Rhythm, scored: &Scored, bars: &BarReading, probability: f32) -> Self {
        Self {
            name,
            settings,
            draft: scored.draft.clone(),
            downbeats: scored.evidence.downbeats(bars, scored.draft.beats.len()),
            beats_per_bar: bars.beats_per_bar,
            score: scored.score,
            probability,
        }
    }
}

/// Draws the readings to the attacks by `refine`, adds the other bar lines of the grid in force, and removes what comes to
/// the same as that grid or as a likelier reading.
pub(super) fn list(
    others: Vec<Other>,
    rhythm: &Rhythm,
    settings: &config::Rhythm,
    refine: &mut dyn FnMut(&Draft) -> Draft,
    sure: &Calibration,
    rate: u32,
    end: f64,
) -> Vec<Alternative> {
    let mut all = other_bars(rhythm, settings, sure);
    for other in others {
        let Some((beats, tempo, dropped)) = native(&refine(&other.draft), f64::from(rate)) else {
            continue;
        };
        let grid = BeatGrid {
            beats,
            downbeats: other.downbeats.iter().filter_map(|d| d.checked_sub(dropped)).collect(),
            beats_per_bar: other.beats_per_bar,
            tempo,
            ..rhythm.grid.clone()
        };
        let grid = on_bars(&grid, &other.settings, rate, end);
        if !(OFFERED.0..=OFFERED.1).contains(&tempo.0) || grid.beats.len() < 2 {
            continue;
        }
        all.push((
            of_grid(&grid, other.name, other.settings, other.score, other.probability),
            grid,
        ));
    }
    // The way back keeps its name, whatever else leads there; of others that are alike the likelier stands.
    let back = |a: &Alternative| a.name == AS_TRACKED;
    all.sort_by(|a, b| {
        back(&b.0)
            .cmp(&back(&a.0))
            .then(b.0.probability.total_cmp(&a.0.probability))
    });
    let mut known = vec![rhythm.grid.clone()];
    let mut out = Vec::new();
    for (alternative, grid) in all {
        if !known.iter().any(|k| alike(k, &grid)) {
            known.push(grid);
            out.push(alternative);
        }
    }
    out.sort_by(|a: &Alternative, b| b.probability.total_cmp(&a.probability));
    // Readings that the tracker had not made were each weighed as if alone: together they may take too much.
    let sum: f32 = out.iter().map(|a| a.probability).sum();
    let room = 1.0 - rhythm.grid.confidence;
    if sum > room && !settings.moves_beats() && !settings.moves_bars() {
        out.iter_mut().for_each(|a| a.probability *= room / sum);
    }
    out
}

/// The grid in force with its bars begun on another beat.
fn other_bars(rhythm: &Rhythm, settings: &config::Rhythm, sure: &Calibration) -> Vec<(Alternative, BeatGrid)> {
    let Some(best) = rhythm.hypotheses.first() else {
        return Vec::new();
    };
    let grid = &rhythm.grid;
    let meter = grid.beats_per_bar.max(1) as i32;
    let probabilities = bar_probabilities(&best.bars, sure);
    let first = grid.downbeats.first().map_or(0, |d| *d as i32);
    (1..meter)
        .map(|by| {
            let shifted = grid.shifted(by);
            let reading = best
                .bars
                .iter()
                .position(|b| b.beats_per_bar == grid.beats_per_bar && b.first as i32 == (first + by) % meter);
            let score = reading.map_or(best.score, |r| {
                best.score + BEAT.bars * (best.bars[r].score - best.bars[0].score)
            });
            let of_bars = reading.and_then(|r| probabilities.get(r)).copied().unwrap_or(0.0);
            // The shortest way there: three beats later is one beat earlier.
            let total = (settings.shift_bar + by).rem_euclid(meter);
            let total = if 2 * total > meter { total - meter } else { total };
            let settings = match settings.first_downbeat {
                None => config::Rhythm {
                    shift_bar: total,
                    ..settings.clone()
                },
                Some(seconds) => config::Rhythm {
                    first_downbeat: Some(seconds + f64::from(by) * 60.0 / grid.tempo.0),
                    ..settings.clone()
                },
            };
            let probability = rhythm.beat_confidence * of_bars;
            (
                of_grid(&shifted, format!("bars +{by}"), settings, score, probability),
                shifted,
            )
        })
        .collect()
}

fn of_grid(grid: &BeatGrid, name: String, settings: config::Rhythm, score: f32, probability: f32) -> Alternative {
    Alternative {
        name,
        settings,
        tempo: grid.tempo,
        beats_per_bar: grid.beats_per_bar,
        first_beat: grid.beats.first().copied().unwrap_or(0.0),
        first_downbeat: grid.downbeats.first().and_then(|d| grid.beats.get(*d)).copied(),
        score,
        probability,
    }
}

/// True for grids of one tempo, meter and phase, of beats and bars: the same loops come from both.
fn alike(a: &BeatGrid, b: &BeatGrid) -> bool {
    if a.beats_per_bar != b.beats_per_bar || (a.tempo.0 / b.tempo.0 - 1.0).abs() > 0.01 {
        return false;
    }
    let Some(middle) = a.downbeats.get(a.downbeats.len() / 2) else {
        return b.downbeats.is_empty();
    };
    let at = super::bars::beat_number(&b.beats, a.beats[*middle]);
    b.downbeats.iter().any(|d| (at - *d as f64).abs() < 1.0 / 16.0)
}

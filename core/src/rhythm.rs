//! Tempo, beats, meter and bars.
//!
//! # The task
//!
//! Where are the beats, which of them begin a bar, and how sure is that? Loops are cut on these lines, so they must sit
//! on the attacks to a few milliseconds; and a loop found on the wrong bar phase is worth nothing, so every reading that
//! was considered is kept and can be chosen instead.
//!
//! # Conventions
//!
//! Audio for analysis is mono at 22.05 kHz. Inside, time is counted in onset frames of 220 samples; what leaves the
//! module is in frames at the track's own rate, fractional, as `f64`.
//!
//! # Stages
//!
//! 1. `onset`: onset strength by band group, texture, chroma.
//! 2. `tempo`: a path of tempo through windows of 10 s.
//! 3. `coherence`: one tempo throughout, or drifting; `beats`: the pulse in either case.
//! 4. [`hypothesis`]: other ratios and phases of that pulse, each drawn to the attacks by `refine`; what is kept, to the
//!    attacks in the waveform by `attack`.
//! 5. `score` with [`bars`] and `sections`: which reading explains the track best, beats and bars together. Where there is
//!    a network (`network`, fed by [`input`]), its [`activation`] is the strongest part of the evidence.
//! 6. `overrides`: what the user says instead; [`alternatives`]: what else could be said, and how to say it.
//!
//! Apart from all that, [`notes`] hears where notes begin, for slicing.
//!
//! Sources: Scheirer 1998, Ellis 2007, Klapuri et al. 2006, Böck and Widmer 2013; the joint choice of beats and bars by
//! musical evidence follows Goto and Muraoka 1999.

pub mod activation;
pub mod alternatives;
mod attack;
pub mod bars;
mod beats;
mod coherence;
mod constants;
pub mod grid;
pub mod hypothesis;
pub mod input;
pub mod load;
#[cfg(feature = "onnx")]
pub mod network;
pub mod notes;
mod onset;
mod overrides;
mod refine;
mod score;
mod sections;
mod tempo;
#[cfg(test)]
mod tests;

use crate::config::{self, fraction::Fraction};
use crate::progress::{Cancelled, Progress, Stage};
use crate::units::Bpm;
use activation::{Activations, BeatModel, Heard, Sound};
use alternatives::Alternative;
use attack::Attacks;
use beats::Pulse;
use constants::*;
use grid::{BeatGrid, GridSource};
use hypothesis::{Draft, Hypothesis, Source};
use onset::Front;
use overrides::Rereader;
use score::{Judge, Scored};

/// What the tracker found.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// The chosen grid; empty where the track has no beat.
    pub grid: BeatGrid,
    /// Every reading that was kept, best first; the grid is the first, and so is a reading that the settings ask for.
    /// Empty where the grid was given.
    pub hypotheses: Vec<Hypothesis>,
    /// What else the track could be taken for, likeliest first, and the settings that would do so. Empty where the grid
    /// was given.
    pub alternatives: Vec<Alternative>,
    /// Strength of the pulse: mean normalised autocorrelation of the onsets at one to four pulses, 0 to 1.
    pub clarity: f32,
    /// How sure the beats are, 0 to 1.
    pub beat_confidence: f32,
    /// How sure the bar lines are, given the beats, 0 to 1.
    pub bar_confidence: f32,
}

impl Rhythm {
    /// A grid that came with the track, with what `settings` say of it; `seconds` is the length of the track.
    pub fn given_as(grid: &BeatGrid, settings: &config::Rhythm, native_rate: u32, seconds: f64) -> Self {
        let end = seconds * f64::from(native_rate);
        Self::given(overrides::on_given(grid, settings, native_rate, end))
    }

    /// A grid that came with the track: taken as it is.
    pub fn given(grid: BeatGrid) -> Self {
        let confidence = grid.confidence;
        Self {
            grid,
            hypotheses: Vec::new(),
            alternatives: Vec::new(),
            clarity: 0.0,
            beat_confidence: confidence,
            bar_confidence: confidence,
        }
    }

    /// No beat found.
    fn none(clarity: f32) -> Self {
        Self {
            grid: BeatGrid::empty(GridSource::Tracked),
            hypotheses: Vec::new(),
            alternatives: Vec::new(),
            clarity,
            beat_confidence: 0.0,
            bar_confidence: 0.0,
        }
    }

    /// The grid of another reading: hypothesis `index`, its bars read as number `bars` of its list. `None` where there
    /// is no such reading.
    pub fn choose(&self, index: usize, bars: usize) -> Option<BeatGrid> {
        let h = self.hypotheses.get(index)?;
        let reading = h.bars.get(bars)?;
        let downbeats = if bars == 0 {
            h.downbeats.clone()
        } else {
            (reading.first as usize..h.beats.len())
                .step_by(reading.beats_per_bar.max(1) as usize)
                .collect()
        };
        Some(BeatGrid {
            beats: h.beats.clone(),
            downbeats,
            beats_per_bar: reading.beats_per_bar,
            tempo: h.tempo,
            constant: h.constant,
            confidence: self.grid.confidence,
            source: self.grid.source,
        })
    }
}

/// Finds beats: the settings, and a model to choose by where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Tracker<'a> {
    /// What restricts the readings.
    pub settings: &'a config::Rhythm,
    /// What hears beats; `None` for signal processing alone.
    pub model: Option<&'a dyn BeatModel>,
}

impl<'a> From<&'a config::Rhythm> for Tracker<'a> {
    fn from(settings: &'a config::Rhythm) -> Self {
        Self { settings, model: None }
    }
}

impl Tracker<'_> {
    /// What the model hears of `mono`.
    fn heard(
        &self,
        mono: &[f32],
        input: Option<&input::Input>,
        progress: &dyn Progress,
    ) -> Result<Option<Heard>, RhythmError> {
        let activations: Option<Activations> = self
            .model
            .map(|model| model.activations(Sound { mono, input }, progress))
            .transpose()?;
        Ok(activations.as_ref().and_then(Heard::new))
    }

    /// True where the front end is to make the model's input.
    fn wants_input(&self) -> bool {
        self.model.is_some_and(BeatModel::wants_input)
    }
}

/// Why there is no rhythm.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RhythmError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The beat model failed.
    #[error("the beat model {model} failed: {problem}")]
    Model {
        /// The model's name.
        model: String,
        /// What went wrong.
        problem: String,
    },
}

/// Why given beats make no grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GivenError {
    /// Fewer than two beats.
    #[error("{0} beat times given; at least two are needed")]
    TooFew(usize),
    /// A time that is not finite, negative, or not after the one before it.
    #[error("beat {index} at {seconds} s is not a time after the one before it")]
    Order {
        /// Which one, from 0.
        index: usize,
        /// Its time.
        seconds: f64,
    },
    /// A downbeat that is none of the beats.
    #[error("downbeat at {seconds} s is none of the beats")]
    Downbeat {
        /// Its time.
        seconds: f64,
    },
    /// Given up, or the bars could not be estimated.
    #[error(transparent)]
    Rhythm(#[from] RhythmError),
}

impl From<Cancelled> for GivenError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Rhythm(cancelled.into())
    }
}

/// Finds tempo, beats and bars of `mono` (22.05 kHz); the grid is in frames at `native_rate` Hz.
///
/// Silence, a constant, noise and less than three seconds give an empty grid; a weak pulse gives a grid of low
/// confidence. `tracker` is the settings, which restrict the readings (see [`config::Rhythm`]), or they with a model.
/// Memory grows with the length by about 5 kB a second (20 kB with a model), time linearly.
pub fn track<'a>(
    mono: &[f32],
    native_rate: u32,
    tracker: impl Into<Tracker<'a>>,
    progress: &dyn Progress,
) -> Result<Rhythm, RhythmError> {
    let tracker: Tracker<'_> = tracker.into();
    let settings = tracker.settings;
    let Some((front, input)) = onset::front(mono, tracker.wants_input(), progress)? else {
        return Ok(Rhythm::none(0.0));
    };
    let (groups, all) = front.pulses();
    let curve = onset::gauss(&all, 1.0);
    drop(all);
    let attack = front.attack();
    let asked = settings
        .bpm
        .filter(|b| b.is_finite() && *b > 0.0)
        .map(|b| b.clamp(20.0, 400.0));
    let near = |b: f64| (b / (1.0 + BPM_TOLERANCE), b * (1.0 + BPM_TOLERANCE));
    let map = tempo::map(&groups, asked.map_or(TEMPO_RANGE, near));
    drop(groups);
    if map.clarity < MIN_CLARITY && asked.is_none() {
        return Ok(Rhythm::none(map.clarity));
    }
    progress.check()?;
    progress.report(Stage::Track, 0.8);
    let heard = tracker.heard(mono, input.as_ref(), progress)?;
    drop(input);
    progress.report(Stage::Track, 0.85);
    let cuts = sections::cuts(&front);
    let judge = Judge::new(&front, &attack, &map, &cuts, heard.as_ref(), settings.beats_per_bar);
    let (period, spread) = map.summary();
    let coherence = coherence::measure(&curve, period);
    let mut steady = coherence.value > CONSTANT_COHERENCE && spread < CONSTANT_SPREAD;
    let ranked = loop {
        let pulse = if steady {
            Pulse::Steady {
                period: coherence.period,
            }
        } else {
            match beats::follow(&attack, &map, progress)? {
                Some(pulse) => pulse,
                None => return Ok(Rhythm::none(map.clarity)),
            }
        };
        progress.check()?;
        let source = Source {
            front: &front,
            pulse: &pulse,
            curve: &curve,
            attack: &attack,
        };
        let period = if steady { coherence.period } else { period };
        let drafts = match asked {
            None => source.drafts(&RATIOS, period, BEAT_RANGE),
            Some(_) => source.drafts(&[1.0], period, (0.0, f64::INFINITY)),
        };
        let mut ranked: Vec<Scored> = Vec::new();
        for draft in drafts {
            progress.check()?;
            ranked.push(judge.judge(draft, asked.is_some()));
        }
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        // A tempo that looked constant may still wander: then the attacks leave the line for many beats together.
        let wanders = |d: &Draft| {
            d.line
                .is_some_and(|(a, t)| refine::slow_residual(&attack, a, t, d.beats.len()) > CONSTANT_RESIDUAL)
        };
        if steady && ranked.first().is_some_and(|s| wanders(&s.draft)) {
            steady = false;
            continue;
        }
        break ranked;
    };
    if ranked.is_empty() {
        return Ok(Rhythm::none(map.clarity));
    }
    let beat_confidence = beat_confidence(margin(&ranked), map.clarity, judge.calibration());
    let reread = Rereader {
        judge: &judge,
        sound: overrides::sound(&front),
        free: asked.is_some(),
    };
    let others = alternatives::readings(&reread, &ranked, settings, map.clarity);
    let reading = settings
        .moves_beats()
        .then(|| reread.read(&ranked, settings.ratio().unwrap_or(Fraction::ONE), settings.shift_beat));
    let mut ranked = overrides::choose(ranked, reading.flatten());
    ranked.truncate(KEPT);
    let mut fine = Attacks::new(mono, front.frames);
    let mut refine = |draft: &Draft| draft.on_attacks(&attack, &mut fine);
    for s in &mut ranked {
        s.draft = refine(&s.draft);
    }
    progress.report(Stage::Track, 1.0);
    let mut rhythm = assemble(
        ranked,
        native_rate,
        map.clarity,
        (beat_confidence, judge.calibration()),
        GridSource::Tracked,
    );
    let end = overrides::end(mono, native_rate);
    overrides::finish(&mut rhythm, settings, native_rate, end);
    rhythm.alternatives = alternatives::list(
        others,
        &rhythm,
        settings,
        &mut refine,
        judge.calibration(),
        native_rate,
        end,
    );
    Ok(rhythm)
}

/// Makes a grid of beat times in seconds that a user gives.
///
/// Where one tempo and phase explain the times within 5 ms the grid is constant, and its beats lie on that line. Without
/// `downbeats` (which must be among the beats) the bars are estimated from `mono` at 22.05 kHz, as in [`track`].
pub fn from_beats<'a>(
    seconds: &[f64],
    downbeats: Option<&[f64]>,
    mono: &[f32],
    native_rate: u32,
    tracker: impl Into<Tracker<'a>>,
    progress: &dyn Progress,
) -> Result<Rhythm, GivenError> {
    let tracker: Tracker<'_> = tracker.into();
    let settings = tracker.settings;
    if seconds.len() < 2 {
        return Err(GivenError::TooFew(seconds.len()));
    }
    for (index, &t) in seconds.iter().enumerate() {
        let after = index == 0 || t > seconds[index - 1];
        if !t.is_finite() || t < 0.0 || !after {
            return Err(GivenError::Order { index, seconds: t });
        }
    }
    let line = grid::constant_line(seconds);
    let rate = f64::from(native_rate);
    let beats: Vec<f64> = match line {
        Some((a, b)) => (0..seconds.len())
            .map(|k| ((a + k as f64 * b) * rate).max(0.0))
            .collect(),
        None => seconds.iter().map(|t| t * rate).collect(),
    };
    let mut given = BeatGrid {
        tempo: Bpm::from_period(line.map_or_else(|| grid::median_gap(seconds), |l| l.1)).unwrap_or(Bpm(120.0)),
        beats,
        downbeats: Vec::new(),
        beats_per_bar: 4,
        constant: line.is_some(),
        confidence: 1.0,
        source: GridSource::Given,
    };
    if let Some(downbeats) = downbeats {
        for &d in downbeats {
            let near = seconds
                .iter()
                .enumerate()
                .min_by(|a, b| (a.1 - d).abs().total_cmp(&(b.1 - d).abs()))
                .filter(|x| (x.1 - d).abs() <= 0.25 * grid::median_gap(seconds));
            match near {
                Some((i, _)) => given.downbeats.push(i),
                None => return Err(GivenError::Downbeat { seconds: d }),
            }
        }
        given.downbeats.sort_unstable();
        given.downbeats.dedup();
        given.beats_per_bar = grid::common_gap(&given.downbeats).unwrap_or(4);
        let end = overrides::end(mono, native_rate);
        return Ok(Rhythm::given(overrides::on_given(&given, settings, native_rate, end)));
    }
    let end = overrides::end(mono, native_rate);
    let readings = overrides::respaced_given(&given.beats, settings, end);
    given.tempo = Bpm(given.tempo.0 * settings.ratio().map_or(1.0, Fraction::value));
    given.beats_per_bar = settings.beats_per_bar.unwrap_or(4).max(1);
    let Some((front, input)) = onset::front(mono, tracker.wants_input(), progress)? else {
        given.beats = readings.into_iter().next().unwrap_or_default();
        given.downbeats = (0..given.beats.len()).step_by(given.beats_per_bar as usize).collect();
        return Ok(Rhythm::given(overrides::on_bars(&given, settings, native_rate, end)));
    };
    let (groups, _) = front.pulses();
    let map = tempo::map(&groups, TEMPO_RANGE);
    let attack = front.attack();
    let cuts = sections::cuts(&front);
    let heard = tracker.heard(mono, input.as_ref(), progress)?;
    let judge = Judge::new(&front, &attack, &map, &cuts, heard.as_ref(), settings.beats_per_bar);
    // Of the phases that a ratio leaves open, the one whose bars stand out most.
    let judged = readings.into_iter().filter(|r| r.len() >= 2).map(|beats| {
        let frames: Vec<f64> = beats.iter().map(|&b| Front::frame(b / rate)).collect();
        let (evidence, bars) = judge.bars(&frames);
        (beats, evidence, bars)
    });
    let lead = |bars: &[bars::BarReading]| bars.first().map_or(f32::MIN, |b| b.score);
    let best = judged.reduce(|a, b| if lead(&b.2) > lead(&a.2) { b } else { a });
    let mut sure = 0.0;
    if let Some((beats, evidence, readings)) = best {
        if let Some(best) = readings.first() {
            given.beats_per_bar = best.beats_per_bar;
            given.downbeats = evidence.downbeats(best, beats.len());
        }
        given.beats = beats;
        sure = bar_confidence(&readings, judge.calibration());
    }
    let mut rhythm = Rhythm::given(overrides::on_bars(&given, settings, native_rate, end));
    rhythm.bar_confidence = if settings.moves_bars() { 1.0 } else { sure };
    Ok(rhythm)
}

/// Lead of the best reading over the best that differs in tempo, or by more than a tenth of a beat in phase, if any does.
fn margin(ranked: &[Scored]) -> Option<f32> {
    let (best, rest) = ranked.split_first()?;
    let middle = best.draft.beats[best.draft.beats.len() / 2];
    let differs = |s: &&Scored| {
        let x = bars::beat_number(&s.draft.beats, middle);
        (s.draft.ratio / best.draft.ratio - 1.0).abs() > 0.02 || (x - x.round()).abs() > 0.1
    };
    rest.iter().find(differs).map(|s| best.score - s.score)
}

/// Probability from a lead over the best rival.
fn probability(lead: f32, (slope, middle): (f32, f32)) -> f32 {
    1.0 / (1.0 + (-slope * (lead - middle)).exp())
}

/// Probability that there is a pulse at all.
fn clear(clarity: f32) -> f32 {
    ((clarity - MIN_CLARITY) / (FULL_CLARITY - MIN_CLARITY)).clamp(0.0, 1.0)
}

/// Probability that the beats are right, from their lead; lowered where the pulse is weak.
fn beat_confidence(lead: Option<f32>, clarity: f32, sure: &Calibration) -> f32 {
    clear(clarity) * lead.map_or(UNRIVALLED, |lead| probability(lead, sure.beats))
}

/// Probability that the best reading of the bars is right, from its lead over the next.
fn bar_confidence(readings: &[bars::BarReading], sure: &Calibration) -> f32 {
    match readings {
        [a, b, ..] => probability(a.score - b.score, sure.bars),
        [_] => 1.0,
        [] => 0.0,
    }
}

/// Turns scored readings into what leaves the module.
fn assemble(
    ranked: Vec<Scored>,
    native_rate: u32,
    clarity: f32,
    (beat_confidence, sure): (f32, &Calibration),
    source: GridSource,
) -> Rhythm {
    let rate = f64::from(native_rate);
    let hypotheses: Vec<Hypothesis> = ranked
        .into_iter()
        .filter_map(|s| {
            let count = s.draft.beats.len();
            let downbeats = s
                .bars
                .first()
                .map(|b| s.evidence.downbeats(b, count))
                .unwrap_or_default();
            let (beats, tempo, dropped) = native(&s.draft, rate)?;
            let bars = s
                .bars
                .into_iter()
                .map(|mut b| {
                    let m = b.beats_per_bar.max(1);
                    b.first = (b.first + m - dropped as u32 % m) % m;
                    b
                })
                .collect();
            Some(Hypothesis {
                ratio: s.draft.ratio,
                tempo,
                constant: s.draft.line.is_some(),
                beats,
                downbeats: downbeats
                    .into_iter()
                    .filter(|&d| d >= dropped)
                    .map(|d| d - dropped)
                    .collect(),
                bars,
                score: s.score,
                terms: s.terms,
            })
        })
        .collect();
    let Some(best) = hypotheses.first() else {
        return Rhythm::none(clarity);
    };
    let bar_confidence = bar_confidence(&best.bars, sure);
    let grid = BeatGrid {
        beats: best.beats.clone(),
        downbeats: best.downbeats.clone(),
        beats_per_bar: best.bars.first().map_or(4, |b| b.beats_per_bar),
        tempo: best.tempo,
        constant: best.constant,
        confidence: beat_confidence * bar_confidence,
        source,
    };
    Rhythm {
        grid,
        hypotheses,
        alternatives: Vec::new(),
        clarity,
        beat_confidence,
        bar_confidence,
    }
}

/// Beats of a reading in frames at `rate`, its tempo, and how many beats before the start of the track were dropped.
fn native(draft: &Draft, rate: f64) -> Option<(Vec<f64>, Bpm, usize)> {
    // A first beat this much before the track begins is taken to lie on its first frame.
    const EARLY: f64 = 0.005;
    match draft.line {
        Some((first, period)) => {
            let period = period / FPS;
            let mut start = Front::seconds(first);
            let mut dropped = 0;
            if start < 0.0 && start > -EARLY {
                start = 0.0;
            }
            while start < 0.0 && dropped < draft.beats.len() {
                start += period;
                dropped += 1;
            }
            let count = draft.beats.len() - dropped;
            let beats = (0..count).map(|k| (start + k as f64 * period) * rate).collect();
            (count >= 2).then_some((beats, Bpm::from_period(period)?, dropped))
        }
        None => {
            let seconds: Vec<f64> = draft.beats.iter().map(|&b| Front::seconds(b)).collect();
            let dropped = seconds.iter().take_while(|&&t| t <= -4.0 * EARLY).count();
            let kept = &seconds[dropped..];
            let tempo = Bpm::from_period(grid::median_gap(kept))?;
            let beats = kept.iter().map(|t| t.max(0.0) * rate).collect();
            (kept.len() >= 2).then_some((beats, tempo, dropped))
        }
    }
}

//! Quiet loops: the bars of a track with quiet drums or none, ranked, and sliced on their notes.
//!
//! What is quiet is for [`config::Quiet`] to say: little percussive sound in all and at both ends, or a place in a passage
//! without drums. Among those the scorer ranks as it ranks all loops, and the order is [`config::Rank`]'s. A loop is sliced
//! on the notes heard in it ([`crate::rhythm::notes`]); only the loops that are kept are listened to, with a little of what
//! surrounds them.
//!
//! [`write`](mod@write) makes the command `quiet` of it.

pub mod write;

use std::sync::Arc;

use super::suggest::{content, reasons};
use super::{Error, Models};
use crate::analysis::Analysis;
use crate::audio::AudioBuffer;
use crate::config::{self, Config};
use crate::features::{FeatureTable, Schema};
use crate::loops::snap::{self, Placement};
use crate::loops::{Candidate, Structure, slices};
use crate::model::{ModelError, Scorer};
use crate::progress::{Cancelled, Progress, Stage};
use crate::rank::{self, Entry};
use crate::rhythm::notes::{self, Heard};
use crate::track::Track;

/// What of the track is heard before and after a loop, in seconds: a note on the first beat needs something to rise from.
const CONTEXT: f64 = 0.5;
/// What is this far below the loudest candidate, as amplitude, is silence and no loop.
const SILENT: f32 = 0.01;
/// So is what has less RMS than this.
const SILENT_RMS: f32 = 3e-4;

const PERC: &str = "perc_to_total_rms";
const BOUNDARY: &str = "boundary_quiet_score";
const LEVEL: &str = "rms_mean";

/// One way to slice a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceSet {
    /// How many slices.
    pub count: usize,
    /// One more edge than slices: the first is 0, the last the loop's length, in frames. They strictly increase.
    pub edges: Vec<usize>,
    /// How many inner edges lie on an onset; the others are where equal slices have them.
    pub onsets_used: usize,
    /// How many onsets were heard in the loop.
    pub num_onsets: usize,
    /// What was listened to: notes, or everything where there were too few of them.
    pub heard: Heard,
}

/// A loop with quiet drums or none.
#[derive(Debug, Clone)]
pub struct QuietLoop {
    /// Where it lies.
    pub candidate: Candidate,
    /// Where it is cut.
    pub place: Placement,
    /// All its features, in the order of [`Quiet::schema`].
    pub features: Vec<f32>,
    /// Share of the percussive part in its level.
    pub perc_to_total_rms: f32,
    /// How much starts at its ends.
    pub boundary_quiet_score: f32,
    /// True where it lies in a passage without drums.
    pub drumless: bool,
    /// The model's score (after `alpha`).
    pub score: f32,
    /// The probability that it is a good loop, see [`rank::probability::probabilities`].
    pub score_prob: f32,
    /// Its share among the track's quiet loops, see [`rank::probability::shares`].
    pub score_share: f32,
    /// Its place by score among the track's quiet loops, from 1.
    pub rank: usize,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Its slices, coarsest first.
    pub slices: Vec<SliceSet>,
}

/// The quiet loops of a track.
#[derive(Debug, Clone)]
pub struct Quiet {
    /// The track's analysis.
    pub analysis: Analysis,
    /// Its form.
    pub structure: Structure,
    /// How many candidates there were.
    pub candidates: usize,
    /// How many of them were quiet.
    pub quiet: usize,
    /// The columns of [`QuietLoop::features`].
    pub schema: Arc<Schema>,
    /// The loops, in the order asked for.
    pub loops: Vec<QuietLoop>,
}

/// The quiet loops of a track whose analysis and form are somebody else's to keep.
#[derive(Debug, Clone)]
pub struct QuietLoops {
    /// How many candidates there were.
    pub candidates: usize,
    /// How many of them were quiet.
    pub quiet: usize,
    /// The columns of [`QuietLoop::features`].
    pub schema: Arc<Schema>,
    /// The loops, in the order asked for.
    pub loops: Vec<QuietLoop>,
}

/// Finds, ranks and slices the quiet loops of `track`.
///
/// A track whose drums never rest has none, which is no error; nor is one without bars.
///
/// # Errors
///
/// As [`super::suggest()`].
pub fn suggest<'a>(
    track: &Track,
    models: impl Into<Models<'a>>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Quiet, Error> {
    let models: Models<'_> = models.into();
    let analysis = models.analyse(track, config, progress)?;
    from_analysis(analysis, models.scorer, config, progress)
}

/// The same from an analysis that is at hand.
///
/// # Errors
///
/// As [`super::suggest()`].
pub fn from_analysis(
    analysis: Analysis,
    scorer: &dyn Scorer,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Quiet, Error> {
    progress.report(Stage::Rank, 0.0);
    let structure = Structure::of(&analysis, &config.tuning, progress)?;
    let found = loops(&analysis, &structure, scorer, config, progress)?;
    Ok(Quiet {
        analysis,
        structure,
        candidates: found.candidates,
        quiet: found.quiet,
        schema: found.schema,
        loops: found.loops,
    })
}

/// The same where the form is at hand too.
///
/// # Errors
///
/// As [`super::suggest()`].
pub fn loops(
    analysis: &Analysis,
    structure: &Structure,
    scorer: &dyn Scorer,
    config: &Config,
    progress: &dyn Progress,
) -> Result<QuietLoops, Error> {
    let lengths = config::Loops {
        bars: config.quiet.bars.clone(),
        ..config.loops.clone()
    };
    let candidates = structure.candidates(&lengths);
    progress.check()?;

    let mut wanted: Vec<&str> = scorer.info().columns.iter().map(String::as_str).collect();
    wanted.extend([PERC, BOUNDARY, LEVEL]);
    let schema = Arc::new(Schema::of_with(&wanted, analysis.embedding_info()).map_err(ModelError::from)?);
    let all = FeatureTable::of(schema.clone(), &candidates, analysis, structure);
    let gate = Gate::of(&all, structure, &config.quiet);
    let quiet: Vec<Candidate> = candidates
        .iter()
        .enumerate()
        .filter(|(row, c)| gate.admits(*row, c))
        .map(|(_, c)| *c)
        .collect();
    let table = FeatureTable::of(schema, &quiet, analysis, structure);
    let scores = scorer.score(&table)?;
    if let Some(row) = (0..quiet.len()).find(|r| !scores.get(*r).is_some_and(|s| s.is_finite())) {
        let model = scorer.info().name.clone();
        return Err(ModelError::BadScore { model, row }.into());
    }
    let entries: Vec<Entry<'_>> = quiet
        .iter()
        .enumerate()
        .map(|(row, candidate)| Entry {
            candidate,
            content: content(structure, candidate),
            boundary: table.get(row, BOUNDARY).unwrap_or(0.0),
        })
        .collect();
    let ranked = rank::rank(&entries, &scores, scorer.info(), &config.rank, &config.tuning);
    progress.check()?;
    progress.report(Stage::Rank, 0.5);

    let schema = Arc::new(Schema::full_with(analysis.embedding_info()));
    let chosen: Vec<Candidate> = ranked.iter().map(|r| quiet[r.index]).collect();
    let features = FeatureTable::of(schema.clone(), &chosen, analysis, structure);
    let audio = &analysis.track.audio;
    let mut loops = Vec::with_capacity(chosen.len());
    for (row, (ranked, candidate)) in ranked.iter().zip(&chosen).enumerate() {
        let place = snap::place(audio, &analysis.rhythm.grid, candidate);
        let perc = features.get(row, PERC).unwrap_or(0.0);
        let drumless = in_drumless(structure, candidate);
        let mut reasons = reasons(structure, candidate);
        reasons.push(format!(
            "percussive part at {:.0} % of the level",
            f64::from(perc) * 100.0
        ));
        loops.push(QuietLoop {
            candidate: *candidate,
            place,
            features: features.row(row).to_vec(),
            perc_to_total_rms: perc,
            boundary_quiet_score: features.get(row, BOUNDARY).unwrap_or(0.0),
            drumless,
            score: ranked.score,
            score_prob: ranked.score_prob,
            score_share: ranked.score_share,
            rank: ranked.score_rank,
            reasons,
            slices: slice(audio, place, candidate.bars, &config.quiet, progress)?,
        });
        progress.report(Stage::Rank, 0.5 + 0.5 * (row + 1) as f32 / chosen.len() as f32);
    }
    progress.report(Stage::Rank, 1.0);
    let counts = (candidates.len(), quiet.len());
    Ok(QuietLoops {
        candidates: counts.0,
        quiet: counts.1,
        schema,
        loops,
    })
}

/// True where all bars of a candidate lie in one passage without drums.
fn in_drumless(structure: &Structure, candidate: &Candidate) -> bool {
    let bars = candidate.touched();
    let regions = &structure.regions.drumless;
    regions
        .iter()
        .any(|r| r.first_bar <= bars.start && bars.end <= r.first_bar + r.bars)
}

/// Which candidates are quiet.
struct Gate<'a> {
    table: &'a FeatureTable,
    structure: &'a Structure,
    config: &'a config::Quiet,
    /// Least RMS.
    audible: f32,
}

impl<'a> Gate<'a> {
    fn of(table: &'a FeatureTable, structure: &'a Structure, config: &'a config::Quiet) -> Self {
        let loudest = table.column(LEVEL).map_or(0.0, |x| x.fold(0.0, f32::max));
        Self {
            table,
            structure,
            config,
            audible: (SILENT * loudest).max(SILENT_RMS),
        }
    }

    fn admits(&self, row: usize, candidate: &Candidate) -> bool {
        let value = |name: &str| self.table.get(row, name).unwrap_or(f32::INFINITY);
        let below = |name: &str, limit: f64| f64::from(value(name)) <= limit;
        // Silence has no drums either.
        value(LEVEL) >= self.audible
            && (below(PERC, self.config.max_perc_to_total_rms) && below(BOUNDARY, self.config.max_boundary_quiet_score)
                || below(PERC, self.config.max_perc_drumless) && in_drumless(self.structure, candidate))
    }
}

/// Slices the loop of `bars` bars at `place` in every way that `config` asks for, coarsest first.
///
/// # Errors
///
/// [`Cancelled`] once `progress` says so.
pub fn slice(
    audio: &AudioBuffer,
    place: Placement,
    bars: u32,
    config: &config::Quiet,
    progress: &dyn Progress,
) -> Result<Vec<SliceSet>, Cancelled> {
    let counts = config.counts(bars);
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let rate = audio.sample_rate();
    let frames_of = |ms: f64| ms * 1e-3 * f64::from(rate);
    let least = frames_of(config.min_slice_ms).round() as usize;
    let planes: Vec<&[f32]> = audio
        .planes()
        .iter()
        .map(|p| {
            let end = (place.start + place.frames).min(p.len());
            p.get(place.start..end).unwrap_or_default()
        })
        .collect();
    let pitched = onsets(audio, place, Heard::Notes, progress)?;
    let mut mixed: Option<Vec<f64>> = None;
    let mut sets = Vec::with_capacity(counts.len());
    for count in counts {
        let count = count as usize;
        let heard = if pitched.len() < (count / 2).max(2) {
            Heard::Mix
        } else {
            Heard::Notes
        };
        if heard == Heard::Mix && mixed.is_none() {
            mixed = Some(onsets(audio, place, Heard::Mix, progress)?);
        }
        let found = match (heard, &mixed) {
            (Heard::Mix, Some(mixed)) => mixed,
            _ => &pitched,
        };
        let mut division = slices::divide(place.frames, count, found, frames_of(config.slice_reach_ms), least);
        slices::settle(&mut division, &planes, rate, least);
        sets.push(SliceSet {
            count: division.edges.len() - 1,
            onsets_used: division.onsets_used(),
            edges: division.edges,
            num_onsets: found.len(),
            heard,
        });
    }
    Ok(sets)
}

/// Onsets in a loop, in frames from its start.
fn onsets(audio: &AudioBuffer, place: Placement, heard: Heard, progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let rate = f64::from(audio.sample_rate());
    let context = (CONTEXT * rate).round() as usize;
    let from = place.start.saturating_sub(context).min(audio.frames());
    let to = (place.start + place.frames + context).clamp(from, audio.frames());
    let gain = 1.0 / audio.channels() as f32;
    let mut mono = vec![0.0f32; to - from];
    for plane in audio.planes() {
        for (m, x) in mono.iter_mut().zip(&plane[from..to]) {
            *m += gain * x;
        }
    }
    let found = notes::onsets(&mono, audio.sample_rate(), heard, progress)?;
    let frames = place.frames as f64;
    Ok(found
        .iter()
        .map(|n| {
            // A window of the spectrum knows the attack to some milliseconds, the recording itself to less than one.
            let line = n.time * rate + from as f64;
            let attack = snap::attack_start(audio, line).map(|start| start as f64 + snap::LEAD * rate);
            attack.unwrap_or(line) - place.start as f64
        })
        .filter(|t| (0.0..frames).contains(t))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::progress::Silent;

    const RATE: u32 = 44_100;

    /// Two bars of plucks near the eight half beats of each, and where they begin, after half a second.
    fn plucked() -> (AudioBuffer, Placement, Vec<usize>) {
        let place = Placement {
            start: 22_050,
            frames: 4 * 44_100,
        };
        let mut x = vec![0.0f32; place.start + place.frames + 44_100];
        for (i, v) in x.iter_mut().enumerate() {
            *v = (0.03 * (TAU * 110.0 * i as f64 / f64::from(RATE)).sin()) as f32;
        }
        let attacks: Vec<usize> = (0..16)
            .map(|k| place.start + k * 11_025 + [0, 900, 300, 1500, 0, 1200, 2000, 700][k % 8])
            .collect();
        for (k, &at) in attacks.iter().enumerate() {
            let hz = [220.0, 262.0, 330.0, 440.0, 392.0][k % 5];
            for (i, v) in x[at..].iter_mut().take(20_000).enumerate() {
                let t = i as f64 / f64::from(RATE);
                let partial = |p: f64| (TAU * hz * p * t).sin() / p * (-t * (4.0 + 2.0 * p)).exp();
                *v += (0.2 * (t / 0.002).min(1.0) * (1..7).map(|p| partial(f64::from(p))).sum::<f64>()) as f32;
            }
        }
        let right = x.iter().map(|x| 0.5 * x).collect();
        (AudioBuffer::new(vec![x, right], RATE).unwrap(), place, attacks)
    }

    #[test]
    fn slices_begin_just_before_the_attacks() {
        let (audio, place, attacks) = plucked();
        let sets = slice(&audio, place, 2, &config::Quiet::default(), &Silent).unwrap();
        assert_eq!(sets.iter().map(|s| s.count).collect::<Vec<_>>(), [8, 16]);
        for set in &sets {
            assert_eq!((set.edges[0], *set.edges.last().unwrap()), (0, place.frames));
            assert!(set.edges.windows(2).all(|w| w[1] >= w[0] + 1323));
            assert_eq!(set.heard, Heard::Notes);
            assert!(set.onsets_used + 2 >= set.count, "{set:?}");
            let near = |edge: usize| {
                attacks
                    .iter()
                    .map(|a| *a as i64 - (place.start + edge) as i64)
                    .filter(|lead| (-50..=132).contains(lead))
                    .count()
            };
            let hit = set.edges[1..set.count].iter().filter(|e| near(**e) == 1).count();
            // From 1.1 ms after the first sample of an attack that takes 2 ms, over notes that still sound, to 3 ms before it.
            assert!(hit + 2 >= set.count, "{hit} of {set:?}, attacks {attacks:?}");
        }
    }

    #[test]
    fn silence_is_sliced_evenly() {
        let audio = AudioBuffer::new(vec![vec![0.0; 100_000]], RATE).unwrap();
        // Past the recording's end, as far as a loop may go.
        let place = Placement {
            start: 20_000,
            frames: 81_000,
        };
        let sets = slice(&audio, place, 16, &config::Quiet::default(), &Silent).unwrap();
        assert_eq!(sets.len(), 3);
        for set in sets {
            assert_eq!((set.heard, set.num_onsets, set.onsets_used), (Heard::Mix, 0, 0));
            assert_eq!(set.edges, slices::equal_edges(place.frames, set.count));
        }
        let none = config::Quiet {
            slices: Vec::new(),
            ..config::Quiet::default()
        };
        assert_eq!(slice(&audio, place, 16, &none, &Silent), Ok(Vec::new()));
    }
}

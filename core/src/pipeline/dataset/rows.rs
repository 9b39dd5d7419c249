//! The rows of one track: candidates with weights, and their features.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::shard::{Row, Shard};
use super::{Item, Request};
use crate::analysis::Analysis;
use crate::config::Config;
use crate::features::{FeatureTable, Schema};
use crate::learn::labels::repeats::{self, Kind};
use crate::learn::labels::weigh::{self, Place};
use crate::learn::labels::{POSITIVE, near};
use crate::loops::{Candidate, Structure};
use crate::model::{ModelError, Scorer};
use crate::pipeline::predict::seconds;
use crate::pipeline::run::TrackError;
use crate::pipeline::{Error, Models, suggest};
use crate::progress::{Progress, Stage};
use crate::track::Track;
use crate::units::Span;

/// A row that is to be.
#[derive(Debug, Clone, Copy)]
struct Planned {
    candidate: Candidate,
    weight: f64,
    kind: &'static str,
    /// By how many milliseconds the grid is moved.
    moved_ms: f64,
}

pub(super) fn of(
    track: &Track,
    item: &Item,
    request: &Request<'_>,
    config: &Config,
    models: Models<'_>,
    progress: &dyn Progress,
) -> Result<Shard, TrackError> {
    let mut analysis = models.analyse(track, config, progress)?;
    progress.report(Stage::Rank, 0.0);
    let structure = Structure::of(&analysis, &config.tuning, progress).map_err(Error::from)?;
    let seed = seed_of(request.options.seed, &item.id);
    let (mut planned, candidates) = if request.options.self_supervised {
        let contrasts = repeats::contrasts(&structure, &config.loops, seed);
        (
            few_contrasts(contrasts, request.options.max_candidates, seed),
            structure.candidates(&config.loops).len(),
        )
    } else {
        labelled(&analysis, &structure, item, request, config, models.scorer, seed)?
    };
    progress.check()?;
    let grid = &analysis.rhythm.grid;
    let mut shard = Shard {
        candidates,
        bpm: (!grid.beats.is_empty()).then_some(grid.tempo.0),
        ..Shard::default()
    };
    // By how much the grid is moved first, so that it is compared anew once for each; then by place.
    planned.sort_by(|a, b| {
        let key = |p: &Planned| (p.candidate.bars, p.candidate.span.start);
        let ((n, s), (m, t)) = (key(a), key(b));
        a.moved_ms.total_cmp(&b.moved_ms).then(n.cmp(&m)).then(s.total_cmp(&t))
    });
    for group in planned.chunk_by(|a, b| a.moved_ms == b.moved_ms) {
        progress.check()?;
        let moved = group.first().map_or(0.0, |p| p.moved_ms);
        if moved == 0.0 {
            fill(&mut shard, group, &analysis, &structure, request);
        } else {
            let right = analysis.rhythm.grid.beats.clone();
            let by = moved * 1e-3 * f64::from(track.audio.sample_rate());
            analysis.rhythm.grid.beats.iter_mut().for_each(|b| *b += by);
            let wrong = Structure::of(&analysis, &config.tuning, progress).map_err(Error::from)?;
            let last = track.audio.frames() as f64;
            let group: Vec<Planned> = group
                .iter()
                .map(|p| Planned {
                    candidate: Candidate {
                        span: Span {
                            start: p.candidate.span.start + by,
                            end: p.candidate.span.end + by,
                        },
                        ..p.candidate
                    },
                    ..*p
                })
                .filter(|p| p.candidate.span.start >= 0.0 && p.candidate.span.end <= last)
                .collect();
            fill(&mut shard, &group, &analysis, &wrong, request);
            analysis.rhythm.grid.beats = right;
        }
    }
    if shard.rows.is_empty() {
        shard.detail = match (grid_is_empty(&analysis), request.options.self_supervised) {
            (true, _) => "no beat was found".into(),
            (_, true) => "nothing repeats clearly enough".into(),
            _ => "no stretch is long enough for a loop".into(),
        };
    }
    Ok(shard)
}

fn grid_is_empty(analysis: &Analysis) -> bool {
    analysis.rhythm.grid.beats.is_empty()
}

/// A seed of each track's own, whatever tracks stand before it.
fn seed_of(seed: u64, id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    let own = hash.as_bytes().first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    seed ^ own
}

/// Computes the features of `planned` and adds the rows.
fn fill(shard: &mut Shard, planned: &[Planned], analysis: &Analysis, structure: &Structure, request: &Request<'_>) {
    let rate = analysis.track.audio.sample_rate();
    let candidates: Vec<Candidate> = planned.iter().map(|p| p.candidate).collect();
    let table = FeatureTable::of(request.columns.schema(), &candidates, analysis, structure);
    for (i, p) in planned.iter().enumerate() {
        let c = &p.candidate;
        let (start, end) = (seconds(c.span.start, rate), seconds(c.span.end, rate));
        if !(start >= 0.0 && end > start) {
            continue;
        }
        shard.values.extend(request.columns.pick(table.row(i)));
        shard.rows.push(Row {
            start,
            end,
            bars: c.bars,
            weight: p.weight,
            kind: p.kind.to_owned(),
            section: structure.section_at(c.first_bar),
            content: suggest::content(structure, c),
        });
    }
}

/// All candidates with the weights that the labels give them, hard ones marked, and how many candidates there were.
fn labelled(
    analysis: &Analysis,
    structure: &Structure,
    item: &Item,
    request: &Request<'_>,
    config: &Config,
    scorer: &dyn Scorer,
    seed: u64,
) -> Result<(Vec<Planned>, usize), TrackError> {
    let options = request.options;
    let rate = f64::from(analysis.track.audio.sample_rate());
    let candidates = structure.candidates(&config.loops);
    let weight = |c: &Candidate| {
        let (start, end) = (c.span.start / rate, c.span.end / rate);
        let place = Place {
            start,
            end,
            beat: (end - start) / f64::from(c.beats.max(1)),
            beats_per_bar: structure.bars.beats_per_bar,
        };
        weigh::weight(&place, &item.marks, options.align)
    };
    let mut planned: Vec<Planned> = candidates
        .iter()
        .map(|c| Planned {
            candidate: *c,
            weight: weight(c),
            kind: "candidate",
            moved_ms: 0.0,
        })
        .collect();
    let total = planned.len();
    let positive: Vec<bool> = planned.iter().map(|p| p.weight >= POSITIVE).collect();
    if options.hard_negatives > 0 && positive.contains(&true) {
        let schema = Schema::of_with(&scorer.info().columns, analysis.embedding_info())
            .map_err(|e| Error::from(ModelError::from(e)))?;
        let table = FeatureTable::of(schema.into(), &candidates, analysis, structure);
        let scores = scorer.score(&table).map_err(Error::from)?;
        // Half of each kind, the odd one of those that are off the bar.
        let (off, on) = (options.hard_negatives.div_ceil(2), options.hard_negatives / 2);
        for i in near::best_wrong(&candidates, &positive, &scores, on) {
            planned[i].kind = "hard_negative";
        }
        let right: Vec<Candidate> = candidates
            .iter()
            .zip(&positive)
            .filter(|(_, p)| **p)
            .map(|(c, _)| *c)
            .collect();
        let misses = near::near_misses(structure, &right, &candidates, off)
            .into_iter()
            .map(|c| Planned {
                candidate: c,
                weight: weight(&c),
                kind: "near_miss",
                moved_ms: 0.0,
            });
        // Where marks stand close together, what is off one of them may be right by another.
        planned.extend(misses.filter(|p| p.weight < POSITIVE));
    }
    for p in planned.iter_mut().filter(|p| p.weight >= POSITIVE) {
        p.kind = "loop";
    }
    if let Some(most) = options.max_candidates
        && planned.len() > most
    {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let (mut kept, rest): (Vec<Planned>, Vec<Planned>) = planned.into_iter().partition(|p| p.kind == "loop");
        let (hard, easy): (Vec<Planned>, Vec<Planned>) = rest.into_iter().partition(|p| p.kind != "candidate");
        for mut others in [hard, easy] {
            others.shuffle(&mut random);
            others.truncate(most.saturating_sub(kept.len()));
            kept.extend(others);
        }
        planned = kept;
    }
    Ok((planned, total))
}

/// Contrasts as rows; of too many, some by lot, each with what stands against it.
fn few_contrasts(mut contrasts: Vec<repeats::Contrast>, most: Option<usize>, seed: u64) -> Vec<Planned> {
    if let Some(most) = most {
        contrasts.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
        let mut rows = 0;
        contrasts.retain(|c| {
            let fits = rows + 1 + c.against.len() <= most;
            rows += if fits { 1 + c.against.len() } else { 0 };
            fits
        });
    }
    let all = contrasts
        .into_iter()
        .flat_map(|c| std::iter::once(c.repeat).chain(c.against));
    let planned = all.map(|e| Planned {
        candidate: e.candidate,
        weight: e.weight,
        kind: e.kind.name(),
        moved_ms: e.moved_ms,
    });
    // A span is one thing: what repeats is no error elsewhere.
    let mut planned: Vec<Planned> = planned.collect();
    let repeats: BTreeSet<_> = planned
        .iter()
        .filter(|p| p.kind == Kind::Repeat.name())
        .map(|p| near::place(&p.candidate))
        .collect();
    planned.retain(|p| {
        p.kind == Kind::Repeat.name() || p.moved_ms != 0.0 || !repeats.contains(&near::place(&p.candidate))
    });
    planned
}

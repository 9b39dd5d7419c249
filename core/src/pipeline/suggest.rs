//! The loops of a track, ranked, with reasons.

use std::sync::Arc;

use super::Models;
use crate::analysis::embedding::EmbeddingError;
use crate::analysis::{Analysis, AnalysisError};
use crate::config::Config;
use crate::drums::hits::HitsError;
use crate::drums::oneshot::OneShotError;
use crate::features::{FeatureTable, Schema};
use crate::loops::{Candidate, Structure};
use crate::model::{ModelError, Scorer};
use crate::progress::{Cancelled, Progress, Stage};
use crate::rank::{self, Entry};
use crate::track::Track;

/// Why there are no suggestions.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The track cannot be analysed.
    #[error(transparent)]
    Analysis(AnalysisError),
    /// The network that embeds failed.
    #[error(transparent)]
    Embedding(EmbeddingError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Hits cannot be found.
    #[error(transparent)]
    Hits(HitsError),
    /// A one-shot cannot be classified.
    #[error(transparent)]
    OneShot(#[from] OneShotError),
}

impl From<HitsError> for Error {
    fn from(error: HitsError) -> Self {
        match error {
            HitsError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Hits(other),
        }
    }
}

impl From<EmbeddingError> for Error {
    fn from(error: EmbeddingError) -> Self {
        match error {
            EmbeddingError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Embedding(other),
        }
    }
}

impl From<AnalysisError> for Error {
    fn from(error: AnalysisError) -> Self {
        match error {
            AnalysisError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Analysis(other),
        }
    }
}

/// A loop that is suggested.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// Where it lies.
    pub candidate: Candidate,
    /// All its features, in the order of [`Suggestions::schema`].
    pub features: Vec<f32>,
    /// The model's score (after `alpha`).
    pub score: f32,
    /// The probability that it is a good loop, see [`rank::probability::probabilities`].
    pub score_prob: f32,
    /// Its share among the track's candidates, see [`rank::probability::shares`].
    pub score_share: f32,
    /// Its place by score among all candidates, from 1.
    pub score_rank: usize,
    /// Loops of one number have the same content.
    pub content: usize,
    /// Why, in words.
    pub reasons: Vec<String>,
}

/// What was found in a track.
#[derive(Debug, Clone)]
pub struct Suggestions {
    /// The track's analysis.
    pub analysis: Analysis,
    /// Its form, with breaks, drumless and quiet passages in [`Structure::regions`].
    pub structure: Structure,
    /// How many candidates there were.
    pub candidates: usize,
    /// The columns of [`Suggestion::features`].
    pub schema: Arc<Schema>,
    /// The loops, in the order asked for.
    pub suggestions: Vec<Suggestion>,
}

/// The loops of a track whose analysis and form are somebody else's to keep.
#[derive(Debug, Clone)]
pub struct Loops {
    /// How many candidates there were.
    pub candidates: usize,
    /// The columns of [`Suggestion::features`].
    pub schema: Arc<Schema>,
    /// The loops, in the order asked for.
    pub suggestions: Vec<Suggestion>,
}

/// Finds and ranks the loops of `track`.
///
/// A track without bars (silence, speech, a second of sound) has no candidates, which is no error.
pub fn suggest<'a>(
    track: &Track,
    models: impl Into<Models<'a>>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Suggestions, Error> {
    let models: Models<'_> = models.into();
    let analysis = models.analyse(track, config, progress)?;
    from_analysis(analysis, models.scorer, config, progress)
}

/// The same from an analysis that is at hand: milliseconds, so that settings can be changed while someone waits.
pub fn from_analysis(
    analysis: Analysis,
    scorer: &dyn Scorer,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Suggestions, Error> {
    progress.report(Stage::Rank, 0.0);
    let structure = Structure::of(&analysis, &config.tuning, progress)?;
    let found = loops(&analysis, &structure, scorer, config, progress)?;
    Ok(Suggestions {
        analysis,
        structure,
        candidates: found.candidates,
        schema: found.schema,
        suggestions: found.suggestions,
    })
}

/// The same where the form is at hand too.
///
/// # Errors
///
/// As [`suggest()`].
pub fn loops(
    analysis: &Analysis,
    structure: &Structure,
    scorer: &dyn Scorer,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Loops, Error> {
    let candidates = structure.candidates(&config.loops);
    progress.check()?;
    progress.report(Stage::Rank, 0.5);

    // Only what the scorer reads is computed for all; the few that are kept get the rest.
    let mut wanted: Vec<&str> = scorer.info().columns.iter().map(String::as_str).collect();
    let boundary = "boundary_quiet_score";
    if config.rank.alpha != 0.0 {
        wanted.push(boundary);
    }
    let schema = Arc::new(Schema::of_with(&wanted, analysis.embedding_info()).map_err(ModelError::from)?);
    let table = FeatureTable::of(schema, &candidates, analysis, structure);
    let scores = scorer.score(&table)?;
    if let Some(row) = (0..candidates.len()).find(|r| !scores.get(*r).is_some_and(|s| s.is_finite())) {
        let model = scorer.info().name.clone();
        return Err(ModelError::BadScore { model, row }.into());
    }
    progress.check()?;
    let entries: Vec<Entry<'_>> = candidates
        .iter()
        .enumerate()
        .map(|(i, candidate)| Entry {
            candidate,
            content: content(structure, candidate),
            boundary: table.get(i, boundary).unwrap_or(0.0),
        })
        .collect();
    let ranked = rank::rank(&entries, &scores, scorer.info(), &config.rank, &config.tuning);

    let schema = Arc::new(Schema::full_with(analysis.embedding_info()));
    let chosen: Vec<Candidate> = ranked.iter().map(|r| candidates[r.index]).collect();
    let features = FeatureTable::of(schema.clone(), &chosen, analysis, structure);
    let suggestions = ranked
        .iter()
        .zip(&chosen)
        .enumerate()
        .map(|(row, (r, candidate))| Suggestion {
            candidate: *candidate,
            features: features.row(row).to_vec(),
            score: r.score,
            score_prob: r.score_prob,
            score_share: r.score_share,
            score_rank: r.score_rank,
            content: entries[r.index].content,
            reasons: reasons(structure, candidate),
        })
        .collect();
    let count = candidates.len();
    progress.report(Stage::Rank, 1.0);
    Ok(Loops {
        candidates: count,
        schema,
        suggestions,
    })
}

/// The content of the section in which a candidate begins; candidates outside all sections stand for themselves.
pub(super) fn content(structure: &Structure, candidate: &Candidate) -> usize {
    match structure.section_at(candidate.first_bar) {
        Some(s) => structure.sections[s].content,
        None => structure.sections.len() + candidate.first_bar,
    }
}

/// What speaks for a loop, and what against it.
pub(super) fn reasons(structure: &Structure, candidate: &Candidate) -> Vec<String> {
    let mut out = Vec::new();
    let Some(index) = structure.section_at(candidate.first_bar) else {
        return out;
    };
    let section = &structure.sections[index];
    let touched = candidate.touched();
    let kind = match (section.drums_only, section.drumless) {
        (true, _) => ", drums only",
        (_, true) => ", no drums",
        _ => "",
    };
    let total = structure.sections.len();
    out.push(format!(
        "section {} of {total} ({}{kind})",
        index + 1,
        bars(section.bars.len())
    ));
    let assumed = if section.unit_found { "" } else { " (assumed)" };
    out.push(format!("unit {}{assumed}", bars(section.unit as usize)));
    if !candidate.bars.is_multiple_of(section.unit.max(1)) {
        out.push("length is no multiple of it".into());
    }
    let into = (candidate.first_bar - section.bars.start) % section.unit.max(1) as usize;
    match (into, candidate.beat_offset) {
        (0, 0) => out.push("starts on a phrase".into()),
        (n, 0) => out.push(format!("starts {} into a phrase", bars(n))),
        _ => out.push("starts inside a bar".into()),
    }
    let heard = structure.occurrences(&touched);
    match (heard.count, heard.nearest_db) {
        (0, _) | (_, None) => {
            // A long loop may stand once and yet be made of what repeats.
            let unit = touched.start..(touched.start + section.unit as usize).min(touched.end);
            let of_unit = structure.occurrences(&unit);
            match of_unit.nearest_db {
                Some(db) if of_unit.count > 0 && unit.len() < touched.len() => {
                    out.push(format!("its unit repeats {} within {db:.1} dB", times(of_unit.count)));
                }
                _ => out.push("heard once".into()),
            }
        }
        (n, Some(db)) => out.push(format!("repeats {} within {db:.1} dB", times(n))),
    }
    if touched.end > section.bars.end {
        out.push("runs into the next section".into());
    }
    if section.fills.iter().any(|f| touched.contains(f)) {
        out.push("holds a fill".into());
    } else if section.fills.contains(&touched.end) {
        out.push("ends before the fill".into());
    }
    out
}

fn times(n: usize) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

fn bars(n: usize) -> String {
    if n == 1 { "1 bar".into() } else { format!("{n} bars") }
}

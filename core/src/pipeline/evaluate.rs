//! How well rankers do on datasets: models beside the heuristic and chance.
//!
//! All see the same tracks. Each measure is taken track by track and averaged with a 95 % interval, bootstrapped over
//! tracks; rankers are compared track by track too, which is much sharper than two intervals side by side. Chance is no
//! draw but the expected value over all orders.

mod source;

use std::sync::Arc;

use serde::Serialize;

use crate::features::{FeatureTable, Schema};
use crate::learn::dataset::Dataset;
use crate::model::{ModelError, Scorer};
use crate::progress::{Cancelled, Progress};
use crate::rank::calibrate::{Reliability, reliability};
use crate::rank::metrics::{Interval, Measure, Ordering, bootstrap, difference};
use crate::rank::probability::probabilities;

pub use source::{Named, SPLIT, SplitFileError, read_split, split_beside, write_split};

/// The column that `alpha` weighs.
const BOUNDARY: &str = "boundary_quiet_score";

/// What is judged, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The Ks of the measures that have one.
    pub k: Vec<usize>,
    /// From which weight a candidate is relevant.
    pub threshold: f32,
    /// Weight of `boundary_quiet_score` taken from the scores of models; `None` for what each model brings.
    pub alpha: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            k: vec![1, 3, 5, 10],
            threshold: crate::rank::metrics::RELEVANT,
            alpha: None,
        }
    }
}

impl Settings {
    /// All measures, in the order in which they are told.
    pub fn measures(&self) -> Vec<Measure> {
        type Of = fn(usize) -> Measure;
        let families: [Of; 5] = [
            Measure::Ndcg,
            Measure::Precision,
            Measure::Recall,
            Measure::Hit,
            Measure::Best,
        ];
        let mut all: Vec<Measure> = families.iter().flat_map(|of| self.k.iter().map(|k| of(*k))).collect();
        all.push(Measure::ReciprocalRank);
        all
    }
}

/// A ranker to be judged.
#[derive(Clone, Copy)]
pub struct Ranker<'a> {
    /// What it is called in the result.
    pub name: &'a str,
    /// What scores.
    pub scorer: &'a dyn Scorer,
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A setting does not do.
    #[error("{0}")]
    Setting(String),
    /// The dataset lacks columns that a model reads.
    #[error("{model} reads {} columns that the dataset lacks: {}", missing.len(), some(missing))]
    Missing {
        /// The model.
        model: String,
        /// The columns.
        missing: Vec<String>,
    },
    /// A model gave no scores.
    #[error("{model}, track {track}: {problem}")]
    Score {
        /// The model.
        model: String,
        /// The track.
        track: String,
        /// What went wrong.
        problem: ModelError,
    },
    /// No track can be judged.
    #[error("{0}")]
    Tracks(String),
}

/// The first names of many.
fn some(names: &[String]) -> String {
    const MOST: usize = 8;
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How a ranker does in one measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The measure's name: `ndcg@10`.
    pub measure: String,
    /// Its mean over the tracks; `None` where it means nothing on any.
    pub value: Option<Interval>,
    /// By how much it is above chance.
    pub above_chance: Option<Interval>,
    /// By how much it is above the heuristic, where that was judged and is another ranker.
    pub above_heuristic: Option<Interval>,
}

/// How a ranker does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankerReport {
    /// What it is called: `chance`, `heuristic`, or the model's name.
    pub name: String,
    /// By measure, in the order of [`Settings::measures`].
    pub measures: Vec<Judged>,
    /// How far its `score_prob` can be trusted; chance has none.
    pub reliability: Option<Reliability>,
    /// True where its probabilities were calibrated on examples.
    pub calibrated: bool,
    /// Each measure of each track.
    #[serde(skip)]
    pub by_track: Vec<Vec<Option<f64>>>,
}

/// How rankers do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Number of tracks judged.
    pub tracks: usize,
    /// Of these, how many have no relevant candidate: measures that need one leave them out.
    pub tracks_without_relevant: usize,
    /// Number of candidates.
    pub candidates: usize,
    /// From which weight a candidate is relevant.
    pub threshold: f32,
    /// Part of all candidates that is relevant.
    pub relevant: f64,
    /// Chance, the heuristic if it could be judged, then the models.
    pub rankers: Vec<RankerReport>,
    /// Columns that the heuristic lacks; empty where it was judged.
    pub heuristic_lacks: Vec<String>,
    /// Names of the tracks, in the order of [`RankerReport::by_track`].
    #[serde(skip)]
    pub track_ids: Vec<String>,
}

/// Judges `models` beside chance and `heuristic` on the tracks of `data` whose indices are `tracks`.
///
/// # Errors
///
/// No tracks or Ks; a model that reads columns that the data lack (the heuristic is left out then instead), or gives no
/// finite scores.
pub fn evaluate(
    data: &Dataset,
    tracks: &[usize],
    heuristic: &dyn Scorer,
    models: &[Ranker<'_>],
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Evaluation, EvaluateError> {
    if settings.k.is_empty() || settings.k.contains(&0) {
        return Err(EvaluateError::Setting("K must be 1 or more: --k 1,3,5,10".into()));
    }
    if tracks.is_empty() {
        return Err(EvaluateError::Tracks("there is no track to judge by".into()));
    }
    let lacks = |scorer: &dyn Scorer| -> Vec<String> {
        let columns = scorer.info().columns.iter();
        columns.filter(|c| data.column(c).is_none()).cloned().collect()
    };
    for model in models {
        let missing = lacks(model.scorer);
        if !missing.is_empty() {
            return Err(EvaluateError::Missing {
                model: model.name.to_owned(),
                missing,
            });
        }
    }
    let heuristic_lacks = lacks(heuristic);
    let mut judges = vec![Judge::new("chance", None)];
    if heuristic_lacks.is_empty() {
        judges.push(Judge::new("heuristic", Some(heuristic)));
    }
    judges.extend(models.iter().map(|m| Judge::new(m.name, Some(m.scorer))));
    let measures = settings.measures();
    let schema = Arc::new(Schema::plain(data.columns.clone()));
    let mut good: Vec<bool> = Vec::new();
    let mut without = 0;
    for &t in tracks {
        progress.check()?;
        let group = &data.tracks[t];
        let weights = &data.weights[group.rows.clone()];
        let before = good.len();
        good.extend(weights.iter().map(|w| *w >= settings.threshold));
        without += usize::from(!good[before..].contains(&true));
        let width = data.columns.len();
        let values = data.values[group.rows.start * width..group.rows.end * width].to_vec();
        let table = FeatureTable::from_values(Arc::clone(&schema), values);
        for judge in &mut judges {
            judge.judge(&table, weights, &group.track_id, &measures, settings)?;
        }
    }
    let has_heuristic = heuristic_lacks.is_empty();
    let rankers = (0..judges.len())
        .map(|at| report(&judges, at, &measures, has_heuristic, &good))
        .collect();
    Ok(Evaluation {
        tracks: tracks.len(),
        tracks_without_relevant: without,
        candidates: good.len(),
        threshold: settings.threshold,
        relevant: good.iter().filter(|g| **g).count() as f64 / good.len().max(1) as f64,
        rankers,
        heuristic_lacks,
        track_ids: tracks.iter().map(|&t| data.tracks[t].track_id.clone()).collect(),
    })
}

/// A ranker and what has been measured of it so far.
struct Judge<'a> {
    name: String,
    /// `None` is chance.
    scorer: Option<&'a dyn Scorer>,
    by_track: Vec<Vec<Option<f64>>>,
    probabilities: Vec<f32>,
}

impl<'a> Judge<'a> {
    fn new(name: &str, scorer: Option<&'a dyn Scorer>) -> Self {
        Self {
            name: name.to_owned(),
            scorer,
            by_track: Vec::new(),
            probabilities: Vec::new(),
        }
    }

    fn judge(
        &mut self,
        table: &FeatureTable,
        weights: &[f32],
        track: &str,
        measures: &[Measure],
        settings: &Settings,
    ) -> Result<(), EvaluateError> {
        let ordering = match self.scorer {
            None => Ordering::chance(weights, settings.threshold),
            Some(scorer) => {
                let info = scorer.info();
                let fail = |problem| EvaluateError::Score {
                    model: self.name.clone(),
                    track: track.to_owned(),
                    problem,
                };
                let mut scores = scorer.score(table).map_err(fail)?;
                let count = weights.len().max(scores.len());
                if let Some(row) = (0..count).find(|r| !scores.get(*r).is_some_and(|s| s.is_finite())) {
                    let model = info.name.clone();
                    return Err(fail(ModelError::BadScore { model, row }));
                }
                let alpha = settings.alpha.or(info.alpha).unwrap_or(0.0) as f32;
                if alpha != 0.0
                    && let Some(boundary) = table.column(BOUNDARY)
                {
                    for (s, b) in scores.iter_mut().zip(boundary).filter(|(_, b)| b.is_finite()) {
                        *s -= alpha * b;
                    }
                }
                let said = probabilities(&scores, info.output, info.calibration.as_ref());
                self.probabilities.extend(said);
                Ordering::of(&scores, weights, settings.threshold)
            }
        };
        self.by_track
            .push(measures.iter().map(|m| ordering.measure(*m)).collect());
        Ok(())
    }

    /// One measure, track by track.
    fn values(&self, measure: usize) -> Vec<Option<f64>> {
        self.by_track.iter().map(|t| t[measure]).collect()
    }
}

fn report(judges: &[Judge<'_>], at: usize, measures: &[Measure], has_heuristic: bool, good: &[bool]) -> RankerReport {
    let judge = &judges[at];
    let judged = |(i, measure): (usize, &Measure)| {
        let values = judge.values(i);
        let above = |other: usize| {
            (at > other)
                .then(|| difference(&values, &judges[other].values(i)))
                .flatten()
        };
        Judged {
            measure: measure.to_string(),
            value: bootstrap(&values),
            above_chance: above(0),
            above_heuristic: has_heuristic.then(|| above(1)).flatten(),
        }
    };
    RankerReport {
        name: judge.name.clone(),
        measures: measures.iter().enumerate().map(judged).collect(),
        reliability: judge.scorer.and_then(|_| reliability(&judge.probabilities, good)),
        calibrated: judge.scorer.is_some_and(|s| s.info().calibration.is_some()),
        by_track: judge.by_track.clone(),
    }
}

#[cfg(test)]
mod tests;

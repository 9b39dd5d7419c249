//! How good a model is, beside the heuristic and chance; and what is tuned on the tracks for validation.

use std::sync::Arc;

use serde::Serialize;

use super::Prepared;
use crate::features::{FeatureTable, Schema};
use crate::learn::dataset::Dataset;
use crate::learn::listwise::ranks;
use crate::model::{Calibration, Scorer};
use crate::rank::calibrate::platt;
use crate::rank::metrics::{Interval, Measure, Ordering, RELEVANT, bootstrap, difference};

/// What rankers are judged by.
const MEASURES: [Measure; 6] = [
    Measure::Ndcg(10),
    Measure::Precision(1),
    Measure::Precision(10),
    Measure::Recall(10),
    Measure::ReciprocalRank,
    Measure::Best(5),
];

/// Weights of `boundary_quiet_score` that are tried, in units of the scores' deviation over that of the column.
const ALPHAS: [f64; 5] = [0.05, 0.1, 0.2, 0.4, 0.8];

/// How a ranker does: a name and an interval for each measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// `model`, `heuristic`, `chance`.
    pub ranker: &'static str,
    /// Each measure's mean over the tracks, with its interval.
    #[serde(serialize_with = "super::by_name")]
    pub measures: Vec<(String, Interval)>,
}

/// How rankers do on tracks that none of them has seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Number of tracks.
    pub tracks: usize,
    /// The model first.
    pub rankers: Vec<Judged>,
    /// By how much the model's NDCG@10 is above the heuristic's, track by track.
    pub above_heuristic: Option<Interval>,
    /// The same above chance.
    pub above_chance: Option<Interval>,
}

impl Judgement {
    /// Means by name, for records: `test_ndcg_at_10`, `heuristic_ndcg_at_10`, …
    pub fn summary(&self) -> impl Iterator<Item = (String, f64)> + '_ {
        self.rankers.iter().flat_map(|r| {
            let who = if r.ranker == "model" { "test" } else { r.ranker };
            r.measures
                .iter()
                .map(move |(name, i)| (format!("{who}_{}", name.replace('@', "_at_")), i.mean))
        })
    }
}

/// A table of the rows of one track.
fn table(data: &Dataset, schema: &Arc<Schema>, track: usize) -> FeatureTable {
    let width = data.columns.len();
    let rows = &data.tracks[track].rows;
    FeatureTable::from_values(
        Arc::clone(schema),
        data.values[rows.start * width..rows.end * width].to_vec(),
    )
}

/// Scores of tracks, by track; those that the model cannot score are left out.
pub(super) fn of_tracks(scorer: &dyn Scorer, data: &Dataset, tracks: &[usize]) -> Vec<(usize, Vec<f32>)> {
    let schema = Arc::new(Schema::plain(data.columns.clone()));
    tracks
        .iter()
        .filter_map(|&t| Some((t, scorer.score(&table(data, &schema, t)).ok()?)))
        .collect()
}

/// The scores of all rows, or `None` where the data lack a column that the scorer reads.
pub(super) fn of_all(scorer: &dyn Scorer, data: &Dataset) -> Option<Vec<f32>> {
    if scorer.info().columns.iter().any(|c| data.column(c).is_none()) {
        return None;
    }
    let all: Vec<usize> = (0..data.tracks.len()).collect();
    let mut scores = vec![f32::NAN; data.rows()];
    for (track, own) in of_tracks(scorer, data, &all) {
        scores[data.tracks[track].rows.clone()].copy_from_slice(&own);
    }
    Some(scores)
}

/// Scores less what alpha takes off. A boundary that is not known takes off nothing.
fn penalised(scores: &[f32], boundary: &[f32], alpha: f64) -> Vec<f32> {
    let less = |(s, b): (&f32, &f32)| if b.is_finite() { s - alpha as f32 * b } else { *s };
    scores.iter().zip(boundary).map(less).collect()
}

fn ndcg(scores: &[f32], weights: &[f32]) -> Option<f64> {
    Ordering::of(scores, weights, RELEVANT)
        .measure(Measure::Ndcg(10))
        .filter(|_| ranks(weights))
}

/// Root of the mean variance within tracks.
fn deviation<'a>(tracks: impl Iterator<Item = &'a [f32]>) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for track in tracks {
        let known = || track.iter().filter(|x| x.is_finite()).map(|x| f64::from(*x));
        let n = known().count();
        let mean = known().sum::<f64>() / n.max(1) as f64;
        sum += known().map(|x| (x - mean).powi(2)).sum::<f64>();
        count += n;
    }
    (sum / count.max(1) as f64).sqrt()
}

/// The weight of `boundary_quiet_score` by which the tracks are ranked best, by NDCG at 10. It is 0 unless another is better
/// by more than its uncertainty (the 95 % interval of the difference lies above 0): a penalty that chance found would cost
/// elsewhere.
pub(super) fn alpha(data: &Dataset, scored: &[(usize, Vec<f32>)], boundary: &[f32]) -> f64 {
    let rows = |t: usize| data.tracks[t].rows.clone();
    let spread = deviation(scored.iter().map(|(_, s)| s.as_slice()));
    let column = deviation(scored.iter().map(|(t, _)| &boundary[rows(*t)]));
    if !(spread > 0.0 && column > 0.0) {
        return 0.0;
    }
    let measured = |alpha: f64| -> Vec<Option<f64>> {
        let one = |(t, s): &(usize, Vec<f32>)| ndcg(&penalised(s, &boundary[rows(*t)], alpha), &data.weights[rows(*t)]);
        scored.iter().map(one).collect()
    };
    let plain = measured(0.0);
    let mut best = (0.0, 0.0);
    for share in ALPHAS {
        // Three digits say enough, and read better.
        let exact = share * spread / column;
        let scale = 10f64.powi(2 - exact.log10().floor() as i32);
        let alpha = (exact * scale).round() / scale;
        if let Some(gain) = difference(&measured(alpha), &plain)
            && gain.low > 0.0
            && gain.mean > best.1
        {
            best = (alpha, gain.mean);
        }
    }
    best.0
}

/// From scores, less the penalty, to the probability that a loop is relevant; `None` where the tracks do not tell.
pub(super) fn calibration(
    data: &Dataset,
    scored: &[(usize, Vec<f32>)],
    penalty: Option<(f64, &[f32])>,
) -> Option<Calibration> {
    let (mut scores, mut good) = (Vec::new(), Vec::new());
    for (track, own) in scored {
        let rows = data.tracks[*track].rows.clone();
        good.extend(data.weights[rows.clone()].iter().map(|w| *w >= RELEVANT));
        match penalty {
            Some((alpha, boundary)) => scores.extend(penalised(own, &boundary[rows], alpha)),
            None => scores.extend_from_slice(own),
        }
    }
    platt(&scores, &good)
}

/// Gathers measures of the model, the heuristic and chance, track by track.
pub(super) struct Bench<'a> {
    prepared: &'a Prepared,
    tracks: usize,
    /// By ranker, measure, track.
    values: [Vec<Vec<Option<f64>>>; 3],
}

impl<'a> Bench<'a> {
    pub(super) fn new(prepared: &'a Prepared) -> Self {
        Self {
            prepared,
            tracks: 0,
            values: std::array::from_fn(|_| vec![Vec::new(); MEASURES.len()]),
        }
    }

    /// Judges a model on tracks that it has not seen.
    pub(super) fn add(&mut self, scorer: &dyn Scorer, alpha: Option<f64>, tracks: &[usize]) {
        let data = &self.prepared.data;
        for (track, mut scores) in of_tracks(scorer, data, tracks) {
            let rows = data.tracks[track].rows.clone();
            let weights = &data.weights[rows.clone()];
            if !ranks(weights) {
                continue;
            }
            if let (Some(alpha), Some(boundary)) = (alpha, &self.prepared.boundary) {
                scores = penalised(&scores, &boundary[rows.clone()], alpha);
            }
            let heuristic = self.prepared.heuristic.as_ref().map(|h| &h[rows]);
            let orders = [
                Some(Ordering::of(&scores, weights, RELEVANT)),
                heuristic.map(|h| Ordering::of(h, weights, RELEVANT)),
                Some(Ordering::chance(weights, RELEVANT)),
            ];
            for (values, order) in self.values.iter_mut().zip(orders) {
                let Some(order) = order else { continue };
                for (values, measure) in values.iter_mut().zip(MEASURES) {
                    values.push(order.measure(measure));
                }
            }
            self.tracks += 1;
        }
    }

    /// The means with their intervals; `None` where nothing was judged.
    pub(super) fn finish(self) -> Option<Judgement> {
        if self.tracks == 0 {
            return None;
        }
        let [model, heuristic, chance] = &self.values;
        let judged = |ranker: &'static str, values: &[Vec<Option<f64>>]| Judged {
            ranker,
            measures: MEASURES
                .iter()
                .zip(values)
                .filter_map(|(m, v)| Some((m.to_string(), bootstrap(v)?)))
                .collect(),
        };
        let rankers = [("model", model), ("heuristic", heuristic), ("chance", chance)];
        Some(Judgement {
            tracks: self.tracks,
            rankers: rankers
                .into_iter()
                .map(|(name, values)| judged(name, values))
                .filter(|j| !j.measures.is_empty())
                .collect(),
            above_heuristic: difference(&model[0], &heuristic[0]),
            above_chance: difference(&model[0], &chance[0]),
        })
    }
}

//! `predict neighbours`: the neighbours of each item of a labelled set, for a scorer.

use serde::Serialize;

use super::{Entry, hear};
use crate::config::Config;
use crate::pipeline::collection;
use crate::pipeline::predict::{PredictError, Report, Request};
use crate::pipeline::run::{Observer, Source, TrackError};
use crate::similarity::neighbors::{Weights, rank};
use crate::similarity::profile::Profile;
use crate::store::Place;

/// Neighbours in an answer.
pub const NEIGHBOURS: usize = 20;

/// An answer about neighbours.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Answer {
    /// The item.
    pub id: String,
    /// Its neighbours, best first.
    pub neighbours: Vec<Neighbour>,
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// The item.
    pub id: String,
    /// Length of its bars for one of the query's.
    pub time_ratio: f64,
}

/// Answers every item: its [`NEIGHBOURS`] best among the others. `done` is called on the calling thread as each has been
/// heard, in order.
///
/// # Errors
///
/// [`PredictError::Thread`].
pub fn predict(
    request: &Request<'_>,
    config: &Config,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<(), &TrackError>),
) -> Result<Report, PredictError> {
    let places: Vec<Place> = request
        .items
        .iter()
        .map(|item| request.set.join(&item.audio).into())
        .collect();
    let work = |index: usize, progress: &dyn crate::progress::Progress| {
        let source = Source {
            place: places[index].clone(),
            name: String::new(),
        };
        hear(&source, config, progress)
    };
    let mut report = Report {
        lines: String::new(),
        failed: Vec::new(),
        left: request.items.len(),
    };
    let mut heard: Vec<Option<Entry>> = (0..places.len()).map(|_| None).collect();
    collection::each(&places, request.jobs, observer, &work, |index, result| {
        match result {
            Ok(entry) => {
                done(index, Ok(()));
                heard[index] = Some(entry);
            }
            Err(e) => {
                let e = TrackError::from(e);
                done(index, Err(&e));
                report.failed.push((request.items[index].id.clone(), e));
            }
        }
        report.left -= 1;
    })
    .map_err(PredictError::Thread)?;
    for (i, item) in request.items.iter().enumerate() {
        let mut neighbours = Vec::new();
        if let Some(query) = &heard[i] {
            let (others, profiles): (Vec<usize>, Vec<&Profile>) = heard
                .iter()
                .enumerate()
                .filter(|(j, _)| *j != i)
                .filter_map(|(j, e)| Some((j, &e.as_ref()?.profile)))
                .unzip();
            let found = rank(&query.profile, &profiles, &Weights::default(), NEIGHBOURS);
            neighbours.extend(found.into_iter().map(|(j, affinity)| Neighbour {
                id: request.items[others[j]].id.clone(),
                time_ratio: (affinity.stretch * 1e6).round() / 1e6,
            }));
        }
        let answer = Answer {
            id: item.id.clone(),
            neighbours,
        };
        // Plain data of numbers and text serialises; what did not would be no line of JSON.
        report
            .lines
            .push_str(&serde_json::to_string(&answer).unwrap_or_default());
        report.lines.push('\n');
    }
    Ok(report)
}

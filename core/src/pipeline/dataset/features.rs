//! The features of one track at hand, as its rows of a dataset would have them.

use std::num::NonZeroUsize;
use std::path::Path;

use super::{Columns, Item, Options, Request, TableKind, rows};
use crate::config::Config;
use crate::pipeline::Models;
use crate::pipeline::run::TrackError;
use crate::progress::Progress;
use crate::store::Target;
use crate::track::Track;

/// All candidates of a track with their features: what [`dataset`](super::dataset) writes of it where nothing is known of
/// its loops, without the weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrackFeatures {
    /// Begin of each candidate, in seconds.
    pub start: Vec<f64>,
    /// Their ends, in seconds.
    pub end: Vec<f64>,
    /// Their lengths in bars.
    pub bars: Vec<u32>,
    /// The names of the columns of [`Self::values`], as the table has them after `weight`.
    pub names: Vec<String>,
    /// The features, candidate by candidate.
    pub values: Vec<f32>,
    /// Tempo in beats a minute, where there are beats.
    pub bpm: Option<f64>,
    /// Why there are no candidates, where there are none.
    pub detail: String,
}

/// Measures the candidates of `track`.
///
/// # Errors
///
/// Those of the analysis.
pub fn features_of(
    track: &Track,
    columns: &Columns,
    config: &Config,
    models: Models<'_>,
    progress: &dyn Progress,
) -> Result<TrackFeatures, TrackError> {
    let options = Options::default();
    let nowhere = Target::from(Path::new(""));
    let request = Request {
        items: &[],
        out: &nowhere,
        work: &nowhere,
        kind: TableKind::Csv,
        columns,
        options: &options,
        resume: false,
        jobs: NonZeroUsize::MIN,
    };
    let item = Item {
        id: track.name.clone(),
        place: Path::new("").into(),
        marks: Vec::new(),
        beats: None,
    };
    let shard = rows::of(track, &item, &request, config, models, progress)?;
    // The table has `bars` once, before the features.
    let kept: Vec<usize> = (0..columns.names().len())
        .filter(|i| columns.names()[*i] != "bars")
        .collect();
    let of_row = |row: &[f32]| kept.iter().map(|i| row[*i]).collect::<Vec<f32>>();
    Ok(TrackFeatures {
        start: shard.rows.iter().map(|r| r.start).collect(),
        end: shard.rows.iter().map(|r| r.end).collect(),
        bars: shard.rows.iter().map(|r| r.bars).collect(),
        names: kept.iter().map(|i| columns.names()[*i].clone()).collect(),
        values: shard
            .values
            .chunks_exact(columns.names().len().max(1))
            .flat_map(of_row)
            .collect(),
        bpm: shard.bpm,
        detail: shard.detail,
    })
}

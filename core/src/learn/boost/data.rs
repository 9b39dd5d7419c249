//! A dataset as boosting needs it: checked, the training rows first, the features as bins.

use std::ops::Range;

use rand_pcg::Pcg64Mcg;

use super::Settings;
use super::bins::Column;
use super::lambda::scatter;
use super::parallel::each;
use crate::learn::LearnError;
use crate::learn::dataset::Dataset;
use crate::learn::split::Split;

/// The rows of the training tracks, then those of the validation tracks.
#[derive(Debug)]
pub(super) struct Prepared {
    /// All features; those that tell nothing have no cuts.
    pub columns: Vec<Column>,
    /// Of all rows.
    pub weights: Vec<f32>,
    /// Number of training rows.
    pub train: usize,
    /// The tracks' rows.
    tracks: Vec<Range<usize>>,
    /// How many of them are for training.
    train_tracks: usize,
    /// Features that tell something.
    telling: Vec<usize>,
}

impl Prepared {
    pub(super) fn of(data: &Dataset, split: &Split, settings: &Settings) -> Result<Self, LearnError> {
        check(data, split)?;
        let mut source = Vec::new();
        let mut tracks = Vec::new();
        for &t in split.train.iter().chain(&split.valid) {
            let rows = data.tracks[t].rows.clone();
            tracks.push(source.len()..source.len() + rows.len());
            source.extend(rows);
        }
        let train = split.train.iter().map(|&t| data.tracks[t].rows.len()).sum();
        let width = data.columns.len();
        let mut columns: Vec<(usize, Option<Column>)> = (0..width).map(|c| (c, None)).collect();
        each(settings.threads, &mut columns, |(c, column)| {
            let values: Vec<f32> = source.iter().map(|r| data.values[r * width + *c]).collect();
            let seed = scatter(settings.seed ^ *c as u64);
            *column = Some(Column::of(&values, train, settings.bins, seed));
        });
        let columns: Vec<Column> = columns.into_iter().filter_map(|(_, c)| c).collect();
        let telling: Vec<usize> = (0..width).filter(|c| !columns[*c].cuts.is_empty()).collect();
        if telling.is_empty() {
            return Err(LearnError::Data(format!(
                "each of the {width} feature columns has one value in all training rows: there is nothing to learn from"
            )));
        }
        Ok(Self {
            columns,
            weights: source.iter().map(|&r| data.weights[r]).collect(),
            train,
            tracks,
            train_tracks: split.train.len(),
            telling,
        })
    }

    pub(super) fn train_tracks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.tracks[..self.train_tracks].iter().cloned()
    }

    pub(super) fn valid_tracks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.tracks[self.train_tracks..].iter().cloned()
    }

    /// The rows of a part of the training tracks, ascending.
    pub(super) fn draw_rows(&self, part: f64, random: &mut Pcg64Mcg) -> Vec<u32> {
        if part >= 1.0 {
            return (0..self.train as u32).collect();
        }
        let tracks = draw(self.train_tracks, part, random);
        let rows = |t: usize| self.tracks[t].start as u32..self.tracks[t].end as u32;
        tracks.into_iter().flat_map(rows).collect()
    }

    /// A part of the features that tell something, ascending.
    pub(super) fn draw_columns(&self, part: f64, random: &mut Pcg64Mcg) -> Vec<usize> {
        if part >= 1.0 {
            return self.telling.clone();
        }
        let drawn = draw(self.telling.len(), part, random);
        drawn.into_iter().map(|i| self.telling[i]).collect()
    }
}

/// A part of 0 to `n`, at least one, ascending.
fn draw(n: usize, part: f64, random: &mut Pcg64Mcg) -> Vec<usize> {
    let count = ((n as f64 * part).round() as usize).clamp(1.min(n), n);
    let mut drawn = rand::seq::index::sample(random, n, count).into_vec();
    drawn.sort_unstable();
    drawn
}

fn check(data: &Dataset, split: &Split) -> Result<(), LearnError> {
    let fail = |problem: String| Err(LearnError::Data(problem));
    if data.tracks.len() < 2 {
        return fail(format!(
            "the data hold {} track{}: learning splits by track and needs at least two, better dozens",
            data.tracks.len(),
            if data.tracks.len() == 1 { "" } else { "s" }
        ));
    }
    if let Some(t) = split
        .train
        .iter()
        .chain(&split.valid)
        .find(|t| **t >= data.tracks.len())
    {
        return fail(format!("the split names track {t} of {}", data.tracks.len()));
    }
    let rows = |tracks: &[usize]| tracks.iter().map(|&t| data.tracks[t].rows.len()).sum::<usize>();
    let train = rows(&split.train);
    if train == 0 {
        return fail("no track is left to learn from: make the parts that validate and test smaller".into());
    }
    if u32::try_from(train + rows(&split.valid)).is_err() {
        return fail("there are more than 4 billion rows".into());
    }
    for &t in split.train.iter().chain(&split.valid) {
        let track = &data.tracks[t];
        for row in track.rows.clone() {
            let place = || format!("row {} of track {:?}", row - track.rows.start + 1, track.track_id);
            let weight = data.weights[row];
            if !(weight >= 0.0 && weight.is_finite()) {
                let place = place();
                return fail(format!("the weight of {place} is {weight}: weights are numbers from 0"));
            }
            if let Some(c) = data.row(row).iter().position(|x| x.is_infinite()) {
                let (place, column) = (place(), &data.columns[c]);
                return fail(format!(
                    "{column} of {place} is infinite: leave it empty if it is not known"
                ));
            }
        }
    }
    Ok(())
}

//! What the readers fill: rows in the order of the files, put in order of tracks at the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{ASIDE, Dataset, DatasetError, Group, Place, REQUIRED};

/// Where the columns of a file go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Indices in the file of [`REQUIRED`].
    pub(super) required: [usize; 4],
    /// Pairs of an index in the file and a feature's index in the dataset.
    pub(super) features: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
pub(super) struct Builder {
    columns: Vec<String>,
    first: PathBuf,
    names: Vec<String>,
    by_name: HashMap<String, u32>,
    ids: Vec<u32>,
    spans: Vec<(f64, f64)>,
    weights: Vec<f32>,
    values: Vec<f32>,
    bad_weights: usize,
    bad_examples: Vec<String>,
    file_start: usize,
}

impl Builder {
    pub(super) fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Name of a feature's column.
    pub(super) fn name(&self, column: usize) -> String {
        self.columns.get(column).cloned().unwrap_or_default()
    }

    /// Says where the columns of a file with this header go. The first file decides which columns there are.
    pub(super) fn map(&mut self, path: &Path, header: &[String]) -> Result<Mapping, DatasetError> {
        for (i, name) in header.iter().enumerate() {
            if !name.is_empty() && header[..i].contains(name) {
                return Err(DatasetError::Twice {
                    path: path.into(),
                    column: name.clone(),
                });
            }
        }
        let at = |name: &str| header.iter().position(|h| h == name);
        let found = REQUIRED.map(at);
        let [Some(id), Some(start), Some(end), Some(weight)] = found else {
            let lacking = REQUIRED.iter().zip(&found).filter(|(_, at)| at.is_none());
            return Err(DatasetError::Missing {
                path: path.into(),
                missing: lacking.map(|(name, _)| (*name).to_owned()).collect(),
                found: header.to_vec(),
            });
        };
        let own: Vec<(usize, &String)> = header
            .iter()
            .enumerate()
            .filter(|(_, name)| !ASIDE.contains(&name.as_str()))
            .collect();
        if own.is_empty() {
            return Err(DatasetError::NoFeatures { path: path.into() });
        }
        if self.columns.is_empty() {
            self.columns = own.iter().map(|(_, name)| (*name).clone()).collect();
            self.first = path.to_path_buf();
        }
        let place: HashMap<&str, usize> = self.columns.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
        let extra: Vec<String> = own
            .iter()
            .filter(|(_, name)| !place.contains_key(name.as_str()))
            .map(|(_, name)| (*name).clone())
            .collect();
        let lacking: Vec<String> = self.columns.iter().filter(|c| !header.contains(c)).cloned().collect();
        if !extra.is_empty() || !lacking.is_empty() {
            return Err(DatasetError::Columns {
                path: path.into(),
                first: self.first.clone(),
                lacking,
                extra,
            });
        }
        Ok(Mapping {
            required: [id, start, end, weight],
            features: own.iter().map(|(i, name)| (*i, place[name.as_str()])).collect(),
        })
    }

    /// Adds a row with all features missing, and gives the slice for them.
    pub(super) fn push(
        &mut self,
        path: &Path,
        place: Place,
        track_id: &str,
        span: (f64, f64),
        weight: f64,
    ) -> Result<&mut [f32], DatasetError> {
        let wrong = |column: &str, problem: String| DatasetError::Cell {
            path: path.into(),
            place,
            column: column.into(),
            problem,
        };
        if track_id.is_empty() {
            return Err(wrong("track_id", "is empty".into()));
        }
        if !(span.0.is_finite() && span.0 >= 0.0) {
            return Err(wrong("start_time", format!("{} is no time in seconds", span.0)));
        }
        if !(span.1.is_finite() && span.1 > span.0) {
            let problem = format!("{} is no time in seconds after the start, {}", span.1, span.0);
            return Err(wrong("end_time", problem));
        }
        if !(weight.is_finite() && weight >= 0.0 && weight <= f64::from(f32::MAX)) {
            const SHOWN: usize = 5;
            self.bad_weights += 1;
            if self.bad_examples.len() < SHOWN {
                let brief: String = track_id.chars().take(60).collect();
                self.bad_examples.push(format!("{place} ({brief}) {weight}"));
            }
        }
        let id = match self.by_name.get(track_id) {
            Some(id) => *id,
            None => {
                let id = u32::try_from(self.names.len()).map_err(|_| DatasetError::Broken {
                    path: path.into(),
                    problem: "too many tracks".into(),
                })?;
                self.names.push(track_id.to_owned());
                self.by_name.insert(track_id.to_owned(), id);
                id
            }
        };
        self.ids.push(id);
        self.spans.push(span);
        self.weights.push(weight as f32);
        let from = self.values.len();
        self.values.resize(from + self.columns.len(), f32::NAN);
        Ok(&mut self.values[from..])
    }

    /// Sets one feature of a row that was pushed.
    #[cfg(feature = "parquet")]
    pub(super) fn set(&mut self, row: usize, column: usize, value: f32) {
        self.values[row * self.columns.len() + column] = value;
    }

    /// What was put off until all of the file was read.
    pub(super) fn end_of_file(&mut self, path: &Path) -> Result<(), DatasetError> {
        let rows = self.rows() - self.file_start;
        self.file_start = self.rows();
        if self.bad_weights == 0 {
            return Ok(());
        }
        let mut examples = self.bad_examples.join(", ");
        if self.bad_weights > self.bad_examples.len() {
            examples.push_str(", …");
        }
        Err(DatasetError::Weights {
            path: path.into(),
            count: self.bad_weights,
            rows,
            examples,
        })
    }

    /// The dataset: tracks in the order in which they first appear, rows of each in the order of the files.
    pub(super) fn finish(mut self) -> Dataset {
        let mut next = vec![0usize; self.names.len()];
        for id in &self.ids {
            next[*id as usize] += 1;
        }
        let mut tracks = Vec::with_capacity(self.names.len());
        let mut at = 0;
        for (name, count) in self.names.into_iter().zip(&mut next) {
            tracks.push(Group {
                track_id: name,
                rows: at..at + *count,
            });
            at += std::mem::replace(count, at);
        }
        // Where each row goes. Most files are in order, and need nothing.
        let mut target: Vec<usize> = self
            .ids
            .iter()
            .map(|id| {
                let slot = &mut next[*id as usize];
                *slot += 1;
                *slot - 1
            })
            .collect();
        let width = self.columns.len();
        // In place, by cycles: a copy of a large dataset would double the memory.
        for i in 0..target.len() {
            while target[i] != i {
                let j = target[i];
                self.spans.swap(i, j);
                self.weights.swap(i, j);
                let (low, high) = self.values.split_at_mut(i.max(j) * width);
                low[i.min(j) * width..][..width].swap_with_slice(&mut high[..width]);
                target.swap(i, j);
            }
        }
        Dataset {
            columns: self.columns,
            values: self.values,
            weights: self.weights,
            spans: self.spans,
            tracks,
        }
    }
}

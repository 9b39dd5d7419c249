//! Rows of features with weights, by track.
//!
//! On disk a dataset is a table, [`Dataset::read`] from CSV or Parquet (told by content): `track_id`, `start_time`, `end_time`
//! (seconds), `weight`, and a column for each feature; `bars` is one of them. The columns of [`ASIDE`] say more about a row
//! and are no features. Every other column must hold numbers.
//!
//! A feature that is empty, NaN or null is missing. A weight must be a finite number from 0 up.

mod builder;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use builder::Builder;

/// Columns without which a table is no dataset.
pub const REQUIRED: [&str; 4] = ["track_id", "start_time", "end_time", "weight"];

/// Columns that are no features: what a row is, whose it is, what a model said of it. Also those that come of an index
/// that pandas wrote.
pub const ASIDE: [&str; 15] = [
    "track_id",
    "start_time",
    "end_time",
    "weight",
    "kind",
    "content",
    "section",
    "score",
    "score_prob",
    "score_rank",
    "score_share",
    "loop_index",
    "",
    "Unnamed: 0",
    "__index_level_0__",
];

/// The rows of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The track's name.
    pub track_id: String,
    /// Its rows.
    pub rows: Range<usize>,
}

/// Rows of features with weights, grouped by track.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    /// Names of the feature columns.
    pub columns: Vec<String>,
    /// Values, row by row; NaN where missing.
    pub values: Vec<f32>,
    /// How good each row is, 0 and up; 1 for a loop that someone chose.
    pub weights: Vec<f32>,
    /// Where each row begins and ends, in seconds.
    pub spans: Vec<(f64, f64)>,
    /// The tracks, in order; their rows follow each other without gaps.
    pub tracks: Vec<Group>,
}

/// Why a dataset cannot be read. Each names the file; lines are counted from 1, with the header as line 1 of a CSV.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no table.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// Columns are lacking.
    #[error(
        "{}: no column {}; a dataset needs {} (found: {})",
        path.display(), names(missing), names(&REQUIRED), names(found)
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// Those that are lacking.
        missing: Vec<String>,
        /// Those that are there.
        found: Vec<String>,
    },
    /// There is no column of features.
    #[error("{}: there is no column of features beside {}", path.display(), names(&REQUIRED))]
    NoFeatures {
        /// The file.
        path: PathBuf,
    },
    /// A name stands above two columns.
    #[error("{}: two columns are called `{column}`", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A cell does not do.
    #[error("{}, {place}, column `{column}`: {problem}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line or row.
        place: Place,
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Weights are not finite numbers from 0 up.
    #[error(
        "{}: {count} of {rows} weights are no finite numbers from 0 up: {examples}; give them a weight or leave their rows out",
        path.display()
    )]
    Weights {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// Of how many rows.
        rows: usize,
        /// The first few: where, which track, what.
        examples: String,
    },
    /// Two files do not have the same columns.
    #[error(
        "{}: its columns are not those of {}: {}", path.display(), first.display(), difference(lacking, extra)
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// The file it was to be joined to.
        first: PathBuf,
        /// Columns that the first has and this one lacks.
        lacking: Vec<String>,
        /// Columns that this one has and the first lacks.
        extra: Vec<String>,
    },
    /// There are no rows.
    #[error("{}: no rows", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// This build reads no Parquet.
    #[error("{}: this build reads no Parquet; build with the feature `parquet`, or use CSV", path.display())]
    NoParquet {
        /// The file.
        path: PathBuf,
    },
}

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file.
    Line(u64),
    /// A row of a file without lines.
    Row(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Row(n) => write!(f, "row {n}"),
        }
    }
}

/// Names for people: the first dozen of them.
fn names<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 12;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{}`", n.as_ref())).collect();
    match names.len() {
        0 => text.push("none".into()),
        n if n > SHOWN => text.push(format!("and {} more", n - SHOWN)),
        _ => {}
    }
    text.join(", ")
}

fn difference(lacking: &[String], extra: &[String]) -> String {
    let mut parts = Vec::new();
    if !lacking.is_empty() {
        parts.push(format!("it lacks {}", names(lacking)));
    }
    if !extra.is_empty() {
        parts.push(format!("it alone has {}", names(extra)));
    }
    parts.join("; ")
}

impl Dataset {
    /// Reads a dataset, CSV or Parquet.
    ///
    /// # Errors
    ///
    /// [`DatasetError`], which says in which file, line and column something is wrong.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        Self::read_all(&[path])
    }

    /// Reads several and joins them. All must have the columns of the first, in any order; rows of a track that stands in
    /// more than one file come together.
    ///
    /// # Errors
    ///
    /// As [`Dataset::read`]; nothing is joined where one file does not do.
    pub fn read_all<P: AsRef<Path>>(paths: &[P]) -> Result<Self, DatasetError> {
        let mut builder = Builder::default();
        for path in paths {
            let path = path.as_ref();
            let before = builder.rows();
            if is_parquet(path)? {
                #[cfg(feature = "parquet")]
                parquet::read(path, &mut builder)?;
                #[cfg(not(feature = "parquet"))]
                return Err(DatasetError::NoParquet { path: path.into() });
            } else {
                csv::read(path, &mut builder)?;
            }
            builder.end_of_file(path)?;
            if builder.rows() == before {
                return Err(DatasetError::Empty { path: path.into() });
            }
        }
        Ok(builder.finish())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// The features of one row.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.columns.len();
        &self.values[row * width..(row + 1) * width]
    }

    /// Which column has this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }
}

/// A dataset that is put together row by row, without a file: the same as one read from a table with these rows.
#[derive(Debug)]
pub struct Joined {
    name: PathBuf,
    builder: Builder,
    mapping: builder::Mapping,
}

impl Joined {
    /// An empty one with the columns of `header`, which are those of a table; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// [`DatasetError`], as for a table with that header.
    pub fn new(name: &Path, header: &[String]) -> Result<Self, DatasetError> {
        let mut builder = Builder::default();
        let mapping = builder.map(name, header)?;
        Ok(Self {
            name: name.to_path_buf(),
            builder,
            mapping,
        })
    }

    /// Adds a row: its track, where it begins and ends in seconds, its weight, and its features in the order of the header;
    /// those that are missing are NaN.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Cell`].
    pub fn push(
        &mut self,
        track_id: &str,
        span: (f64, f64),
        weight: f64,
        features: &[f32],
    ) -> Result<(), DatasetError> {
        let place = Place::Row(self.builder.rows() as u64 + 1);
        if let Some(at) = features.iter().position(|x| x.is_infinite()) {
            return Err(DatasetError::Cell {
                path: self.name.clone(),
                place,
                column: self
                    .mapping
                    .features
                    .get(at)
                    .map_or(String::new(), |(_, c)| self.builder.name(*c)),
                problem: "is not finite".into(),
            });
        }
        let row = self.builder.push(&self.name, place, track_id, span, weight)?;
        for ((_, column), x) in self.mapping.features.iter().zip(features) {
            row[*column] = *x;
        }
        Ok(())
    }

    /// The dataset.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Empty`], [`DatasetError::Weights`].
    pub fn finish(mut self) -> Result<Dataset, DatasetError> {
        self.builder.end_of_file(&self.name)?;
        if self.builder.rows() == 0 {
            return Err(DatasetError::Empty { path: self.name });
        }
        Ok(self.builder.finish())
    }
}

/// True for a file that begins as Parquet does.
fn is_parquet(path: &Path) -> Result<bool, DatasetError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut head))
        .map_err(|source| DatasetError::Io {
            path: path.into(),
            source,
        })?;
    Ok(head == *b"PAR1")
}

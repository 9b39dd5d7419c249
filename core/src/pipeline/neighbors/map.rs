//! Neighbours from a contact map that was written before: its row of a file, without listening to all of them again.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::guard::undisarmed;
use crate::pipeline::contact::outputs;

/// Where the map says how alike files are, and what else it says of pairs.
const MATRICES: [&str; 3] = [
    "contact_similarity_matrix.csv",
    "contact_distance_matrix.csv",
    "contact_stretch_ratio_matrix.csv",
];

/// Why a map is not used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// A matrix cannot be read.
    #[error("{}: cannot read: {source}; --map takes the folder that contact-map wrote", path.display())]
    Io {
        /// The matrix.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A matrix is none.
    #[error("{}: {why}", path.display())]
    Bad {
        /// The matrix.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// A pair of files in a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The neighbour, as the map names it: its path as it was given.
    pub name: String,
    /// Similarity, sharpened.
    pub similarity: f64,
    /// Distance.
    pub distance: f64,
    /// Stretch ratio of the neighbour over the file.
    pub stretch: f64,
}

/// The files of the map in `folder`.
///
/// # Errors
///
/// [`MapError`].
pub fn names(folder: &Path) -> Result<Vec<String>, MapError> {
    if is_sparse(folder) {
        let (path, mut reader) = open(folder, outputs::LABELS)?;
        let mut names = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| bad(&path, &e))?;
            names.push(undisarmed(record.get(0).unwrap_or_default()).to_owned());
        }
        return Ok(names);
    }
    let (path, mut reader) = open(folder, MATRICES[0])?;
    let header = reader.headers().map_err(|e| bad(&path, &e))?;
    Ok(header.iter().skip(1).map(|n| undisarmed(n).to_owned()).collect())
}

/// Row `index` of the map in `folder`, without the file itself: most similar first, of equals the nearer, then in order.
///
/// # Errors
///
/// [`MapError`].
pub fn row(folder: &Path, index: usize) -> Result<Vec<Mapped>, MapError> {
    let names = names(folder)?;
    if is_sparse(folder) {
        let name = names.get(index).map_or("", String::as_str);
        return Ok(ranked(pairs(folder, name)?));
    }
    let mut columns = Vec::new();
    for matrix in MATRICES {
        columns.push(numbers(folder, matrix, index, &names)?);
    }
    let [similarity, distance, stretch] = &columns[..] else {
        return Ok(Vec::new());
    };
    let found: Vec<Mapped> = names
        .into_iter()
        .enumerate()
        .filter(|(j, _)| *j != index)
        .map(|(j, name)| Mapped {
            name,
            similarity: similarity[j],
            distance: distance[j],
            stretch: stretch[j],
        })
        .collect();
    Ok(ranked(found))
}

fn ranked(mut found: Vec<Mapped>) -> Vec<Mapped> {
    found.sort_by(|a, b| {
        let near = a.distance.total_cmp(&b.distance);
        b.similarity.total_cmp(&a.similarity).then(near)
    });
    found
}

/// True for a map that tells of some pairs only, those that an index proposed.
fn is_sparse(folder: &Path) -> bool {
    folder.join(outputs::PAIRS).is_file() && !folder.join(MATRICES[0]).is_file()
}

/// The pairs that the file called `name` is of.
fn pairs(folder: &Path, name: &str) -> Result<Vec<Mapped>, MapError> {
    let (path, mut reader) = open(folder, outputs::PAIRS)?;
    let header = reader.headers().map_err(|e| bad(&path, &e))?.clone();
    let column = |name: &str| {
        header.iter().position(|h| h == name).ok_or_else(|| MapError::Bad {
            path: path.clone(),
            why: format!("it has no column {name}"),
        })
    };
    let [i, j] = [column("file_i")?, column("file_j")?];
    let columns = [
        column("similarity")?,
        column("distance")?,
        column("stretch_ratio_j_over_i")?,
    ];
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| bad(&path, &e))?;
        let [first, second] = [i, j].map(|c| undisarmed(record.get(c).unwrap_or_default()));
        let (neighbor, turned) = match (first == name, second == name) {
            (true, _) => (second, false),
            (_, true) => (first, true),
            _ => continue,
        };
        let mut values = [0.0; 3];
        for (value, c) in values.iter_mut().zip(columns) {
            let field = record.get(c).unwrap_or_default();
            let number = field.parse::<f64>().ok().filter(|x| x.is_finite());
            *value = number.ok_or_else(|| MapError::Bad {
                path: path.clone(),
                why: format!("{field:?} is no number"),
            })?;
        }
        let [similarity, distance, stretch] = values;
        found.push(Mapped {
            name: neighbor.to_owned(),
            similarity,
            distance,
            stretch: if turned { stretch.recip() } else { stretch },
        });
    }
    Ok(found)
}

fn open(folder: &Path, name: &str) -> Result<(PathBuf, csv::Reader<BufReader<File>>), MapError> {
    let path = folder.join(name);
    match File::open(&path) {
        Ok(file) => {
            let reader = csv::ReaderBuilder::new()
                .flexible(false)
                .from_reader(BufReader::new(file));
            Ok((path, reader))
        }
        Err(source) => Err(MapError::Io { path, source }),
    }
}

fn bad(path: &Path, error: &csv::Error) -> MapError {
    MapError::Bad {
        path: path.into(),
        why: error.to_string(),
    }
}

/// One row of one matrix; its files must be those that are expected.
fn numbers(folder: &Path, matrix: &str, index: usize, names: &[String]) -> Result<Vec<f64>, MapError> {
    let (path, mut reader) = open(folder, matrix)?;
    let header = reader.headers().map_err(|e| bad(&path, &e))?;
    let wrong = |why: String| MapError::Bad {
        path: path.clone(),
        why,
    };
    if header.len() != names.len() + 1 || header.iter().skip(1).zip(names).any(|(h, n)| undisarmed(h) != n) {
        return Err(wrong(format!("its files are not those of {}", MATRICES[0])));
    }
    let record = reader
        .records()
        .nth(index)
        .ok_or_else(|| wrong(format!("there is no row {}", index + 1)))?
        .map_err(|e| bad(&path, &e))?;
    if record.get(0).map(undisarmed) != names.get(index).map(String::as_str) {
        return Err(wrong(format!("row {} is not that of its column", index + 1)));
    }
    record
        .iter()
        .skip(1)
        .map(|field| {
            let x = field.parse::<f64>().ok().filter(|x| x.is_finite());
            x.ok_or_else(|| wrong(format!("{field:?} in row {} is no number", index + 1)))
        })
        .collect()
}

//! The contact map from the tables that `contact-map` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::link;
use crate::export::report::{Map, Problem};
use crate::export::table::undisarmed;

/// The table of similarities: a row and a column a file, named by its path.
pub(super) const MATRIX: &str = "contact_similarity_matrix.csv";
/// The order in which they are shown: `rank`, `file`, `index`.
const ORDER: &str = "contact_map_order.csv";
/// More files than this are too many to be pointed at; the first ones in order are shown.
const MOST: usize = 2_500;

/// Why a contact map cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ContactMapError {
    /// The table.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// Tables as read, in the order of the map.
#[derive(Debug)]
pub(super) struct ContactMap {
    folder: PathBuf,
    files: Vec<String>,
    similarity: Vec<f32>,
    left_out: usize,
}

/// Reads the map in `folder`.
pub(super) fn read(folder: &Path) -> Result<ContactMap, ContactMapError> {
    let (files, cells) = matrix(&folder.join(MATRIX))?;
    let n = files.len();
    let mut order = order(&folder.join(ORDER), &files)?;
    let left_out = order.len().saturating_sub(MOST);
    order.truncate(MOST);
    let similarity = order
        .iter()
        .flat_map(|&i| order.iter().map(move |&j| (i, j)))
        .map(|(i, j)| cells[i * n + j])
        .collect();
    Ok(ContactMap {
        folder: folder.to_path_buf(),
        files: order.iter().map(|&i| files[i].clone()).collect(),
        similarity,
        left_out,
    })
}

fn matrix(path: &Path) -> Result<(Vec<String>, Vec<f32>), ContactMapError> {
    let wrong = |problem: String| ContactMapError {
        path: path.into(),
        problem,
    };
    let mut reader = csv::Reader::from_path(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?;
    let files: Vec<String> = header.iter().skip(1).map(|f| undisarmed(f).to_owned()).collect();
    let n = files.len();
    if n == 0 {
        return Err(wrong("holds no files; make it anew with loopwright contact-map".into()));
    }
    let mut cells = Vec::with_capacity(n * n);
    let mut rows = 0;
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let named = record.get(0).map(undisarmed);
        if named != files.get(rows).map(String::as_str) {
            return Err(wrong(format!(
                "row {} is of another file than column {}; a map has both in one order",
                rows + 1,
                rows + 2
            )));
        }
        // An empty cell is a pair that was not compared.
        cells.extend(
            record
                .iter()
                .skip(1)
                .map(|x| x.parse::<f32>().ok().filter(|x| x.is_finite()).unwrap_or(0.0)),
        );
        rows += 1;
    }
    if rows != n {
        return Err(wrong(format!(
            "has {rows} rows, but {n} columns of files; make it anew with loopwright contact-map"
        )));
    }
    Ok((files, cells))
}

/// The order, as places in `files`; that of the table of similarities where there is no other.
fn order(path: &Path, files: &[String]) -> Result<Vec<usize>, ContactMapError> {
    let wrong = |problem: String| ContactMapError {
        path: path.into(),
        problem,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((0..files.len()).collect()),
        Err(e) => return Err(wrong(format!("cannot be read: {e}"))),
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let column = |name: &str| {
        let at = header.iter().position(|h| h == name);
        at.ok_or_else(|| wrong(format!("there is no column {name}; it has rank, file and index")))
    };
    let (rank, file) = (column("rank")?, column("file")?);
    let places: BTreeMap<&str, usize> = files.iter().enumerate().map(|(i, f)| (f.as_str(), i)).collect();
    let mut ranked: Vec<(f64, usize)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let named = undisarmed(record.get(file).unwrap_or_default());
        let place = places
            .get(named)
            .ok_or_else(|| wrong(format!("{named:?} is not in {MATRIX}")))?;
        let rank = record.get(rank).and_then(|r| r.parse::<f64>().ok());
        ranked.push((
            rank.ok_or_else(|| wrong(format!("the rank of {named:?} is no number")))?,
            *place,
        ));
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut seen = BTreeSet::new();
    let mut order: Vec<usize> = ranked.into_iter().map(|(_, i)| i).filter(|i| seen.insert(*i)).collect();
    order.extend((0..files.len()).filter(|i| !seen.contains(i)));
    Ok(order)
}

impl ContactMap {
    /// Finds the rows of the report that its files are: by path, else by the last parts of it that tell them apart.
    pub(super) fn bind(self, root: &Path, paths: &[Option<&Path>], problems: &mut Vec<Problem>) -> Map {
        let known: BTreeMap<&Path, usize> = paths.iter().enumerate().filter_map(|(i, p)| Some(((*p)?, i))).collect();
        let bases = [Path::new(""), &self.folder, root];
        let find = |file: &String| {
            let direct = bases.iter().find_map(|base| {
                let real = fs::canonicalize(base.join(file)).ok()?;
                known.get(real.as_path()).copied()
            });
            direct.or_else(|| by_ending(file, paths))
        };
        let rows: Vec<Option<usize>> = self.files.iter().map(find).collect();
        let unknown = rows.iter().filter(|r| r.is_none()).count();
        if unknown > 0 {
            problems.push(Problem {
                file: link::relative(root, &self.folder.join(MATRIX)),
                problem: format!(
                    "{unknown} of its {} files are not in this report and cannot be played",
                    rows.len()
                ),
            });
        }
        if self.left_out > 0 {
            problems.push(Problem {
                file: link::relative(root, &self.folder.join(MATRIX)),
                problem: format!(
                    "the first {MOST} files in order are shown, {} more are not",
                    self.left_out
                ),
            });
        }
        Map {
            names: self.files,
            rows,
            similarity: self.similarity,
            left_out: self.left_out,
        }
    }
}

/// The only path that ends like `file`, by as few of its last parts as it takes.
fn by_ending(file: &str, paths: &[Option<&Path>]) -> Option<usize> {
    let parts: Vec<&str> = file.split(['/', '\\']).filter(|p| !p.is_empty()).collect();
    let mut left: Vec<usize> = (0..paths.len()).filter(|&i| paths[i].is_some()).collect();
    for (depth, part) in parts.iter().rev().enumerate() {
        left.retain(|&i| {
            let mut components = paths[i].into_iter().flat_map(Path::components).rev();
            components.nth(depth).is_some_and(|c| c.as_os_str() == *part)
        });
        match left[..] {
            [] => return None,
            [one] => return Some(one),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(matrix: &str, order: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(MATRIX), matrix).unwrap();
        if let Some(order) = order {
            fs::write(folder.path().join(ORDER), order).unwrap();
        }
        folder
    }

    const THREE: &str = "path,'=a.wav,b.wav,x/c.wav\n'=a.wav,1,0.5,0.2\nb.wav,0.5,1,\nx/c.wav,0.2,nan,1\n";

    #[test]
    fn the_map_is_read_by_name_and_put_in_order() {
        let plain = folder(THREE, None);
        let map = read(plain.path()).unwrap();
        assert_eq!(map.files, ["=a.wav", "b.wav", "x/c.wav"]);
        assert_eq!(map.similarity, [1.0, 0.5, 0.2, 0.5, 1.0, 0.0, 0.2, 0.0, 1.0]);
        // Columns in any order; what is not ranked comes last.
        let ordered = folder(THREE, Some("index,file,rank\n2,x/c.wav,0\n0,'=a.wav,1\n"));
        let map = read(ordered.path()).unwrap();
        assert_eq!(map.files, ["x/c.wav", "=a.wav", "b.wav"]);
        assert_eq!(map.similarity[..3], [1.0, 0.2, 0.0]);
    }

    #[test]
    fn what_is_no_map_is_named() {
        for (matrix, order, said) in [
            ("", None, "holds no files"),
            ("path\n", None, "holds no files"),
            ("path,a,b\na,1,0\n", None, "1 rows, but 2 columns"),
            ("path,a,b\nb,1,0\na,0,1\n", None, "row 1 is of another file"),
            ("path,a\na,1,2\n", None, MATRIX),
            (THREE, Some("file\nb.wav\n"), "no column rank"),
            (THREE, Some("rank,file\n0,z.wav\n"), "\"z.wav\" is not in"),
            (THREE, Some("rank,file\nfirst,b.wav\n"), "is no number"),
        ] {
            let folder = folder(matrix, order);
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(said), "{matrix:?}: {error}");
        }
        assert!(read(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn files_are_known_by_as_much_of_their_paths_as_it_takes() {
        let paths = ["/m/a/one.wav", "/m/b/one.wav", "/m/b/two.wav"].map(|p| Some(Path::new(p)));
        let find = |file: &str| by_ending(file, &paths);
        assert_eq!(find("two.wav"), Some(2));
        assert_eq!(find("elsewhere\\b\\one.wav"), Some(1));
        assert_eq!(find("one.wav"), None, "two are called so");
        assert_eq!(find("three.wav"), None);
    }
}

//! What the user said of loops, for `loopwright train adapt`: a file of JSON lines in the capture folder.
//!
//! All instances that share the folder append to one file, each line in a single write to its end. Once it is long it
//! becomes `ratings.old.jsonl`, in the place of the one before, and a new one begins: a renaming loses nothing, also of those
//! who are just writing. So there are two files of bounded length.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use loopwright_core::export::ExportError;
use loopwright_core::export::table::Cell;
use loopwright_core::learn::ratings::SCHEMA;
use serde::Serialize;

use super::LibraryError;

/// The file, and the one before.
pub(crate) const FILE: &str = "ratings.jsonl";
const OLD: &str = "ratings.old.jsonl";

/// Length in bytes at which a new file is begun: some thousands of ratings.
const LONGEST: u64 = 4 << 20;

/// One rating, as it is written.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Said<'a> {
    schema: u32,
    pub(crate) track: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// In seconds of the take.
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) rating: &'static str,
    features: BTreeMap<&'a str, f64>,
}

impl<'a> Said<'a> {
    /// A rating of a loop of a track, with its features.
    pub(crate) fn new(
        track: String,
        (start, end): (f64, f64),
        rating: &'static str,
        columns: &'a [(String, Cell)],
    ) -> Self {
        let number = |cell: &Cell| match cell {
            Cell::Number(x) => Some(*x),
            Cell::Int(x) => Some(*x as f64),
            _ => None,
        };
        Self {
            schema: SCHEMA,
            track,
            file: None,
            start,
            end,
            rating,
            features: columns
                .iter()
                .filter_map(|(name, cell)| Some((name.as_str(), number(cell)?)))
                .collect(),
        }
    }
}

/// Appends a rating to the file in `folder`, which is made if missing.
pub(crate) fn append(folder: &Path, said: &Said<'_>) -> Result<(), LibraryError> {
    fs::create_dir_all(folder).map_err(|source| LibraryError::Folder {
        path: folder.to_path_buf(),
        source,
    })?;
    let path = folder.join(FILE);
    if fs::metadata(&path).is_ok_and(|m| m.len() >= LONGEST) {
        // Where it cannot be renamed it grows a little more.
        let _ = fs::rename(&path, folder.join(OLD));
    }
    let failed = |source| ExportError::Io {
        path: path.clone(),
        action: "write",
        source,
    };
    let mut line = serde_json::to_string(said).map_err(|e| failed(e.into()))?;
    line.push('\n');
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    file.write_all(line.as_bytes()).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use loopwright_core::learn::ratings;

    use super::*;

    #[test]
    fn what_is_said_is_read_by_who_learns_from_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("Captures");
        let columns = [
            ("bars".to_owned(), Cell::Int(4)),
            ("rms_mean".to_owned(), Cell::Number(0.25)),
        ];
        for (start, rating) in [(1.0, "favourite"), (2.0, "reject"), (3.0, "reject"), (3.0, "none")] {
            append(
                &folder,
                &Said::new("Bass".into(), (start, start + 2.0), rating, &columns),
            )
            .unwrap();
        }
        let read = ratings::settle(ratings::read(&folder.join(FILE)).unwrap());
        let told: Vec<_> = read.iter().map(|r| (r.start, r.value)).collect();
        assert_eq!(told, [(1.0, Some(5.0)), (2.0, Some(1.0))]);
        assert_eq!((read[0].features["bars"], read[0].features["rms_mean"]), (4.0, 0.25));
    }

    #[test]
    fn several_instances_share_a_file_and_it_does_not_grow_for_ever() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for instance in 0..8 {
                let folder = home.path();
                scope.spawn(move || {
                    for n in 0..50 {
                        let span = (f64::from(n), f64::from(n) + 1.0);
                        append(folder, &Said::new(format!("take {instance}"), span, "reject", &[])).unwrap();
                    }
                });
            }
        });
        assert_eq!(ratings::read(&home.path().join(FILE)).unwrap().len(), 400);
        let file = OpenOptions::new().write(true).open(home.path().join(FILE)).unwrap();
        file.set_len(LONGEST).unwrap();
        append(home.path(), &Said::new("a".into(), (0.0, 1.0), "reject", &[])).unwrap();
        assert_eq!(ratings::read(&home.path().join(FILE)).unwrap().len(), 1);
        assert_eq!(fs::metadata(home.path().join(OLD)).unwrap().len(), LONGEST);
    }
}

//! Files in their places, beside those that are there.

use std::fs;
use std::path::{Path, PathBuf};

use loopwright_core::export::destination::create_file;

use super::{LibraryError, Rendered};

/// Most files of one name.
const MOST: u32 = 10_000;

/// Where a set of files is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// The item's own file.
    pub(crate) main: PathBuf,
    /// What belongs to it.
    pub(crate) others: Vec<PathBuf>,
}

/// Writes a set of files below `folder` under the first of its names that are free or hold the same already: all of them, or
/// none.
pub(crate) fn keep_in(folder: &Path, files: &Rendered) -> Result<Written, LibraryError> {
    for number in 1..=MOST {
        if let Some(paths) = attempt(folder, files, number)? {
            let mut paths = paths.into_iter();
            let main = paths.next().ok_or(LibraryError::Empty)?;
            return Ok(Written {
                main,
                others: paths.collect(),
            });
        }
    }
    Err(LibraryError::Crowded {
        path: folder.join(&files.unit),
    })
}

/// Copies a file into `folder`, under another name where its own is taken by another.
pub(crate) fn copy_in(folder: &Path, file: &Path) -> Result<PathBuf, LibraryError> {
    let read = |source| LibraryError::Folder {
        path: file.to_path_buf(),
        source,
    };
    let name = file
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or("capture.wav")
        .to_owned();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(s, _)| s).to_owned();
    let files = Rendered {
        files: vec![(name, fs::read(file).map_err(read)?)],
        unit: stem,
    };
    Ok(keep_in(folder, &files)?.main)
}

/// The set under its names with `number`; `None` where one of them is another file's.
fn attempt(folder: &Path, files: &Rendered, number: u32) -> Result<Option<Vec<PathBuf>>, LibraryError> {
    let paths: Vec<PathBuf> = files
        .files
        .iter()
        .map(|(p, _)| folder.join(named(p, &files.unit, number)))
        .collect();
    // Nothing is begun that a name stands in the way of.
    for (path, (_, content)) in paths.iter().zip(&files.files) {
        if there(path, content) == Some(false) {
            return Ok(None);
        }
    }
    let mut new: Vec<&PathBuf> = Vec::new();
    for (path, (_, content)) in paths.iter().zip(&files.files) {
        if there(path, content) == Some(true) {
            continue;
        }
        match create(path, content) {
            Ok(true) => new.push(path),
            // Somebody was quicker: with the same, or with another.
            Ok(false) if there(path, content) == Some(true) => {}
            Ok(false) => {
                undo(&new);
                return Ok(None);
            }
            Err(e) => {
                undo(&new);
                return Err(e);
            }
        }
    }
    let mut folders: Vec<&Path> = new.iter().filter_map(|p| p.parent()).collect();
    folders.dedup();
    folders.into_iter().for_each(sync);
    Ok(Some(paths))
}

/// `Song/break_01/groove.mid` with 2: `Song/break_01 (2)/groove.mid`.
fn named(path: &str, unit: &str, number: u32) -> String {
    match path.strip_prefix(unit) {
        Some(rest) if number > 1 => format!("{unit} ({number}){rest}"),
        _ => path.to_owned(),
    }
}

/// Whether there is a file with this content; `None` where there is nothing at all.
fn there(path: &Path, content: &[u8]) -> Option<bool> {
    let found = fs::symlink_metadata(path).ok()?;
    let same =
        found.is_file() && found.len() == content.len() as u64 && fs::read(path).is_ok_and(|bytes| bytes == content);
    Some(same)
}

fn create(path: &Path, content: &[u8]) -> Result<bool, LibraryError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| LibraryError::Folder {
            path: folder.to_path_buf(),
            source,
        })?;
    }
    Ok(create_file(path, |out| out.write_all(content))?)
}

/// Takes back what was begun: nobody knows of these files yet.
fn undo(new: &[&PathBuf]) {
    for path in new {
        let _ = fs::remove_file(path);
    }
}

/// Makes new names last through a power cut, where the system can.
fn sync(folder: &Path) {
    if cfg!(unix) {
        let _ = fs::File::open(folder).and_then(|f| f.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(files: &[(&str, &str)], unit: &str) -> Rendered {
        Rendered {
            files: files
                .iter()
                .map(|(p, c)| ((*p).to_owned(), c.as_bytes().to_vec()))
                .collect(),
            unit: unit.into(),
        }
    }

    #[test]
    fn nothing_is_replaced_and_the_same_is_not_written_twice() {
        let home = tempfile::tempdir().unwrap();
        let at = |p: &str| home.path().join(p);
        let one = set(&[("Song/a.wav", "one")], "Song/a");
        let two = set(&[("Song/a.wav", "two")], "Song/a");
        assert_eq!(keep_in(home.path(), &one).unwrap().main, at("Song/a.wav"));
        assert_eq!(keep_in(home.path(), &two).unwrap().main, at("Song/a (2).wav"));
        assert_eq!(keep_in(home.path(), &one).unwrap().main, at("Song/a.wav"));
        assert_eq!(keep_in(home.path(), &two).unwrap().main, at("Song/a (2).wav"));
        assert_eq!(fs::read(at("Song/a.wav")).unwrap(), b"one");
        assert_eq!(
            fs::read_dir(at("Song")).unwrap().count(),
            2,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_set_goes_where_all_of_it_has_room() {
        let home = tempfile::tempdir().unwrap();
        let at = |p: &str| home.path().join(p);
        keep_in(home.path(), &set(&[("S/b/x.wav", "x")], "S/b")).unwrap();
        fs::create_dir_all(at("S/b/hits")).unwrap();
        fs::write(at("S/b/hits/0.wav"), "another's").unwrap();
        let kit = set(
            &[("S/b/x.wav", "x"), ("S/b/hits/0.wav", "0"), ("S/b/g.mid", "g")],
            "S/b",
        );
        let written = keep_in(home.path(), &kit).unwrap();
        assert_eq!(written.main, at("S/b (2)/x.wav"));
        assert_eq!(written.others, [at("S/b (2)/hits/0.wav"), at("S/b (2)/g.mid")]);
        assert!(!at("S/b/g.mid").exists());
    }

    #[test]
    fn copies_keep_their_names() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("x.wav");
        fs::write(&file, "x").unwrap();
        let to = home.path().join("Exports");
        assert_eq!(copy_in(&to, &file).unwrap(), to.join("x.wav"));
        fs::write(&file, "y").unwrap();
        assert_eq!(copy_in(&to, &file).unwrap(), to.join("x (2).wav"));
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_finished_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        // A file where a folder must be.
        fs::create_dir_all(home.path().join("S/b")).unwrap();
        fs::write(home.path().join("S/b/hits"), "in the way").unwrap();
        let kit = set(&[("S/b/x.wav", "x"), ("S/b/hits/0.wav", "0")], "S/b");
        let error = keep_in(home.path(), &kit).unwrap_err();
        assert!(error.to_string().contains("choose another capture folder"), "{error}");
        assert!(!home.path().join("S/b/x.wav").exists());
    }
}

//! The capture folder: files of suggestions, for good.
//!
//! ```text
//! <folder>/<track>/<loop>.wav                  as `find` names and writes it
//! <folder>/<track>/break_01/drum_break.wav …   as `breaks` does
//! <folder>/<track>/loop_01.wav …               a quiet loop, as `quiet` does
//! <folder>/Exports/                            what is exported without naming a folder
//! <folder>/ratings.jsonl                       what was liked and rejected, for `train adapt`
//! ```
//!
//! A project that a file was dragged into refers to it by its path. So a file that is there is never replaced, and none is
//! ever removed: what has the same name and the same bytes is the same file, what has other bytes gets another name
//! (`… (2).wav`). A file is written under a temporary name, synced, and given its own only then; where a set of files cannot
//! be finished, those of it that are new go again.

mod place;
pub(crate) mod ratings;
mod render;
mod reveal;
mod search;

use std::path::{Path, PathBuf};
use std::process::Child;

use loopwright_core::config::Config;
use loopwright_core::export::{ExportError, destination};

use crate::state::Favourite;
pub(crate) use place::{Written, copy_in, keep_in};
pub(crate) use render::{Rendered, render};
pub(crate) use search::search;

/// Why something cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The file system refused, or the audio fits no file.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The folder cannot be made.
    #[error("{}: the folder cannot be made: {source} (choose another capture folder in the settings)", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// All of very many names are taken.
    #[error("{}: there are too many files of this name", path.display())]
    Crowded {
        /// The first of the names.
        path: PathBuf,
    },
    /// What was to be written holds nothing.
    #[error("there is nothing to write")]
    Empty,
}

/// The capture folder of an instance.
#[derive(Debug)]
pub(crate) struct Library {
    folder: PathBuf,
    config: Config,
    /// File managers that were started, to be asked for their end.
    children: Vec<Child>,
}

impl Library {
    /// The folder that the setting names, or the default; and a warning where that is no place to stay. Makes nothing yet.
    pub(crate) fn open(setting: &str, config: Config) -> (Self, Option<String>) {
        let (folder, warning) = folder_of(setting);
        let library = Self {
            folder,
            config,
            children: Vec::new(),
        };
        (library, warning)
    }

    /// Another folder from now on. What was written stays where it is.
    pub(crate) fn move_to(&mut self, setting: &str) -> Option<String> {
        let (folder, warning) = folder_of(setting);
        self.folder = folder;
        warning
    }

    /// Where captures go.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How files are written.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Writes a set of files, or finds them there.
    pub(crate) fn keep(&self, files: &Rendered) -> Result<Written, LibraryError> {
        keep_in(&self.folder, files)
    }

    /// The path of a file from the capture folder, with `/`; `None` outside it.
    pub(crate) fn relative(&self, path: &Path) -> Option<String> {
        let parts = path.strip_prefix(&self.folder).ok()?;
        let parts: Option<Vec<&str>> = parts.iter().map(|p| p.to_str()).collect();
        Some(parts?.join("/"))
    }

    /// The file of a favourite: where it was, or at the same place in a capture folder that has moved.
    pub(crate) fn find(&self, favourite: &Favourite) -> Option<PathBuf> {
        let path = PathBuf::from(&favourite.path);
        if path.is_absolute() && path.is_file() {
            return Some(path);
        }
        let mut moved = self.folder.clone();
        let plain = |part: &&str| !part.is_empty() && !matches!(*part, "." | "..") && !part.contains(['\\', ':']);
        for part in favourite.relative.split('/') {
            if !plain(&part) {
                return None;
            }
            moved.push(part);
        }
        moved.is_file().then_some(moved)
    }

    /// Shows a file in its folder, or a folder, in the system's file manager.
    pub(crate) fn reveal(&mut self, path: &Path, select: bool) -> std::io::Result<()> {
        if !select {
            std::fs::create_dir_all(path)?;
        }
        let child = reveal::command(path, select).spawn()?;
        self.children.push(child);
        Ok(())
    }

    /// Takes note of file managers that have ended, so that they do not linger.
    pub(crate) fn reap(&mut self) {
        self.children.retain_mut(|c| matches!(c.try_wait(), Ok(None)));
    }
}

/// BLAKE3 of a file, in hexadecimal.
pub(crate) fn hash(path: &Path) -> Option<String> {
    destination::hash_file(path).ok()
}

fn folder_of(setting: &str) -> (PathBuf, Option<String>) {
    let named = PathBuf::from(setting.trim());
    if named.is_absolute() {
        return (named, None);
    }
    let below = |root: PathBuf| root.join("Loopwright").join("Captures");
    let mut warning = (!setting.trim().is_empty())
        .then(|| format!("{setting}: not a whole path; captures go to the default folder."));
    let root = dirs::document_dir().or_else(dirs::home_dir).filter(|r| r.is_absolute());
    let folder = match root {
        Some(root) => below(root),
        None => {
            let temp = below(std::env::temp_dir());
            warning = Some(format!(
                "There is no folder for documents: captures go to {}, which the system may empty. Choose a capture folder \
                 in the settings.",
                temp.display()
            ));
            temp
        }
    };
    (folder, warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ItemKind;

    fn favourite(path: &Path, relative: &str) -> Favourite {
        Favourite {
            id: 1,
            kind: ItemKind::Loop,
            title: String::new(),
            path: path.to_string_lossy().into_owned(),
            relative: relative.into(),
            hash: String::new(),
            bars: 4.0,
            bpm: 120.0,
            key: None,
            score: 0.5,
            class: None,
        }
    }

    #[test]
    fn the_folder_is_the_users_or_the_default() {
        let home = tempfile::tempdir().unwrap();
        let (library, warning) = Library::open(&home.path().to_string_lossy(), Config::default());
        assert_eq!((library.folder(), warning), (home.path(), None));
        let (library, _) = Library::open("", Config::default());
        assert!(library.folder().is_absolute() && library.folder().ends_with("Loopwright/Captures"));
        let (library, warning) = Library::open("captures", Config::default());
        assert!(library.folder().ends_with("Loopwright/Captures"));
        assert!(warning.is_some_and(|w| w.contains("captures")));
    }

    #[test]
    fn favourites_are_found_where_they_were_or_where_the_folder_went() {
        let home = tempfile::tempdir().unwrap();
        let (library, _) = Library::open(&home.path().to_string_lossy(), Config::default());
        let file = home.path().join("Song").join("a.wav");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, b"x").unwrap();
        assert_eq!(library.relative(&file).as_deref(), Some("Song/a.wav"));
        assert_eq!(library.find(&favourite(&file, "")), Some(file.clone()));
        let gone = Path::new("/nowhere/Song/a.wav");
        assert_eq!(library.find(&favourite(gone, "Song/a.wav")), Some(file));
        assert_eq!(library.find(&favourite(gone, "Song/b.wav")), None);
        assert_eq!(
            library.find(&favourite(gone, "../Song/a.wav")),
            None,
            "nothing leads out"
        );
        assert_eq!(library.find(&favourite(gone, "")), None);
        assert_eq!(library.find(&favourite(Path::new("a.wav"), "")), None);
    }
}

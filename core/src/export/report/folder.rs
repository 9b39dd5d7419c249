//! The folder of a report: there whole or not at all, and an older one replaced only where it is ours.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{SCHEMA, Written};
use crate::export::ExportError;
use crate::export::destination::{Artefact, Destination};
use crate::export::meta::SOFTWARE;

/// The file that says that a folder is a report.
const MARKER: &str = "report.json";
const TYPE: &str = "report";
/// The file by which a folder is locked on some systems.
const LOCK: &str = ".lw-lock";
/// A marker is no larger than this.
const MARKER_BYTES: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    schema: u32,
    #[serde(rename = "type")]
    kind: String,
    tool: String,
    files: Vec<Artefact>,
}

/// True for a folder that [`super::Draft`] wrote.
pub fn is_report(folder: &Path) -> bool {
    marker(folder).is_some()
}

fn marker(folder: &Path) -> Option<Marker> {
    let mut text = Vec::new();
    let file = fs::File::open(folder.join(MARKER)).ok()?;
    file.take(MARKER_BYTES).read_to_end(&mut text).ok()?;
    let marker: Marker = serde_json::from_slice(&text).ok()?;
    (marker.kind == TYPE && marker.tool.to_ascii_lowercase().starts_with("loopwright")).then_some(marker)
}

/// A folder that is being written beside where it is going to be.
#[derive(Debug)]
pub(super) struct Folder {
    target: PathBuf,
    /// Where it is written.
    temp: PathBuf,
    /// Where an older report lies for the moment in which this one takes its place.
    aside: PathBuf,
    destination: Option<Destination>,
    files: Vec<Artefact>,
}

impl Folder {
    pub(super) fn begin(target: &Path) -> Result<Self, ExportError> {
        // A link to a folder stays, and leads to the new report.
        let target = match fs::canonicalize(target) {
            Ok(real) => real,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                std::path::absolute(target).map_err(ExportError::io(target, "find"))?
            }
            Err(e) => return Err(ExportError::io(target, "open")(e)),
        };
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(ExportError::Format {
                path: target,
                reason: "no folder for a report; name another one with --out".into(),
            });
        };
        let name = name.to_string_lossy();
        let temp = parent.join(format!(".lw-{name}.new"));
        let aside = parent.join(format!(".lw-{name}.old"));
        if !target.exists() && is_report(&aside) {
            // A run was killed between the two renames.
            fs::rename(&aside, &target).map_err(ExportError::io(&target, "put back"))?;
        }
        check(&target)?;
        // Holds the lock of this report; what a killed run left there goes.
        let destination = Destination::open(&temp)?;
        clear(&temp).map_err(ExportError::io(&temp, "clear"))?;
        Ok(Self {
            target,
            temp,
            aside,
            destination: Some(destination),
            files: Vec::new(),
        })
    }

    /// Writes a file of the report; gives its size.
    pub(super) fn write(&mut self, relative: &str, content: &[u8]) -> Result<u64, ExportError> {
        let Some(destination) = &self.destination else {
            return Ok(0);
        };
        let artefact = destination.write_bytes(relative, content)?;
        let bytes = artefact.bytes;
        self.files.push(artefact);
        Ok(bytes)
    }

    /// Puts the folder in its place. What somebody else laid into an older report (saved ratings, say) is kept.
    pub(super) fn finish(mut self) -> Result<Written, ExportError> {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let marker = Marker {
            schema: SCHEMA,
            kind: TYPE.into(),
            tool: SOFTWARE.into(),
            files: self.files.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&marker).map_err(|e| ExportError::Format {
            path: self.temp.clone(),
            reason: e.to_string(),
        })?;
        text.push(b'\n');
        let size = self.write(MARKER, &text)?;
        let written = Written {
            files: marker.files.len() + 1,
            bytes: size + marker.files.iter().map(|f| f.bytes).sum::<u64>(),
        };
        self.destination = None;
        // Where a folder cannot be locked itself, a file in it is.
        let _ = fs::remove_file(self.temp.join(LOCK));
        check(&self.target)?;
        let replaces = self.target.exists();
        if replaces {
            remove(&self.aside).map_err(ExportError::io(&self.aside, "remove"))?;
            fs::rename(&self.target, &self.aside).map_err(ExportError::io(&self.target, "replace"))?;
        }
        if let Err(e) = fs::rename(&self.temp, &self.target) {
            if replaces {
                // The old one is better than none; the error to be told is the first.
                let _ = fs::rename(&self.aside, &self.target);
            }
            return Err(ExportError::io(&self.target, "put in place")(e));
        }
        if replaces {
            let kept = keep(&self.aside, &self.target).map_err(ExportError::io(&self.aside, "keep what lies there"))?;
            if kept {
                remove(&self.aside).map_err(ExportError::io(&self.aside, "remove"))?;
            }
        }
        Ok(written)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A report that was given up leaves nothing.
        if self.destination.take().is_some() {
            let _ = remove(&self.temp);
        }
    }
}

/// Refuses a target that holds something else than a report.
fn check(target: &Path) -> Result<(), ExportError> {
    let refused = |reason: &str| {
        Err(ExportError::Format {
            path: target.to_path_buf(),
            reason: reason.into(),
        })
    };
    match fs::read_dir(target) {
        Ok(mut entries) => {
            if entries.next().is_none() || is_report(target) {
                return Ok(());
            }
            refused("holds something else than a report and is left alone; name another folder with --out")
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotADirectory => {
            refused("is a file and is left alone; name another folder with --out")
        }
        Err(e) => Err(ExportError::io(target, "open the folder")(e)),
    }
}

fn clear(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Moves what is in `old` and not of the report there into `new`, where no file of that name is in the way; false where
/// something had to stay.
fn keep(old: &Path, new: &Path) -> std::io::Result<bool> {
    let ours: BTreeSet<PathBuf> = marker(old)
        .map(|m| m.files.iter().map(|f| f.path.split('/').collect()).collect())
        .unwrap_or_default();
    let mut all = true;
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(old.join(&folder))? {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(relative);
            } else if relative != Path::new(MARKER) && !ours.contains(&relative) {
                let to = new.join(&relative);
                if to.exists() {
                    all = false;
                    continue;
                }
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::rename(entry.path(), to)?;
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(target: &Path, text: &str) -> Result<Written, ExportError> {
        let mut folder = Folder::begin(target)?;
        folder.write("index.html", text.as_bytes())?;
        folder.write("loops/0001.js", b"x")?;
        folder.finish()
    }

    #[test]
    fn an_older_report_is_replaced_and_what_is_not_ours_is_kept() {
        let work = tempfile::tempdir().unwrap();
        let target = work.path().join("report");
        let first = write(&target, "one").unwrap();
        assert_eq!(first.files, 3);
        fs::write(target.join("ratings.json"), "mine").unwrap();
        fs::create_dir(target.join("notes")).unwrap();
        fs::write(target.join("notes/a.txt"), "mine too").unwrap();
        write(&target, "two").unwrap();
        assert_eq!(fs::read_to_string(target.join("index.html")).unwrap(), "two");
        assert_eq!(fs::read_to_string(target.join("ratings.json")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(target.join("notes/a.txt")).unwrap(), "mine too");
        assert_eq!(
            fs::read_dir(work.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn what_is_no_report_is_left_alone() {
        let work = tempfile::tempdir().unwrap();
        let target = work.path().join("report");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("song.wav"), "x").unwrap();
        let error = write(&target, "one").unwrap_err().to_string();
        assert!(error.contains("--out"), "{error}");
        assert_eq!(fs::read_dir(work.path()).unwrap().count(), 1);
        // A marker of something else.
        fs::write(
            target.join(MARKER),
            r#"{"schema":1,"type":"other","tool":"x","files":[]}"#,
        )
        .unwrap();
        assert!(write(&target, "one").is_err());
        let file = work.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(write(&file, "one").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
        let empty = work.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert!(write(&empty, "one").is_ok());
    }

    #[test]
    fn one_that_was_given_up_leaves_the_old_one() {
        let work = tempfile::tempdir().unwrap();
        let target = work.path().join("report");
        write(&target, "one").unwrap();
        let mut half = Folder::begin(&target).unwrap();
        half.write("index.html", b"two").unwrap();
        assert!(matches!(Folder::begin(&target), Err(ExportError::Locked { .. })));
        drop(half);
        assert_eq!(fs::read_to_string(target.join("index.html")).unwrap(), "one");
        assert_eq!(fs::read_dir(work.path()).unwrap().count(), 1);
        // Killed while writing, and killed between the renames.
        fs::create_dir_all(work.path().join(".lw-report.new/loops")).unwrap();
        fs::write(work.path().join(".lw-report.new/loops/0009.js"), "half").unwrap();
        fs::rename(&target, work.path().join(".lw-report.old")).unwrap();
        drop(Folder::begin(&target).unwrap());
        assert_eq!(fs::read_to_string(target.join("index.html")).unwrap(), "one");
        write(&target, "three").unwrap();
        assert!(!target.join("loops/0009.js").exists());
    }
}

//! A finished tree that is read, and taken over into another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Kind, Tree, entries_of, twins};
use crate::export::ExportError;
use crate::export::destination::{Destination, hash_file};
use crate::export::manifest::{Manifest, Status, TrackRecord};
use crate::export::table::Table;

/// A finished tree of one kind, for reading.
#[derive(Debug)]
pub struct Part {
    root: PathBuf,
    records: Vec<TrackRecord>,
    rows: BTreeMap<String, Table>,
}

impl Part {
    /// The tree of `kind` at `root`; `None` where no run of that kind was finished there.
    ///
    /// # Errors
    ///
    /// The manifest cannot be read, or its table is not the one that the run wrote.
    pub fn open(root: &Path, kind: &'static Kind) -> Result<Option<Self>, ExportError> {
        let path = root.join(kind.manifest);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(ExportError::io(&path, "read")(e)),
        };
        let unfit = |path: &Path, reason: &str| ExportError::Format {
            path: path.to_path_buf(),
            reason: reason.to_owned(),
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|e| unfit(&path, &format!("no manifest of ours: {e}")))?;
        let lines = root.join(kind.lines);
        let text = std::fs::read(&lines).map_err(ExportError::io(&lines, "read"))?;
        let entries = entries_of(manifest, kind, text).ok_or_else(|| {
            unfit(
                &lines,
                "not the table that the run wrote: run it again into that folder",
            )
        })?;
        let mut part = Self {
            root: root.to_path_buf(),
            records: Vec::new(),
            rows: BTreeMap::new(),
        };
        for (folder, entry) in entries {
            part.records.push(entry.record);
            part.rows.insert(folder, entry.rows);
        }
        Ok(Some(part))
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its tracks, sorted by folder.
    pub fn tracks(&self) -> &[TrackRecord] {
        &self.records
    }
}

impl Tree {
    /// Takes a track over from another tree: `Ok(Ok(true))` where it was copied, `false` where it is here already, and why
    /// not where its files are not what their manifest says. Nothing of it stays then.
    pub fn adopt(&self, part: &Part, record: &TrackRecord) -> Result<Result<bool, String>, ExportError> {
        let folder = &record.source.folder;
        let Some(destination) = &self.destination else {
            return Ok(Ok(false));
        };
        if let Some(entry) = self.lock().get_mut(folder)
            && twins::same(&entry.record, record)
            && twins::held(destination, &entry.record)
        {
            // As if it had been worked on now: failures stay on record.
            entry.fresh = true;
            return Ok(Ok(false));
        }
        let rows = part.rows.get(folder).cloned().unwrap_or_default();
        // Both trees follow the same rules for names, so a path that leads out is no path of ours.
        let source = Destination::view(&part.root)?;
        for artefact in &record.artefacts {
            let path = source.place(&artefact.path)?;
            let unlike = match hash_file(&path) {
                Ok(hash) if hash == artefact.blake3 => None,
                Ok(_) => Some("was changed since the run".to_owned()),
                Err(e) => Some(e.to_string()),
            };
            if let Some(why) = unlike {
                return Ok(Err(format!("{}: {why}", artefact.path)));
            }
        }
        let paths: Vec<String> = record.artefacts.iter().map(|a| a.path.clone()).collect();
        let pending = self.begin(destination, folder, &paths)?;
        for artefact in &record.artefacts {
            let path = source.place(&artefact.path)?;
            destination.write(&artefact.path, |out| io::copy(&mut File::open(&path)?, out).map(drop))?;
        }
        for old in pending.iter().filter(|p| !paths.contains(p)) {
            destination.remove(old)?;
        }
        self.keep(destination, record.clone(), rows)?;
        Ok(Ok(record.status != Status::Failed || !record.artefacts.is_empty()))
    }
}

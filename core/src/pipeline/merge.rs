//! `merge`: the trees of several machines as one, equal to what one machine would have written.
//!
//! Each tree is read by its manifests; only what they list, and what is there in the size and with the content that they
//! say, is taken. Files are copied, never moved: a merge that is broken off is run again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::export::ExportError;
use crate::export::manifest::{Status, TrackRecord};
use crate::export::tree::{KINDS, Kind, Part, RunSummary, Tree};
use crate::progress::{Progress, Stage};

/// A track that is not in the merged tree as somebody may expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The tree that it was in.
    pub tree: PathBuf,
    /// The track's folder.
    pub folder: String,
    /// Why it was not taken.
    pub why: String,
}

/// What became of one kind of tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Its kind.
    pub kind: &'static Kind,
    /// What the merged tree holds.
    pub summary: RunSummary,
    /// Tracks that were copied, rather than there from an earlier merge.
    pub copied: usize,
    /// Tracks that were left out.
    pub dropped: Vec<Dropped>,
    /// How many settings the tracks were made with: more than one where machines differ.
    pub settings: usize,
}

/// Why trees cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder holds no tree.
    #[error("{}: no manifest of a finished run there; run `find`, `breaks` or `quiet` into it first", path.display())]
    NoTree {
        /// The folder.
        path: PathBuf,
    },
    /// A tree cannot be read, or the merged one not be written.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Puts `trees` together in `out`, which may hold an earlier merge of them. Where two trees have the same track, the one
/// that was done counts, then the one named first; where both were done from different audio, the later one is dropped and
/// told. Their tables are written as Parquet too where `parquet` says so, or where a tree has them.
pub fn merge(trees: &[PathBuf], out: &Path, parquet: bool, progress: &dyn Progress) -> Result<Vec<Merged>, MergeError> {
    let mut parts: Vec<(&'static Kind, Vec<Part>)> = Vec::new();
    let mut seen = vec![false; trees.len()];
    for kind in KINDS.iter().copied() {
        let mut of_kind = Vec::new();
        for (tree, seen) in trees.iter().zip(&mut seen) {
            if let Some(part) = Part::open(tree, kind)? {
                *seen = true;
                of_kind.push(part);
            }
        }
        if !of_kind.is_empty() {
            parts.push((kind, of_kind));
        }
    }
    if let Some(missing) = seen.iter().position(|s| !s) {
        return Err(MergeError::NoTree {
            path: trees[missing].clone(),
        });
    }
    let total: usize = parts.iter().flat_map(|(_, p)| p).map(|p| p.tracks().len()).sum();
    let mut finished = 0usize;
    let mut merged = Vec::new();
    for (kind, parts) in &parts {
        let parquet = parquet || parts.iter().any(|p| p.root().join(kind.parquet).is_file());
        let tree = Tree::open(out, kind, "", false)?.with_parquet(parquet);
        let mut chosen: BTreeMap<&str, (&Part, &TrackRecord)> = BTreeMap::new();
        let mut dropped = Vec::new();
        for part in parts {
            for record in part.tracks() {
                let folder = record.source.folder.as_str();
                let Some((before, other)) = chosen.get(folder) else {
                    chosen.insert(folder, (part, record));
                    continue;
                };
                let better = other.status == Status::Failed && record.status != Status::Failed;
                let same = other.source == record.source && other.settings == record.settings;
                if !same && !better && record.status != Status::Failed {
                    dropped.push(Dropped {
                        tree: part.root().to_path_buf(),
                        folder: folder.to_owned(),
                        why: format!(
                            "{} has it too, from other audio or with other settings",
                            before.root().display()
                        ),
                    });
                }
                if better {
                    chosen.insert(folder, (part, record));
                }
            }
        }
        let mut copied = 0;
        for (folder, (part, record)) in &chosen {
            progress.check().map_err(ExportError::from)?;
            match tree.adopt(part, record)? {
                Ok(new) => copied += usize::from(new),
                Err(why) => dropped.push(Dropped {
                    tree: part.root().to_path_buf(),
                    folder: (*folder).to_owned(),
                    why,
                }),
            }
            finished += 1;
            progress.report(Stage::Export, finished as f32 / total.max(1) as f32);
        }
        let mut settings: Vec<&str> = chosen.values().map(|(_, r)| r.settings.as_str()).collect();
        settings.sort_unstable();
        settings.dedup();
        merged.push(Merged {
            kind,
            copied,
            dropped,
            settings: settings.len(),
            summary: tree.commit()?,
        });
    }
    Ok(merged)
}

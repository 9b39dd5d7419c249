//! Finding files that were moved within the capture folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loopwright_core::progress::Progress;

use super::hash;
use crate::state::Favourite;

/// Most files and folders that are looked at, and how deep.
const MOST: usize = 20_000;
const DEPTH: usize = 8;
/// Files larger than this are none of ours.
const LARGEST: u64 = 1 << 30;

/// Where below `folder` the files of `lost` lie now, by their content: the favourite's id and the path. Those of the same name
/// are looked at first.
pub(crate) fn search(folder: &Path, lost: &[Favourite], progress: &dyn Progress) -> Vec<(u64, PathBuf)> {
    let mut wanted: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for favourite in lost.iter().filter(|f| !f.hash.is_empty()) {
        wanted.entry(&favourite.hash).or_default().push(favourite.id);
    }
    let names: Vec<&str> = lost.iter().filter_map(|f| f.relative.rsplit('/').next()).collect();
    let mut files = list(folder, progress);
    // Stable: within both groups in order of their paths.
    files.sort_by_key(|f| {
        !f.file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|n| names.contains(&n))
    });
    let mut found = Vec::new();
    for file in files {
        if wanted.is_empty() || progress.is_cancelled() {
            break;
        }
        if let Some(ids) = hash(&file).and_then(|h| wanted.remove(h.as_str())) {
            found.extend(ids.into_iter().map(|id| (id, file.clone())));
        }
    }
    found.sort();
    found
}

/// Audio files below `folder`, in order of their paths. Links are not followed.
fn list(folder: &Path, progress: &dyn Progress) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            seen += 1;
            if seen > MOST || progress.is_cancelled() {
                return files;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            let ours = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"));
            if kind.is_dir() && depth < DEPTH {
                open.push((path, depth + 1));
            } else if kind.is_file() && ours && entry.metadata().is_ok_and(|m| m.len() <= LARGEST) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

//! Finding files that were moved within the capture folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use loopwright_core::progress::Progress;

use crate::state::Favourite;

/// Most files and folders that are looked at, and how deep.
const MOST: usize = 20_000;
const DEPTH: usize = 8;
/// Bytes that are read between two looks at whether to go on.
const PIECE: usize = 1 << 18;
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
        if let Some(ids) = hash(&file, progress).and_then(|h| wanted.remove(h.as_str())) {
            found.extend(ids.into_iter().map(|id| (id, file.clone())));
        }
    }
    found.sort();
    found
}

/// BLAKE3 of a file, in hexadecimal; `None` where it cannot be read, or is not wanted any more. Others wait, so it is asked
/// now and then: a file may be large, or on a network.
fn hash(path: &Path, progress: &dyn Progress) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let mut hash = blake3::Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Some(hash.finalize().to_hex().to_string()),
            Ok(count) => {
                hash.update(piece.get(..count)?);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        if progress.is_cancelled() {
            return None;
        }
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loopwright_core::progress::Stage;

    use super::*;

    /// Cancelled at the so many-th time of asking.
    struct Until(usize, AtomicUsize);

    impl Progress for Until {
        fn report(&self, _stage: Stage, _fraction: f32) {}
        fn is_cancelled(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed) >= self.0
        }
    }

    #[test]
    fn large_files_are_hashed_with_a_look_around() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("large.wav");
        let content = vec![7u8; 4 * PIECE + 5];
        fs::write(&file, &content).unwrap();
        let looks = Until(usize::MAX, AtomicUsize::new(0));
        let own = blake3::hash(&content).to_hex().to_string();
        assert_eq!(hash(&file, &looks), Some(own.clone()));
        assert_eq!(Some(own), super::super::hash(&file));
        assert_eq!(looks.1.into_inner(), 5);
        assert_eq!(hash(&file, &Until(2, AtomicUsize::new(0))), None);
        assert_eq!(
            hash(&home.path().join("none.wav"), &Until(9, AtomicUsize::new(0))),
            None
        );
    }
}

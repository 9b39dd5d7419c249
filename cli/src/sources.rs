//! From what the user names to the list of files to work on.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use loopwright_core::config::Stores;
use loopwright_core::export::manifest::Manifest;
use loopwright_core::export::tree::KINDS;
use loopwright_core::pipeline::run::Source;
use loopwright_core::progress::Silent;
use loopwright_core::store::{Entry, Location, Object, Place};

use crate::exit::Exit;
use crate::places;

/// Endings of names that are taken for audio when a folder is searched. A file that is named outright is tried whatever
/// its ending.
pub const EXTENSIONS: &[&str] = &[
    "aac", "aif", "aifc", "aiff", "bwf", "caf", "fla", "flac", "m4a", "m4b", "mp1", "mp2", "mp3", "mp4", "oga", "ogg",
    "rf64", "rifx", "w64", "wav", "wave",
];

/// What a search gave.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files, in a fixed order: as named, and sorted by path beneath each folder. No file twice.
    pub files: Vec<Source>,
    /// What could not be searched, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Lists the audio files that `inputs` name. Folders are searched with all beneath them, except for hidden entries, for
/// `out`, and for folders that this tool has written; symbolic links are followed, and each folder entered once. Addresses of
/// stores are searched likewise, by their listing.
pub fn collect(inputs: &[PathBuf], out: Option<&Path>, stores: &Stores) -> Sources {
    search(inputs, out, false, stores)
}

/// As [`collect`], for what compares loops: of a folder that this tool has written, the loops in it, each once and in its
/// first format, without their hits, slices and percussive parts.
pub fn collect_loops(inputs: &[PathBuf], stores: &Stores) -> Sources {
    search(inputs, None, true, stores)
}

fn search(inputs: &[PathBuf], out: Option<&Path>, own: bool, stores: &Stores) -> Sources {
    let mut search = Search {
        own,
        out: out.and_then(|p| p.canonicalize().ok()),
        folders: BTreeSet::new(),
        files: BTreeSet::new(),
        found: Sources::default(),
    };
    for input in inputs {
        if let Some(address) = places::address(input) {
            search.store(address, out, stores);
        } else if input.is_dir() {
            search.folder(input);
        } else {
            search.file(input.clone(), input.parent().unwrap_or(Path::new("")));
        }
    }
    search.found
}

/// Says that there was nothing to work on; what that is for an exit code, as some folder was `unreadable` or none was.
pub fn none_found(unreadable: bool) -> Exit {
    eprintln!(
        "loopwright: no audio files there. Folders are searched for: {}",
        EXTENSIONS.join(" ")
    );
    if unreadable {
        Exit::SomeFailed
    } else {
        Exit::NothingFound
    }
}

struct Search {
    own: bool,
    out: Option<PathBuf>,
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
    found: Sources,
}

impl Search {
    fn file(&mut self, path: PathBuf, root: &Path) {
        // What cannot be resolved is kept: opening it will say why.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.files.insert(real) {
            let name = name(path.strip_prefix(root).unwrap_or(&path));
            let place = Place::File(path);
            self.found.files.push(Source { place, name });
        }
    }

    fn folder(&mut self, root: &Path) {
        let mut files = Vec::new();
        let mut open = vec![root.to_path_buf()];
        while let Some(folder) = open.pop() {
            match self.enter(&folder, folder == root) {
                Ok(entries) => {
                    for path in entries {
                        // `is_dir` and `is_file` follow links; what is neither (a pipe, a dead link) is no recording.
                        if path.is_dir() {
                            open.push(path);
                        } else if is_audio(&path) && path.is_file() {
                            files.push(path);
                        }
                    }
                }
                Err(error) => self.found.unreadable.push((folder, error.to_string())),
            }
        }
        files.sort();
        self.found.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        files.into_iter().for_each(|path| self.file(path, root));
    }

    /// The recordings beneath an address; what names one file is tried whatever its ending.
    fn store(&mut self, address: &str, out: Option<&Path>, stores: &Stores) {
        let found = places::open(address, stores)
            .map_err(|e| e.to_string())
            .and_then(|at| Ok((at.store.list(&at.key, &Silent).map_err(|e| e.kind.to_string())?, at)));
        let (entries, at) = match found {
            Ok(found) => found,
            Err(why) => return self.found.unreadable.push((address.into(), why)),
        };
        let out = out
            .and_then(places::address)
            .and_then(|out| places::open(out, stores).ok());
        let out = out.filter(|out| out.store.uri("") == at.store.uri(""));
        let depth = at.key.split('/').filter(|p| !p.is_empty()).count();
        let parts = |key: &str| key.split('/').map(str::to_owned).collect::<Vec<_>>();
        // A folder with a manifest of ours is left alone, but for the one that was named.
        let ours: Vec<Vec<String>> = entries.iter().filter_map(|e| our_folder(&at, e, depth)).collect();
        for entry in entries {
            let path = parts(&entry.key);
            let single = path.len() == depth;
            let skipped = path.get(depth..).unwrap_or_default().iter().any(|p| p.starts_with('.'))
                || ours.iter().any(|folder| path.starts_with(folder))
                || out
                    .as_ref()
                    .is_some_and(|out| !out.key.is_empty() && path.starts_with(&parts(&out.key)));
            if !(single || !skipped && is_audio(Path::new(&entry.key))) {
                continue;
            }
            // A server that lists what is not beneath the folder must not end the run.
            let from = if single { depth.saturating_sub(1) } else { depth };
            let name = path.get(from..).unwrap_or(&path).join("/");
            let object = Object::new(at.store.clone(), entry);
            if self.files.insert(PathBuf::from(object.uri())) {
                let place = Place::Object(object);
                self.found.files.push(Source { place, name });
            }
        }
    }

    /// The visible entries of `folder`; none if it has been entered before. Where it holds our own output, its loops, if they
    /// are asked for, and otherwise none.
    fn enter(&mut self, folder: &Path, is_root: bool) -> std::io::Result<Vec<PathBuf>> {
        let real = folder.canonicalize()?;
        if self.out.as_ref() == Some(&real) || !self.folders.insert(real) {
            return Ok(Vec::new());
        }
        if (self.own || !is_root) && is_our_output(folder) {
            return Ok(if self.own { loops_of(folder) } else { Vec::new() });
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !is_hidden(&path) {
                entries.push(path);
            }
        }
        entries.sort();
        Ok(entries)
    }
}

/// The folder that `entry` says is our own output, if it lies deeper than `depth`: a manifest, whose head is looked at.
fn our_folder(at: &Location, entry: &Entry, depth: usize) -> Option<Vec<String>> {
    let (folder, name) = entry.key.rsplit_once('/')?;
    let folder: Vec<String> = folder.split('/').map(str::to_owned).collect();
    if folder.len() <= depth || !KINDS.iter().any(|k| k.manifest == name) {
        return None;
    }
    let content = at.store.read(entry, &Silent).ok()?;
    is_our_manifest(&content[..content.len().min(512)]).then_some(folder)
}

fn is_our_manifest(head: &[u8]) -> bool {
    head.windows(11).any(|w| w == b"\"loopwright")
}

/// A relative path as outputs show it: with `/`, and the same on every machine.
fn name(relative: &Path) -> String {
    let parts = relative.components().filter_map(|c| match c {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_audio(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// True for a folder with a manifest of ours.
fn is_our_output(folder: &Path) -> bool {
    KINDS.iter().any(|kind| {
        let mut head = Vec::new();
        let read = fs::File::open(folder.join(kind.manifest)).and_then(|file| file.take(512).read_to_end(&mut head));
        read.is_ok() && is_our_manifest(&head)
    })
}

/// The loops that our manifests in `folder` list. Those that somebody has since removed are not missed.
fn loops_of(folder: &Path) -> Vec<PathBuf> {
    let manifests = KINDS.iter().filter_map(|kind| {
        let bytes = fs::read(folder.join(kind.manifest)).ok()?;
        serde_json::from_slice::<Manifest>(&bytes).ok()
    });
    let tracks = manifests.flat_map(|m| m.tracks);
    let files = tracks.flat_map(|t| t.loops).map(|l| l.file);
    // A manifest may come from anywhere: what it names outside its folder is none of ours.
    let inside = |file: &String| {
        let mut parts = Path::new(file).components();
        parts.all(|c| matches!(c, Component::Normal(_)))
    };
    let mut loops: Vec<PathBuf> = files.filter(inside).map(|file| folder.join(file)).collect();
    loops.retain(|path| path.is_file());
    loops.sort();
    loops.dedup();
    loops
}

#[cfg(test)]
mod tests {
    use super::*;
    use loopwright_core::export::cut::SeamReport;

    fn names(found: &Sources) -> Vec<&str> {
        found.files.iter().map(|s| s.name.as_str()).collect()
    }

    #[test]
    fn folders_are_searched_in_order_without_hidden_files_and_own_output() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in [
            "b/2.WAV",
            "b/10.wav",
            "a.flac",
            "c.txt",
            ".hidden.wav",
            ".git/x.wav",
            "out/t/loop.wav",
            "old/t/l.wav",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        fs::write(root.join("old/manifest.json"), "{\n  \"tool\": \"loopwright 0.1.0\"\n}").unwrap();
        fs::write(root.join("b/manifest.json"), "[]").unwrap();
        let out = root.join("out");
        let found = collect(&[root.to_path_buf()], Some(&out), &Stores::default());
        assert_eq!(names(&found), ["a.flac", "b/10.wav", "b/2.WAV"]);
        assert!(found.unreadable.is_empty());
    }

    #[test]
    fn a_file_named_twice_or_of_any_name_is_listed_once_and_a_missing_one_kept() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("take");
        fs::write(&file, b"").unwrap();
        let missing = root.path().join("none.wav");
        let found = collect(
            &[file.clone(), root.path().join(".").join("take"), missing.clone()],
            None,
            &Stores::default(),
        );
        assert_eq!(
            found.files.iter().map(|s| s.place.path()).collect::<Vec<_>>(),
            [file.as_path(), &missing]
        );
        assert_eq!(names(&found), ["take", "none.wav"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("x.wav"), b"").unwrap();
        std::os::unix::fs::symlink(root.path(), inner.join("up")).unwrap();
        std::os::unix::fs::symlink(&inner, root.path().join("again")).unwrap();
        std::os::unix::fs::symlink(root.path().join("gone"), root.path().join("dead.wav")).unwrap();
        assert_eq!(
            collect(&[root.path().to_path_buf()], None, &Stores::default())
                .files
                .len(),
            1
        );
    }

    #[test]
    fn of_our_own_output_the_loops_are_taken_where_loops_are_compared() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in [
            "more/x.wav",
            "own/t/drum_break.wav",
            "own/t/hits/hit_0000.wav",
            "own/t/other.wav",
            "above.wav",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        let record = |file: &str| {
            serde_json::json!({
                "file": file, "start_frame": 0, "frames": 8, "sample_rate": 8000, "bars": 1, "beats": 4, "bpm": 120.0,
                "seam": SeamReport::default(), "gain_db": 0.0, "clipped": 0,
            })
        };
        let manifest = serde_json::json!({
            "schema": 1, "tool": "loopwright 0.1.0", "tables": [],
            "tracks": [{
                "source": { "folder": "t", "name": "t.wav", "content": "" }, "settings": "", "tool": "0.1.0", "status": "done",
                "loops": [record("t/drum_break.wav"), record("t/gone.wav"), record("../above.wav")],
            }],
        });
        fs::write(root.join("own/breaks_manifest.json"), manifest.to_string()).unwrap();
        let outer = [root.join("more"), root.join("own")];
        assert_eq!(
            names(&collect_loops(&outer, &Stores::default())),
            ["x.wav", "t/drum_break.wav"]
        );
        let inner = collect_loops(&[root.to_path_buf()], &Stores::default());
        assert_eq!(names(&inner), ["above.wav", "more/x.wav", "own/t/drum_break.wav"]);
        assert_eq!(
            names(&collect(&[root.to_path_buf()], None, &Stores::default())),
            ["above.wav", "more/x.wav"]
        );
    }
}

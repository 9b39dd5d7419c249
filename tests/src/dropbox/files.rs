//! Files in memory, and how Dropbox tells of them.

use std::collections::{BTreeMap, BTreeSet};

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Dropbox's documented hash of a file: SHA-256 of the SHA-256s of its blocks of 4 MiB, in hexadecimal.
pub fn content_hash(content: &[u8]) -> String {
    let mut blocks = Vec::new();
    for block in content.chunks(4 << 20) {
        blocks.extend_from_slice(digest(&SHA256, block).as_ref());
    }
    hex(digest(&SHA256, &blocks).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

struct File {
    /// As it is shown.
    display: String,
    id: u64,
    rev: u64,
    content: Vec<u8>,
}

/// All files. Paths differ by more than case.
#[derive(Default)]
pub(super) struct Files {
    /// By path in lower case.
    by_path: BTreeMap<String, File>,
    next: u64,
}

impl Files {
    pub(super) fn put(&mut self, path: &str, content: Vec<u8>) {
        self.next += 1;
        let rev = self.next;
        let lower = path.to_lowercase();
        if let Some(file) = self.by_path.get_mut(&lower) {
            (file.rev, file.content) = (rev, content);
        } else {
            let file = File {
                display: path.to_owned(),
                id: rev,
                rev,
                content,
            };
            self.by_path.insert(lower, file);
        }
    }

    pub(super) fn remove(&mut self, path: &str) -> bool {
        self.by_path.remove(&path.to_lowercase()).is_some()
    }

    /// Removes the file or the folder at `path`; tells what it was.
    pub(super) fn delete(&mut self, path: &str) -> Option<Value> {
        let told = self.metadata(path)?;
        let within = path.to_lowercase() + "/";
        self.by_path.retain(|p, _| !p.starts_with(&within));
        self.remove(path);
        Some(told)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(mut file) = self.by_path.remove(&from.to_lowercase()) {
            to.clone_into(&mut file.display);
            self.by_path.insert(to.to_lowercase(), file);
        }
    }

    pub(super) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.by_path.values();
        files.map(|f| (f.display.clone(), f.content.clone())).collect()
    }

    /// The file that `name` means: a path, `id:...` or `rev:...`.
    fn find(&self, name: &str) -> Option<(&String, &File)> {
        let is = |file: &File| format!("id:{:022}", file.id) == name || format!("rev:{:015x}", file.rev) == name;
        if name.starts_with('/') {
            self.by_path.get_key_value(&name.to_lowercase())
        } else {
            self.by_path.iter().find(|(_, f)| is(f))
        }
    }

    /// The path, as it is shown, of what `name` means.
    pub(super) fn path_of(&self, name: &str) -> Option<String> {
        self.find(name).map(|(_, f)| f.display.clone())
    }

    pub(super) fn content(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|(_, f)| f.content.as_slice())
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        let within = path.to_lowercase() + "/";
        path.is_empty() || self.by_path.keys().any(|p| p.starts_with(&within))
    }

    /// What is told of the file or folder that `name` means.
    pub(super) fn metadata(&self, name: &str) -> Option<Value> {
        if let Some((lower, file)) = self.find(name) {
            return Some(tell(lower, file));
        }
        (!name.is_empty() && self.is_folder(name)).then(|| tell_folder(name))
    }

    /// What is beneath the folder `path`, folders before what is in them.
    pub(super) fn list(&self, path: &str, recursive: bool) -> Vec<Value> {
        let within = path.to_lowercase() + "/";
        let (mut told, mut folders) = (Vec::new(), BTreeSet::new());
        for (lower, file) in self.by_path.iter().filter(|(p, _)| p.starts_with(&within)) {
            let rest = &file.display[within.len().min(file.display.len())..];
            let mut ends = rest.match_indices('/').map(|(at, _)| within.len() + at);
            let deep = rest.contains('/');
            let above: Vec<usize> = if recursive {
                ends.collect()
            } else {
                ends.next().into_iter().collect()
            };
            for end in above {
                let folder = &file.display[..end];
                if folders.insert(folder.to_lowercase()) {
                    told.push(tell_folder(folder));
                }
            }
            if recursive || !deep {
                told.push(tell(lower, file));
            }
        }
        told
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn tell(lower: &str, file: &File) -> Value {
    json!({
        ".tag": "file", "name": last(&file.display), "path_lower": lower, "path_display": file.display,
        "id": format!("id:{:022}", file.id), "client_modified": "2026-01-02T03:04:05Z",
        "server_modified": "2026-01-02T03:04:05Z", "rev": format!("{:015x}", file.rev), "size": file.content.len(),
        "is_downloadable": true, "content_hash": content_hash(&file.content),
    })
}

fn tell_folder(path: &str) -> Value {
    json!({
        ".tag": "folder", "name": last(path), "path_lower": path.to_lowercase(), "path_display": path,
        "id": format!("id:folder{}", content_hash(path.as_bytes()).get(..16).unwrap_or_default()),
    })
}

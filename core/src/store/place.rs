//! Where files lie, on this machine or in a store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Entry, Store, StoreError};
use crate::progress::Progress;

/// A place in a store: a file, or a folder.
#[derive(Debug, Clone)]
pub struct Location {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The key; empty for the store's root.
    pub key: String,
}

impl Location {
    /// The address, as the user would write it.
    pub fn uri(&self) -> String {
        self.store.uri(&self.key)
    }

    /// The place `relative` beneath this one.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        let parts = [self.key.as_str(), relative];
        let key: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        Self {
            store: self.store.clone(),
            key: key.join("/"),
        }
    }
}

/// A file in a store. Equal to another of the same address and content, as far as the store tells.
#[derive(Debug, Clone)]
pub struct Object {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What is known of the file.
    pub entry: Entry,
    address: PathBuf,
}

impl Object {
    /// The file that a listing of `store` told of.
    pub fn new(store: Arc<dyn Store>, entry: Entry) -> Self {
        let address = PathBuf::from(store.uri(&entry.key));
        Self { store, entry, address }
    }

    /// The address, as the user would write it.
    pub fn uri(&self) -> String {
        self.store.uri(&self.entry.key)
    }

    /// The whole content.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn read(&self, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        self.store.read(&self.entry, progress)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && self.entry == other.entry
    }
}

impl Eq for Object {}

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    File(PathBuf),
    /// In a store.
    Object(Object),
}

impl Place {
    /// The path, or the address in the shape of one: for names and messages. Only that of a [`Place::File`] can be opened.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Object(object) => &object.address,
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_path_buf())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

/// What is written: a file or a folder.
#[derive(Debug, Clone)]
pub enum Target {
    /// On this machine.
    Local(PathBuf),
    /// In a store.
    Store(Location),
}

impl Target {
    /// The place `relative` beneath this one, with `/` between its parts.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(relative)),
            Self::Store(location) => Self::Store(location.join(relative)),
        }
    }

    /// The folder that this place is in, and its name there; `None` for a root.
    pub fn split(&self) -> Option<(Self, String)> {
        match self {
            Self::Local(path) => {
                let name = path.file_name()?.to_string_lossy().into_owned();
                let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
                Some((Self::Local(folder.unwrap_or(Path::new(".")).to_path_buf()), name))
            }
            Self::Store(location) => {
                let (folder, name) = location.key.rsplit_once('/').unwrap_or(("", &location.key));
                let folder = Location {
                    store: location.store.clone(),
                    key: folder.to_owned(),
                };
                (!name.is_empty()).then(|| (Self::Store(folder), name.to_owned()))
            }
        }
    }

    /// The path, or the address in the shape of one: for messages.
    pub fn shown(&self) -> PathBuf {
        match self {
            Self::Local(path) => path.clone(),
            Self::Store(location) => PathBuf::from(location.uri()),
        }
    }

    /// The path, for what lies on this machine.
    pub fn local(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Store(_) => None,
        }
    }
}

impl From<PathBuf> for Target {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl From<&PathBuf> for Target {
    fn from(path: &PathBuf) -> Self {
        Self::Local(path.clone())
    }
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        Self::Local(path.to_path_buf())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;

    #[test]
    fn targets_split_into_folder_and_name() {
        let store: Arc<dyn Store> = Arc::new(Memory::new("memory:/"));
        let at = |key: &str| {
            Target::Store(Location {
                store: store.clone(),
                key: key.into(),
            })
        };
        let split = |t: Target| t.split().map(|(f, n)| (f.to_string(), n));
        assert_eq!(split(at("a/b/x.onnx")), Some(("memory:/a/b".into(), "x.onnx".into())));
        assert_eq!(split(at("x.onnx")), Some(("memory:/".into(), "x.onnx".into())));
        assert_eq!(split(at("")), None);
        assert_eq!(split(Path::new("a/x.onnx").into()), Some(("a".into(), "x.onnx".into())));
        assert_eq!(split(Path::new("x.onnx").into()), Some((".".into(), "x.onnx".into())));
        assert_eq!(split(Path::new("/").into()), None);
        assert_eq!(at("a").join("b/c").to_string(), "memory:/a/b/c");
        assert_eq!(at("").join("b").to_string(), "memory:/b");
    }
}

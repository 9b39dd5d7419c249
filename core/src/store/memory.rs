//! Files that last as long as the run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Entry, Store, StoreError, StoreErrorKind};
use crate::progress::Progress;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory {
    root: String,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Memory {
    /// An empty store; `root` is what its addresses begin with.
    pub fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            files: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // The map is never left half changed.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, key: &str, kind: StoreErrorKind) -> StoreError {
        StoreError {
            uri: self.uri(key),
            kind,
        }
    }
}

fn fingerprint(content: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(content).to_hex())
}

impl Store for Memory {
    fn uri(&self, key: &str) -> String {
        format!("{}{key}", self.root)
    }

    fn list(&self, key: &str, _: &dyn Progress) -> Result<Vec<Entry>, StoreError> {
        let beneath = |name: &str| {
            key.is_empty() || name == key || name.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'))
        };
        let entries: Vec<Entry> = self
            .lock()
            .iter()
            .filter(|(name, _)| beneath(name))
            .map(|(name, content)| Entry {
                key: name.clone(),
                bytes: Some(content.len() as u64),
                fingerprint: Some(fingerprint(content)),
            })
            .collect();
        if entries.is_empty() && !key.is_empty() {
            return Err(self.error(key, StoreErrorKind::NotFound));
        }
        Ok(entries)
    }

    fn read(&self, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        let content = self.get(&entry.key, progress)?;
        let content = content.ok_or_else(|| self.error(&entry.key, StoreErrorKind::NotFound))?;
        match &entry.fingerprint {
            Some(listed) if *listed != fingerprint(&content) => Err(self.error(&entry.key, StoreErrorKind::Changed)),
            _ => Ok(content),
        }
    }

    fn get(&self, key: &str, _: &dyn Progress) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().get(key).cloned())
    }

    fn put(&self, key: &str, content: &[u8], _: &dyn Progress) -> Result<(), StoreError> {
        self.lock().insert(key.to_owned(), content.to_vec());
        Ok(())
    }

    fn remove(&self, key: &str, _: &dyn Progress) -> Result<(), StoreError> {
        self.lock().remove(key);
        Ok(())
    }
}

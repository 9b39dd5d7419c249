//! A folder in a store.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Artefact, WriteError};
use crate::export::{ExportError, WriteSeek};
use crate::progress::Silent;
use crate::store::{Location, StoreErrorKind};

/// The folder, and what is known to be in it.
#[derive(Debug)]
pub(super) struct Remote {
    folder: Location,
    sizes: Mutex<BTreeMap<String, Option<u64>>>,
}

impl Remote {
    pub(super) fn open(folder: &Location) -> Result<Self, ExportError> {
        let entries = match folder.store.list(&folder.key, &Silent) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind, StoreErrorKind::NotFound) => Vec::new(),
            Err(e) => return Err(e.into()),
        };
        // What the store calls a file in this folder, which may differ in case from what the user calls the folder.
        let depth = folder.key.split('/').filter(|p| !p.is_empty()).count();
        let relative = |key: &str| key.split('/').skip(depth).collect::<Vec<_>>().join("/");
        let sizes = entries.into_iter().map(|e| (relative(&e.key), e.bytes));
        Ok(Self {
            folder: folder.clone(),
            sizes: Mutex::new(sizes.filter(|(name, _)| !name.is_empty()).collect()),
        })
    }

    pub(super) fn write<E: Into<WriteError>>(
        &self,
        relative: &str,
        shown: &Path,
        fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
    ) -> Result<Artefact, ExportError> {
        let (bytes, blake3) = put(&self.folder.join(relative), shown, fill)?;
        self.lock().insert(relative.to_owned(), Some(bytes));
        Ok(Artefact {
            path: relative.to_owned(),
            bytes,
            blake3,
        })
    }

    pub(super) fn read(&self, relative: &str) -> Result<Option<Vec<u8>>, ExportError> {
        // What the listing did not have is not asked for: a request costs more than all the rest.
        if !self.lock().contains_key(relative) {
            return Ok(None);
        }
        let file = self.folder.join(relative);
        Ok(file.store.get(&file.key, &Silent)?)
    }

    /// The size of the file, where there is one and the store tells.
    pub(super) fn size(&self, relative: &str) -> Option<u64> {
        self.lock().get(relative).copied().flatten()
    }

    pub(super) fn names(&self, relative: &str) -> Vec<String> {
        let prefix = match relative {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let inside = |name: &String| {
            name.strip_prefix(&prefix)
                .filter(|n| !n.contains('/'))
                .map(str::to_owned)
        };
        self.lock().keys().filter_map(inside).collect()
    }

    pub(super) fn remove(&self, relative: &str) -> Result<(), ExportError> {
        if self.lock().remove(relative).is_some() {
            let file = self.folder.join(relative);
            file.store.remove(&file.key, &Silent)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<u64>>> {
        // The map is never left half changed.
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a file in memory and puts it in its place; gives size and BLAKE3.
pub(super) fn put<E: Into<WriteError>>(
    file: &Location,
    shown: &Path,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
) -> Result<(u64, String), ExportError> {
    let mut content = Cursor::new(Vec::new());
    fill(&mut content).map_err(|e| match e.into() {
        WriteError::Io(e) => ExportError::io(shown, "write")(e),
        WriteError::Unfit(reason) => ExportError::Format {
            path: shown.to_path_buf(),
            reason,
        },
    })?;
    let content = content.into_inner();
    file.store.put(&file.key, &content, &Silent)?;
    Ok((content.len() as u64, blake3::hash(&content).to_hex().to_string()))
}

//! Addresses of stores among the paths that the user names.

use std::path::Path;

use anyhow::Result;
use loopwright_core::config::Stores;
use loopwright_core::progress::Silent;
use loopwright_core::store::{Location, Object, Place, Target};

use crate::exit::UsageError;

/// The text of `path`, if it is the address of a place in a store.
pub fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| loopwright_stores::is_address(text))
}

/// Opens the place in a store that `address` names.
///
/// # Errors
///
/// Where it is no address, or there are no means to get in.
pub fn open(address: &str, stores: &Stores) -> Result<Location> {
    let location = loopwright_stores::open(address, stores);
    location.map_err(|e| {
        let remedy = e.kind.remedy().map(|r| format!(" ({r})")).unwrap_or_default();
        UsageError(format!("{e}{remedy}")).into()
    })
}

/// The file that `path` names, on this machine or in a store.
///
/// # Errors
///
/// As [`open`]; where the store does not know the file.
pub fn place(path: &Path, stores: &Stores) -> Result<Place> {
    let Some(address) = address(path) else {
        return Ok(path.into());
    };
    let Location { store, key } = open(address, stores)?;
    let mut entries = store.list(&key, &Silent)?;
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) => Ok(Place::Object(Object::new(store, entry))),
        _ => Err(UsageError(format!("{address}: is a folder; name one file")).into()),
    }
}

/// What `path` names to be written to, on this machine or in a store.
///
/// # Errors
///
/// As [`open`].
pub fn target(path: &Path, stores: &Stores) -> Result<Target> {
    match address(path) {
        Some(address) => Ok(Target::Store(open(address, stores)?)),
        None => Ok(path.into()),
    }
}

/// An error where `path`, given by `flag`, is in a store.
///
/// # Errors
///
/// [`UsageError`].
pub fn must_be_here(flag: &str, path: &Path) -> Result<()> {
    match address(path) {
        None => Ok(()),
        Some(address) => {
            let words = format!(
                "{flag} {address}: must be on this machine; find, breaks, quiet, dataset and train write to stores"
            );
            Err(UsageError(words).into())
        }
    }
}

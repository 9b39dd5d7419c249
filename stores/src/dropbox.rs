//! Files in Dropbox.

use loopwright_core::config::Stores;
use loopwright_core::store::{Location, StoreError, StoreErrorKind};

/// Opens the place at `address`.
///
/// # Errors
///
/// [`StoreError`].
pub fn open(address: &str, _settings: &Stores) -> Result<Location, StoreError> {
    Err(StoreError {
        uri: address.to_owned(),
        kind: StoreErrorKind::Unsupported("is not reached yet".into()),
    })
}

//! Files in S3-compatible stores and behind HTTP.

use loopwright_core::config::Stores;
use loopwright_core::store::{Location, StoreError, StoreErrorKind};

/// Opens the place at `address`.
///
/// # Errors
///
/// [`StoreError`].
pub fn open_s3(address: &str, _settings: &Stores) -> Result<Location, StoreError> {
    Err(StoreError {
        uri: address.to_owned(),
        kind: StoreErrorKind::Unsupported("is not reached yet".into()),
    })
}

/// Opens the place at `address`.
///
/// # Errors
///
/// [`StoreError`].
pub fn open_http(address: &str, _settings: &Stores) -> Result<Location, StoreError> {
    Err(StoreError {
        uri: address.to_owned(),
        kind: StoreErrorKind::Unsupported("is not reached yet".into()),
    })
}

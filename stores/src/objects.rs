//! Files in S3-compatible stores and behind HTTP.
//!
//! [`open_s3`] stands on the crate `object_store`, [`open_http`] on requests of its own; both send them through one
//! `transport` over `ureq`, so that there is one HTTP client in the program, one meaning of a timeout, and one TLS.

mod s3;
mod transport;
mod web;

use loopwright_core::config::Stores;
use loopwright_core::store::{Location, StoreError, StoreErrorKind};

/// Most bytes of one file that are taken into memory.
const MOST_BYTES: u64 = 2 << 30;

/// How often it is looked whether the caller gave up.
const POLL: std::time::Duration = std::time::Duration::from_millis(20);

/// Opens a bucket of an S3-compatible store, or a folder or file in one: `s3://bucket/folder/file.wav`.
///
/// What follows the bucket is the key as it is, without any escapes. Who asks is told by the usual variables of the
/// environment: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (with `AWS_SESSION_TOKEN`), a web identity
/// (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), a container's (`AWS_CONTAINER_CREDENTIALS_*`), or a machine's, where
/// `AWS_METADATA_ENDPOINT` is set; without any of them requests are not signed, as public buckets allow. `AWS_ENDPOINT_URL`,
/// `AWS_REGION` and the other variables that `object_store` knows count where the settings do not say otherwise.
///
/// # Errors
///
/// [`StoreError`], where the address has no bucket or the variables do not go together. Nothing is sent.
pub fn open_s3(address: &str, settings: &Stores) -> Result<Location, StoreError> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    open_s3_as(address, settings, std::env::vars_os().filter_map(text))
}

/// As [`open_s3`], with an environment other than the process's.
///
/// # Errors
///
/// As [`open_s3`].
pub fn open_s3_as(
    address: &str,
    settings: &Stores,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Location, StoreError> {
    s3::open(address, settings, &environment.into_iter().collect())
}

/// Opens a file behind HTTP by its address, or the folder that a server lists at it: `https://host/folder/`.
///
/// `http://name:password@host/` logs in (basic authentication); neither is ever shown, nor sent to another host. The files of a
/// folder are those that its page links to, as nginx, Apache, lighttpd, Caddy and Python's `http.server` write such pages, and
/// so on for the folders beneath it. Nothing can be written.
///
/// # Errors
///
/// [`StoreError`], where the address is none. Nothing is sent.
pub fn open_http(address: &str, settings: &Stores) -> Result<Location, StoreError> {
    web::open(address, settings)
}

fn error(uri: String, kind: StoreErrorKind) -> StoreError {
    StoreError { uri, kind }
}

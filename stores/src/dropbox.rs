//! Files in Dropbox, over the HTTP interface that Dropbox documents, version 2.
//!
//! Routes, arguments and errors are those of Dropbox's own crate; this module brings the connection (time limits, what is
//! tried again, what is waited for), the tokens (from the environment, `.env`, or a login that is kept), and the checks:
//! content is compared with its hash both ways.

mod client;
mod credentials;
mod hash;
mod hosts;
pub mod keep;
pub mod login;
mod oauth;
mod retry;
mod secret;
mod store;
mod wire;

use std::path::Path;
use std::sync::Arc;

use loopwright_core::config::Stores;
use loopwright_core::store::{Location, StoreError, StoreErrorKind};

pub use credentials::{Credentials, CredentialsError, Origin, Refresh, app_key, environment};
pub use hash::{content_hash, content_hash_of};
pub use secret::Secret;
pub use store::{Dropbox, FINGERPRINT};

use client::Client;
use hosts::Hosts;

/// What addresses begin with.
const SCHEME: &str = "dropbox:";

/// The key in an address: `dropbox:/Music/a.mp3` gives `Music/a.mp3`, `dropbox:` nothing. None for other addresses.
pub fn key(address: &str) -> Option<&str> {
    let path = address.strip_prefix(SCHEME)?;
    (path.is_empty() || path.starts_with('/')).then(|| path.trim_matches('/'))
}

/// Opens the place at `address`, `dropbox:/Folder` or `dropbox:/Folder/file`.
///
/// # Errors
///
/// [`StoreErrorKind::Denied`] where there are no credentials, [`StoreErrorKind::Unsupported`] where the address is none.
pub fn open(address: &str, settings: &Stores) -> Result<Location, StoreError> {
    let error = |kind| StoreError {
        uri: address.to_owned(),
        kind,
    };
    let key = key(address).ok_or_else(|| {
        let why = "is no address in Dropbox: write it from the root on, dropbox:/Folder";
        error(StoreErrorKind::Unsupported(why.into()))
    })?;
    let credentials = credentials(settings).map_err(|e| error(StoreErrorKind::Denied(chain(&e))))?;
    let dropbox = connect(settings, credentials).map_err(error)?;
    Ok(Location {
        store: Arc::new(dropbox),
        key: key.to_owned(),
    })
}

/// The credentials in force here: of the environment, of `.env` in the current folder, or of the login that is kept.
///
/// # Errors
///
/// [`CredentialsError`].
pub fn credentials(settings: &Stores) -> Result<Credentials, CredentialsError> {
    let hosts = Hosts::new(settings.dropbox_url.as_deref()).ok();
    let server = hosts.as_ref().and_then(Hosts::base);
    credentials::find(settings, &environment, Path::new(""), keep::file(), server)
}

/// The Dropbox of who has `credentials`. Asks nothing yet.
///
/// # Errors
///
/// [`StoreErrorKind::Refused`] for a server that no token is sent to.
pub fn connect(settings: &Stores, credentials: Credentials) -> Result<Dropbox, StoreErrorKind> {
    let hosts = Hosts::new(settings.dropbox_url.as_deref())?;
    Ok(Dropbox::new(Client::new(settings, hosts, credentials)))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;

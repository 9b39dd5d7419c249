//! Files in Dropbox, in S3-compatible stores, and behind HTTP, as [`loopwright_core::store`] asks for them.
//!
//! [`open`] turns an address into a [`Location`]; each kind of store is one module and one line there.
#![forbid(unsafe_code)]

#[cfg(feature = "dropbox")]
pub mod dropbox;
#[cfg(feature = "objects")]
pub mod objects;

use loopwright_core::config::Stores;
use loopwright_core::store::{Location, StoreError, StoreErrorKind};

/// Addresses that [`open`] knows, each with what it stands for.
pub const SCHEMES: &[(&str, &str)] = &[
    ("dropbox:", "a folder or file in Dropbox, dropbox:/Music"),
    ("s3:", "a bucket, or a folder or file in one, s3://bucket/folder"),
    ("http:", "a file, or a page that lists files"),
    ("https:", "a file, or a page that lists files"),
];

/// True for what is an address of a store, not a path on this machine: it begins with one of [`SCHEMES`], in lower case.
pub fn is_address(text: &str) -> bool {
    SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
}

/// Opens the place at `address`. Nothing is read yet: that there is such a place is not known before it is listed.
///
/// # Errors
///
/// [`StoreError`], where the address is none, where there are no means to get in, or where this build has no such store.
pub fn open(address: &str, settings: &Stores) -> Result<Location, StoreError> {
    let scheme = address.split(':').next().unwrap_or_default();
    let unsupported = |why: String| StoreError {
        // What stands before a host may be a password.
        uri: address
            .rsplit_once('@')
            .map_or_else(|| address.to_owned(), |(_, host)| format!("{scheme}://{host}")),
        kind: StoreErrorKind::Unsupported(why),
    };
    match scheme {
        #[cfg(feature = "dropbox")]
        "dropbox" => dropbox::open(address, settings),
        #[cfg(feature = "objects")]
        "s3" => objects::open_s3(address, settings),
        #[cfg(feature = "objects")]
        "http" | "https" => objects::open_http(address, settings),
        _ if is_address(address) => Err(unsupported(format!("this build reaches no {scheme}"))),
        _ => Err(unsupported("is no address of a store".into())),
    }
}

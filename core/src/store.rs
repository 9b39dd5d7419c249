//! Files that do not lie on this machine: what is asked of a place that holds them.
//!
//! [`Store`] is the contract; the crate `loopwright-stores` fulfils it for Dropbox, S3 and HTTP, [`Memory`] holds files while
//! a run lasts. [`Location`] is a place in a store, [`Object`] a file in one; [`Place`] and [`Target`] are what is read and
//! what is written to, wherever it lies. Nothing here touches a network.

mod memory;
mod place;

use std::fmt;

pub use memory::Memory;
pub use place::{Location, Object, Place, Target};

use crate::progress::{Cancelled, Progress};

/// A file in a store, as a listing tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the store: parts with `/` between them, without one at either end. Untrusted.
    pub key: String,
    /// Its size; none where the store does not tell before it is read.
    pub bytes: Option<u64>,
    /// What changes whenever the content does, and only then: a hash, an entity tag, a revision, with a prefix that says
    /// which. None where the store has nothing of the kind.
    pub fingerprint: Option<String>,
}

/// A place that holds files under keys, reached by a network or kept in memory.
///
/// Implementations try again what may succeed (limits of rate, broken connections, tokens that ran out), and are called from
/// several threads at once. They poll `progress` while they wait.
pub trait Store: Send + Sync + fmt::Debug {
    /// The address of `key`, as the user would write it: `dropbox:/FMA/a.mp3`. Holds no secrets.
    fn uri(&self, key: &str) -> String;

    /// All files beneath the folder `key`, however deep, in the order of their keys; where `key` is a file, that one. An
    /// empty `key` is the store's root.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] where there is neither, and whatever else keeps the list from being whole.
    fn list(&self, key: &str, progress: &dyn Progress) -> Result<Vec<Entry>, StoreError>;

    /// The whole content of a listed file.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; [`StoreErrorKind::Changed`] where it is no longer what was listed and the store can tell.
    fn read(&self, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, StoreError>;

    /// The content of the file `key`, whatever it is now; none where there is no such file.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn get(&self, key: &str, progress: &dyn Progress) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a file, in place of one that is there. Nobody ever sees a part of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was there is then as it was, unless the connection broke after the last byte.
    fn put(&self, key: &str, content: &[u8], progress: &dyn Progress) -> Result<(), StoreError>;

    /// Removes a file; that there is none is no error.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn remove(&self, key: &str, progress: &dyn Progress) -> Result<(), StoreError>;
}

/// Why a store did not do as asked. Its message names the file, never a token.
#[derive(Debug, thiserror::Error)]
#[error("{uri}: {kind}")]
pub struct StoreError {
    /// The file, folder or server.
    pub uri: String,
    /// The cause.
    #[source]
    pub kind: StoreErrorKind,
}

/// What [`StoreError`] may be.
#[derive(Debug, thiserror::Error)]
pub enum StoreErrorKind {
    /// No such file or folder.
    #[error("is not there")]
    NotFound,
    /// No account, or one that may not.
    #[error("{0}")]
    Denied(String),
    /// Not what was listed any more.
    #[error("changed after it was listed; run again")]
    Changed,
    /// The server cannot be reached, or broke off, however often it was tried.
    #[error("{0}")]
    Unreachable(String),
    /// The server answers, but not as it should.
    #[error("{0}")]
    Refused(String),
    /// The store cannot do this at all: a listing over HTTP cannot be written to.
    #[error("{0}")]
    Unsupported(String),
    /// The caller gave up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl StoreErrorKind {
    /// What the user can do about it, where the message does not say so itself.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some("check the address"),
            Self::Denied(_) => Some("check the account and what it may do"),
            Self::Unreachable(_) => Some("check the connection, and run again: what is done stays done"),
            Self::Cancelled(_) => Some("run again to go on"),
            Self::Changed | Self::Refused(_) | Self::Unsupported(_) => None,
        }
    }
}

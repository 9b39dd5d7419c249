//! What can go wrong on the way to the disk, told so that a user knows what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::progress::Cancelled;
use crate::store::StoreError;

/// Why something was not exported. Each names the file or folder.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system refused.
    #[error("{}: cannot {action}: {source}{}", path.display(), remedy(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A path of the tree leads out of it.
    #[error("{}: leads out of the output folder; remove the link, or choose another folder", path.display())]
    Escapes {
        /// The path.
        path: PathBuf,
    },
    /// Another run holds the output folder.
    #[error("{}: another run is writing to this folder; wait for it, or choose another folder", path.display())]
    Locked {
        /// The output folder.
        path: PathBuf,
    },
    /// The format has no room for such audio.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// This build cannot write the format.
    #[error("this build cannot write {0}; build with the feature `mp3`")]
    NoFormat(&'static str),
    /// A loop does not lie within its recording.
    #[error(transparent)]
    Cut(#[from] super::cut::CutError),
    /// A store refused.
    #[error("{error}{}", store_remedy(error))]
    Store {
        /// What it said.
        #[from]
        error: StoreError,
    },
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ExportError {
    /// Makes the closure that turns an I/O error on `path` into this one.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { path, action, source }
    }

    /// True where writing anything else to the same folder would fail too: a full or read-only disk, a lock.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(
                source.kind(),
                ErrorKind::StorageFull
                    | ErrorKind::QuotaExceeded
                    | ErrorKind::ReadOnlyFilesystem
                    | ErrorKind::PermissionDenied
            ),
            // Whatever it is, it was tried again and again.
            Self::Store { .. } => true,
            Self::Locked { .. } | Self::NoFormat(_) | Self::Cancelled(_) => true,
            Self::Escapes { .. } | Self::Format { .. } | Self::Cut(_) => false,
        }
    }
}

fn store_remedy(error: &StoreError) -> String {
    error.kind.remedy().map(|r| format!(" ({r})")).unwrap_or_default()
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            " (free some space there or choose another output folder; what is finished is kept, run again to go on)"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            " (make the folder writable, or choose another output folder)"
        }
        ErrorKind::FileTooLarge => " (the file system or a limit allows no file of this size)",
        ErrorKind::InvalidFilename => {
            " (the path is too long for the file system: choose an output folder nearer its root)"
        }
        _ => "",
    }
}

//! Dropbox as a store.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use dropbox_sdk::Error;
use dropbox_sdk::sync_routes::files;
use dropbox_sdk::types::files::{
    CommitInfo, DeleteArg, DeleteError, DownloadArg, DownloadError, FileMetadata, GetMetadataArg, GetMetadataError,
    ListFolderArg, ListFolderContinueArg, ListFolderContinueError, ListFolderError, LookupError, Metadata, UploadArg,
    UploadError, UploadSessionAppendArg, UploadSessionAppendError, UploadSessionCursor, UploadSessionFinishArg,
    UploadSessionFinishError, UploadSessionLookupError, UploadSessionStartArg, WriteError, WriteMode,
};
use loopwright_core::progress::Progress;
use loopwright_core::store::{Entry, Store, StoreError, StoreErrorKind};

use super::client::{Call, Client, kind};
use super::hash::content_hash;
use super::retry::Trouble;
use super::wire::{Broken, read_on};

/// What fingerprints begin with.
pub const FINGERPRINT: &str = "dropbox:";
/// So much without a break, and breaks count from the start again.
const WELL: usize = 1 << 20;
/// How often a listing that changes under it is begun anew.
const LISTINGS: u32 = 8;

/// How files are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Largest file that is sent at once, in bytes: 150 MiB by Dropbox's documentation.
    pub(super) single: usize,
    /// Bytes of a part of a larger one: a multiple of 4 MiB, as is recommended.
    pub(super) part: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            single: 150 << 20,
            part: 32 << 20,
        }
    }
}

/// Somebody's Dropbox.
#[derive(Debug)]
pub struct Dropbox {
    client: Client,
    limits: Limits,
}

type Result<T, E = StoreErrorKind> = std::result::Result<T, E>;

fn refused(what: impl std::fmt::Display) -> StoreErrorKind {
    StoreErrorKind::Refused(format!("Dropbox: {what}"))
}

/// What a path that leads nowhere is to a store.
fn lookup(error: LookupError) -> StoreErrorKind {
    match error {
        LookupError::NotFound => StoreErrorKind::NotFound,
        LookupError::NotFile => refused("that is a folder"),
        other => refused(other),
    }
}

fn write(error: WriteError) -> StoreErrorKind {
    match error {
        WriteError::NoWritePermission | WriteError::AccessRestricted => {
            StoreErrorKind::Denied(format!("Dropbox: {error}"))
        }
        other => refused(other),
    }
}

/// The path of `key` as Dropbox has it: the root's is empty.
fn path(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!("/{key}")
    }
}

fn entry(file: &FileMetadata) -> Entry {
    let shown = file
        .path_display
        .as_deref()
        .or(file.path_lower.as_deref())
        .unwrap_or(&file.name);
    Entry {
        key: shown.trim_matches('/').to_owned(),
        bytes: Some(file.size),
        fingerprint: file.content_hash.as_ref().map(|hash| format!("{FINGERPRINT}{hash}")),
    }
}

impl Dropbox {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            limits: Limits::default(),
        }
    }

    /// With other limits, for tests.
    #[cfg(test)]
    pub(super) fn with_limits(client: Client, limits: Limits) -> Self {
        Self { client, limits }
    }

    fn error(&self, key: &str) -> impl Fn(StoreErrorKind) -> StoreError {
        let uri = self.uri(key);
        move |kind| StoreError { uri: uri.clone(), kind }
    }

    /// Asks for as little as can be, to know that there is access.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind`].
    pub fn check(&self, progress: &dyn Progress) -> Result<()> {
        let arg = ListFolderArg::new(String::new()).with_limit(1);
        let listed = files::list_folder(&Call::new(&self.client, progress), &arg);
        listed.map(drop).map_err(|e| kind(e, refused))
    }

    /// Takes the access back that the tokens give.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind`].
    pub fn revoke(&self, progress: &dyn Progress) -> Result<()> {
        Ok(self.client.revoke(progress)?)
    }

    /// What Dropbox tells of `path`.
    fn metadata(&self, path: &str, progress: &dyn Progress) -> Result<Metadata> {
        let arg = GetMetadataArg::new(path.to_owned());
        let told = files::get_metadata(&Call::new(&self.client, progress), &arg);
        told.map_err(|e| kind(e, |GetMetadataError::Path(e)| lookup(e)))
    }

    fn list_all(&self, key: &str, progress: &dyn Progress) -> Result<Vec<Entry>> {
        let path = path(key);
        for _ in 0..LISTINGS {
            match self.list_once(&path, progress) {
                Ok(Some(entries)) => return Ok(entries),
                Ok(None) => {}
                Err(StoreErrorKind::Unsupported(_)) => {
                    // Not a folder.
                    return match self.metadata(&path, progress)? {
                        Metadata::File(file) => Ok(vec![entry(&file)]),
                        _ => Err(StoreErrorKind::NotFound),
                    };
                }
                Err(e) => return Err(e),
            }
        }
        Err(StoreErrorKind::Unreachable(
            "Dropbox: the folder changes faster than it can be listed".into(),
        ))
    }

    /// All files beneath `path`; none where the list has to be begun anew.
    fn list_once(&self, path: &str, progress: &dyn Progress) -> Result<Option<Vec<Entry>>> {
        // By path in lower case: what changes while it is listed comes again.
        let mut found: BTreeMap<String, Entry> = BTreeMap::new();
        let call = Call::new(&self.client, progress);
        let arg = ListFolderArg::new(path.to_owned()).with_recursive(true);
        let arg = arg.with_include_non_downloadable_files(false);
        let mut page = files::list_folder(&call, &arg).map_err(|e| {
            kind(e, |e| match e {
                ListFolderError::Path(LookupError::NotFolder) => StoreErrorKind::Unsupported(String::new()),
                ListFolderError::Path(e) => lookup(e),
                other => refused(other),
            })
        })?;
        loop {
            for told in &page.entries {
                match told {
                    Metadata::File(file) => {
                        let entry = entry(file);
                        let lower = file.path_lower.clone().unwrap_or_else(|| entry.key.to_lowercase());
                        found.insert(lower, entry);
                    }
                    Metadata::Deleted(gone) => {
                        let lower = gone.path_lower.clone().unwrap_or_default();
                        let within = format!("{lower}/");
                        found.retain(|p, _| *p != lower && !p.starts_with(&within));
                    }
                    Metadata::Folder(_) => {}
                }
            }
            if !page.has_more {
                break;
            }
            let arg = ListFolderContinueArg::new(page.cursor);
            page = match files::list_folder_continue(&call, &arg) {
                Ok(page) => page,
                Err(Error::Api(ListFolderContinueError::Reset)) => return Ok(None),
                Err(e) => {
                    return Err(kind(e, |e| match e {
                        ListFolderContinueError::Path(e) => lookup(e),
                        other => refused(other),
                    }));
                }
            };
        }
        let mut entries: Vec<Entry> = found.into_values().collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Some(entries))
    }

    /// The whole content of `path`; that with the hash `expected`, where one is given.
    fn fetch(&self, path: &str, expected: Option<&str>, progress: &dyn Progress) -> Result<Vec<u8>> {
        let arg = DownloadArg::new(path.to_owned());
        let mut tries = self.client.tries();
        // Content that comes whole but wrong does so as often as it is fetched: that counts on its own.
        let mut wrong = self.client.tries();
        let mut got: Vec<u8> = Vec::new();
        // The revision that what is got belongs to.
        let mut rev: Option<String> = None;
        loop {
            let call = Call::with(&self.client, progress, &arg);
            let from = (!got.is_empty()).then_some(got.len() as u64);
            let answer = files::download(&call, &arg, from, None).map_err(|e| {
                kind(e, |e| match e {
                    DownloadError::Path(e) => lookup(e),
                    other => refused(other),
                })
            })?;
            let file = answer.result;
            if expected.is_some() && file.content_hash.as_deref() != expected {
                return Err(StoreErrorKind::Changed);
            }
            if rev.as_ref().is_some_and(|r| *r != file.rev) && from.is_some() {
                // Another content by now, and only its end is on the way.
                got.clear();
                rev = None;
                tries.pause(
                    Some(Duration::ZERO),
                    "the file changes faster than it can be read",
                    progress,
                )?;
                continue;
            }
            if call.status() != 206 {
                got.clear();
            }
            rev = Some(file.rev.clone());
            let before = got.len();
            let broken = match answer.body {
                Some(body) => receive(body, file.size, &mut got, progress)?,
                None => Some("there is no content".to_owned()),
            };
            if got.len() - before >= WELL {
                tries.reset();
            }
            let hash = file.content_hash.as_deref();
            match broken {
                Some(why) => tries.pause(None, &why, progress)?,
                None if hash.is_none_or(|h| h == content_hash(&got)) => return Ok(got),
                None => {
                    got.clear();
                    wrong.pause(None, "the content is not what its hash says", progress)?;
                }
            }
        }
    }

    /// The content hash of what is at `path` now, if anything is.
    fn hash_at(&self, path: &str, progress: &dyn Progress) -> Result<Option<String>> {
        match self.metadata(path, progress) {
            Ok(Metadata::File(file)) => Ok(file.content_hash),
            Ok(_) | Err(StoreErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn send(&self, path: &str, content: &[u8], progress: &dyn Progress) -> Result<()> {
        let hash = content_hash(content);
        let mut tries = self.client.tries();
        loop {
            let sent = if content.len() <= self.limits.single {
                self.send_once(path, content, &hash, progress)?
            } else {
                self.send_parts(path, content, &hash, progress)?
            };
            match sent {
                Sent::Whole(there) if there.as_deref() == Some(&hash) => return Ok(()),
                Sent::Whole(_) => tries.pause(None, "what arrived is not what was sent", progress)?,
                Sent::Again(why) => tries.pause(None, why, progress)?,
            }
        }
    }

    fn send_once(&self, path: &str, content: &[u8], hash: &str, progress: &dyn Progress) -> Result<Sent> {
        let arg = UploadArg::new(path.to_owned()).with_mode(WriteMode::Overwrite);
        let arg = arg.with_content_hash(hash.to_owned());
        match files::upload(&Call::with(&self.client, progress, &arg), &arg, content) {
            Ok(file) => Ok(Sent::Whole(file.content_hash)),
            Err(Error::Api(UploadError::ContentHashMismatch)) => Ok(Sent::Again("what arrived is not what was sent")),
            Err(e) => Err(kind(e, |e| match e {
                UploadError::Path(e) => write(e.reason),
                other => refused(other),
            })),
        }
    }

    /// Sends parts, which become the file with the last call only.
    fn send_parts(&self, path: &str, content: &[u8], hash: &str, progress: &dyn Progress) -> Result<Sent> {
        let part = |at: usize| &content[at..(at + self.limits.part).min(content.len())];
        let first = part(0);
        let arg = UploadSessionStartArg::default().with_content_hash(content_hash(first));
        let started = files::upload_session_start(&Call::with(&self.client, progress, &arg), &arg, first);
        let session = started.map_err(|e| kind(e, refused))?.session_id;
        let mut at = first.len();
        let mut tries = self.client.tries();
        while at < content.len() {
            let next = part(at);
            let arg = UploadSessionAppendArg::new(UploadSessionCursor::new(session.clone(), at as u64));
            let arg = arg.with_content_hash(content_hash(next));
            let call = Call::with(&self.client, progress, &arg);
            match files::upload_session_append_v2(&call, &arg, next) {
                Ok(()) => {
                    at += next.len();
                    tries.reset();
                }
                // An answer was lost: the server knows how far it is.
                Err(Error::Api(UploadSessionAppendError::IncorrectOffset(e))) => {
                    at = usize::try_from(e.correct_offset)
                        .unwrap_or(usize::MAX)
                        .min(content.len());
                    tries.pause(None, "it loses parts", progress)?;
                }
                Err(Error::Api(UploadSessionAppendError::ContentHashMismatch)) => {
                    tries.pause(None, "what arrived is not what was sent", progress)?;
                }
                Err(Error::Api(UploadSessionAppendError::NotFound)) => return Ok(Sent::Again("it lost the upload")),
                Err(e) => return Err(kind(e, refused)),
            }
        }
        let commit = CommitInfo::new(path.to_owned()).with_mode(WriteMode::Overwrite);
        let arg = UploadSessionFinishArg::new(UploadSessionCursor::new(session, at as u64), commit);
        match files::upload_session_finish(&Call::with(&self.client, progress, &arg), &arg, &[]) {
            Ok(file) => Ok(Sent::Whole(file.content_hash)),
            // Perhaps it was finished, and that answer was lost.
            Err(Error::Api(UploadSessionFinishError::LookupFailed(
                UploadSessionLookupError::NotFound | UploadSessionLookupError::IncorrectOffset(_),
            ))) => match self.hash_at(path, progress)? {
                Some(there) if there == hash => Ok(Sent::Whole(Some(there))),
                _ => Ok(Sent::Again("it lost the upload")),
            },
            Err(e) => Err(kind(e, |e| match e {
                UploadSessionFinishError::Path(e) => write(e),
                other => refused(other),
            })),
        }
    }

    fn delete(&self, path: &str, progress: &dyn Progress) -> Result<()> {
        let file = match self.metadata(path, progress) {
            Ok(Metadata::File(file)) => file,
            Ok(Metadata::Folder(_)) => return Err(refused("that is a folder, not a file")),
            Ok(Metadata::Deleted(_)) | Err(StoreErrorKind::NotFound) => return Ok(()),
            Err(e) => return Err(e),
        };
        // With its revision no folder goes, whatever has the name by then.
        let arg = DeleteArg::new(path.to_owned()).with_parent_rev(file.rev);
        match files::delete_v2(&Call::new(&self.client, progress), &arg) {
            Ok(_) | Err(Error::Api(DeleteError::PathLookup(LookupError::NotFound))) => Ok(()),
            Err(e) => Err(kind(e, |e| match e {
                DeleteError::PathLookup(e) => lookup(e),
                DeleteError::PathWrite(WriteError::Conflict(_)) => StoreErrorKind::Changed,
                DeleteError::PathWrite(e) => write(e),
                other => refused(other),
            })),
        }
    }
}

/// How sending went.
enum Sent {
    /// It is there, with this content hash.
    Whole(Option<String>),
    /// Not, for this reason; it may the next time.
    Again(&'static str),
}

/// Adds the rest of a file of `size` bytes to `got`; tells why it is not all there.
fn receive(mut body: Box<dyn Read>, size: u64, got: &mut Vec<u8>, progress: &dyn Progress) -> Result<Option<String>> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match read_on(body.as_mut(), &mut buffer, progress) {
            Ok(0) if (got.len() as u64) < size => return Ok(Some("the connection broke off".into())),
            Ok(0) => return Ok(None),
            Ok(bytes) if (got.len() + bytes) as u64 > size => {
                got.clear();
                return Ok(Some("there is more content than there should be".into()));
            }
            Ok(bytes) => got.extend_from_slice(&buffer[..bytes]),
            Err(Broken::Connection(why)) => return Ok(Some(why)),
            Err(Broken::Cancelled(c)) => return Err(Trouble::Cancelled(c).into()),
        }
    }
}

impl Store for Dropbox {
    fn uri(&self, key: &str) -> String {
        format!("dropbox:/{key}")
    }

    fn list(&self, key: &str, progress: &dyn Progress) -> Result<Vec<Entry>, StoreError> {
        self.list_all(key, progress).map_err(self.error(key))
    }

    fn read(&self, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        let hash = entry.fingerprint.as_deref().and_then(|f| f.strip_prefix(FINGERPRINT));
        self.fetch(&path(&entry.key), hash, progress)
            .map_err(self.error(&entry.key))
    }

    fn get(&self, key: &str, progress: &dyn Progress) -> Result<Option<Vec<u8>>, StoreError> {
        match self.fetch(&path(key), None, progress) {
            Ok(content) => Ok(Some(content)),
            Err(StoreErrorKind::NotFound) => Ok(None),
            Err(e) => Err(self.error(key)(e)),
        }
    }

    fn put(&self, key: &str, content: &[u8], progress: &dyn Progress) -> Result<(), StoreError> {
        if key.is_empty() {
            return Err(self.error(key)(refused("the root is no file")));
        }
        self.send(&path(key), content, progress).map_err(self.error(key))
    }

    fn remove(&self, key: &str, progress: &dyn Progress) -> Result<(), StoreError> {
        if key.is_empty() {
            return Err(self.error(key)(refused("the root is no file")));
        }
        self.delete(&path(key), progress).map_err(self.error(key))
    }
}

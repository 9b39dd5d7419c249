//! A folder that is written safely: every file is there whole or not at all, and nothing lands outside.
//!
//! A file is written under a temporary name in its own folder, synced, and renamed over the old one. A run that was
//! killed leaves at most temporary files, which the next run removes: it may, because a folder has one writer at a time
//! (an advisory lock that the system releases with the process).
//!
//! The folder may lie in a store: a file is then made in memory and put there whole. Stores have no locks: that a folder has
//! one writer is the user's to see to.

mod remote;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{ExportError, WriteSeek};
use crate::store::Target;
use remote::Remote;

const TEMP_PREFIX: &str = ".lw-";
const TEMP_SUFFIX: &str = ".tmp";

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Path from the output folder, with `/` between its parts.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the content, in hexadecimal.
    pub blake3: String,
}

/// An output folder, held for writing while this value lives.
#[derive(Debug)]
pub struct Destination {
    root: PathBuf,
    temps: AtomicU64,
    _lock: Option<File>,
    remote: Option<Remote>,
}

impl Destination {
    /// The folder at `target`: as [`Destination::open`] on this machine, and in a store with all its files listed.
    ///
    /// # Errors
    ///
    /// As [`Destination::open`]; [`ExportError::Store`].
    pub fn at(target: &Target) -> Result<Self, ExportError> {
        match target {
            Target::Local(path) => Self::open(path),
            Target::Store(location) => Ok(Self {
                root: target.shown(),
                temps: AtomicU64::new(0),
                _lock: None,
                remote: Some(Remote::open(location)?),
            }),
        }
    }

    /// Makes the folder at `root` if it is missing, locks it, and removes temporary files that a killed run left there.
    pub fn open(root: &Path) -> Result<Self, ExportError> {
        fs::create_dir_all(root).map_err(ExportError::io(root, "make the folder"))?;
        let root = fs::canonicalize(root).map_err(ExportError::io(root, "open the folder"))?;
        let lock = lock(&root)?;
        let destination = Self {
            root,
            temps: AtomicU64::new(0),
            _lock: lock,
            remote: None,
        };
        destination.clean("");
        Ok(destination)
    }

    /// The folder at `root` for reading: nothing is locked or cleaned.
    pub(crate) fn view(root: &Path) -> Result<Self, ExportError> {
        Ok(Self {
            root: fs::canonicalize(root).map_err(ExportError::io(root, "open the folder"))?,
            temps: AtomicU64::new(0),
            _lock: None,
            remote: None,
        })
    }

    /// Where the file at `relative` is, if that leads nowhere else.
    pub(crate) fn place(&self, relative: &str) -> Result<PathBuf, ExportError> {
        self.resolve(relative)
    }

    /// The folder, absolute and free of links; of one in a store, its address.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes the file at `relative` by `fill`, replacing what was there only once all of it is on the disk.
    pub fn write<E: Into<WriteError>>(
        &self,
        relative: &str,
        fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
    ) -> Result<Artefact, ExportError> {
        let target = self.prepare(relative)?;
        if let Some(remote) = &self.remote {
            return remote.write(relative, &target, fill);
        }
        let (bytes, blake3) = write_whole(&target, &self.temps, fill)?;
        Ok(Artefact {
            path: relative.to_owned(),
            bytes,
            blake3,
        })
    }

    /// Writes `content` to the file at `relative`, as [`Destination::write`] does.
    pub fn write_bytes(&self, relative: &str, content: &[u8]) -> Result<Artefact, ExportError> {
        self.write(relative, |out| out.write_all(content))
    }

    /// The content of the file at `relative`; `None` if there is none.
    pub fn read(&self, relative: &str) -> Result<Option<Vec<u8>>, ExportError> {
        let path = self.resolve(relative)?;
        if let Some(remote) = &self.remote {
            return remote.read(relative);
        }
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ExportError::io(&path, "read")(e)),
        }
    }

    /// True where there is a file at `relative`.
    pub fn has(&self, relative: &str) -> bool {
        match &self.remote {
            Some(remote) => remote.size(relative).is_some(),
            None => self.resolve(relative).is_ok_and(|path| path.is_file()),
        }
    }

    /// Names of the files in the folder at `relative`, without those in folders beneath it, in order. Temporary files are
    /// none; a folder that cannot be read has none.
    pub fn names(&self, relative: &str) -> Vec<String> {
        if let Some(remote) = &self.remote {
            return remote.names(relative);
        }
        let Ok(folder) = self.resolve(relative) else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir(&folder) else {
            return Vec::new();
        };
        let names = entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_file()));
        let mut names: Vec<String> = names.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.retain(|n| !is_temporary(n));
        names.sort();
        names
    }

    /// True where the artefact's file is there with its size.
    pub fn holds(&self, artefact: &Artefact) -> bool {
        if let Some(remote) = &self.remote {
            return remote.size(&artefact.path) == Some(artefact.bytes);
        }
        self.resolve(&artefact.path)
            .and_then(|p| fs::symlink_metadata(&p).map_err(ExportError::io(&p, "read")))
            .is_ok_and(|m| m.is_file() && m.len() == artefact.bytes)
    }

    /// Removes the file at `relative`, if it is there, and then the folders above it that are empty.
    pub fn remove(&self, relative: &str) -> Result<(), ExportError> {
        let path = self.resolve(relative)?;
        if let Some(remote) = &self.remote {
            return remote.remove(relative);
        }
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(e) => return Err(ExportError::io(&path, "remove")(e)),
        }
        self.prune(path.parent());
        Ok(())
    }

    /// Removes temporary files from the folder at `relative`, and the folder too if that leaves it empty.
    pub fn clean(&self, relative: &str) {
        if self.remote.is_some() {
            return;
        }
        let Ok(folder) = self.resolve(relative) else { return };
        let Ok(entries) = fs::read_dir(&folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(is_temporary) && entry.file_type().is_ok_and(|t| t.is_file()) {
                // What cannot be removed harms nobody: a temporary file is never read.
                let _ = fs::remove_file(entry.path());
            }
        }
        self.prune(Some(&folder));
    }

    /// Makes the renames in the folder at `relative` last through a power cut (Unix; elsewhere the system does).
    pub fn sync_folder(&self, relative: &str) -> Result<(), ExportError> {
        let path = self.resolve(relative)?;
        if cfg!(unix) && self.remote.is_none() {
            match File::open(&path).and_then(|f| f.sync_all()) {
                // Some file systems cannot sync a folder, which is no reason to fail.
                Err(e)
                    if !matches!(
                        e.kind(),
                        ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::NotFound
                    ) =>
                {
                    return Err(ExportError::io(&path, "sync the folder")(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn prune(&self, mut folder: Option<&Path>) {
        while let Some(f) = folder
            && f != self.root
            && f.starts_with(&self.root)
            && fs::remove_dir(f).is_ok()
        {
            folder = f.parent();
        }
    }

    /// The path below the root that `relative` names. Refuses all but plain parts, and links that lead out.
    fn resolve(&self, relative: &str) -> Result<PathBuf, ExportError> {
        let mut path = self.root.clone();
        if relative.is_empty() {
            return Ok(path);
        }
        for part in relative.split('/') {
            let mut parts = Path::new(part).components();
            match (parts.next(), parts.next()) {
                (Some(Component::Normal(p)), None) if p == part => path.push(p),
                _ => return Err(ExportError::Escapes { path: path.join(part) }),
            }
        }
        let mut folder = path.parent().filter(|_| self.remote.is_none());
        while let Some(f) = folder.filter(|f| *f != self.root) {
            match fs::symlink_metadata(f) {
                Ok(m) if m.file_type().is_symlink() => {
                    let real = fs::canonicalize(f).map_err(ExportError::io(f, "follow the link"))?;
                    if !real.starts_with(&self.root) {
                        return Err(ExportError::Escapes { path: f.to_path_buf() });
                    }
                }
                _ => {}
            }
            folder = f.parent();
        }
        Ok(path)
    }

    /// Resolves `relative` and makes the folders above it.
    fn prepare(&self, relative: &str) -> Result<PathBuf, ExportError> {
        let path = self.resolve(relative)?;
        if let Some(folder) = path.parent().filter(|_| self.remote.is_none()) {
            fs::create_dir_all(folder).map_err(ExportError::io(folder, "make the folder"))?;
        }
        Ok(path)
    }
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX)
}

/// Writes one file that belongs to no tree, by `fill`, replacing what was there only once all of it is on the disk. Its
/// folder must be there.
pub fn write_file<E: Into<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
) -> Result<(), ExportError> {
    write_whole(path, &AtomicU64::new(0), fill).map(drop)
}

/// As [`write_file`], wherever the file lies.
///
/// # Errors
///
/// As [`write_file`]; [`ExportError::Store`].
pub fn write_target<E: Into<WriteError>>(
    target: &Target,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
) -> Result<Artefact, ExportError> {
    let (bytes, blake3) = match target {
        Target::Local(path) => write_whole(path, &AtomicU64::new(0), fill)?,
        Target::Store(file) => remote::put(file, &target.shown(), fill)?,
    };
    Ok(Artefact {
        path: target.to_string(),
        bytes,
        blake3,
    })
}

/// Writes one file by `fill` only where there is none of that name: false where there is, and that one is left alone. As
/// with [`write_file`], it is there whole or not at all, and on the disk. Its folder must be there.
///
/// Several programs may race for a name: one of them gets it.
///
/// # Errors
///
/// [`ExportError::Io`], [`ExportError::Format`].
pub fn create_file<E: Into<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
) -> Result<bool, ExportError> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    match place_whole(path, &AtomicU64::new(0), fill, claim) {
        Ok(_) => Ok(true),
        Err(ExportError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e),
    }
}

/// Gives the file at `from` the name `to` unless that is taken. A link, which cannot replace anything; where the file system
/// has none, an empty file that claims the name and is then replaced.
fn claim(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        // The file stays under its new name.
        Ok(()) => fs::remove_file(from).or(Ok(())),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(e),
        Err(_) => {
            drop(OpenOptions::new().write(true).create_new(true).open(to)?);
            rename(from, to).inspect_err(|_| {
                let _ = fs::remove_file(to);
            })
        }
    }
}

/// Fills a temporary file beside `target` and renames it; gives size and BLAKE3. `temps` numbers temporary files.
fn write_whole<E: Into<WriteError>>(
    target: &Path,
    temps: &AtomicU64,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
) -> Result<(u64, String), ExportError> {
    place_whole(target, temps, fill, rename)
}

/// The same with another way to give the finished file its name.
fn place_whole<E: Into<WriteError>>(
    target: &Path,
    temps: &AtomicU64,
    fill: impl FnOnce(&mut dyn WriteSeek) -> Result<(), E>,
    place: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> Result<(u64, String), ExportError> {
    let folder = target.parent().filter(|f| !f.as_os_str().is_empty());
    let (mut temp, file) = temporary(folder.unwrap_or(Path::new(".")), target, temps)?;
    let mut out = HashWriter::new(file);
    let mut buffered = BufWriter::with_capacity(1 << 18, &mut out);
    let filled = fill(&mut buffered).map_err(Into::into);
    let flushed = buffered.flush();
    drop(buffered);
    match filled {
        Ok(()) => flushed.map_err(ExportError::io(target, "write"))?,
        Err(WriteError::Io(e)) => return Err(ExportError::io(target, "write")(e)),
        Err(WriteError::Unfit(reason)) => {
            return Err(ExportError::Format {
                path: target.to_path_buf(),
                reason,
            });
        }
    }
    let (file, bytes, blake3) = out.finish().map_err(ExportError::io(target, "write"))?;
    file.sync_all().map_err(ExportError::io(target, "write"))?;
    drop(file);
    place(&temp.path, target).map_err(ExportError::io(target, "put in place"))?;
    temp.armed = false;
    Ok((bytes, blake3))
}

fn temporary(folder: &Path, target: &Path, temps: &AtomicU64) -> Result<(Temp, File), ExportError> {
    loop {
        let n = temps.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{TEMP_PREFIX}{}-{n}{TEMP_SUFFIX}", std::process::id()));
        // Read access too, for formats that patch what they wrote: the hash then needs a second look.
        match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((Temp { path, armed: true }, file)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(ExportError::io(target, "write")(e)),
        }
    }
}

/// What [`Destination::write`]'s closure may fail with.
#[derive(Debug)]
pub enum WriteError {
    /// The stream failed.
    Io(io::Error),
    /// The format cannot hold it.
    Unfit(String),
}

impl From<io::Error> for WriteError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl From<super::FormatError> for WriteError {
    fn from(e: super::FormatError) -> Self {
        match e {
            super::FormatError::Io(e) => Self::Io(e),
            super::FormatError::Unfit(reason) => Self::Unfit(reason),
        }
    }
}

/// A temporary file's name; removed unless it was renamed.
struct Temp {
    path: PathBuf,
    armed: bool,
}

impl Drop for Temp {
    fn drop(&mut self) {
        if self.armed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn lock_file(root: &Path) -> io::Result<File> {
    File::open(root)
}

#[cfg(not(unix))]
fn lock_file(root: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(root.join(".lw-lock"))
}

fn lock(root: &Path) -> Result<Option<File>, ExportError> {
    let Ok(file) = lock_file(root) else {
        // Not even to be opened: the first write will say why.
        return Ok(None);
    };
    // A program that this process has just begun holds our files too, from its fork until it is loaded: a lock that was let go
    // may stand for that moment.
    let mut tries = 20;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(ExportError::Locked { path: root.into() }),
            // A file system without locks.
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// Renames; where another program has the target open for a moment (Windows), tries again.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut tries = if cfg!(windows) { 10 } else { 0 };
    loop {
        match fs::rename(from, to) {
            Err(e) if tries > 0 && e.kind() == ErrorKind::PermissionDenied => {
                tries -= 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// Hashes what passes through to the file; after a seek, hashes the file itself at the end.
struct HashWriter {
    file: File,
    hash: blake3::Hasher,
    bytes: u64,
    patched: bool,
}

impl HashWriter {
    fn new(file: File) -> Self {
        Self {
            file,
            hash: blake3::Hasher::new(),
            bytes: 0,
            patched: false,
        }
    }

    fn finish(mut self) -> io::Result<(File, u64, String)> {
        if self.patched {
            self.file.seek(SeekFrom::Start(0))?;
            (self.bytes, self.hash) = hash_reader(&mut self.file)?;
        }
        Ok((self.file, self.bytes, self.hash.finalize().to_hex().to_string()))
    }
}

impl Write for HashWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        if !self.patched {
            self.hash.update(&buf[..n]);
            self.bytes += n as u64;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for HashWriter {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        if !matches!(pos, SeekFrom::Current(0)) {
            self.patched = true;
        }
        self.file.seek(pos)
    }
}

fn hash_reader(reader: &mut impl Read) -> io::Result<(u64, blake3::Hasher)> {
    let mut hash = blake3::Hasher::new();
    let mut block = vec![0; 1 << 17];
    let mut bytes = 0;
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok((bytes, hash)),
            Ok(n) => {
                hash.update(&block[..n]);
                bytes += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// BLAKE3 of the file at `path`, in hexadecimal.
pub fn hash_file(path: &Path) -> io::Result<String> {
    Ok(hash_reader(&mut File::open(path)?)?.1.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let tmp = tempfile::tempdir().unwrap();
        let d = Destination::open(tmp.path()).unwrap();
        d.write_bytes("a/x", b"old").unwrap();
        let failed = d.write("a/x", |out| {
            out.write_all(b"half")?;
            Err(io::Error::from(ErrorKind::StorageFull))
        });
        let message = failed.unwrap_err().to_string();
        assert!(
            message.contains('x') && message.contains("free some space"),
            "{message}"
        );
        assert_eq!(d.read("a/x").unwrap().unwrap(), b"old");
        assert_eq!(names(&tmp.path().join("a")), ["x"]);
    }

    #[test]
    fn the_hash_is_of_the_final_bytes() {
        let tmp = tempfile::tempdir().unwrap();
        let d = Destination::open(tmp.path()).unwrap();
        let patched = d
            .write("x", |out| -> io::Result<()> {
                out.write_all(b"????data")?;
                out.seek(SeekFrom::Start(0))?;
                out.write_all(b"head")
            })
            .unwrap();
        let plain = d.write_bytes("y", b"headdata").unwrap();
        assert_eq!((patched.bytes, &patched.blake3), (plain.bytes, &plain.blake3));
        assert_eq!(hash_file(&tmp.path().join("x")).unwrap(), plain.blake3);
        assert!(d.holds(&plain));
        d.write_bytes("y", b"other length").unwrap();
        assert!(!d.holds(&plain));
    }

    #[test]
    fn stale_temporary_files_go_and_others_stay() {
        let tmp = tempfile::tempdir().unwrap();
        fs::write(tmp.path().join(".lw-1-2.tmp"), b"x").unwrap();
        fs::write(tmp.path().join("mine.tmp"), b"x").unwrap();
        let _d = Destination::open(tmp.path()).unwrap();
        assert_eq!(
            names(tmp.path())
                .iter()
                .filter(|n| *n != ".lw-lock")
                .collect::<Vec<_>>(),
            ["mine.tmp"]
        );
    }

    #[test]
    fn one_writer_at_a_time() {
        let tmp = tempfile::tempdir().unwrap();
        let first = Destination::open(tmp.path()).unwrap();
        assert!(matches!(Destination::open(tmp.path()), Err(ExportError::Locked { .. })));
        drop(first);
        Destination::open(tmp.path()).unwrap();
    }

    #[test]
    fn nothing_lands_outside() {
        let tmp = tempfile::tempdir().unwrap();
        let d = Destination::open(&tmp.path().join("out")).unwrap();
        for path in ["../x", "/x", "a/../../x", "a//x", "./x", "."] {
            assert!(
                matches!(d.write_bytes(path, b"x"), Err(ExportError::Escapes { .. })),
                "{path}"
            );
        }
        assert_eq!(names(tmp.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_out_are_refused() {
        let tmp = tempfile::tempdir().unwrap();
        fs::create_dir(tmp.path().join("outside")).unwrap();
        let d = Destination::open(&tmp.path().join("out")).unwrap();
        std::os::unix::fs::symlink(tmp.path().join("outside"), d.root().join("song")).unwrap();
        assert!(matches!(
            d.write_bytes("song/x", b"x"),
            Err(ExportError::Escapes { .. })
        ));
        assert!(names(&tmp.path().join("outside")).is_empty());
    }

    #[test]
    fn removing_prunes_empty_folders_only() {
        let tmp = tempfile::tempdir().unwrap();
        let d = Destination::open(tmp.path()).unwrap();
        d.write_bytes("a/b/x", b"x").unwrap();
        d.write_bytes("a/y", b"y").unwrap();
        d.remove("a/b/x").unwrap();
        d.remove("a/b/x").unwrap();
        assert_eq!(names(&tmp.path().join("a")), ["y"]);
    }

    #[test]
    fn a_name_is_given_once_and_what_has_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let create = |content: &'static [u8]| create_file(&path, |out| out.write_all(content));
        assert!(create(b"one").unwrap());
        assert!(!create(b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        // Of many that race for a name one gets it, and the file is whole.
        let raced = dir.path().join("b.wav");
        let won = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8u8)
                .map(|n| {
                    let raced = &raced;
                    scope.spawn(move || create_file(raced, |out| out.write_all(&[n; 100_000])).unwrap())
                })
                .collect();
            racers
                .into_iter()
                .map(|r| usize::from(r.join().unwrap()))
                .sum::<usize>()
        });
        assert_eq!(won, 1);
        let content = fs::read(&raced).unwrap();
        assert!(content.len() == 100_000 && content.windows(2).all(|w| w[0] == w[1]));
        // Nothing temporary is left, nor after a failure.
        let failed = create_file(&dir.path().join("c.wav"), |_| Err::<(), _>(io::Error::other("no")));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}

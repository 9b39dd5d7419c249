//! What `loopwright dropbox login` keeps: a file that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::secret::Secret;

/// The file's name.
const FILE: &str = "dropbox.json";

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The app that asks.
    pub app_key: String,
    /// What makes access tokens.
    pub refresh_token: Secret,
    /// What it may do, words with spaces between them.
    pub scope: String,
    /// The server that it is good at, where that is not Dropbox itself.
    pub server: Option<String>,
}

/// Why there is no login to be had.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// No folder for it.
    #[error("there is no folder for the login: set LOOPWRIGHT_CONFIG_DIR to one")]
    NoFolder,
    /// Others can read it.
    #[error(
        "{}: others on this machine can read this file, so it is not used: remove it, run `loopwright dropbox login` again, \
         and take the old access back at dropbox.com (Settings, Connected apps)", .0.display()
    )]
    Exposed(PathBuf),
    /// It is not what was written.
    #[error("{}: is no login: run `loopwright dropbox login` again", .0.display())]
    Damaged(PathBuf),
    /// Reading or writing failed.
    #[error("{}: cannot {what}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> KeepError {
    let path = path.to_path_buf();
    move |source| KeepError::Io { path, what, source }
}

/// Where logins are kept: `credentials` under `$LOOPWRIGHT_CONFIG_DIR`, or under `loopwright` where the system keeps the
/// settings of its users.
pub fn folder() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let own = from("LOOPWRIGHT_CONFIG_DIR");
    let own = own.or_else(|| Some(from("XDG_CONFIG_HOME").or_else(dirs::config_dir)?.join("loopwright")));
    own.map(|folder| folder.join("credentials"))
}

/// The file that holds the login, there or not.
///
/// # Errors
///
/// [`KeepError::NoFolder`].
pub fn file() -> Result<PathBuf, KeepError> {
    folder().map(|f| f.join(FILE)).ok_or(KeepError::NoFolder)
}

/// The login in the file `path`; none where there is no such file.
///
/// # Errors
///
/// [`KeepError`].
pub fn load(path: &Path) -> Result<Option<Kept>, KeepError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_error(path, "read")(e)),
    };
    // Of the file that is open, not of whatever has its name by now.
    let about = file.metadata().map_err(io_error(path, "read"))?;
    if others_read(&about) {
        return Err(KeepError::Exposed(path.to_path_buf()));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let read = file.take(1 << 16).read_to_end(&mut text);
    read.map_err(io_error(path, "read"))?;
    let damaged = || KeepError::Damaged(path.to_path_buf());
    let json: Value = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let field = |name: &str| json[name].as_str().map(str::to_owned);
    Ok(Some(Kept {
        app_key: field("app_key").ok_or_else(damaged)?,
        refresh_token: field("refresh_token").and_then(Secret::new).ok_or_else(damaged)?,
        scope: field("scope").unwrap_or_default(),
        server: field("server"),
    }))
}

#[cfg(unix)]
fn others_read(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o077 != 0
}

/// Elsewhere a user's own folder is closed to others by the system.
#[cfg(not(unix))]
fn others_read(_: &fs::Metadata) -> bool {
    false
}

/// Writes the login to the file `path`, in place of one that is there. Nobody but the owner can read it at any moment.
///
/// # Errors
///
/// [`KeepError::Io`].
pub fn save(path: &Path, kept: &Kept) -> Result<(), KeepError> {
    let folder = path.parent().ok_or(KeepError::NoFolder)?;
    closed_folder(folder)?;
    let json = json!({
        "schema": 1, "app_key": kept.app_key, "refresh_token": kept.refresh_token.reveal(), "scope": kept.scope,
        "server": kept.server,
    });
    let text = Zeroizing::new(format!("{json:#}\n"));
    let temp = folder.join(format!(".{FILE}.{}.tmp", std::process::id()));
    // One that a killed run of the same number left; creating must find nothing there.
    let _ = fs::remove_file(&temp);
    let write = || {
        let mut file = closed_file(&temp)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temp, path)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temp);
        io_error(path, "write")(e)
    })
}

fn closed_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the folder with all above it, closed to others, or closes it.
fn closed_folder(path: &Path) -> Result<(), KeepError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error(path, "make the folder"))?;
    #[cfg(unix)]
    {
        let about = fs::metadata(path).map_err(io_error(path, "read"))?;
        if others_read(&about) {
            let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(path, closed).map_err(io_error(path, "close the folder to others"))?;
        }
    }
    Ok(())
}

/// Removes the file; that there is none is no error.
///
/// # Errors
///
/// [`KeepError::Io`].
pub fn remove(path: &Path) -> Result<(), KeepError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(io_error(path, "remove")(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept {
            app_key: "key".into(),
            refresh_token: Secret::new("canary".into()).unwrap(),
            scope: "files.content.read".into(),
            server: None,
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_goes() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a/credentials").join(FILE);
        assert_eq!(load(&path).unwrap(), None);
        save(&path, &kept()).unwrap();
        save(&path, &kept()).unwrap();
        assert_eq!(load(&path).unwrap(), Some(kept()));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::write(&path, "{\"refresh_token\": \"canary\"").unwrap();
        let error = load(&path).unwrap_err();
        assert!(matches!(error, KeepError::Damaged(_)) && !format!("{error:?}").contains("canary"));
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(load(&path).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn others_read_neither_file_nor_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        let folder = tmp.path().join("credentials");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.join(FILE);
        save(&path, &kept()).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        for open in [0o640, 0o604, 0o622] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let error = load(&path).unwrap_err();
            assert!(matches!(error, KeepError::Exposed(_)) && error.to_string().contains("dropbox login"));
        }
    }
}

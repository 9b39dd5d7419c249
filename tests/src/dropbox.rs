//! A server on loopback that speaks Dropbox's documented HTTP interface, holds its files in memory, and misbehaves on
//! request.
//!
//! One address stands for all of Dropbox's hosts: `<url>/oauth2/authorize`, `<url>/oauth2/token`, `<url>/2/files/...`.
//! Tokens of the constants [`ACCESS`], [`REFRESH`] and [`APP_KEY`] are good from the start.

mod account;
mod fault;
mod files;
mod http;
mod routes;
mod sessions;

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use fault::{Fault, Kind};
pub use files::content_hash;

use account::Account;
use files::Files;
use sessions::Sessions;

/// An access token that the server takes from the start.
pub const ACCESS: &str = "test-access-token";
/// A refresh token that the server takes from the start, with [`APP_KEY`].
pub const REFRESH: &str = "test-refresh-token";
/// The key of an app that the server knows from the start; it has no secret.
pub const APP_KEY: &str = "test-app-key";

/// A request that came in, without its secrets.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The route without `/2/`, `files/list_folder`.
    pub route: String,
    /// The argument: of `/2/` routes the JSON, of `oauth2/` routes the parameters that are no secret.
    pub argument: Value,
    /// The header `Dropbox-API-Arg` as it came.
    pub header: Option<String>,
    /// The header `Range` as it came.
    pub range: Option<String>,
    /// Bytes of content that came.
    pub content: usize,
    /// What was answered; 0 where the connection was dropped instead.
    pub status: u16,
}

/// All that the server knows.
struct State {
    account: Account,
    files: Files,
    sessions: Sessions,
    faults: Vec<Fault>,
    log: Vec<Request>,
    page: usize,
}

/// What the threads share.
struct Shared {
    state: Mutex<State>,
    closing: AtomicBool,
    /// Connections in use, so that stopping ends them.
    open: Mutex<Vec<TcpStream>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server; it stops when this value goes.
pub struct FakeDropbox {
    shared: Arc<Shared>,
    url: String,
}

impl std::fmt::Debug for FakeDropbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeDropbox")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl FakeDropbox {
    /// Starts a server on a free port of loopback, without files or faults.
    ///
    /// # Panics
    ///
    /// Where there is no free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("the port that was given");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                account: Account::new(),
                files: Files::default(),
                sessions: Sessions::default(),
                faults: Vec::new(),
                log: Vec::new(),
                page: 2000,
            }),
            closing: AtomicBool::new(false),
            open: Mutex::new(Vec::new()),
        });
        let server = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.closing.load(Ordering::SeqCst) {
                    break;
                }
                if let (Ok(copy), Ok(mut open)) = (stream.try_clone(), server.open.lock()) {
                    open.push(copy);
                }
                let server = server.clone();
                std::thread::spawn(move || http::serve(&stream, &server));
            }
        });
        Self {
            shared,
            url: format!("http://{address}"),
        }
    }

    /// The base address, without a slash at its end: what `[stores] dropbox_url` is set to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a file at `path` (`/Folder/a.mp3`), in place of one that is there.
    pub fn put_file(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.shared.state().files.put(path, content.into());
    }

    /// Removes the file at `path`.
    pub fn remove_file(&self, path: &str) {
        self.shared.state().files.remove(path);
    }

    /// Gives the file at `from` the path `to`.
    pub fn rename_file(&self, from: &str, to: &str) {
        self.shared.state().files.rename(from, to);
    }

    /// All files, by the paths that Dropbox shows.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.shared.state().files.all()
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Takes all faults away that have not come yet.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// How many faults have not come yet.
    pub fn faults_left(&self) -> usize {
        self.shared.state().faults.iter().filter(|f| f.times > 0).count()
    }

    /// The most entries that one page of a listing holds.
    pub fn page(&self, entries: usize) {
        self.shared.state().page = entries.max(1);
    }

    /// All requests, in the order of their answers.
    pub fn log(&self) -> Vec<Request> {
        self.shared.state().log.clone()
    }

    /// How many requests came for `route`.
    pub fn count(&self, route: &str) -> usize {
        self.shared.state().log.iter().filter(|r| r.route == route).count()
    }

    /// Takes `token` as an access token from now on.
    pub fn allow_access(&self, token: &str) {
        self.shared.state().account.allow_access(token);
    }

    /// Takes `token` as a refresh token of the app `key`, which must give `secret` too if there is one.
    pub fn allow_refresh(&self, token: &str, key: &str, secret: Option<&str>) {
        self.shared.state().account.allow_refresh(token, key, secret);
    }

    /// Every access token that was good until now has expired.
    pub fn expire_access(&self) {
        self.shared.state().account.expire();
    }

    /// Takes no refresh token any more that was good until now.
    pub fn revoke_refresh(&self) {
        self.shared.state().account.forget_refresh();
    }

    /// Codes and tokens that are given out from now on begin with `prefix`.
    pub fn issue(&self, prefix: &str) {
        prefix.clone_into(&mut self.shared.state().account.prefix);
    }

    /// How many tokens of either kind are good now: access tokens, refresh tokens.
    pub fn good_tokens(&self) -> (usize, usize) {
        self.shared.state().account.good()
    }
}

impl Drop for FakeDropbox {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        for stream in self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

//! `loopwright dropbox`.

mod names;
mod pull;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use loopwright_core::config::Stores;
use loopwright_core::progress::Progress;
use loopwright_core::store::StoreErrorKind;
use loopwright_stores::dropbox::keep::{self, KeepError, Kept};
use loopwright_stores::dropbox::login::{Listener, Login};
use loopwright_stores::dropbox::{self, Credentials, CredentialsError, Origin, Refresh, Secret};
use serde_json::json;

use crate::args::{Dropbox, DropboxLogin, DropboxLogout, DropboxStatus, DropboxWhat, General};
use crate::exit::{Exit, UsageError};
use crate::output::plain;
use crate::progress::{catch_interrupts, interrupted};
use crate::settings::Settings;

pub(super) fn run(args: &Dropbox, general: &General) -> Result<Exit> {
    catch_interrupts().context("cannot watch for Ctrl-C")?;
    let settings = Settings::load(general.config.as_deref(), &[])?.config.stores;
    match &args.what {
        DropboxWhat::Login(args) => login(args, general, &settings),
        DropboxWhat::Logout(args) => logout(args, general, &settings),
        DropboxWhat::Status(args) => status(args, &settings),
        DropboxWhat::Pull(args) => pull::run(args, general, &settings),
    }
}

/// Ends when the user says so.
struct Interrupts;

impl Progress for Interrupts {
    fn is_cancelled(&self) -> bool {
        interrupted()
    }
}

/// A store's error with what can be done about it; one that the user asked for keeps its exit code.
fn told(kind: StoreErrorKind) -> anyhow::Error {
    match kind {
        StoreErrorKind::Cancelled(c) => c.into(),
        other => anyhow!("{other}"),
    }
}

fn login(args: &DropboxLogin, general: &General, settings: &Stores) -> Result<Exit> {
    let key = args.app_key.clone().filter(|k| !k.trim().is_empty());
    let key = key.or_else(|| dropbox::app_key(settings, &dropbox::environment, Path::new("")));
    let Some(key) = key else {
        let why = "the key of a Dropbox app is needed: --app-key KEY, DROPBOX_APP_KEY, or the setting dropbox_app_key \
                   (`loopwright dropbox --help` tells how to get one)";
        return Err(UsageError(why.into()).into());
    };
    // Before anybody is asked for anything.
    let path = keep::file()?;
    let listener = if args.paste {
        None
    } else {
        Some(Listener::bind(args.port).map_err(told)?)
    };
    let login = Login::new(settings, key.trim(), !args.read_only, listener.as_ref()).map_err(told)?;
    let url = login.url();
    eprintln!("Open this page and allow access:\n\n  {url}\n");
    let opened = !args.no_browser && listener.is_some() && open_page(&url);
    let code = match &listener {
        Some(listener) => {
            if !general.quiet {
                let address = listener.address().map_err(told)?;
                eprintln!(
                    "{}Waiting for the answer at {address}",
                    if opened { "Your browser shows it. " } else { "" }
                );
            }
            let patience = Duration::from_secs(args.wait.into());
            listener.wait(&login, patience, &Interrupts).map_err(told)?
        }
        None => pasted()?,
    };
    let kept = login.finish(&code, settings, &Interrupts).map_err(told)?;
    keep::save(&path, &kept)?;
    if !general.quiet {
        let may = if kept.scope.contains("content.write") {
            "read and write"
        } else {
            "read"
        };
        eprintln!("Logged in: Loopwright may {may} your files. Kept in {}", path.display());
        if let Ok(Credentials { origin, .. }) = dropbox::credentials(settings)
            && !matches!(origin, Origin::Login(_))
        {
            eprintln!(
                "But tokens from {} are used as long as they are there.",
                plain(&origin.to_string())
            );
        }
    }
    Ok(Exit::Done)
}

/// The code that the user pastes; not shown where there is a terminal to show it on.
fn pasted() -> Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        eprint!("Paste the code that it shows (it stays hidden): ");
        let term = console::Term::stderr();
        term.read_secure_line().context("cannot read the code")?
    } else {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.context("cannot read the code from standard input")?;
        line
    };
    Secret::new(text).ok_or_else(|| anyhow!("that is no code: paste the one that Dropbox's page shows"))
}

/// Shows `url` in the user's browser, if there is a way to. What it holds is no secret: what makes a token of the answer
/// never leaves this process.
fn open_page(url: &str) -> bool {
    let (program, first) = if cfg!(windows) {
        ("rundll32", Some("url.dll,FileProtocolHandler"))
    } else if cfg!(target_os = "macos") {
        ("open", None)
    } else {
        let display = ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
        if !display {
            return false;
        }
        ("xdg-open", None)
    };
    let mut command = Command::new(program);
    command.args(first).arg(url);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

fn logout(args: &DropboxLogout, general: &General, settings: &Stores) -> Result<Exit> {
    let path = keep::file()?;
    let kept = match keep::load(&path) {
        Ok(Some(kept)) => kept,
        Ok(None) => {
            eprintln!("loopwright: there is no login to give back");
            return Ok(Exit::Done);
        }
        // Of no use to anybody, but it must not stay.
        Err(e @ (KeepError::Damaged(_) | KeepError::Exposed(_))) => {
            keep::remove(&path)?;
            eprintln!("loopwright: removed, but not taken back: {}", plain(&e.to_string()));
            return Ok(Exit::SomeFailed);
        }
        Err(e) => return Err(e.into()),
    };
    let mut back = Ok(());
    if !args.local {
        back = give_back(kept, settings, &path);
        if let Err(StoreErrorKind::Unreachable(_) | StoreErrorKind::Refused(_) | StoreErrorKind::Cancelled(_)) = &back {
            let remedy = "the login stays: run it again, or with --local to forget it on this machine alone";
            return back.map_err(told).context(remedy).map(|()| Exit::Done);
        }
    }
    keep::remove(&path)?;
    match back {
        Err(e) => eprintln!("loopwright: removed; Dropbox says: {}", plain(&e.to_string())),
        Ok(()) if !general.quiet => eprintln!("Logged out: {} is gone", path.display()),
        Ok(()) => {}
    }
    Ok(Exit::Done)
}

fn give_back(kept: Kept, settings: &Stores, path: &Path) -> Result<(), StoreErrorKind> {
    let mut settings = settings.clone();
    // Where it was given, whatever the settings say now.
    settings.dropbox_url = kept.server;
    let credentials = Credentials {
        access: None,
        refresh: Some(Refresh {
            token: kept.refresh_token,
            app_key: kept.app_key,
            app_secret: None,
        }),
        origin: Origin::Login(path.to_path_buf()),
    };
    dropbox::connect(&settings, credentials)?.revoke(&Interrupts)
}

fn status(args: &DropboxStatus, settings: &Stores) -> Result<Exit> {
    let credentials = match dropbox::credentials(settings) {
        Ok(credentials) => credentials,
        Err(e @ CredentialsError::None(_)) if args.json => {
            super::print_json(&json!({ "schema": 1, "type": "status", "from": null, "error": e.to_string() }))?;
            return Ok(Exit::Io);
        }
        Err(e) => return Err(e.into()),
    };
    let (origin, renews) = (plain(&credentials.origin.to_string()), credentials.refresh.is_some());
    let checked = dropbox::connect(settings, credentials).and_then(|d| d.check(&Interrupts));
    let error = match checked {
        Err(StoreErrorKind::Cancelled(c)) => return Err(c.into()),
        other => other.err().map(|e| e.to_string()),
    };
    if args.json {
        super::print_json(&json!({
            "schema": 1, "type": "status", "from": origin, "renews": renews, "error": error,
        }))?;
    } else {
        let how = if renews {
            "renewed when it runs out"
        } else {
            "good for some hours"
        };
        super::print(&format!("access from {origin}, {how}\n"))?;
        match &error {
            None => super::print("Dropbox answers\n")?,
            Some(why) => eprintln!("loopwright: {}", plain(why)),
        }
    }
    Ok(if error.is_some() { Exit::Io } else { Exit::Done })
}

//! `loopwright dropbox pull`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use anyhow::{Result, anyhow};
use loopwright_core::config::Stores;
use loopwright_core::export::destination::Destination;
use loopwright_core::pipeline::run::OfItem;
use loopwright_core::progress::{Cancelled, Progress};
use loopwright_core::store::{Entry, Location, StoreErrorKind};
use loopwright_stores::dropbox::{self, FINGERPRINT, content_hash_of};
use serde_json::json;

use super::names::paths;
use super::{Interrupts, told};
use crate::args::{DropboxPull, General};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain, size};
use crate::progress::Display;
use crate::sources::{EXTENSIONS, none_found};

/// A file to fetch, and where to.
struct Wanted {
    entry: Entry,
    /// From the output folder.
    path: String,
}

/// How it went with a file.
enum Outcome {
    Fetched(usize),
    There,
    Missing,
    Failed(String),
    Cancelled,
    /// Not tried, since nothing is to be had any more.
    Left,
}

pub(super) fn run(args: &DropboxPull, general: &General, settings: &Stores) -> Result<Exit> {
    let folder = args.folder.as_str();
    let address = if folder.starts_with("dropbox:") {
        folder.to_owned()
    } else {
        format!("dropbox:{folder}")
    };
    if dropbox::key(&address).is_none() {
        let why = format!("{}: name the folder from the root on, /Music", plain(folder));
        return Err(UsageError(why).into());
    }
    let from = dropbox::open(&address, settings).map_err(failed)?;
    let wanted = wanted(&from, args.all)?;
    if wanted.is_empty() {
        if args.all {
            eprintln!("loopwright: no files there");
            return Ok(Exit::NothingFound);
        }
        return Ok(none_found(false));
    }
    let destination = if args.dry_run {
        None
    } else {
        Some(Destination::open(&args.out)?)
    };
    // Temporary files of a run that was killed.
    if let Some(destination) = &destination {
        for folder in wanted.iter().filter_map(|w| w.path.rsplit_once('/')).map(|(f, _)| f) {
            destination.clean(folder);
        }
    }
    let display = Display::new(wanted.iter().map(|w| plain(&w.entry.key)).collect(), general);
    let summary = fetch_all(args, &from, &wanted, destination.as_ref(), &display);
    display.close();
    summary?.tell(args, general)
}

fn failed(e: loopwright_core::store::StoreError) -> anyhow::Error {
    let remedy = e.kind.remedy().map(|r| format!(" ({r})")).unwrap_or_default();
    match e.kind {
        StoreErrorKind::Cancelled(c) => c.into(),
        kind => anyhow!("{}: {}{remedy}", e.uri, told(kind)),
    }
}

/// The files to have, in order, each with a path of its own.
fn wanted(from: &Location, all: bool) -> Result<Vec<Wanted>> {
    let mut entries = from.store.list(&from.key, &Interrupts).map_err(failed)?;
    entries.retain(|e| all || is_audio(&e.key));
    let within = format!("{}/", from.key.to_lowercase());
    let relative = |key: &str| {
        // Case is Dropbox's, and lower case may be of another length, so parts are counted. Of a file that was named itself
        // the name is left.
        let parts: Vec<&str> = key.split('/').collect();
        let above = match from.key.as_str() {
            "" => 0,
            folder if key.to_lowercase().starts_with(&within) => folder.split('/').count(),
            _ => parts.len() - 1,
        };
        parts[above..].join("/")
    };
    let keys: Vec<String> = entries.iter().map(|e| relative(&e.key)).collect();
    let paths = paths(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(entries
        .into_iter()
        .zip(paths)
        .map(|(entry, path)| Wanted { entry, path })
        .collect())
}

fn is_audio(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, e)| e).unwrap_or_default();
    !name.starts_with('.') && EXTENSIONS.iter().any(|e| e.eq_ignore_ascii_case(ending))
}

/// True where the file has the entry's content already.
fn is_there(root: &Path, wanted: &Wanted) -> bool {
    let Some(hash) = wanted
        .entry
        .fingerprint
        .as_deref()
        .and_then(|f| f.strip_prefix(FINGERPRINT))
    else {
        return false;
    };
    let path = root.join(&wanted.path);
    let same_size = std::fs::symlink_metadata(&path).is_ok_and(|m| m.is_file() && Some(m.len()) == wanted.entry.bytes);
    same_size && File::open(&path).and_then(content_hash_of).is_ok_and(|h| h == hash)
}

/// Fetches what is not there, several at a time, and tells in order.
fn fetch_all(
    args: &DropboxPull,
    from: &Location,
    wanted: &[Wanted],
    destination: Option<&Destination>,
    display: &Display,
) -> Result<Summary> {
    let (next, shut) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, outcomes) = channel();
    let fetch = |index: usize, item: &Wanted| {
        let progress = OfItem {
            observer: display,
            index,
        };
        if progress.check().is_err() {
            return Outcome::Cancelled;
        }
        let root = destination.map_or(args.out.as_path(), Destination::root);
        if is_there(root, item) {
            return Outcome::There;
        }
        let Some(destination) = destination else {
            return Outcome::Missing;
        };
        if shut.load(Ordering::Relaxed) {
            return Outcome::Left;
        }
        match from.store.read(&item.entry, &progress) {
            Ok(content) => match destination.write_bytes(&item.path, &content) {
                Ok(_) => Outcome::Fetched(content.len()),
                Err(e) => Outcome::Failed(format!("{:#}", anyhow::Error::from(e))),
            },
            Err(e) => match e.kind {
                StoreErrorKind::Cancelled(_) => Outcome::Cancelled,
                kind => {
                    // No other file would be had either.
                    shut.fetch_or(matches!(kind, StoreErrorKind::Denied(_)), Ordering::Relaxed);
                    Outcome::Failed(kind.to_string())
                }
            },
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..usize::from(args.jobs).min(wanted.len()) {
            let (sender, next, fetch) = (sender.clone(), &next, &fetch);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = wanted.get(index) else { break };
                    if sender.send((index, fetch(index, item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut summary, mut early) = (Summary::default(), BTreeMap::new());
        for (index, outcome) in outcomes {
            early.insert(index, outcome);
            while let Some(outcome) = early.remove(&summary.told) {
                summary.add(args, &wanted[summary.told], &outcome, display)?;
            }
        }
        Ok(summary)
    })
}

#[derive(Default)]
struct Summary {
    told: usize,
    fetched: usize,
    bytes: u64,
    there: usize,
    missing: usize,
    failed: Vec<String>,
    left: usize,
    cancelled: bool,
}

impl Summary {
    fn add(&mut self, args: &DropboxPull, item: &Wanted, outcome: &Outcome, display: &Display) -> Result<()> {
        let name = plain(&item.entry.key);
        let (status, words, error) = match outcome {
            Outcome::Fetched(bytes) => {
                self.fetched += 1;
                self.bytes += *bytes as u64;
                ("fetched", size(*bytes as u64), None)
            }
            Outcome::There => {
                self.there += 1;
                ("there", "there already".to_owned(), None)
            }
            Outcome::Missing => {
                self.missing += 1;
                self.bytes += item.entry.bytes.unwrap_or_default();
                (
                    "missing",
                    format!("to fetch, {}", size(item.entry.bytes.unwrap_or_default())),
                    None,
                )
            }
            Outcome::Failed(why) => {
                self.failed.push(format!("{name}: {}", plain(why)));
                ("failed", format!("FAILED: {}", plain(why)), Some(why.clone()))
            }
            Outcome::Left => {
                self.left += 1;
                ("left", "left out".to_owned(), None)
            }
            Outcome::Cancelled => {
                self.cancelled = true;
                ("left", "stopped".to_owned(), None)
            }
        };
        display.finished(self.told, &words);
        self.told += 1;
        if args.json {
            super::super::print_json(&json!({
                "schema": 1, "type": "file", "key": item.entry.key, "file": item.path, "bytes": item.entry.bytes,
                "status": status, "error": error,
            }))?;
        }
        Ok(())
    }

    fn tell(self, args: &DropboxPull, general: &General) -> Result<Exit> {
        for line in &self.failed {
            eprintln!("loopwright: {line}");
        }
        if self.left > 0 {
            eprintln!(
                "loopwright: {} left out: see above; run it again to go on",
                count(self.left, "file")
            );
        }
        if args.json {
            super::super::print_json(&json!({
                "schema": 1, "type": "pulled", "fetched": self.fetched, "there": self.there, "missing": self.missing,
                "failed": self.failed.len(), "left": self.left, "bytes": self.bytes,
            }))?;
        } else if !general.quiet {
            let what = if args.dry_run {
                format!("{} to fetch", count(self.missing, "file"))
            } else {
                format!("{} fetched", count(self.fetched, "file"))
            };
            super::super::print(&format!(
                "{what} ({}), {} there already\n",
                size(self.bytes),
                self.there
            ))?;
        }
        if self.cancelled {
            return Err(Cancelled.into());
        }
        let some = !self.failed.is_empty() || self.left > 0;
        Ok(if some { Exit::SomeFailed } else { Exit::Done })
    }
}

//! `loopwright report`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use loopwright_core::export::report::{Audio, Row, State};
use loopwright_core::pipeline::report::{self, ReportError, Request, Summary};
use serde_json::json;

use crate::args::{General, Report};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain, size};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::sources;

/// Version of the JSON object.
const SCHEMA: u32 = 1;
/// Problems that are listed; of more, only the count is given.
const LISTED: usize = 12;

pub(super) fn run(args: &Report, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &[])?;
    let request = Request {
        folder: &args.folder,
        out: args.out.as_deref(),
        map: args.map.as_deref(),
        embed: !args.no_audio,
        most: u64::from(args.max_mb) * 1_000_000,
        jobs: super::jobs(args.jobs),
        extensions: sources::EXTENSIONS,
    };
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let found = report::find(&request).map_err(told)?;
    let names = found.names();
    if names.is_empty() {
        for p in found.problems() {
            eprintln!("loopwright: {}: {}", plain(&p.file), plain(&p.problem));
        }
        eprintln!(
            "loopwright: {}: nothing to show: no loops of find, breaks or quiet, and no audio files",
            plain(&args.folder.to_string_lossy())
        );
        return Ok(Exit::NothingFound);
    }
    let display = Display::new(names.iter().map(|name| plain(name)).collect(), general);
    let summary = report::write(found, &request, &settings.config, &display, |index, row| {
        display.finished(index, brief(row));
    });
    display.close();
    let summary = summary.map_err(told)?;
    if args.json {
        super::print_json(&line(&summary))?;
    } else if !general.quiet {
        super::print(&text(&summary))?;
    }
    if args.open {
        open(&summary.page)?;
    }
    Ok(if summary.playable < summary.rows {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn told(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Cancelled(c) => c.into(),
        ReportError::Map(e) => UsageError(e.to_string()).into(),
        e => e.into(),
    }
}

fn brief(row: &Row) -> &'static str {
    match (row.state, row.audio) {
        (State::Missing, _) => "missing",
        (State::Changed, _) => "changed since",
        (State::Outside, _) => "outside the folder",
        (State::Unreadable, _) => "unreadable",
        (State::Ok, Audio::Embedded) => "done",
        (State::Ok, Audio::Linked) => "done, linked",
        (State::Ok, Audio::None) => "done, without sound",
    }
}

fn line(summary: &Summary) -> serde_json::Value {
    json!({
        "schema": SCHEMA,
        "type": "report",
        "page": summary.page.to_string_lossy(),
        "rows": summary.rows,
        "playable": summary.playable,
        "embedded": summary.embedded,
        "map": summary.map,
        "files": summary.files,
        "bytes": summary.bytes,
        "problems": summary.problems,
    })
}

fn text(summary: &Summary) -> String {
    let mut out = String::new();
    for p in summary.problems.iter().take(LISTED) {
        out += &format!("{}: {}\n", plain(&p.file), plain(&p.problem));
    }
    if let Some(more @ 1..) = summary.problems.len().checked_sub(LISTED) {
        out += &format!("and {more} more; the page lists them all\n");
    }
    let map = match summary.map {
        0 => String::new(),
        n => format!(", a contact map of {n}"),
    };
    let linked = summary.playable - summary.embedded;
    let linked = match linked {
        0 => String::new(),
        n => format!(", {n} of them from their files"),
    };
    out += &format!(
        "{}, {} to play{linked}{map}: {}, {}.\nOpen {}\n",
        count(summary.rows, "loop"),
        summary.playable,
        count(summary.files, "file"),
        size(summary.bytes),
        plain(&summary.page.to_string_lossy())
    );
    out
}

/// Shows the page by the system's own means.
fn open(page: &Path) -> Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    };
    command
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .with_context(|| {
            format!(
                "cannot start a browser; open {} yourself",
                plain(&page.to_string_lossy())
            )
        })
}

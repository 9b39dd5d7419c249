//! What the commands that work through files and write a folder have in common: inputs, progress, JSON lines, the summary
//! at the end, the exit code. What each finds, and how it speaks of it, is its own: see [`Words`].

mod lines;
mod summary;

use std::path::Path;

use anyhow::{Context, Result};
use loopwright_core::config::Stores;
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::run::{Report, Request, RunError, TrackDone, TrackReport};
use serde_json::{Map, Value};

use crate::args::{BatchFlags, ExportFlags, General};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain, plain_lines};
use crate::progress::{self, Display};
use crate::{places, sources};

/// How a command speaks of what it finds.
pub(super) trait Words<T> {
    /// One thing that is found: `loop`. Also its type in the JSON lines.
    fn noun(&self) -> &'static str;

    /// Its plural, as it stands in the JSON lines.
    fn plural(&self) -> &'static str;

    /// The run's table in the output folder.
    fn table(&self) -> &'static str;

    /// Fields of one thing for programs.
    fn fields(&self, item: &T) -> Value;

    /// Further fields of the last JSON line.
    fn totals(&self, _items: &[&T]) -> Map<String, Value> {
        Map::new()
    }

    /// One thing for people: a line or more.
    fn list(&self, text: &mut String, item: &T, verbose: u8);

    /// What is to be said of all of them: lines.
    fn closing(&self, _items: &[&T]) -> String {
        String::new()
    }
}

/// Beats that were given in a file.
pub(super) fn beats(path: Option<&Path>) -> Result<Option<GivenBeats>> {
    path.map(GivenBeats::read)
        .transpose()
        .map_err(|e| UsageError(e.to_string()).into())
}

/// Collects the inputs, lets `work` do the work, and tells what came of it.
pub(super) fn run<T>(
    flags: &BatchFlags,
    files: &ExportFlags,
    general: &General,
    stores: &Stores,
    beats: Option<&GivenBeats>,
    words: &dyn Words<T>,
    work: impl FnOnce(&Request<'_>, &Display, &mut dyn FnMut(&TrackReport<T>)) -> Result<Report<T>, RunError>,
) -> Result<Exit> {
    // A dry run touches nothing, but the folder still says what is our own output.
    let out = places::target(flags.out.as_deref().unwrap_or(Path::new(".")), stores)?;
    let sources = sources::collect(&flags.inputs, flags.out.as_deref(), stores);
    for (folder, error) in &sources.unreadable {
        eprintln!(
            "loopwright: {}: cannot search: {error}",
            plain(&folder.display().to_string())
        );
    }
    if sources.files.is_empty() {
        if flags.json {
            super::print_json(&lines::summary::<T>(words, &[], 0, sources.unreadable.len(), false))?;
        }
        return Ok(sources::none_found(!sources.unreadable.is_empty()));
    }
    if beats.is_some() && sources.files.len() > 1 {
        return Err(UsageError("--beats gives the beats of one recording; name one input with it".into()).into());
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let request = Request {
        sources: &sources.files,
        shard: flags.shard,
        out: &out,
        dry_run: flags.dry_run,
        parquet: files.parquet(),
        resume: !flags.no_resume,
        jobs: super::jobs(flags.jobs),
        beats,
    };
    let chosen = request.chosen();
    let display = Display::new(chosen.iter().map(|i| plain(&sources.files[*i].name)).collect(), general);
    if let Some(shard) = flags.shard
        && !general.quiet
    {
        eprintln!(
            "loopwright: part {shard}: {} of {}",
            chosen.len(),
            count(sources.files.len(), "track")
        );
    }
    let mut broken = None;
    let report = work(&request, &display, &mut |track| {
        display.finished(track.index, &summary::brief(words, track));
        if flags.json {
            for line in lines::track(words, track) {
                if let Err(e) = super::print_json(&line) {
                    broken.get_or_insert(e);
                }
            }
        }
    });
    display.close();
    let report = report?;
    if let Some(e) = broken {
        return Err(e);
    }
    let text = summary::text(words, &report, flags, general.verbose);
    if flags.json {
        super::print_json(&lines::summary(
            words,
            &report.tracks,
            report.left,
            sources.unreadable.len(),
            report.cancelled,
        ))?;
        if !general.quiet {
            eprintln!("{}", plain_lines(&text));
        }
    } else if !general.quiet {
        super::print(&format!("{}\n", plain_lines(&text)))?;
    }
    if general.quiet || flags.json {
        for track in &report.tracks {
            if let Err(e) = &track.outcome {
                eprintln!("loopwright: {}", plain(&e.to_string()));
            }
        }
    }
    if let Some(why) = &report.stopped_by {
        eprintln!("loopwright: stopped: {}", plain(why));
    }
    let exit = exit(&report, !sources.unreadable.is_empty());
    // A part without tracks is done: its folder is there to be merged.
    let nothing_to_do = chosen.is_empty() && exit == Exit::NothingFound;
    Ok(if nothing_to_do { Exit::Done } else { exit })
}

fn exit<T>(report: &Report<T>, unreadable: bool) -> Exit {
    let failed = unreadable || report.tracks.iter().any(|t| t.outcome.is_err());
    let found = |t: &TrackDone<T>| !t.found.is_empty();
    let found = report.tracks.iter().filter_map(|t| t.outcome.as_ref().ok()).any(found);
    if report.cancelled {
        Exit::Interrupted
    } else if report.stopped_by.is_some() {
        Exit::Io
    } else if failed {
        Exit::SomeFailed
    } else if !found {
        Exit::NothingFound
    } else {
        Exit::Done
    }
}

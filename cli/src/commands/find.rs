//! `loopwright find`.

mod lines;
mod summary;

use std::path::Path;

use anyhow::{Context, Result};
use loopwright_core::model;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::find::{self, Report, Request};
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::rhythm;

use crate::args::{Find, General};
use crate::exit::{Exit, UsageError};
use crate::output::{plain, plain_lines};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::sources;

pub(super) fn run(args: &Find, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &args.settings.said())?;
    let beats = args.settings.rhythm.beats.as_deref().map(read_beats).transpose()?;
    let beat_model = rhythm::load::load(&settings.config.rhythm)?;
    // A dry run touches nothing, but the folder still says what is our own output.
    let out = args.out.as_deref().unwrap_or(Path::new("."));
    let sources = sources::collect(&args.inputs, args.out.as_deref());
    for (folder, error) in &sources.unreadable {
        eprintln!(
            "loopwright: {}: cannot search: {error}",
            plain(&folder.display().to_string())
        );
    }
    if sources.files.is_empty() {
        if args.json {
            super::print_json(&lines::summary(&[], 0, sources.unreadable.len(), false))?;
        }
        eprintln!(
            "loopwright: no audio files there. Folders are searched for: {}",
            sources::EXTENSIONS.join(" ")
        );
        return Ok(if sources.unreadable.is_empty() {
            Exit::NothingFound
        } else {
            Exit::SomeFailed
        });
    }
    if beats.is_some() && sources.files.len() > 1 {
        return Err(UsageError("--beats gives the beats of one recording; name one input with it".into()).into());
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(sources.files.iter().map(|s| plain(&s.name)).collect(), general);
    let request = Request {
        sources: &sources.files,
        out,
        dry_run: args.dry_run,
        resume: !args.no_resume,
        jobs: super::jobs(args.jobs),
        beats: beats.as_ref(),
    };
    let models = Models {
        scorer: &model::heuristic(&settings.config.tuning),
        beats: beat_model.as_deref(),
    };
    let mut broken = None;
    let report = find::find(&request, &settings.config, models, &display, |track| {
        display.finished(track.index, &summary::brief(track));
        if args.json {
            for line in lines::track(track) {
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
    let text = summary::text(&report, args, general.verbose);
    if args.json {
        super::print_json(&lines::summary(
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
    if general.quiet || args.json {
        for track in &report.tracks {
            if let Err(e) = &track.outcome {
                eprintln!("loopwright: {}", plain(&e.to_string()));
            }
        }
    }
    if let Some(why) = &report.stopped_by {
        eprintln!("loopwright: stopped: {}", plain(why));
    }
    Ok(exit(&report, !sources.unreadable.is_empty()))
}

fn read_beats(path: &Path) -> Result<GivenBeats> {
    GivenBeats::read(path).map_err(|e| UsageError(e.to_string()).into())
}

fn exit(report: &Report, unreadable: bool) -> Exit {
    let failed = unreadable || report.tracks.iter().any(|t| t.outcome.is_err());
    let found = report
        .tracks
        .iter()
        .filter_map(|t| t.outcome.as_ref().ok())
        .any(|t| !t.loops.is_empty());
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

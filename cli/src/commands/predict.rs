//! `loopwright predict`.

use anyhow::{Context, Result};
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::predict::{self, Request, Task};
use loopwright_core::rhythm;

use crate::args::{self, General, Predict};
use crate::exit::Exit;
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings;

pub(super) fn run(args: &Predict, general: &General) -> Result<Exit> {
    let said: Vec<_> = args.model.said().into_iter().chain(args.ranker.said()).collect();
    let mut settings = Settings::without_files(general.config.as_deref(), &said)?;
    let (scorer, embedder) = super::scorer::of(&mut settings, general)?;
    let beats = rhythm::load::load(&settings.config.rhythm)?;
    let items = predict::items(&args.set)?;
    let grids = args.grid.as_deref().map(GivenBeats::read_grids).transpose()?;
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(items.iter().map(|item| plain(&item.id)).collect(), general);
    let request = Request {
        task: match args.task {
            args::Task::Beats => Task::Beats,
            args::Task::Loops => Task::Loops,
            args::Task::Onsets => Task::Onsets,
            args::Task::Oneshots => Task::OneShots,
            args::Task::Looptempo => Task::LoopTempo,
        },
        set: &args.set,
        items: &items,
        grids: grids.as_ref(),
        jobs: super::jobs(args.jobs),
    };
    let report = predict::predict(
        &request,
        &settings.config,
        Models {
            scorer: scorer.as_ref(),
            beats: beats.as_deref(),
            embedding: embedder.as_deref(),
        },
        &display,
        |index, result| {
            let words = result.map_or_else(|e| format!("FAILED: {e}"), |()| "done".into());
            display.finished(index, &words);
        },
    );
    display.close();
    let report = report?;
    if progress::interrupted() {
        return Ok(Exit::Interrupted);
    }
    predict::write(&args.out, &report.lines)?;
    for (id, error) in &report.failed {
        eprintln!("loopwright: {}: {}", plain(id), plain(&error.to_string()));
    }
    if !general.quiet {
        eprintln!(
            "{} written to {}{}",
            count(items.len(), "answer"),
            plain(&args.out.display().to_string()),
            match report.failed.len() {
                0 => String::new(),
                n => format!("; {n} of them empty, because the item FAILED"),
            }
        );
    }
    Ok(if report.failed.is_empty() {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}

//! Recordings in place of a dataset: they are listened to, and their rows joined in memory.

use std::path::Path;

use anyhow::{Context, Result};
use loopwright_core::model;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::dataset::{self, Columns, Options, Request, TableKind};
use loopwright_core::pipeline::train::Gathered;
use loopwright_core::rhythm;

use crate::args::{General, ListenFlags};
use crate::commands::dataset as table;
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::sources;

/// What the rows are called in the card of a model: they have no file.
const NAME: &str = "recordings";

/// What came of listening.
pub(super) enum Heard {
    /// Rows to learn from. True where some recording failed, or could not be searched for.
    Rows(Box<Gathered>, bool),
    /// Nothing to learn from.
    Nothing(Exit),
}

/// Listens to what the flags name.
pub(super) fn listen(flags: &ListenFlags, seed: u64, settings: &Settings, general: &General) -> Result<Heard> {
    let labels = table::read_labels(&flags.labels)?;
    if labels.is_empty() && !flags.self_supervised {
        let words = "--audio needs --timestamps (or another file of labels), or --self-supervised: without either there is \
                     nothing to learn";
        return Err(UsageError(words.into()).into());
    }
    let (mut items, unreadable) = table::items(&flags.audio, &settings.config.stores)?;
    if items.is_empty() {
        return Ok(Heard::Nothing(sources::none_found(unreadable)));
    }
    let unmatched = table::assign(&mut items, &labels);
    table::tell_left_out(&labels, general);
    if !general.quiet {
        eprint!("{}", table::of_unmatched(&unmatched));
    }
    if !labels.is_empty() && !flags.keep_unlabelled {
        items.retain(|item| !item.marks.is_empty());
    }
    if items.is_empty() {
        eprintln!("loopwright: no label is of any of the recordings; keys are names of tracks, of files, or paths");
        return Ok(Heard::Nothing(Exit::NothingFound));
    }
    let columns = Columns::choose(&[], &[]).map_err(|e| UsageError(e.to_string()))?;
    let beats = rhythm::load::load(&settings.config.rhythm)?;
    let options = Options {
        self_supervised: flags.self_supervised,
        align: flags.align.into(),
        hard_negatives: flags.hard_negatives.unwrap_or(0) as usize,
        seed,
        ..Options::default()
    };
    let work = flags.keep_rows.as_ref().map_or_else(dataset::in_memory, Into::into);
    let request = Request {
        items: &items,
        out: &Path::new(NAME).into(),
        kind: TableKind::Csv,
        work: &work,
        columns: &columns,
        options: &options,
        resume: true,
        jobs: crate::commands::jobs(flags.listen_jobs),
    };
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(items.iter().map(|item| plain(&item.id)).collect(), general);
    let models = Models {
        scorer: &model::heuristic(&settings.config.tuning),
        beats: beats.as_deref(),
        embedding: None,
    };
    let gathered = dataset::gather(&request, &settings.config, models, &display, |index, outcome| {
        display.finished(index, &table::brief(&outcome));
    });
    display.close();
    let (report, data) = gathered?;
    let mut failed = unreadable;
    for (_, outcome) in &report.tracks {
        if let Err(e) = outcome {
            failed = true;
            let remedy = e.remedy().map(|r| format!(" ({r})")).unwrap_or_default();
            eprintln!("loopwright: {}{remedy}", plain(&e.to_string()));
        }
    }
    Ok(match data {
        Some(data) => {
            if !general.quiet {
                let tracks = count(data.tracks.len(), "track");
                eprintln!("loopwright: {} of {tracks} to learn from", count(data.rows(), "row"));
            }
            let gathered = Gathered {
                data,
                name: NAME.into(),
                embedding: None,
            };
            Heard::Rows(Box::new(gathered), failed)
        }
        None if report.cancelled => Heard::Nothing(Exit::Interrupted),
        None if failed => Heard::Nothing(Exit::SomeFailed),
        None => Heard::Nothing(Exit::NothingFound),
    })
}

//! `loopwright breaks`.

use std::fmt::Write as _;

use anyhow::Result;
use loopwright_core::drums;
use loopwright_core::export::tree::BREAKS;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::breaks::labels::{self, Labels};
use loopwright_core::pipeline::breaks::{self, BreakReport};
use loopwright_core::pipeline::run::Report;
use loopwright_core::rhythm;
use serde_json::{Map, Value, json};

use super::batch::{self, Words};
use super::scorer;
use crate::args::{Breaks, General};
use crate::exit::{Exit, UsageError};
use crate::output::{clock, count, plain};
use crate::settings::Settings;

pub(super) fn run(args: &Breaks, general: &General) -> Result<Exit> {
    let mut said = args.rhythm.said();
    said.extend(args.export.said());
    said.extend(args.breaks.said());
    said.extend(args.model.said());
    let mut settings = Settings::load(general.config.as_deref(), &said)?;
    let (scorer, embedder) = scorer::of(&mut settings, general)?;
    let beats = batch::beats(args.rhythm.beats.as_deref())?;
    let labels = labels::read(&args.breaks.relabel).map_err(|e| UsageError(e.to_string()))?;
    let beat_model = rhythm::load::load(&settings.config.rhythm)?;
    let hit_model = drums::model::shipped()?;
    let models = Models {
        scorer: scorer.as_ref(),
        beats: beat_model.as_deref(),
        embedding: embedder.as_deref(),
    };
    batch::run(
        &args.batch,
        &args.export,
        general,
        &settings.config.stores,
        beats.as_ref(),
        &Said,
        |request, display, done| {
            let report = breaks::breaks(
                request,
                &settings.config,
                models,
                hit_model.as_deref(),
                &labels,
                display,
                done,
            )?;
            if let Some(unheard) = unheard(&labels, &report) {
                eprintln!("loopwright: {}", plain(&unheard));
            }
            Ok(report)
        },
    )
}

/// What is to be said where labels speak of breaks that there are not.
fn unheard(labels: &Labels, report: &Report<BreakReport>) -> Option<String> {
    let found = || {
        report
            .tracks
            .iter()
            .filter_map(|t| t.outcome.as_ref().ok())
            .flat_map(|t| &t.found)
    };
    let is_there = |track: &str, number: u32| {
        let folder = format!("{track}/");
        found().any(|b| b.number == number && b.file.starts_with(&folder))
    };
    let mut lost = labels.keys().filter(|(track, number, _)| !is_there(track, *number));
    let (track, number, _) = lost.next()?;
    Some(format!(
        "--relabel speaks of break {number} of {track:?}, which was not found here{}",
        match lost.count() {
            0 => String::new(),
            more => format!(" (and {more} more rows alike)"),
        }
    ))
}

struct Said;

impl Words<BreakReport> for Said {
    fn noun(&self) -> &'static str {
        "break"
    }

    fn plural(&self) -> &'static str {
        "breaks"
    }

    fn table(&self) -> &'static str {
        BREAKS.table
    }

    fn fields(&self, item: &BreakReport) -> Value {
        serde_json::to_value(item).unwrap_or_default()
    }

    fn totals(&self, items: &[&BreakReport]) -> Map<String, Value> {
        let hits: u32 = items.iter().map(|b| b.hits).sum();
        Map::from_iter([("hits".to_owned(), json!(hits))])
    }

    fn list(&self, text: &mut String, found: &BreakReport, verbose: u8) {
        let kind = match found.kind.as_str() {
            "drums_only" => "drums only",
            _ => "drum-heavy",
        };
        let folder = found.file.rsplit('/').nth(1).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:>2}. {:<7} at {:>7}  score {:.2}  {kind}, {}, a kit of {}  {folder}/",
            found.number,
            count(found.bars as usize, "bar"),
            clock(found.start),
            found.score,
            count(found.hits as usize, "hit"),
            found.pieces,
        );
        if verbose > 0 {
            let classes: Vec<String> = found.classes.iter().map(|(c, n)| format!("{n} {c}")).collect();
            let _ = writeln!(
                text,
                "      {}; the passage lasts from {} to {}",
                classes.join(", "),
                clock(found.passage_start),
                clock(found.passage_end)
            );
        }
    }

    fn closing(&self, _: &[&BreakReport]) -> String {
        "A score says how sure it is that a break is one worth having, from 0 to 1.\n\
         A hit is not what it was taken for? Change class_label in hits/clusters.csv and run again with --relabel.\n"
            .into()
    }
}

//! `loopwright breaks`.

use std::fmt::Write as _;

use anyhow::Result;
use loopwright_core::drums;
use loopwright_core::export::tree::BREAKS;
use loopwright_core::model;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::breaks::{self, BreakReport, labels};
use loopwright_core::rhythm;
use serde_json::{Map, Value, json};

use super::batch::{self, Words};
use crate::args::{Breaks, General};
use crate::exit::{Exit, UsageError};
use crate::output::{clock, count};
use crate::settings::Settings;

pub(super) fn run(args: &Breaks, general: &General) -> Result<Exit> {
    let mut said = args.rhythm.said();
    said.extend(args.export.said());
    said.extend(args.breaks.said());
    let settings = Settings::load(general.config.as_deref(), &said)?;
    let beats = batch::beats(args.rhythm.beats.as_deref())?;
    let labels = labels::read(&args.breaks.relabel).map_err(|e| UsageError(e.to_string()))?;
    let beat_model = rhythm::load::load(&settings.config.rhythm)?;
    let hit_model = drums::model::shipped()?;
    let models = Models {
        scorer: &model::heuristic(&settings.config.tuning),
        beats: beat_model.as_deref(),
    };
    batch::run(&args.batch, general, beats.as_ref(), &Said, |request, display, done| {
        breaks::breaks(
            request,
            &settings.config,
            models,
            hit_model.as_deref(),
            &labels,
            display,
            done,
        )
    })
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

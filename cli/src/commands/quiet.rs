//! `loopwright quiet`.

use std::fmt::Write as _;

use anyhow::Result;
use loopwright_core::export::tree::QUIET;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::quiet::write::{self, QuietReport};
use loopwright_core::rhythm;
use serde_json::{Map, Value, json};

use super::batch::{self, Words};
use super::scorer;
use crate::args::{General, Quiet};
use crate::exit::Exit;
use crate::output::{clock, count};
use crate::settings::Settings;

pub(super) fn run(args: &Quiet, general: &General) -> Result<Exit> {
    let mut settings = Settings::load(general.config.as_deref(), &args.settings.said())?;
    let (scorer, embedder) = scorer::of(&mut settings, general)?;
    let beats = batch::beats(args.settings.rhythm.beats.as_deref())?;
    let beat_model = rhythm::load::load(&settings.config.rhythm)?;
    let models = Models {
        scorer: scorer.as_ref(),
        beats: beat_model.as_deref(),
        embedding: embedder.as_deref(),
    };
    batch::run(
        &args.batch,
        &args.settings.export,
        general,
        &settings.config.stores,
        beats.as_ref(),
        &QuietLoops,
        |request, display, done| write::write(request, &settings.config, models, display, done),
    )
}

struct QuietLoops;

impl Words<QuietReport> for QuietLoops {
    fn noun(&self) -> &'static str {
        "quiet loop"
    }

    fn plural(&self) -> &'static str {
        "quiet_loops"
    }

    fn table(&self) -> &'static str {
        QUIET.table
    }

    fn fields(&self, item: &QuietReport) -> Value {
        serde_json::to_value(item).unwrap_or_default()
    }

    fn totals(&self, items: &[&QuietReport]) -> Map<String, Value> {
        let slices: usize = items.iter().flat_map(|l| &l.slices).map(|s| s.count).sum();
        Map::from_iter([("slices".to_owned(), json!(slices))])
    }

    fn list(&self, text: &mut String, found: &QuietReport, verbose: u8) {
        let file = found.file.rsplit('/').next().unwrap_or(&found.file);
        let slices: Vec<String> = found.slices.iter().map(|s| s.count.to_string()).collect();
        let _ = writeln!(
            text,
            "  {:>2}. {:<7} at {:>7}  score {:.2}  percussive {:>2.0} %  {file}, slices: {}",
            found.number,
            count(found.bars as usize, "bar"),
            clock(found.start),
            found.score,
            found.perc_to_total_rms * 100.0,
            if slices.is_empty() {
                "none".to_owned()
            } else {
                slices.join(", ")
            },
        );
        if verbose > 0 {
            for set in &found.slices {
                let _ = writeln!(
                    text,
                    "      {} slices: {} of {} inner edges on the {} onsets of its {}",
                    set.count,
                    set.onsets_used,
                    set.count.saturating_sub(1),
                    set.num_onsets,
                    set.onsets_of,
                );
            }
            if !found.reasons.is_empty() {
                let _ = writeln!(text, "      {}", found.reasons.join("; "));
            }
        }
    }

    fn closing(&self, items: &[&QuietReport]) -> String {
        let sets = || items.iter().flat_map(|l| &l.slices);
        let inner: usize = sets().map(|s| s.count.saturating_sub(1)).sum();
        let used: usize = sets().map(|s| s.onsets_used).sum();
        if inner == 0 {
            return String::new();
        }
        format!("Edges of slices on the start of a note: {used} of {inner}; the others divide the loop evenly.\n")
    }
}

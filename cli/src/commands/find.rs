//! `loopwright find`.

use std::fmt::Write as _;

use anyhow::Result;
use loopwright_core::export::tree::LOOPS;
use loopwright_core::model::Output;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::find::{self, LoopReport};
use loopwright_core::rhythm;
use serde_json::{Map, Value, json};

use super::batch::{self, Words};
use super::scorer;
use crate::args::{Find, General};
use crate::exit::Exit;
use crate::output::{clock, count};
use crate::settings::Settings;

pub(super) fn run(args: &Find, general: &General) -> Result<Exit> {
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
        &Loops {
            output: scorer.info().output,
            calibrated: scorer.info().calibration.is_some(),
        },
        |request, display, done| find::find(request, &settings.config, models, display, done),
    )
}

struct Loops {
    output: Output,
    /// Its scores become probabilities by a calibration: they are none themselves.
    calibrated: bool,
}

impl Words<LoopReport> for Loops {
    fn noun(&self) -> &'static str {
        "loop"
    }

    fn plural(&self) -> &'static str {
        "loops"
    }

    fn table(&self) -> &'static str {
        LOOPS.table
    }

    fn fields(&self, item: &LoopReport) -> Value {
        serde_json::to_value(item).unwrap_or_default()
    }

    fn totals(&self, items: &[&LoopReport]) -> Map<String, Value> {
        let faded = items.iter().filter(|l| l.crossfade_ms > 0.0).count();
        Map::from_iter([("crossfaded".to_owned(), json!(faded))])
    }

    fn list(&self, text: &mut String, found: &LoopReport, verbose: u8) {
        let file = found.file.rsplit('/').next().unwrap_or(&found.file);
        let _ = writeln!(
            text,
            "  {:>2}. {:<7} at {:>7}  score {:.2}  {file}",
            found.number,
            count(found.bars as usize, "bar"),
            clock(found.start),
            found.score,
        );
        if verbose > 0 && !found.reasons.is_empty() {
            let _ = writeln!(text, "      {}", found.reasons.join("; "));
        }
    }

    fn closing(&self, items: &[&LoopReport]) -> String {
        let meaning = match self.output {
            Output::Probability if self.calibrated => {
                "The higher a score, the better; score_prob in the table says how likely a loop runs round well.\n"
            }
            Output::Probability => "A score says how likely a loop runs round well, from 0 to 1.\n",
            Output::Relative => "Scores compare loops of one track: the higher the better, on the model's own scale.\n",
        };
        seams(items) + meaning
    }
}

fn seams(loops: &[&LoopReport]) -> String {
    let faded = loops.iter().filter(|l| l.crossfade_ms > 0.0).count();
    match (loops.len(), faded) {
        (1, 0) => "It runs round without a click as it is.\n".into(),
        (_, 0) => "All of them run round without a click as they are; none needed a cross-fade.\n".into(),
        (1, _) => "It would have clicked at the wrap and got a short cross-fade there.\n".into(),
        (all, faded) if all == faded => {
            "All of them would have clicked at the wrap; each got a short cross-fade there.\n".into()
        }
        (all, faded) => format!(
            "{faded} of {all} would have clicked at the wrap and {} a short cross-fade there; the others are untouched.\n",
            if faded == 1 { "got" } else { "each got" }
        ),
    }
}

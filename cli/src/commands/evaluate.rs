//! `loopwright evaluate`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use loopwright_core::config::tuning::Tuning;
use loopwright_core::export::destination::write_file;
use loopwright_core::export::table::{Cell, Table};
use loopwright_core::learn::dataset::Dataset;
use loopwright_core::model::{self, Scorer};
use loopwright_core::pipeline::dataset::record;
use loopwright_core::pipeline::evaluate::{
    EvaluateError, Evaluation, Ranker, Settings, evaluate, read_split, split_beside,
};
use loopwright_core::progress::Progress;
use loopwright_core::rank::metrics::Interval;
use serde_json::{Value, json};

use crate::args::{Evaluate, General};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, interrupted};

/// Stops on Ctrl-C.
struct Watch;

impl Progress for Watch {
    fn is_cancelled(&self) -> bool {
        interrupted()
    }
}

pub(super) fn run(args: &Evaluate, general: &General) -> Result<Exit> {
    if let Some(path) = &args.per_track {
        super::table_format("--per-track", path)?;
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let say = |text: String| {
        if !general.quiet {
            eprintln!("loopwright: {}", plain(&text));
        }
    };
    let loaded = load(&args.model)?;
    let data = Dataset::read_all(&args.data)?;
    let embedding = record::read(&args.data, &data.columns)?;
    for (name, scorer) in &loaded {
        record::check(name, scorer.info(), embedding.as_ref())?;
    }
    let tracks = if args.only_test {
        unseen(&data, &args.model)?
    } else {
        (0..data.tracks.len()).collect()
    };
    if !args.only_test && !args.model.is_empty() {
        let seen = seen(&data, &args.model);
        if seen > 0 {
            say(format!(
                "{} here were trained with: scores on those say little; --only-test leaves them out",
                count(seen, "track")
            ));
        }
    }
    let models: Vec<Ranker<'_>> = loaded
        .iter()
        .map(|(name, scorer)| Ranker {
            name,
            scorer: &**scorer,
        })
        .collect();
    let settings = Settings {
        k: args.k.clone(),
        threshold: args.threshold,
        alpha: args.alpha,
    };
    let heuristic = model::heuristic(&Tuning::default());
    let result = match evaluate(&data, &tracks, &heuristic, &models, &settings, &Watch) {
        Ok(result) => result,
        Err(EvaluateError::Cancelled(c)) => return Err(c.into()),
        Err(e @ (EvaluateError::Setting(_) | EvaluateError::Tracks(_))) => return Err(UsageError(e.to_string()).into()),
        Err(e) => return Err(e.into()),
    };
    if !result.heuristic_lacks.is_empty() {
        say(format!(
            "the heuristic is left out: the data lack {}",
            result.heuristic_lacks.join(", ")
        ));
    }
    if let Some(path) = &args.per_track {
        let table = per_track(&result);
        let format = super::table_format("--per-track", path)?;
        write_file(path, |out| format.write(out, &table))?;
    }
    if args.json {
        let mut line = json!({ "schema": 1, "type": "evaluation", "only_test": args.only_test });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, serde_json::to_value(&result)?) {
            line.extend(fields);
        }
        super::print_json(&line)?;
    } else {
        super::print(&text(&result))?;
    }
    Ok(Exit::Done)
}

type Named = (String, Box<dyn Scorer>);

/// The models by the names under which they are told: their paths, as given.
fn load(paths: &[PathBuf]) -> Result<Vec<Named>> {
    let mut loaded: Vec<Named> = Vec::new();
    for path in paths {
        let name = plain(&path.to_string_lossy());
        if loaded.iter().any(|(n, _)| *n == name) {
            return Err(UsageError(format!("{name} is named twice")).into());
        }
        loaded.push((name, model::load(path)?));
    }
    Ok(loaded)
}

/// The tracks that no model was trained with.
fn unseen(data: &Dataset, models: &[PathBuf]) -> Result<Vec<usize>> {
    let mut tracks: Vec<usize> = (0..data.tracks.len()).collect();
    for model in models {
        let split = read_split(&split_beside(model))?;
        let test: BTreeSet<&str> = split.test.iter().map(String::as_str).collect();
        tracks.retain(|&t| test.contains(data.tracks[t].track_id.as_str()));
    }
    if tracks.is_empty() {
        let problem = "none of these tracks was kept for tests by every model: were they trained on other data, or with --test 0?";
        return Err(UsageError(problem.into()).into());
    }
    Ok(tracks)
}

/// How many tracks some model was trained with, as far as is known.
fn seen(data: &Dataset, models: &[PathBuf]) -> usize {
    let mut names = BTreeSet::new();
    for model in models {
        if let Ok(split) = read_split(&split_beside(model)) {
            names.extend(split.train.into_iter().chain(split.valid));
        }
    }
    data.tracks.iter().filter(|t| names.contains(&t.track_id)).count()
}

fn per_track(result: &Evaluation) -> Table {
    let mut table = Table::new(["track_id", "ranker"]);
    for (t, track) in result.track_ids.iter().enumerate() {
        for ranker in &result.rankers {
            let mut row: Vec<(String, Cell)> = vec![
                ("track_id".into(), track.as_str().into()),
                ("ranker".into(), ranker.name.as_str().into()),
            ];
            for (measure, value) in ranker.measures.iter().zip(&ranker.by_track[t]) {
                row.push((measure.measure.clone(), value.map_or(Cell::Empty, Cell::from)));
            }
            table.push(row);
        }
    }
    table
}

fn interval(i: &Interval) -> String {
    format!("{:.3} [{:.3}, {:.3}]", i.mean, i.low, i.high)
}

fn signed(i: &Interval) -> String {
    format!("{:+.3} [{:+.3}, {:+.3}]", i.mean, i.low, i.high)
}

/// What is told on a terminal.
fn text(result: &Evaluation) -> String {
    let mut out = format!(
        "{} and {}, of which {:.1} % are relevant (weight {} and up)",
        count(result.tracks, "track"),
        count(result.candidates, "candidate"),
        100.0 * result.relevant,
        result.threshold,
    );
    if result.tracks_without_relevant > 0 {
        let _ = write!(
            out,
            "; {} without any, which only ndcg, precision and best look at",
            count(result.tracks_without_relevant, "track")
        );
    }
    out.push('\n');
    let widest = result.rankers.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    for (i, head) in result
        .rankers
        .first()
        .map_or(&[][..], |r| &r.measures)
        .iter()
        .enumerate()
    {
        let _ = writeln!(out, "\n{}", head.measure);
        for ranker in &result.rankers {
            let m = &ranker.measures[i];
            let value = m.value.as_ref().map_or_else(|| "-".into(), interval);
            let _ = write!(out, "  {:<widest$}  {value:<22}", ranker.name);
            if let Some(above) = &m.above_heuristic {
                let _ = write!(out, "  {} over the heuristic", signed(above));
            } else if let Some(above) = &m.above_chance {
                let _ = write!(out, "  {} over chance", signed(above));
            }
            let kept = out.trim_end().len();
            out.truncate(kept);
            out.push('\n');
        }
    }
    let _ = writeln!(out, "\ncalibration of score_prob");
    for ranker in &result.rankers {
        if let Some(r) = &ranker.reliability {
            let how = if ranker.calibrated {
                "calibrated"
            } else {
                "not calibrated"
            };
            let (brier, ece) = (r.brier, r.ece);
            let _ = writeln!(
                out,
                "  {:<widest$}  Brier {brier:.4}, error {ece:.4} ({how})",
                ranker.name
            );
        }
    }
    let part = result.relevant;
    let _ = writeln!(out, "  {:<widest$}  Brier {:.4}", "the mean alone", part * (1.0 - part));
    out
}

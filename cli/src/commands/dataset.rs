//! `loopwright dataset`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loopwright_core::config::Stores;
use loopwright_core::learn::labels::Labels;
use loopwright_core::learn::labels::matching::{self, Names, Unmatched};
use loopwright_core::model;
use loopwright_core::pipeline::Models;
use loopwright_core::pipeline::dataset::{self, Columns, Item, Options, Report, Request, TableKind, TrackRows};
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::predict;
use loopwright_core::pipeline::run::TrackError;
use loopwright_core::rhythm;
use loopwright_core::store::Place;
use serde_json::{Value, json};

use crate::args::{Dataset, General};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain, plain_lines, size};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::{places, sources};

/// Version of the JSON lines.
const SCHEMA: u32 = 1;
/// Unmatched labels that are listed; of more, only the count is given.
const LISTED: usize = 12;

pub(super) fn run(args: &Dataset, general: &General) -> Result<Exit> {
    let mut said = args.rhythm.said();
    said.extend(args.loops.said());
    said.extend(args.embedding.said());
    let settings = Settings::load(general.config.as_deref(), &said)?;
    let kind = kind(&args.out)?;
    let embedder = super::scorer::embedder(&settings, general)?;
    let info = embedder.as_ref().map(|e| e.info().as_ref());
    let columns = Columns::choose_with(&args.columns, &args.without, info).map_err(|e| UsageError(e.to_string()))?;
    let labels = read_labels(&args.labels)?;
    let target = places::target(&args.out, &settings.config.stores)?;
    let (mut items, unreadable) = items(&args.inputs, &settings.config.stores)?;
    if items.is_empty() {
        return Ok(sources::none_found(unreadable));
    }
    grids(args, &mut items)?;
    let unmatched = assign(&mut items, &labels);
    tell_left_out(&labels, general);
    let inputs = items.len();
    if !labels.is_empty() && !args.keep_unlabelled {
        items.retain(|item| !item.marks.is_empty());
    }
    let unlabelled = inputs - items.len();
    if !general.quiet {
        eprint!("{}", of_labels(args, inputs, unlabelled, &unmatched));
    }
    if items.is_empty() {
        eprintln!("loopwright: no label is of any of the inputs; keys are names of tracks, of files, or paths");
        return Ok(Exit::NothingFound);
    }
    let options = Options {
        self_supervised: args.self_supervised,
        align: args.align.into(),
        hard_negatives: args.hard_negatives.unwrap_or(0) as usize,
        max_candidates: args.max_candidates.map(|n| n as usize),
        seed: args.seed,
        annotate: args.annotate,
    };
    let beat_model = rhythm::load::load(&settings.config.rhythm)?;
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(items.iter().map(|item| plain(&item.id)).collect(), general);
    let request = Request {
        items: &items,
        out: &target,
        kind,
        work: &dataset::work_folder(&target),
        columns: &columns,
        options: &options,
        resume: !args.no_resume,
        jobs: super::jobs(args.jobs),
    };
    let mut broken = None;
    let report = dataset::dataset(
        &request,
        &settings.config,
        Models {
            scorer: &model::heuristic(&settings.config.tuning),
            beats: beat_model.as_deref(),
            embedding: embedder.as_deref(),
        },
        &display,
        |index, outcome| {
            display.finished(index, &brief(&outcome));
            if args.json
                && let Err(e) = super::print_json(&line(&items[index], &outcome))
            {
                broken.get_or_insert(e);
            }
        },
    );
    display.close();
    let report = report?;
    if let Some(e) = broken {
        return Err(e);
    }
    let totals = Totals::of(&report);
    if args.json {
        super::print_json(&json!({
            "schema": SCHEMA, "type": "summary", "tracks": totals.tracks, "rows": totals.rows, "positives": totals.positives,
            "columns": columns.names().len(), "empty": totals.empty, "resumed": totals.resumed, "failed": totals.failed,
            "left": report.left, "unlabelled": unlabelled, "bytes": report.bytes, "interrupted": report.cancelled,
            "unmatched": unmatched.iter().map(|u| json!({ "key": u.key, "why": u.why })).collect::<Vec<_>>(),
        }))?;
    }
    let text = summary(args, &items, &report, &totals, &columns);
    if !general.quiet && !args.json {
        super::print(&plain_lines(&text))?;
        super::print("\n")?;
    } else if !general.quiet {
        eprintln!("{}", plain_lines(&text));
    }
    for (_, outcome) in &report.tracks {
        if let Err(e) = outcome {
            let remedy = e.remedy().map(|r| format!(" ({r})")).unwrap_or_default();
            eprintln!("loopwright: {}{remedy}", plain(&e.to_string()));
        }
    }
    Ok(if report.cancelled {
        Exit::Interrupted
    } else if totals.failed > 0 || unreadable {
        Exit::SomeFailed
    } else if report.bytes.is_none() {
        Exit::NothingFound
    } else {
        Exit::Done
    })
}

fn kind(out: &Path) -> Result<TableKind, UsageError> {
    let ending = out
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Ok(TableKind::Csv),
        #[cfg(feature = "parquet")]
        "parquet" => Ok(TableKind::Parquet),
        #[cfg(not(feature = "parquet"))]
        "parquet" => Err(UsageError("this build writes no Parquet; name a .csv".into())),
        _ => Err(UsageError(format!(
            "--out {}: the name must end in .csv or .parquet",
            out.display()
        ))),
    }
}

/// The recordings that the inputs name: sets by their manifest, other folders by what is in them. True if something could not
/// be searched.
pub(super) fn items(inputs: &[PathBuf], stores: &Stores) -> Result<(Vec<Item>, bool)> {
    let mut items: Vec<Item> = Vec::new();
    let mut plain_inputs: Vec<PathBuf> = Vec::new();
    for input in inputs {
        match predict::items(input).ok().filter(|_| input.is_dir()) {
            Some(set) => items.extend(set.into_iter().map(|item| Item {
                id: item.id,
                place: input.join(&item.audio).into(),
                marks: Vec::new(),
                beats: None,
            })),
            None => plain_inputs.push(input.clone()),
        }
    }
    let found = sources::collect(&plain_inputs, None, stores);
    for (folder, error) in &found.unreadable {
        eprintln!(
            "loopwright: {}: cannot search: {error}",
            plain(&folder.display().to_string())
        );
    }
    let relative: Vec<String> = found.files.iter().map(|s| s.name.clone()).collect();
    let names = dataset::names_of(&relative);
    items.extend(found.files.into_iter().zip(names).map(|(source, id)| Item {
        id,
        place: source.place,
        marks: Vec::new(),
        beats: None,
    }));
    Ok((items, !found.unreadable.is_empty()))
}

/// Gives items the beats that files hold for them.
fn grids(args: &Dataset, items: &mut [Item]) -> Result<()> {
    if let Some(beats) = super::batch::beats(args.rhythm.beats.as_deref())? {
        match items {
            [item] => item.beats = Some(beats),
            _ => {
                let words = "--beats gives the beats of one recording; name one input with it, or use --grid";
                return Err(UsageError(words.into()).into());
            }
        }
    }
    if let Some(path) = &args.grid {
        let mut grids: BTreeMap<String, GivenBeats> =
            GivenBeats::read_grids(path).map_err(|e| UsageError(e.to_string()))?;
        let mut given = 0;
        for item in items.iter_mut() {
            if let Some(grid) = grids.remove(&item.id) {
                item.beats = Some(grid);
                given += 1;
            }
        }
        if given == 0 {
            let words = format!("{}: holds the grid of none of the inputs", path.display());
            return Err(UsageError(words).into());
        }
    }
    Ok(())
}

/// Reads files of labels.
pub(super) fn read_labels(paths: &[PathBuf]) -> Result<Vec<Labels>> {
    let read: Result<_, _> = paths.iter().map(|path| Labels::read(path)).collect();
    read.map_err(|e| UsageError(e.to_string()).into())
}

/// Tells what the files of labels hold that is none.
pub(super) fn tell_left_out(labels: &[Labels], general: &General) {
    for note in labels.iter().flat_map(|l| &l.notes).filter(|_| !general.quiet) {
        eprintln!("loopwright: left out: {}", plain(note));
    }
}

/// Gives items their labels; tells which labels are of none.
pub(super) fn assign(items: &mut [Item], labels: &[Labels]) -> Vec<Unmatched> {
    let names: Vec<Names> = items
        .iter()
        .map(|item| Names {
            id: item.id.clone(),
            path: match &item.place {
                Place::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
                Place::Object(_) => item.place.path().to_path_buf(),
            }
            .to_string_lossy()
            .into_owned(),
        })
        .collect();
    let matched = matching::matched(&names, labels);
    for (item, marks) in items.iter_mut().zip(matched.marks) {
        item.marks = marks;
    }
    matched.unmatched
}

/// What is to be said of labels before the work begins.
fn of_labels(args: &Dataset, inputs: usize, unlabelled: usize, unmatched: &[Unmatched]) -> String {
    let mut text = String::new();
    if args.labels.is_empty() && !args.self_supervised {
        text.push_str("No labels: every weight will be 0. See --labels and --self-supervised.\n");
    }
    if unlabelled > 0 {
        let _ = writeln!(
            text,
            "{} of {} without labels left out (--keep-unlabelled keeps them, with weights of 0).",
            unlabelled,
            count(inputs, "track")
        );
    }
    text + &of_unmatched(unmatched)
}

/// What is to be said of labels of no recording: lines.
pub(super) fn of_unmatched(unmatched: &[Unmatched]) -> String {
    let mut text = String::new();
    for u in unmatched.iter().take(LISTED) {
        let _ = writeln!(text, "loopwright: label `{}`: {}", plain(&u.key), plain(&u.why));
    }
    if unmatched.len() > LISTED {
        let _ = writeln!(
            text,
            "loopwright: and {} more labels of no input",
            unmatched.len() - LISTED
        );
    }
    text
}

pub(super) fn brief(outcome: &Result<&TrackRows, &TrackError>) -> String {
    match outcome {
        Ok(track) if track.rows == 0 => format!("no rows: {}", track.detail),
        Ok(track) => format!(
            "{}, {} of them good{}",
            count(track.rows, "row"),
            track.positives,
            if track.resumed { ", done before" } else { "" }
        ),
        Err(e) => format!("FAILED: {e}"),
    }
}

fn line(item: &Item, outcome: &Result<&TrackRows, &TrackError>) -> Value {
    let mut line = match outcome {
        Ok(track) => serde_json::to_value(track).unwrap_or_default(),
        Err(e) => json!({ "error": e.to_string(), "remedy": e.remedy() }),
    };
    if let Value::Object(fields) = &mut line {
        fields.insert("schema".into(), json!(SCHEMA));
        fields.insert("type".into(), json!(if outcome.is_ok() { "track" } else { "failure" }));
        fields.insert("track_id".into(), json!(item.id));
        fields.insert("source".into(), json!(item.place.path().to_string_lossy()));
    }
    line
}

#[derive(Default)]
struct Totals {
    tracks: usize,
    rows: usize,
    positives: usize,
    empty: usize,
    resumed: usize,
    failed: usize,
}

impl Totals {
    fn of(report: &Report) -> Self {
        let mut totals = Self::default();
        for (_, outcome) in &report.tracks {
            match outcome {
                Ok(track) => {
                    totals.tracks += usize::from(track.rows > 0);
                    totals.empty += usize::from(track.rows == 0);
                    totals.rows += track.rows;
                    totals.positives += track.positives;
                    totals.resumed += usize::from(track.resumed);
                }
                Err(_) => totals.failed += 1,
            }
        }
        totals
    }
}

fn summary(args: &Dataset, items: &[Item], report: &Report, totals: &Totals, columns: &Columns) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "{} of {} in {}, {} good (weight 0.5 and more)",
        count(totals.rows, "row"),
        count(columns.names().len(), "feature"),
        count(totals.tracks, "track"),
        totals.positives
    );
    if totals.resumed > 0 {
        let _ = write!(text, " ({} done by an earlier run)", count(totals.resumed, "track"));
    }
    if totals.failed > 0 {
        let _ = write!(text, "; {} FAILED", count(totals.failed, "track"));
    }
    text.push_str(".\n");
    for (index, track) in report.tracks.iter().filter_map(|(i, t)| Some((i, t.as_ref().ok()?))) {
        let id = items.get(*index).map_or("", |item| item.id.as_str());
        if track.rows == 0 {
            let _ = writeln!(text, "{}: no rows: {}", plain(id), track.detail);
        }
        for warning in &track.warnings {
            let _ = writeln!(text, "{}: {warning}", plain(id));
        }
    }
    let _ = match report.bytes {
        Some(bytes) => write!(text, "Written to {}, {}.", args.out.display(), size(bytes)),
        None if report.cancelled => write!(
            text,
            "Interrupted: run again to go on; nothing is written before the end."
        ),
        None => write!(text, "Nothing was written."),
    };
    text
}

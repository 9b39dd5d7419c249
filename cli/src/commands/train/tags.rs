//! `loopwright train tags`, and what it shares with `train contact`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use loopwright_core::config::Stores;
use loopwright_core::learn::LearnError;
use loopwright_core::learn::multilabel::sources::Grouping;
use loopwright_core::learn::multilabel::train::{Kind, Settings};
use loopwright_core::pipeline::run::{OfItem, Source};
use loopwright_core::pipeline::tags::labels::{Labels, Source as LabelSource, Table};
use loopwright_core::pipeline::tags::write::Names;
use loopwright_core::pipeline::tags::{self, Input, Listened, Report, Request, TagsError};
use loopwright_core::store::Place;

use crate::args::{self, General, GroupName, LearnerName, TagFlags, TrainTags};
use crate::commands::print_json;
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings as Said;
use crate::{places, record, sources};

pub(super) fn run(args: &TrainTags, general: &General) -> Result<Exit> {
    let own = args.tags.as_deref().map(Table::of_tags).transpose();
    let labels = Labels::Tags {
        source: match args.label_source {
            args::LabelSource::Filename => LabelSource::Filename,
            args::LabelSource::Audio => LabelSource::Audio,
            args::LabelSource::Hybrid => LabelSource::Hybrid,
        },
        own: own.map_err(|e| UsageError(e.to_string()))?,
    };
    let stores = Said::load(general.config.as_deref(), &[])?.config.stores;
    let (inputs, unreadable) = inputs(&args.inputs, &stores);
    train(&inputs, unreadable, &labels, &args.flags, general)
}

/// The files that `paths` name. True if something could not be searched.
pub(in crate::commands) fn inputs(paths: &[PathBuf], stores: &Stores) -> (Vec<Input>, bool) {
    let found = sources::collect_loops(paths, stores);
    for (folder, error) in &found.unreadable {
        let folder = plain(&folder.display().to_string());
        eprintln!("loopwright: {folder}: cannot search: {error}");
    }
    (found.files.iter().map(input).collect(), !found.unreadable.is_empty())
}

/// The name of a file counts from the folder that was searched, that folder's own name included: `House/*.wav` says as much
/// as `House`.
fn input(source: &Source) -> Input {
    let below = source.name.split('/').count();
    let absolute = absolute(&source.place);
    let parts: Vec<String> = absolute
        .components()
        .filter_map(|c| match c {
            std::path::Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    Input {
        place: source.place.clone(),
        file: source.place.path().to_string_lossy().into_owned(),
        name: parts[parts.len().saturating_sub(below + 1)..].join("/"),
    }
}

/// The path or address with all its folders.
fn absolute(place: &Place) -> PathBuf {
    let path = place.path();
    match place {
        Place::File(_) => std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
        Place::Object(_) => path.to_path_buf(),
    }
}

/// Listens, learns, tells.
pub(super) fn train(
    inputs: &[Input],
    unreadable: bool,
    labels: &Labels,
    flags: &TagFlags,
    general: &General,
) -> Result<Exit> {
    let said = Said::load(general.config.as_deref(), &[])?;
    places::must_be_here("--out", &flags.out)?;
    let names = Names::of(&flags.out).map_err(sorted)?;
    if !names.folder().is_dir() {
        let folder = names.folder().display();
        return Err(UsageError(format!("--out {}: there is no folder {folder}", flags.out.display())).into());
    }
    if inputs.is_empty() {
        return Ok(sources::none_found(unreadable));
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(inputs.iter().map(|i| plain(&i.file)).collect(), general);
    let jobs = crate::commands::jobs(flags.jobs);
    let listened = tags::listen(
        inputs,
        labels.wants_measures(),
        &said.config,
        jobs,
        &display,
        |index, heard| {
            let words = match heard {
                Ok(true) => "heard".to_owned(),
                Ok(false) => "nothing to hear".to_owned(),
                Err(e) => format!("FAILED: {e}"),
            };
            display.finished(index, &words);
        },
    );
    display.close();
    let listened = listened.context("cannot start working")?;
    if progress::interrupted() {
        return Ok(Exit::Interrupted);
    }
    for (index, error) in &listened.failed {
        eprintln!(
            "loopwright: {}: {}",
            plain(&inputs[*index].file),
            plain(&error.to_string())
        );
    }
    let result = learn(inputs, &listened, labels, flags, &names, general);
    match result {
        Ok(report) => {
            tell(&report, flags, general)?;
            let failed = unreadable || report.failed > 0;
            Ok(if failed { Exit::SomeFailed } else { Exit::Done })
        }
        Err(_) if progress::interrupted() => Ok(Exit::Interrupted),
        Err(e) => Err(e),
    }
}

fn learn(
    inputs: &[Input],
    listened: &Listened,
    labels: &Labels,
    flags: &TagFlags,
    names: &Names,
    general: &General,
) -> Result<Report> {
    let settings = Settings {
        kind: match flags.learner {
            LearnerName::Linear => Kind::Linear,
            LearnerName::Network => Kind::Network,
            LearnerName::Trees => Kind::Trees,
        },
        folds: flags.folds,
        l2: flags.l2,
        hidden: flags.hidden,
        epochs: flags.epochs,
        rounds: flags.rounds,
        seed: flags.seed,
        threads: crate::commands::jobs(flags.jobs).get(),
        ..Settings::default()
    };
    let request = Request {
        inputs,
        listened,
        labels,
        out: &flags.out,
        grouping: match flags.group {
            GroupName::Name => Grouping::Name,
            GroupName::Folder => Grouping::Folder,
            GroupName::File => Grouping::File,
        },
        settings: &settings,
    };
    let command = format!("train {}", labels.kind());
    let stem = names.model.with_extension("");
    let mut recorder = record::open_as(&flags.mlflow, &names.record.as_path().into(), &stem, &command)?;
    let display = Display::new(vec![command], general);
    let progress = OfItem {
        observer: &display,
        index: 0,
    };
    let report = tags::train(&request, &mut *recorder, &progress);
    display.close();
    report.map_err(sorted)
}

/// What the user can put right on the command line is wrong usage; the rest failed.
fn sorted(error: TagsError) -> anyhow::Error {
    match error {
        TagsError::Name { .. } | TagsError::Labels(_) | TagsError::Learn(LearnError::Setting(_)) => {
            UsageError(error.to_string()).into()
        }
        TagsError::Learn(LearnError::Cancelled(c)) => c.into(),
        other => other.into(),
    }
}

fn tell(report: &Report, flags: &TagFlags, general: &General) -> Result<()> {
    if flags.json {
        print_json(&serde_json::to_value(report).context("cannot put the report into JSON")?)?;
    }
    if general.quiet {
        return Ok(());
    }
    let s = &report.scores;
    eprintln!(
        "{} of {} heard, {} told; over {} folds, with thresholds set without the files that are judged:",
        count(report.heard, "file"),
        count(report.groups, "source"),
        count(report.tags.len(), "tag"),
        report.folds
    );
    let line = |name: &str, macro_f1: f64, micro_f1: f64| {
        eprintln!("  {name:<10} macro F1 {macro_f1:.3}  micro F1 {micro_f1:.3}");
    };
    line("model", s.macro_f1, s.micro_f1);
    line("baseline", s.baseline_macro_f1, s.baseline_micro_f1);
    for (label, tag) in s.labels.iter().zip(&report.tags) {
        eprintln!(
            "  {:<18} {:>5} of {:<5} P {:.2}  R {:.2}  F1 {:.2} (baseline {:.2})  from {:.2}",
            plain(&label.label),
            label.support,
            label.files,
            label.precision,
            label.recall,
            label.f1,
            label.baseline_f1,
            tag.threshold
        );
    }
    for left in report.left_out.iter().filter(|l| l.support > 0) {
        let files = count(left.support, "file");
        eprintln!(
            "  {:<18} not learnt ({files}): {}",
            plain(&left.label),
            plain(&left.why)
        );
    }
    eprintln!("{} is written", plain(&report.model.display().to_string()));
    Ok(())
}

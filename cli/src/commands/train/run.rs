//! What every training does around its learner: reads, follows, records, tells.

use anyhow::{Context, Result};
use loopwright_core::learn::recorder::{Ending, RecordError, Recorder};
use loopwright_core::learn::{LearnError, Learner};
use loopwright_core::pipeline::run::OfItem;
use loopwright_core::pipeline::train::{self, Gathered, Judgement, Report, Request, TrainError};

use crate::args::{General, TrainFlags};
use crate::commands::print_json;
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::{places, record};

use super::listen::{self, Heard};

/// Trains by `learner` as the flags say.
pub(super) fn run(flags: &TrainFlags, learner: &dyn Learner, general: &General) -> Result<Exit> {
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let settings = Settings::load(general.config.as_deref(), &[])?;
    let out = places::target(&flags.out, &settings.config.stores)?;
    let request = Request {
        data: &flags.data,
        out: &out,
        extension: learner.extension(),
        include: &flags.include,
        exclude: &flags.exclude,
        valid: flags.valid,
        test: flags.test,
        folds: flags.folds,
        seed: flags.seed,
    };
    let (gathered, some_failed) = if flags.listen.audio.is_empty() {
        (None, false)
    } else {
        train::check(&request).map_err(sorted)?;
        match listen::listen(&flags.listen, flags.seed, &settings, general)? {
            Heard::Rows(gathered, failed) => (Some(gathered), failed),
            Heard::Nothing(exit) => return Ok(exit),
        }
    };
    let display = Display::new(vec![format!("train {}", learner.name())], general);
    let result = work(&request, gathered, flags, learner, &display);
    display.close();
    match result {
        Ok(report) => {
            tell(&report, flags, general)?;
            Ok(if some_failed { Exit::SomeFailed } else { Exit::Done })
        }
        Err(_) if progress::interrupted() => Ok(Exit::Interrupted),
        Err(e) => Err(e),
    }
}

fn work(
    request: &Request<'_>,
    gathered: Option<Box<Gathered>>,
    flags: &TrainFlags,
    learner: &dyn Learner,
    display: &Display,
) -> Result<Report> {
    let shown = OfItem {
        observer: display,
        index: 0,
    };
    let prepared = match gathered {
        Some(gathered) => train::prepare_gathered(request, *gathered, &shown),
        None => train::prepare(request, &shown),
    };
    let prepared = prepared.map_err(sorted)?;
    let (rows, tracks, columns) = prepared.size();
    let (learnt, stop, judge) = prepared.parts();
    display.say(&format!(
        "{rows} candidates of {}, {columns} columns; {learnt} to learn from, {stop} to stop by, {judge} to judge by",
        count(tracks, "track")
    ));
    let command = format!("train {}", learner.name());
    let mut recorder = Telling {
        inner: record::open_as(&flags.mlflow, &prepared.record(), &request.out.shown(), &command)?,
        display,
        line: String::new(),
        step: 0,
    };
    train::train(request, &prepared, learner, &mut recorder, &shown).map_err(sorted)
}

/// What the user can put right on the command line is wrong usage; the rest failed.
fn sorted(error: TrainError) -> anyhow::Error {
    match error {
        TrainError::Split(_)
        | TrainError::Columns(_)
        | TrainError::Name { .. }
        | TrainError::Learn(LearnError::Setting(_)) => UsageError(error.to_string()).into(),
        TrainError::Learn(LearnError::Cancelled(c)) => c.into(),
        other => other.into(),
    }
}

/// Tells the measures of each epoch on one line, on their way into the record.
struct Telling<'a> {
    inner: Box<dyn Recorder>,
    display: &'a Display,
    line: String,
    step: u64,
}

impl Telling<'_> {
    fn flush(&mut self) {
        if !self.line.is_empty() {
            self.display.say(&format!("{:>4}{}", self.step, self.line));
            self.line.clear();
        }
    }
}

impl Recorder for Telling<'_> {
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
        self.inner.param(name, value)
    }

    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
        let judged = ["test_", "heuristic_", "chance_"].iter().any(|p| name.starts_with(p));
        if !judged {
            if step != self.step {
                self.flush();
            }
            self.step = step;
            self.line += &format!("  {} {value:.4}", plain(&name.replace("_at_", "@").replace('_', " ")));
        }
        self.inner.metric(name, step, value)
    }

    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        self.flush();
        self.inner.artifact(name, content)
    }

    fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
        self.flush();
        self.inner.finish(ending)
    }

    fn note(&mut self, text: &str) -> Result<(), RecordError> {
        self.inner.note(text)
    }
}

fn tell(report: &Report, flags: &TrainFlags, general: &General) -> Result<()> {
    if flags.json {
        print_json(&serde_json::to_value(report).context("cannot put the report into JSON")?)?;
    }
    if general.quiet {
        return Ok(());
    }
    match &report.judgement {
        Some(judgement) => eprintln!("{}", table(judgement)),
        None => eprintln!("not judged: no tracks were kept for it"),
    }
    eprintln!(
        "{} is written, of round {}",
        plain(&report.model.display().to_string()),
        report.best_round
    );
    Ok(())
}

fn table(judgement: &Judgement) -> String {
    let mut text = format!("over {}, with 95 % intervals:", count(judgement.tracks, "track"));
    for ranker in &judgement.rankers {
        text += &format!("\n  {:<10}", ranker.ranker);
        for (name, i) in ranker.measures.iter().take(4) {
            text += &format!("  {name} {:.3} ({:.3} to {:.3})", i.mean, i.low, i.high);
        }
    }
    for (over, than) in [
        (judgement.above_heuristic, "the heuristic"),
        (judgement.above_chance, "chance"),
    ] {
        if let Some(i) = over {
            text += &format!(
                "\n  NDCG@10 against {than}: {:+.3} ({:+.3} to {:+.3})",
                i.mean, i.low, i.high
            );
        }
    }
    text
}

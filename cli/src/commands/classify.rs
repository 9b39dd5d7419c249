//! `loopwright classify`.

use anyhow::{Context, Result};
use loopwright_core::model::multilabel::{CONTACT, TAGS};
use loopwright_core::pipeline::classify::{self, Bound, ClassifyError, Models, Row, Told};
use loopwright_core::pipeline::tags::{FileError, Input};
use serde_json::{Map, Value, json};

use crate::args::{Classify, General};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::{places, sources};

/// Version of the JSON lines.
const SCHEMA: u32 = 1;

pub(super) fn run(args: &Classify, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &[])?;
    places::must_be_here("--out", &args.out)?;
    classify::format_of(&args.out).map_err(sorted)?;
    let models = Models {
        tags: Bound::read(&args.model, TAGS)?,
        contact: args
            .contact_model
            .as_deref()
            .map(|p| Bound::read(p, CONTACT))
            .transpose()?,
    };
    let (inputs, unreadable) = super::train::inputs(&args.inputs, &settings.config.stores);
    if inputs.is_empty() {
        return Ok(sources::none_found(unreadable));
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(inputs.iter().map(|i| plain(&i.file)).collect(), general);
    let mut broken = None;
    let jobs = super::jobs(args.jobs);
    let report = classify::classify(&inputs, &models, &settings.config, jobs, &display, |index, outcome| {
        display.finished(index, &brief(&models, &outcome));
        if args.json
            && let Err(e) = super::print_json(&line(&inputs[index], &models, &outcome))
        {
            broken.get_or_insert(e);
        }
    });
    display.close();
    let report = report.map_err(sorted)?;
    if let Some(e) = broken {
        return Err(e);
    }
    if progress::interrupted() {
        return Ok(Exit::Interrupted);
    }
    for (index, error) in &report.failed {
        eprintln!(
            "loopwright: {}: {}",
            plain(&inputs[*index].file),
            plain(&error.to_string())
        );
    }
    let written = report.rows > 0;
    if written {
        classify::write(&args.out, &report.table).map_err(sorted)?;
    }
    let failed = report.failed.len();
    if args.json {
        super::print_json(&json!({
            "schema": SCHEMA, "type": "summary", "files": report.rows, "silent": report.silent, "failed": failed,
            "table": written.then(|| args.out.to_string_lossy()),
        }))?;
    }
    if !general.quiet {
        let out = plain(&args.out.display().to_string());
        let silent = match report.silent {
            0 => String::new(),
            n => format!("; there is nothing to hear in {n} of them"),
        };
        if written {
            eprintln!("{} written to {out}{silent}", count(report.rows, "file"));
        } else {
            eprintln!("nothing was written: no file could be read");
        }
    }
    Ok(if failed > 0 || unreadable {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn sorted(error: ClassifyError) -> anyhow::Error {
    match error {
        ClassifyError::Name { .. } => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}

fn brief(models: &Models, outcome: &Result<&Row, &FileError>) -> String {
    match outcome {
        Err(e) => format!("FAILED: {e}"),
        Ok(None) => "nothing to hear".into(),
        Ok(Some((told, contact))) => {
            let mut tags = classify::given(&models.tags, told);
            if let (Some(bound), Some(told)) = (&models.contact, contact) {
                tags.extend(classify::given(bound, told));
            }
            if tags.is_empty() {
                "no tag".into()
            } else {
                tags.join(" ")
            }
        }
    }
}

fn line(input: &Input, models: &Models, outcome: &Result<&Row, &FileError>) -> Value {
    let row = match outcome {
        Err(e) => return json!({ "schema": SCHEMA, "type": "failure", "file": input.file, "error": e.to_string() }),
        Ok(row) => row,
    };
    let mut line = json!({ "schema": SCHEMA, "type": "file", "file": input.file, "silent": row.is_none() });
    if let (Some((told, contact)), Value::Object(fields)) = (row, &mut line) {
        let mut add = |bound: &Bound, told: &Told, tags: &str, prob: &str| {
            fields.insert(tags.into(), json!(classify::given(bound, told)));
            let named = bound.model().tags().iter().zip(&told.probabilities);
            let all: Map<String, Value> = named.map(|(t, p)| (t.name.clone(), json!(*p as f32))).collect();
            fields.insert(prob.into(), Value::Object(all));
        };
        add(&models.tags, told, "predicted_tags", "prob");
        if let (Some(bound), Some(told)) = (&models.contact, contact) {
            add(bound, told, "predicted_contact_tags", "prob_contact");
        }
    }
    line
}

//! `loopwright contact-map`.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use loopwright_core::pipeline::contact::{self, ContactError, Event, Report, Request, outputs};
use serde_json::{Value, json};

use crate::args::{ContactMap, General};
use crate::exit::Exit;
use crate::output::{count, plain, plain_lines};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::{places, sources};

/// Names of files left out that are told before the rest is counted.
const NAMED: usize = 5;

pub(super) fn run(args: &ContactMap, general: &General) -> Result<Exit> {
    places::must_be_here("--out", &args.out)?;
    let config = Settings::load(general.config.as_deref(), &[])?.config;
    let found = sources::collect_loops(&args.inputs, &config.stores);
    for (folder, error) in &found.unreadable {
        eprintln!(
            "loopwright: {}: cannot search: {error}",
            plain(&folder.display().to_string())
        );
    }
    if found.files.is_empty() {
        if args.json {
            super::print_json(&json!({ "schema": 1, "type": "contact_map", "n_files": 0 }))?;
        }
        return Ok(sources::none_found(!found.unreadable.is_empty()));
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let settings = args.settings();
    let heard = match settings.max_files {
        0 => found.files.len(),
        most => most.min(found.files.len()),
    };
    let display = Display::new(found.files[..heard].iter().map(|s| plain(&s.name)).collect(), general);
    let bars = !general.quiet && !general.no_progress && std::io::stderr().is_terminal();
    let pairs: RefCell<Option<ProgressBar>> = RefCell::new(None);
    let request = Request {
        sources: &found.files,
        out: &args.out,
        settings: &settings,
        jobs: super::jobs(args.jobs),
        parquet: args.tables.parquet(),
    };
    let report = contact::run(&request, &config, &display, &mut |event| match event {
        Event::Heard(index, Ok(())) => display.finished(index, "heard"),
        Event::Heard(index, Err(e)) => display.finished(index, &e.to_string()),
        Event::Aligned(done, total) if bars => {
            let mut bar = pairs.borrow_mut();
            let bar = bar.get_or_insert_with(|| {
                display.close();
                let bar = ProgressBar::new(total as u64);
                let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} pairs, {eta} left");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar
            });
            bar.set_position(done as u64);
        }
        Event::Aligned(..) => {}
    });
    if let Some(bar) = pairs.borrow_mut().take() {
        bar.finish_and_clear();
    }
    display.close();
    let report = match report {
        Ok(report) => report,
        Err(ContactError::Cancelled(c)) => return Err(c.into()),
        Err(e) => return Err(e.into()),
    };
    tell(args, general, &report)?;
    Ok(if report.failed.is_empty() && found.unreadable.is_empty() {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}

fn tell(args: &ContactMap, general: &General, report: &Report) -> Result<()> {
    for (_, error) in &report.failed {
        eprintln!("loopwright: {}", plain(&error.to_string()));
    }
    if args.json {
        for (path, error) in &report.failed {
            let line = json!({
                "schema": 1, "type": "failure", "file": outputs::name(path), "error": error.to_string(),
            });
            super::print_json(&line)?;
        }
        let mut line = json!({ "schema": 1, "type": "contact_map", "out": outputs::name(&args.out) });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, &report.summary) {
            line.extend(fields.clone());
        }
        super::print_json(&line)?;
    }
    if general.quiet {
        return Ok(());
    }
    let text = text(args, report, general.verbose);
    if args.json {
        eprintln!("{}", plain_lines(&text));
        Ok(())
    } else {
        super::print(&format!("{}\n", plain_lines(&text)))
    }
}

fn text(args: &ContactMap, report: &Report, verbose: u8) -> String {
    let mut text = String::new();
    let out = args.out.display();
    match &report.map {
        None => {
            let _ = writeln!(text, "No map: none of the files could be compared.");
        }
        Some(map) => {
            let _ = writeln!(
                text,
                "{}, {} aligned{}, {}: {out}",
                count(map.names.len(), "loop"),
                count(map.pairs.count(), "pair"),
                if report.summary["exact"] == json!(true) {
                    ""
                } else {
                    " of those that were proposed"
                },
                count(map.layout.components, "group"),
            );
            let top = report.summary["top_overlaps"].as_array();
            let shown = if verbose > 0 { 20 } else { 5 };
            for pair in top.into_iter().flatten().take(shown) {
                let text_of = |key: &str| pair[key].as_str().unwrap_or_default().to_owned();
                let number = |key: &str| pair[key].as_f64().unwrap_or_default();
                let _ = writeln!(
                    text,
                    "  {:.3}  {}  +  {}  (stretch {:.3})",
                    number("similarity"),
                    text_of("file_i"),
                    text_of("file_j"),
                    number("stretch_ratio_j_over_i"),
                );
            }
        }
    }
    if !report.failed.is_empty() {
        let _ = writeln!(
            text,
            "Not in the map: {} that could not be compared.",
            count(report.failed.len(), "file")
        );
    }
    if !report.cut.is_empty() {
        let named: Vec<String> = report.cut.iter().take(NAMED).map(|p| outputs::name(p)).collect();
        let more = report.cut.len() - named.len();
        let _ = writeln!(
            text,
            "Left out, because --max-files is {}: {}{}. --max-files 0 takes all; contact_map_summary.json lists them.",
            args.max_files,
            named.join(", "),
            if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            }
        );
    }
    text.trim_end().to_owned()
}

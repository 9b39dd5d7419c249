//! What `find` says at the end, in words that need no explanation.

use std::fmt::Write as _;

use loopwright_core::pipeline::find::{LoopReport, Report, TrackDone, TrackReport};

use crate::args::Find;
use crate::output::{clock, count, size};

/// Tracks whose loops are listed; of more, only the counts are given.
const LISTED: usize = 12;

/// A few words on one track, for a line of progress.
pub(super) fn brief(report: &TrackReport) -> String {
    match &report.outcome {
        Ok(done) if done.loops.is_empty() => nothing(done),
        Ok(done) => {
            let mut words = count(done.loops.len(), "loop");
            if done.resumed {
                words += ", done before";
            } else if let Some(facts) = &done.facts {
                let _ = write!(words, "{}", tempo(facts.bpm));
            }
            words
        }
        Err(e) => format!("FAILED: {e}"),
    }
}

/// The summary.
pub(super) fn text(report: &Report, args: &Find, verbose: u8) -> String {
    let mut text = String::new();
    let done: Vec<(&TrackReport, &TrackDone)> = report
        .tracks
        .iter()
        .filter_map(|t| Some((t, t.outcome.as_ref().ok()?)))
        .collect();
    let listed = verbose > 0 || done.len() <= LISTED;
    for (track, done) in done.iter().filter(|_| listed) {
        list(&mut text, track, done, verbose);
    }
    let loops: Vec<&LoopReport> = done.iter().flat_map(|(_, t)| &t.loops).collect();
    let failed = report.tracks.len() - done.len();
    let _ = write!(text, "{} in {}", count(loops.len(), "loop"), count(done.len(), "track"));
    let resumed = done.iter().filter(|(_, t)| t.resumed).count();
    if resumed > 0 {
        let _ = write!(text, " ({resumed} done by an earlier run)");
    }
    if failed > 0 {
        let _ = write!(text, "; {} FAILED", count(failed, "track"));
    }
    text.push_str(".\n");
    if !loops.is_empty() {
        text.push_str(&seams(&loops));
        text.push_str("A score says how likely a loop runs round well, from 0 to 1.\n");
    }
    let empty = done.iter().filter(|(_, t)| t.loops.is_empty()).count();
    if empty > 0 && !listed {
        let _ = writeln!(text, "Without loops: {}.", count(empty, "track"));
    }
    if args.dry_run {
        text.push_str("Nothing was written: this was a dry run.\n");
    } else if let (Some(out), true) = (&args.out, report.summary.is_some()) {
        let bytes = done.iter().map(|(_, t)| t.bytes).sum();
        let files = done.iter().map(|(_, t)| t.files).sum();
        let _ = writeln!(
            text,
            "{} {}: {}, {}.",
            if resumed == done.len() && resumed > 0 {
                "All there already in"
            } else {
                "Written to"
            },
            out.display(),
            count(files, "file"),
            size(bytes)
        );
        if !loops.is_empty() {
            let _ = writeln!(text, "One list of them all: {}", out.join("all_loops.csv").display());
        }
    }
    if failed > 0 {
        text.push_str("\nFailed:\n");
        for track in &report.tracks {
            if let Err(e) = &track.outcome {
                let _ = writeln!(text, "  {e}");
                if let Some(remedy) = e.remedy() {
                    let _ = writeln!(text, "    -> {remedy}");
                }
            }
        }
    }
    if report.left > 0 {
        let why = if report.cancelled { "Stopped" } else { "Stopped early" };
        let _ = writeln!(
            text,
            "\n{why}: {} left. The same command goes on from here.",
            count(report.left, "track")
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn list(text: &mut String, track: &TrackReport, done: &TrackDone, verbose: u8) {
    let _ = write!(text, "{}", track.source.name);
    if let Some(facts) = &done.facts {
        let _ = write!(
            text,
            "  {}{}, {}/4",
            clock(facts.seconds),
            tempo(facts.bpm),
            facts.beats_per_bar
        );
        if let Some(key) = &facts.key {
            let _ = write!(text, ", {key}");
        }
    }
    if done.resumed {
        text.push_str("  (done before)");
    }
    text.push('\n');
    for warning in &done.warnings {
        let _ = writeln!(text, "  note: {warning}");
    }
    if done.loops.is_empty() {
        let _ = writeln!(text, "  {}", nothing(done));
    }
    for found in &done.loops {
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
    text.push('\n');
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

fn tempo(bpm: Option<f64>) -> String {
    bpm.map(|bpm| format!(", {bpm:.1} BPM")).unwrap_or_default()
}

fn nothing(done: &TrackDone) -> String {
    if done.detail.is_empty() {
        "no loops".into()
    } else {
        format!("no loops: {}", done.detail)
    }
}

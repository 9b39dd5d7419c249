//! What is said at the end, in words that need no explanation.

use std::fmt::Write as _;

use loopwright_core::pipeline::run::{Report, TrackDone, TrackReport};

use super::Words;
use crate::args::BatchFlags;
use crate::output::{clock, count, size};

/// Tracks of which everything is listed; of more, only the counts are given.
const LISTED: usize = 12;

/// A few words on one track, for a line of progress.
pub(super) fn brief<T>(words: &dyn Words<T>, report: &TrackReport<T>) -> String {
    match &report.outcome {
        Ok(done) if done.found.is_empty() => nothing(words, done),
        Ok(done) => {
            let mut text = count(done.found.len(), words.noun());
            if done.resumed {
                text += ", done before";
            } else if let Some(facts) = &done.facts {
                let _ = write!(text, "{}", tempo(facts.bpm));
            }
            text
        }
        Err(e) => format!("FAILED: {e}"),
    }
}

/// The summary.
pub(super) fn text<T>(words: &dyn Words<T>, report: &Report<T>, flags: &BatchFlags, verbose: u8) -> String {
    let mut text = String::new();
    let done: Vec<(&TrackReport<T>, &TrackDone<T>)> = report
        .tracks
        .iter()
        .filter_map(|t| Some((t, t.outcome.as_ref().ok()?)))
        .collect();
    let listed = verbose > 0 || done.len() <= LISTED;
    for (track, done) in done.iter().filter(|_| listed) {
        list(words, &mut text, track, done, verbose);
    }
    let found: Vec<&T> = done.iter().flat_map(|(_, t)| &t.found).collect();
    let failed = report.tracks.len() - done.len();
    let _ = write!(
        text,
        "{} in {}",
        count(found.len(), words.noun()),
        count(done.len(), "track")
    );
    let resumed = done.iter().filter(|(_, t)| t.resumed).count();
    if resumed > 0 {
        let _ = write!(text, " ({resumed} done by an earlier run)");
    }
    if failed > 0 {
        let _ = write!(text, "; {} FAILED", count(failed, "track"));
    }
    text.push_str(".\n");
    if !found.is_empty() {
        text.push_str(&words.closing(&found));
    }
    let empty = done.iter().filter(|(_, t)| t.found.is_empty()).count();
    if empty > 0 && !listed {
        let _ = writeln!(text, "Without {}: {}.", plural(words), count(empty, "track"));
    }
    if flags.dry_run {
        text.push_str("Nothing was written: this was a dry run.\n");
    } else if let (Some(out), true) = (&flags.out, report.summary.is_some()) {
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
        if !found.is_empty() {
            let _ = writeln!(text, "One list of them all: {}", out.join(words.table()).display());
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

fn list<T>(words: &dyn Words<T>, text: &mut String, track: &TrackReport<T>, done: &TrackDone<T>, verbose: u8) {
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
    if done.found.is_empty() {
        let _ = writeln!(text, "  {}", nothing(words, done));
    }
    for found in &done.found {
        words.list(text, found, verbose);
    }
    text.push('\n');
}

fn tempo(bpm: Option<f64>) -> String {
    bpm.map(|bpm| format!(", {bpm:.1} BPM")).unwrap_or_default()
}

fn nothing<T>(words: &dyn Words<T>, done: &TrackDone<T>) -> String {
    if done.detail.is_empty() {
        format!("no {}", plural(words))
    } else {
        format!("no {}: {}", plural(words), done.detail)
    }
}

fn plural<T>(words: &dyn Words<T>) -> String {
    format!("{}s", words.noun())
}

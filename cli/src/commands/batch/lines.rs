//! The JSON lines of `--json`, for programs. Every line has `schema` and `type`; fields may be added within a schema, and
//! none changes its meaning or goes.

use loopwright_core::pipeline::lines::{self, SCHEMA};
use loopwright_core::pipeline::run::TrackReport;
use serde_json::{Value, json};

use super::Words;

/// The lines of one track: itself and what was found in it, or its failure.
pub(super) fn track<T>(words: &dyn Words<T>, report: &TrackReport<T>) -> Vec<Value> {
    let source = report.source.place.path().to_string_lossy();
    let done = match &report.outcome {
        Ok(done) => done,
        Err(e) => {
            return vec![json!({
                "schema": SCHEMA, "type": "failure", "source": source, "name": report.source.name,
                "error": e.to_string(), "remedy": e.remedy(),
            })];
        }
    };
    let mut lines = vec![json!({
        "schema": SCHEMA, "type": "track", "source": source, "name": report.source.name, "resumed": done.resumed,
        words.plural(): done.found.len(), "files": done.files, "bytes": done.bytes, "detail": done.detail,
        "warnings": done.warnings, "facts": done.facts,
    })];
    let kind = words.noun().replace(' ', "_");
    lines.extend(
        done.found
            .iter()
            .map(|found| lines::line(&kind, &source, words.fields(found))),
    );
    lines
}

/// The last line.
pub(super) fn summary<T>(
    words: &dyn Words<T>,
    tracks: &[TrackReport<T>],
    left: usize,
    unreadable: usize,
    interrupted: bool,
) -> Value {
    let done = || tracks.iter().filter_map(|t| t.outcome.as_ref().ok());
    let found: Vec<&T> = done().flat_map(|t| &t.found).collect();
    let mut line = json!({
        "schema": SCHEMA, "type": "summary", "tracks": done().count(), words.plural(): found.len(),
        "resumed": done().filter(|t| t.resumed).count(),
        "failed": tracks.len() - done().count() + unreadable, "left": left, "interrupted": interrupted,
    });
    if let Value::Object(line) = &mut line {
        line.extend(words.totals(&found));
    }
    line
}

//! The JSON lines of `find --json`, for programs. Every line has `schema` and `type`; fields may be added within a
//! schema, and none changes its meaning or goes.

use loopwright_core::pipeline::find::TrackReport;
use serde_json::{Value, json};

/// Version of the lines' layout.
pub(super) const SCHEMA: u32 = 1;

/// The lines of one track: itself and its loops, or its failure.
pub(super) fn track(report: &TrackReport) -> Vec<Value> {
    let source = report.source.path.to_string_lossy();
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
        "loops": done.loops.len(), "files": done.files, "bytes": done.bytes, "detail": done.detail,
        "warnings": done.warnings, "facts": done.facts,
    })];
    lines.extend(done.loops.iter().map(|found| {
        let mut line = json!({ "schema": SCHEMA, "type": "loop", "source": source });
        if let (Value::Object(line), Ok(Value::Object(fields))) = (&mut line, serde_json::to_value(found)) {
            line.extend(fields);
        }
        line
    }));
    lines
}

/// The last line.
pub(super) fn summary(tracks: &[TrackReport], left: usize, unreadable: usize, interrupted: bool) -> Value {
    let done = || tracks.iter().filter_map(|t| t.outcome.as_ref().ok());
    let loops = || done().flat_map(|t| &t.loops);
    json!({
        "schema": SCHEMA, "type": "summary", "tracks": done().count(), "loops": loops().count(),
        "crossfaded": loops().filter(|l| l.crossfade_ms > 0.0).count(),
        "resumed": done().filter(|t| t.resumed).count(),
        "failed": tracks.len() - done().count() + unreadable, "left": left, "interrupted": interrupted,
    })
}

//! Labels in JSON and in CSV.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{LabelError, Labelled, Labels, Mark, loop_of, moment};
use crate::guard::undisarmed;

/// `{"track": [seconds, …]}`, `{"track": [[start, end], …]}`; one file may hold both.
pub(super) fn json(path: &Path) -> Result<Labels, LabelError> {
    let broken = |problem: String| LabelError::Broken {
        path: path.into(),
        problem,
    };
    let text = fs::read_to_string(path).map_err(|source| LabelError::Io {
        path: path.into(),
        source,
    })?;
    let expected = "expected an object that names tracks: {\"track\": [seconds, …]} or {\"track\": [[start, end], …]}";
    let text = text.trim_start_matches('\u{feff}');
    let tracks: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|e| broken(format!("{e}; {expected}")))?;
    let mut labels = Labels::default();
    for (key, value) in tracks {
        let wrong = |problem: String| LabelError::Mark {
            path: path.into(),
            key: key.clone(),
            problem,
        };
        let Value::Array(entries) = value else {
            return Err(wrong(expected.into()));
        };
        let marks = entries
            .iter()
            .enumerate()
            .map(|(i, entry)| mark(entry).map_err(|problem| wrong(format!("entry {}: {problem}", i + 1))));
        let marks = marks.collect::<Result<_, _>>()?;
        labels.tracks.push(Labelled { key, marks });
    }
    Ok(labels)
}

fn mark(entry: &Value) -> Result<Mark, String> {
    let number = |v: &Value| v.as_f64().ok_or_else(|| format!("{v} is not a number"));
    match entry {
        Value::Number(_) => Ok(Mark::Moment(moment(number(entry)?)?)),
        Value::Array(pair) => match pair.as_slice() {
            [start, end] => loop_of(number(start)?, number(end)?, 1.0),
            [start, end, weight] => loop_of(number(start)?, number(end)?, number(weight)?),
            _ => Err("a loop is [start, end] or [start, end, weight]".into()),
        },
        Value::Object(fields) => {
            let field = |names: [&str; 2]| names.iter().find_map(|n| fields.get(*n));
            match (field(["start", "start_time"]), field(["end", "end_time"])) {
                (Some(start), Some(end)) => {
                    let weight = fields.get("weight").map_or(Ok(1.0), number)?;
                    loop_of(number(start)?, number(end)?, weight)
                }
                _ => Err("a loop needs `start` and `end`".into()),
            }
        }
        other => Err(format!("{other} is neither a time nor a loop")),
    }
}

/// A row a loop. Any table with these columns does: a table of loops that was written and pruned by hand, a dataset.
pub(super) fn csv(path: &Path) -> Result<Labels, LabelError> {
    let broken = |problem: String| LabelError::Broken {
        path: path.into(),
        problem,
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| broken(e.to_string()))?;
    let mut record = csv::StringRecord::new();
    let mut next = |record: &mut csv::StringRecord| reader.read_record(record).map_err(|e| broken(e.to_string()));
    next(&mut record)?;
    let header: Vec<String> = record
        .iter()
        .map(|h| undisarmed(h.trim_start_matches('\u{feff}')).to_owned())
        .collect();
    let column = |names: &[&str]| names.iter().find_map(|n| header.iter().position(|h| h == n));
    let (Some(id), Some(start), Some(end)) = (
        column(&["track_id", "audio_file", "file", "track"]),
        column(&["start_time", "start"]),
        column(&["end_time", "end"]),
    ) else {
        return Err(broken(format!(
            "labels as CSV need the columns track_id, start_time, end_time (and may have weight); found: {}",
            header.join(", ")
        )));
    };
    let weight = column(&["weight"]);
    let mut labels = Labels::default();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    while next(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let number = |at: usize| {
            let text = record.get(at).unwrap_or_default();
            text.parse::<f64>().map_err(|_| {
                broken(format!(
                    "line {line}, column `{}`: `{text}` is not a number",
                    header[at]
                ))
            })
        };
        let weight = match weight {
            Some(at) if record.get(at).is_some_and(|w| !w.is_empty()) => number(at)?,
            _ => 1.0,
        };
        let mark = loop_of(number(start)?, number(end)?, weight).map_err(|p| broken(format!("line {line}: {p}")))?;
        let key = undisarmed(record.get(id).unwrap_or_default());
        if key.is_empty() {
            return Err(broken(format!("line {line}, column `{}`: is empty", header[id])));
        }
        let at = *places.entry(key.to_owned()).or_insert_with(|| {
            labels.tracks.push(Labelled {
                key: key.to_owned(),
                marks: Vec::new(),
            });
            labels.tracks.len() - 1
        });
        labels.tracks[at].marks.push(mark);
    }
    Ok(labels)
}

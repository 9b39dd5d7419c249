//! Ratings from JSON: a report's, or lines of the plugin.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Rating, RatingsError, SCHEMA, value};

#[derive(Deserialize)]
struct Entry {
    track: String,
    #[serde(default)]
    file: Option<String>,
    start: f64,
    end: f64,
    rating: Value,
    #[serde(default)]
    features: BTreeMap<String, Option<f32>>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Rating>, RatingsError> {
    let form = |problem: String| RatingsError::Form {
        path: path.into(),
        problem,
    };
    // One object that spans the file is a report; lines that are objects each are the plugin's.
    if let Ok(whole) = serde_json::from_str::<Value>(text)
        && whole.get("track").is_none()
    {
        check(&whole).map_err(form)?;
        let Some(ratings) = whole.get("ratings").and_then(Value::as_array) else {
            return Err(form("no ratings: there is no list \"ratings\" in it".into()));
        };
        return entries(
            path,
            "rating",
            ratings.iter().enumerate().map(|(i, v)| (i + 1, Ok(v.clone()))),
        );
    }
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    entries(
        path,
        "line",
        lines.map(|(i, l)| (i + 1, serde_json::from_str(l).map_err(|e| e.to_string()))),
    )
}

fn entries(
    path: &Path,
    what: &str,
    values: impl Iterator<Item = (usize, Result<Value, String>)>,
) -> Result<Vec<Rating>, RatingsError> {
    values
        .map(|(number, value)| {
            let rating = value.and_then(|v| {
                check(&v)?;
                rating(v)
            });
            rating.map_err(|problem| RatingsError::Entry {
                path: path.into(),
                place: format!("{what} {number}"),
                problem,
            })
        })
        .collect()
}

fn check(value: &Value) -> Result<(), String> {
    match value.get("schema") {
        Some(schema) if schema.as_u64() != Some(u64::from(SCHEMA)) => {
            Err(format!("ratings of schema {schema}, but only {SCHEMA} is known here"))
        }
        _ => Ok(()),
    }
}

fn rating(entry: Value) -> Result<Rating, String> {
    let entry: Entry = serde_json::from_value(entry).map_err(|e| e.to_string())?;
    let said = match &entry.rating {
        Value::String(word) => value(word)?,
        Value::Null => None,
        other => value(&other.to_string())?,
    };
    let features = entry.features.into_iter();
    let features = features.filter_map(|(k, v)| Some((k, v.filter(|v| v.is_finite())?)));
    Rating {
        track: entry.track,
        file: entry.file,
        start: entry.start,
        end: entry.end,
        value: said,
        features: features.collect(),
    }
    .checked()
}

//! Ratings from a table.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Rating, RatingsError, value};
use crate::guard::undisarmed;

/// Columns of tables of loops that are no features.
const NOT_FEATURES: &[&str] = &["score", "score_prob", "score_rank", "rating", "weight"];

pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Rating>, RatingsError> {
    let mut reader = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let entry = |place: String, problem: String| RatingsError::Entry {
        path: path.into(),
        place,
        problem,
    };
    let header = reader
        .headers()
        .map_err(|e| entry("line 1".into(), e.to_string()))?
        .clone();
    let find = |names: &[&str]| header.iter().position(|h| names.contains(&h.trim()));
    let need = |names: &[&'static str]| {
        find(names).ok_or_else(|| RatingsError::Column {
            path: path.into(),
            column: names[0],
        })
    };
    let track = need(&["track_id", "track"])?;
    let start = need(&["start_time", "start"])?;
    let end = need(&["end_time", "end"])?;
    let rating = need(&["rating"])?;
    let file = find(&["file"]);
    let named = [Some(track), Some(start), Some(end), Some(rating), file];
    let mut out = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, ::csv::Position::line);
            entry(format!("line {line}"), e.to_string())
        })?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let wrong = |problem: String| entry(format!("line {line}"), problem);
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        // A table of loops of which only some are rated.
        if field(rating).is_empty() {
            continue;
        }
        let number = |column: usize| {
            let text = field(column);
            text.parse::<f64>().map_err(|_| {
                let shown: String = text.chars().take(40).collect();
                wrong(format!(
                    "{shown:?} in {} is no number",
                    header.get(column).unwrap_or_default()
                ))
            })
        };
        let features: BTreeMap<String, f32> = header
            .iter()
            .enumerate()
            .filter(|(i, name)| !named.contains(&Some(*i)) && !NOT_FEATURES.contains(name))
            .filter_map(|(i, name)| Some((name.trim().to_owned(), field(i).parse::<f32>().ok()?)))
            .filter(|(_, v)| v.is_finite())
            .collect();
        let read = Rating {
            track: undisarmed(field(track)).to_owned(),
            file: file.map(|f| undisarmed(field(f)).to_owned()).filter(|f| !f.is_empty()),
            start: number(start)?,
            end: number(end)?,
            value: value(field(rating)).map_err(wrong)?,
            features,
        };
        out.push(read.checked().map_err(wrong)?);
    }
    Ok(out)
}

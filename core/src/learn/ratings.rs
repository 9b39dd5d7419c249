//! What people said of loops: tables, reports, the plugin's list.
//!
//! Three forms are read, told apart by content:
//!
//! * CSV with a header: `track_id`, `start_time`, `end_time`, `rating`, and feature columns if at hand; a table of loops as
//!   `find` writes it with a column `rating` added is one.
//! * JSON: `{"schema": 1, "type": "ratings", "ratings": [{"track", "file", "start", "end", "rating", "features": {…}}, …]}`.
//! * JSON lines of such ratings, as the plugin writes them.
//!
//! A rating is a number from 1 (never) to 5 (a favourite), or `reject` (1), `accept` (4), `favourite` (5). `none` takes back
//! what was said before. The last word on a loop holds.

mod csv;
mod json;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::features::FeatureTable;

/// Version of the JSON forms.
pub const SCHEMA: u32 = 1;

/// Ratings of one file at most: far more than a person gives.
pub const MOST: usize = 100_000;

/// What somebody said of one loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// The track: loops are compared within one.
    pub track: String,
    /// The recording or the loop's file, where it is known.
    pub file: Option<String>,
    /// Where the loop begins, in seconds.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// 1 to 5; `None` where what was said is taken back.
    pub value: Option<f64>,
    /// Its features by name, those that are known.
    pub features: BTreeMap<String, f32>,
}

/// Why there are no ratings.
#[derive(Debug, thiserror::Error)]
pub enum RatingsError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A column is missing.
    #[error("{}: there is no column {column}; a table of ratings has track_id, start_time, end_time and rating", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Its name.
        column: &'static str,
    },
    /// One rating is not understood.
    #[error("{}, {place}: {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// `line 3`, `rating 3`.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The file is none of the three forms.
    #[error("{}: {problem}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads the ratings of one file, in its order.
///
/// # Errors
///
/// [`RatingsError`], with the file and the line.
pub fn read(path: &Path) -> Result<Vec<Rating>, RatingsError> {
    let bytes = std::fs::read(path).map_err(|source| RatingsError::Io {
        path: path.into(),
        source,
    })?;
    let form = |problem: &str| RatingsError::Form {
        path: path.into(),
        problem: problem.into(),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| form("no text (UTF-8)"))?;
    let text = text.trim_start_matches('\u{feff}');
    let ratings = if text.trim_start().starts_with('{') {
        json::read(path, text)?
    } else {
        csv::read(path, text)?
    };
    if ratings.len() > MOST {
        return Err(form(&format!("more than {MOST} ratings")));
    }
    Ok(ratings)
}

/// The last word on each loop, in the order of first mention; what was taken back is gone. Loops are the same where track
/// and times to the hundredth of a second are.
pub fn settle(ratings: impl IntoIterator<Item = Rating>) -> Vec<Rating> {
    let mut places: BTreeMap<(String, i64, i64), usize> = BTreeMap::new();
    let mut out: Vec<Rating> = Vec::new();
    let round = |seconds: f64| (seconds * 100.0).round() as i64;
    for rating in ratings {
        let key = (rating.track.clone(), round(rating.start), round(rating.end));
        match places.get(&key) {
            Some(&place) => {
                // Whoever repeats a rating need not repeat the features.
                let old = std::mem::replace(&mut out[place], rating);
                if out[place].features.is_empty() {
                    out[place].features = old.features;
                }
                if out[place].file.is_none() {
                    out[place].file = old.file;
                }
            }
            None => {
                places.insert(key, out.len());
                out.push(rating);
            }
        }
    }
    out.retain(|r| r.value.is_some());
    out
}

impl Rating {
    /// The columns among `wanted` that it lacks.
    pub fn lacks<'a>(&self, wanted: &'a [String]) -> Vec<&'a str> {
        let known = |c: &String| self.features.contains_key(c);
        wanted.iter().filter(|c| !known(c)).map(String::as_str).collect()
    }

    /// Takes over the features of a row.
    pub fn fill(&mut self, table: &FeatureTable, row: usize) {
        let columns = table.schema().columns().iter();
        self.features = columns.cloned().zip(table.row(row).iter().copied()).collect();
    }

    /// Checks times and gives the rating, or says what is wrong.
    fn checked(self) -> Result<Self, String> {
        if !(self.start.is_finite() && self.end.is_finite() && self.start >= 0.0 && self.end > self.start) {
            return Err(format!("a loop from {} s to {} s", self.start, self.end));
        }
        if self.track.is_empty() {
            return Err("no track is named".into());
        }
        Ok(self)
    }
}

/// What a word or a number means: 1 to 5, or nothing any more.
fn value(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "reject" | "rejected" => return Ok(Some(1.0)),
        "accept" | "accepted" => return Ok(Some(4.0)),
        "favourite" | "favorite" => return Ok(Some(5.0)),
        "none" => return Ok(None),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(x) if (1.0..=5.0).contains(&x) => Ok(Some(x)),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(format!(
                "{shown:?} is no rating: it is a number from 1 to 5, reject, accept, favourite or none"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Result<Vec<Rating>, RatingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ratings");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let csv = "track_id,start_time,end_time,rating,bars,file\na,1.5,3.5,favourite,2,x.wav\na,2,4,2,,\n";
        let entry = r#"{"track":"a","file":"x.wav","start":1.5,"end":3.5,"rating":"favourite","features":{"bars":2}}"#;
        let second = r#"{"track":"a","start":2,"end":4,"rating":2,"features":{"bars":null}}"#;
        let report = format!(r#"{{"schema":1,"type":"ratings","ratings":[{entry},{second}]}}"#);
        let lines = format!("{entry}\n\n{second}\n");
        let read = from(csv).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].value, read[1].value), (Some(5.0), Some(2.0)));
        assert_eq!((read[0].start, read[0].end), (1.5, 3.5));
        assert_eq!(read[0].features["bars"], 2.0);
        assert_eq!(read[0].file.as_deref(), Some("x.wav"));
        assert!(read[1].features.is_empty());
        assert_eq!(from(&report).unwrap(), read);
        assert_eq!(from(&lines).unwrap(), read);
        assert_eq!(from(&format!("\u{feff}{csv}")).unwrap(), read);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("a,b\n1,2\n", "no column track_id"),
            ("track_id,start_time,end_time\na,1,2\n", "no column rating"),
            (
                "track_id,start_time,end_time,rating\na,1,2,6\n",
                "line 2: \"6\" is no rating",
            ),
            (
                "track_id,start_time,end_time,rating\na,x,2,5\n",
                "line 2: \"x\" in start_time is no number",
            ),
            (
                "track_id,start_time,end_time,rating\na,3,2,5\n",
                "line 2: a loop from 3 s to 2 s",
            ),
            ("track_id,start_time,end_time,rating\n,1,2,5\n", "line 2: no track"),
            ("track_id,start_time,end_time,rating\na,1,2\n", "line 2"),
            (
                "{\"track\":\"a\",\"start\":1,\"end\":2,\"rating\":\"meh\"}\n",
                "line 1: \"meh\"",
            ),
            (
                "{\"track\":\"a\",\"start\":1,\"rating\":5}\n",
                "line 1: missing field `end`",
            ),
            ("{\"schema\":2,\"type\":\"ratings\",\"ratings\":[]}", "schema 2"),
            ("{\"schema\":1,\"type\":\"ratings\",\"ratings\":[{}]}", "rating 1"),
            ("{\"schema\":1,\"type\":\"manifest\"}", "no ratings"),
            ("{broken", "ratings"),
            ("", "no column track_id"),
        ] {
            let error = from(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        assert!(matches!(read(Path::new("/nonexistent")), Err(RatingsError::Io { .. })));
    }

    #[test]
    fn the_last_word_holds() {
        let lines = [
            r#"{"track":"a","start":1,"end":2,"rating":"favourite","features":{"bars":4}}"#,
            r#"{"track":"a","start":3,"end":4,"rating":"reject"}"#,
            r#"{"track":"a","start":1.001,"end":2,"rating":"reject"}"#,
            r#"{"track":"a","start":3,"end":4,"rating":"none"}"#,
            r#"{"track":"b","start":1,"end":2,"rating":3}"#,
        ];
        let settled = settle(from(&lines.join("\n")).unwrap());
        let told: Vec<_> = settled.iter().map(|r| (r.track.as_str(), r.value)).collect();
        assert_eq!(told, [("a", Some(1.0)), ("b", Some(3.0))]);
        assert_eq!(settled[0].features["bars"], 4.0, "features are remembered");
    }
}

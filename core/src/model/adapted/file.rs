//! The file of an adapted ranking.
//!
//! ```json
//! {
//!   "loopwright_adapted": 1,
//!   "base": {"kind": "heuristic"},
//!   "bound": 1.5,
//!   "ratings": 20, "tracks": 3, "shrink": 0.8,
//!   "terms": [{"column": "bars", "transform": "log2", "centre": 2.0, "scale": 1.0, "weight": 0.31}, …],
//!   "prefers": ["longer loops"]
//! }
//! ```
//!
//! Terms are written out in full, so that a file says what it does, and one whose terms mean something else than ours is
//! refused rather than misread.

use serde::{Deserialize, Serialize};

use super::{Adapted, BOUND, TERMS, Taste, Transform};
use crate::model::Scorer;

/// Version of the format.
pub const VERSION: u32 = 1;

/// What a taste is added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Base {
    /// The scorer that needs no training.
    Heuristic,
    /// A model in a file of its own.
    File {
        /// From the folder of this file, with `/`; or absolute.
        path: String,
        /// BLAKE3 of its content, in hexadecimal: a taste fits the model that it was learnt on.
        blake3: String,
    },
}

/// An adapted ranking as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptedFile {
    /// What it is added to.
    pub base: Base,
    /// What it adds.
    pub taste: Taste,
    /// Of how many ratings it was learnt.
    pub ratings: usize,
    /// In how many tracks those were.
    pub tracks: usize,
    /// The part, 0 to 1, of what the ratings say that held for ratings left out.
    pub shrink: f64,
}

/// Why a file is no adapted ranking that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdaptedError {
    /// It is not of this format, or breaks off.
    #[error("a broken adapted ranking: {0}")]
    Broken(String),
    /// It was written by another version.
    #[error("an adapted ranking of version {0}, but only version {VERSION} is known: train it anew from your ratings")]
    Version(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    loopwright_adapted: u32,
    base: Base,
    bound: f64,
    ratings: usize,
    tracks: usize,
    shrink: f64,
    terms: Vec<StoredTerm>,
    /// For people; not read.
    #[serde(default)]
    prefers: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTerm {
    column: String,
    transform: Transform,
    centre: f64,
    scale: f64,
    weight: f64,
}

impl AdaptedFile {
    /// Whether content looks like one: JSON with the format's own key near its beginning.
    pub fn looks_like(bytes: &[u8]) -> bool {
        let head = &bytes[..bytes.len().min(4096)];
        head.trim_ascii_start().starts_with(b"{") && head.windows(20).any(|w| w == b"\"loopwright_adapted\"")
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`AdaptedError`] where it is broken, of another version, or about other terms.
    pub fn read(bytes: &[u8]) -> Result<Self, AdaptedError> {
        let broken = |problem: String| AdaptedError::Broken(problem);
        // The version first: another one may have other fields.
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| broken(e.to_string()))?;
        match value["loopwright_adapted"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(AdaptedError::Version(version)),
            None => return Err(broken("\"loopwright_adapted\" is no version".into())),
        }
        let stored: Stored = serde_json::from_value(value).map_err(|e| broken(e.to_string()))?;
        if !(stored.bound > 0.0 && stored.bound <= BOUND) {
            return Err(broken(format!(
                "\"bound\" is {}, not above 0 and at most {BOUND}",
                stored.bound
            )));
        }
        if !(0.0..=1.0).contains(&stored.shrink) {
            return Err(broken(format!("\"shrink\" is {}, not from 0 to 1", stored.shrink)));
        }
        let mut taste = Taste {
            bound: stored.bound,
            ..Taste::none()
        };
        let mut seen = [false; TERMS.len()];
        for term in &stored.terms {
            let Some(index) = TERMS.iter().position(|t| t.column == term.column) else {
                return Err(broken(format!("there is no term {:?}", term.column)));
            };
            let own = &TERMS[index];
            if (term.transform, term.centre, term.scale) != (own.transform, own.centre, own.scale) {
                return Err(broken(format!(
                    "the term {:?} is measured otherwise here: train it anew",
                    term.column
                )));
            }
            if std::mem::replace(&mut seen[index], true) {
                return Err(broken(format!("the term {:?} stands there twice", term.column)));
            }
            if !term.weight.is_finite() {
                return Err(broken(format!("the weight of {:?} is no number", term.column)));
            }
            taste.weights[index] = term.weight;
        }
        Ok(Self {
            base: stored.base,
            taste,
            ratings: stored.ratings,
            tracks: stored.tracks,
            shrink: stored.shrink,
        })
    }

    /// The content of its file.
    pub fn to_json(&self) -> String {
        let terms = TERMS.iter().zip(self.taste.weights).map(|(t, weight)| StoredTerm {
            column: t.column.into(),
            transform: t.transform,
            centre: t.centre,
            scale: t.scale,
            weight,
        });
        let stored = Stored {
            loopwright_adapted: VERSION,
            base: self.base.clone(),
            bound: self.taste.bound,
            ratings: self.ratings,
            tracks: self.tracks,
            shrink: self.shrink,
            terms: terms.collect(),
            prefers: self.taste.words(),
        };
        // Plain numbers and text: this cannot fail.
        let mut text = serde_json::to_string_pretty(&stored).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The scorer, on its base.
    pub fn scorer(&self, base: Box<dyn Scorer>) -> Adapted {
        Adapted::new(base, self.taste.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> AdaptedFile {
        let mut taste = Taste::none();
        taste.weights[0] = 0.1 + 0.2;
        taste.weights[3] = -1e-3;
        AdaptedFile {
            base: Base::File {
                path: "ranker/ranker.onnx".into(),
                blake3: "00ff".into(),
            },
            taste,
            ratings: 20,
            tracks: 3,
            shrink: 0.7,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for base in [Base::Heuristic, sample().base] {
            let file = AdaptedFile { base, ..sample() };
            let text = file.to_json();
            assert!(AdaptedFile::looks_like(text.as_bytes()));
            assert_eq!(AdaptedFile::read(text.as_bytes()), Ok(file));
        }
        assert!(!AdaptedFile::looks_like(b"{\"learner\":{}}"));
        assert!(!AdaptedFile::looks_like(b""));
    }

    #[test]
    fn what_is_broken_is_refused_and_named() {
        let good = sample().to_json();
        for (from, to, said) in [
            ("\"loopwright_adapted\": 1", "\"loopwright_adapted\": 7", "version 7"),
            (
                "\"loopwright_adapted\": 1",
                "\"loopwright_adapted\": \"x\"",
                "no version",
            ),
            ("\"bound\": 1.5", "\"bound\": 99.0", "bound"),
            ("\"bound\": 1.5", "\"bound\": -1.0", "bound"),
            ("\"shrink\": 0.7", "\"shrink\": 1.5", "shrink"),
            ("\"column\": \"bars\"", "\"column\": \"barz\"", "barz"),
            ("\"column\": \"bars\"", "\"column\": \"rms_mean\"", "rms_mean"),
            ("\"centre\": 2.0", "\"centre\": 3.0", "measured otherwise"),
            ("\"log2\"", "\"cube\"", "cube"),
            ("\"kind\": \"file\"", "\"kind\": \"pickle\"", "pickle"),
            ("\"ratings\": 20", "\"ratings\": -1", "-1"),
            ("\"ratings\": 20", "\"ratings\": 20, \"more\": 1", "more"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let error = AdaptedFile::read(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{from} -> {to}: {error}");
        }
        for end in 0..good.trim_end().len() {
            assert!(AdaptedFile::read(&good.as_bytes()[..end]).is_err());
        }
    }
}

//! `features.json`: which features a model's inputs are, and what its scores mean.
//!
//! It lies beside the model, as `<stem>.features.json` or `features.json`. Two forms are read: a plain list of names, as
//! the Python pipeline writes it, and ours (docs/FORMATS.md), which also holds versions of the features, the meaning of the
//! scores and what training found.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Calibration, ModelFileError, Output};
use crate::analysis::embedding::EmbeddingInfo;
use crate::features::REGISTRY;

/// Version of the form.
pub const VERSION: u32 = 1;
/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 26;

/// A model's inputs and outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaFile {
    /// [`VERSION`].
    pub version: u32,
    /// The inputs, in order.
    pub columns: Vec<Column>,
    /// What the scores mean; what the model's own kind says where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Weight of `boundary_quiet_score` that suits the model best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// From its scores to probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Where columns come from that are the user's own network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Embedding>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its unit; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The version of the feature with which the model was trained; not checked where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A network whose outputs are columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// The name of its file.
    pub model: String,
    /// Sixteen hexadecimal digits that name its content: the start of its BLAKE3.
    pub digest: String,
    /// What its columns' names begin with, such as `openl3_`.
    pub prefix: String,
    /// How many columns it gives.
    pub dims: u32,
}

impl From<&Embedding> for EmbeddingInfo {
    fn from(record: &Embedding) -> Self {
        Self {
            model: record.model.clone(),
            digest: record.digest.clone(),
            prefix: record.prefix.clone(),
            dims: record.dims as usize,
        }
    }
}

impl From<&EmbeddingInfo> for Embedding {
    fn from(info: &EmbeddingInfo) -> Self {
        Self {
            model: info.model.clone(),
            digest: info.digest.clone(),
            prefix: info.prefix.clone(),
            // Bounded by `embedding::MAX_DIMS`.
            dims: info.dims as u32,
        }
    }
}

impl SchemaFile {
    /// The file for these columns; units and versions are those of the registry.
    pub fn of<S: AsRef<str>>(columns: &[S]) -> Self {
        let column = |name: &str| {
            let feature = feature(name);
            Column {
                name: name.to_owned(),
                unit: feature.map_or_else(String::new, |f| f.unit.to_owned()),
                version: feature.map(|f| f.version),
            }
        };
        Self {
            version: VERSION,
            columns: columns.iter().map(|c| column(c.as_ref())).collect(),
            output: None,
            alpha: None,
            calibration: None,
            embedding: None,
        }
    }

    /// Takes the content of a file; `name` is what errors call it. Says which columns stand there twice, and which features
    /// have changed since the model was trained.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, ModelFileError> {
        let wrong = |problem: String| ModelFileError::Columns {
            name: name.to_owned(),
            problem,
        };
        // The first character tells the forms apart, so that errors speak of the right one.
        let plain = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
        let file = if plain {
            let names: Vec<String> =
                serde_json::from_slice(bytes).map_err(|e| wrong(format!("not a list of columns' names: {e}")))?;
            let columns = names.into_iter().map(|name| Column {
                name,
                unit: String::new(),
                version: None,
            });
            Self {
                columns: columns.collect(),
                ..Self::of::<&str>(&[])
            }
        } else {
            serde_json::from_slice(bytes).map_err(|e| wrong(format!("not a description of features: {e}")))?
        };
        file.check().map_err(wrong)?;
        Ok(file)
    }

    /// The content of the file.
    pub fn to_json(&self) -> String {
        // Strings and numbers: nothing here can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The columns' names, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// The file that lies beside the model at `path`, if there is one: where, and its content.
    pub fn beside(path: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, ModelFileError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let own = path.file_stem().map(|stem| {
            let mut name = stem.to_owned();
            name.push(".features.json");
            folder.join(name)
        });
        for place in own.into_iter().chain([folder.join("features.json")]) {
            if !place.is_file() {
                continue;
            }
            let problem = |problem: String| ModelFileError::Read {
                name: place.display().to_string(),
                problem,
            };
            let size = std::fs::metadata(&place).map_err(|e| problem(e.to_string()))?.len();
            if size > MAX_BYTES {
                return Err(problem(format!("{size} bytes are too many")));
            }
            let bytes = std::fs::read(&place).map_err(|e| problem(e.to_string()))?;
            return Ok(Some((place, bytes)));
        }
        Ok(None)
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!(
                "it is of version {}, and version {VERSION} is what can be read",
                self.version
            ));
        }
        if let Some(alpha) = self.alpha.filter(|a| !a.is_finite()) {
            return Err(format!("alpha is {alpha}"));
        }
        if let Some(c) = self.calibration {
            check_calibration(c)?;
        }
        no_twins(&self.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>())?;
        let changed: Vec<String> = self
            .columns
            .iter()
            .filter_map(|c| {
                let (trained, now) = (c.version?, feature(&c.name)?.version);
                (trained != now).then(|| format!("{} (trained with version {trained}, now {now})", c.name))
            })
            .collect();
        if changed.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "features have changed since the model was trained: {}; train it again",
                brief(&changed)
            ))
        }
    }
}

/// Whether a calibration says something.
pub(super) fn check_calibration(c: Calibration) -> Result<(), String> {
    if c.slope.is_finite() && c.slope > 0.0 && c.offset.is_finite() {
        Ok(())
    } else {
        Err(format!("the calibration has slope {} and offset {}", c.slope, c.offset))
    }
}

/// Names that stand there twice are an error.
pub(super) fn no_twins(names: &[&str]) -> Result<(), String> {
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let mut twins: Vec<String> = sorted
        .windows(2)
        .filter(|w| w[0] == w[1])
        .map(|w| w[0].to_owned())
        .collect();
    twins.dedup();
    if twins.is_empty() {
        Ok(())
    } else {
        Err(format!("columns stand there more than once: {}", brief(&twins)))
    }
}

/// The feature of which this is a column.
fn feature(column: &str) -> Option<&'static crate::features::Feature> {
    let numbered = || {
        let (name, number) = column.rsplit_once('_')?;
        let canonical = number.parse::<usize>().ok().filter(|n| n.to_string() == number)?;
        let of = |f: &&&'static crate::features::Feature| f.name == name && f.width > 1 && canonical < f.width;
        REGISTRY.iter().find(of)
    };
    let single = REGISTRY.iter().find(|f| f.width == 1 && f.name == column);
    single.or_else(numbered).copied()
}

/// Those of the names that the registry has no feature for.
pub(super) fn unknown(names: &[String]) -> Vec<String> {
    names.iter().filter(|n| feature(n).is_none()).cloned().collect()
}

/// Names in a line of bearable length.
pub(crate) fn brief(names: &[String]) -> String {
    const MOST: usize = 12;
    match names.len() {
        n if n <= MOST => names.join(", "),
        n => format!(
            "{}, … {} ({n} in all)",
            names[..MOST - 1].join(", "),
            names.last().map_or("", String::as_str)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_names_in_order() {
        let plain = SchemaFile::parse("f", br#" ["rms_mean", "bars", "pt_mel_7"]"#).unwrap();
        assert_eq!(plain.names(), ["rms_mean", "bars", "pt_mel_7"]);
        let mut ours = SchemaFile::of(&plain.names());
        ours.calibration = Some(Calibration {
            slope: 2.0,
            offset: -1.0,
        });
        ours.output = Some(Output::Relative);
        assert!(ours.columns.iter().all(|c| c.version.is_some()));
        assert_eq!(SchemaFile::parse("f", ours.to_json().as_bytes()).unwrap(), ours);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut changed = SchemaFile::of(&["bars", "rms_mean"]);
        changed.columns[1].version = Some(77);
        for (bytes, named) in [
            (changed.to_json(), "rms_mean (trained with version 77"),
            (r#"["bars","rms_mean","bars"]"#.into(), "bars"),
            (r#"{"version":1,"columns":[],"colour":"red"}"#.into(), "colour"),
            (r#"{"version":9,"columns":[]}"#.into(), "version 9"),
            (
                r#"{"version":1,"columns":[],"calibration":{"slope":-1,"offset":0}}"#.into(),
                "slope -1",
            ),
            ("[1, 2]".into(), "names"),
            ("".into(), "description"),
        ] {
            let error = SchemaFile::parse("x/features.json", bytes.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains(named) && error.contains("x/features.json"), "{error}");
        }
    }

    #[test]
    fn columns_find_their_features() {
        let full = crate::features::Schema::full();
        assert!(unknown(full.columns()).is_empty());
        for none in ["pt_mel", "pt_mel_256", "pt_mel_07", "bars_0", "openl3_3", ""] {
            assert_eq!(unknown(&[none.to_owned()]).len(), 1, "{none}");
        }
    }

    #[test]
    fn the_models_own_file_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("a.onnx");
        assert_eq!(SchemaFile::beside(&model).unwrap(), None);
        std::fs::write(folder.path().join("features.json"), "[]").unwrap();
        assert_eq!(SchemaFile::beside(&model).unwrap().unwrap().1, b"[]");
        std::fs::write(folder.path().join("a.features.json"), "[\"bars\"]").unwrap();
        assert_eq!(SchemaFile::beside(&model).unwrap().unwrap().1, b"[\"bars\"]");
    }
}

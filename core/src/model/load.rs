//! From files to scorers: by what they hold, whatever they are called.
//!
//! Nothing in a file is ever run: XGBoost's formats are data, and an ONNX graph computes numbers from numbers.

use std::path::Path;

use super::adapted::{self, AdaptedFile};
use super::booster::BoosterScorer;
use super::schema_file::{self, SchemaFile};
use super::trees;
use super::{Calibration, ModelFileError, ModelInfo, Output, Scorer, found, heuristic};
use crate::analysis::embedding::{self, EmbeddingInfo};
use crate::config::tuning::Tuning;

/// The setting that asks for the scorer without training.
pub const HEURISTIC: &str = "heuristic";
/// The setting that asks for the model in the build.
pub const SHIPPED: &str = "shipped";

/// The trained model that is part of the build: name, content, and its `features.json`.
const IN_BUILD: Option<(&str, &[u8], &[u8])> = Some((
    "of this build",
    include_bytes!("../../../models/ranking/ranker.json"),
    include_bytes!("../../../models/ranking/features.json"),
));

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// A model file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What errors call it.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
    /// The `features.json` that belongs to it: what errors call it, and its content.
    pub schema: Option<(&'a str, &'a [u8])>,
}

/// What reads one kind of file.
pub struct Loader {
    /// What the kind is called.
    pub kind: &'static str,
    /// Whether a file's content is of this kind.
    pub is: fn(&[u8]) -> bool,
    load: fn(&Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError>,
}

/// The kinds that are known, in the order in which they are tried.
pub static LOADERS: &[Loader] = &[
    Loader {
        kind: "adapted ranking",
        is: AdaptedFile::looks_like,
        load: adapted::load,
    },
    Loader {
        kind: "XGBoost UBJSON",
        is: trees::is_ubj,
        load: BoosterScorer::load,
    },
    Loader {
        kind: "XGBoost JSON",
        is: is_model_json,
        load: BoosterScorer::load,
    },
    Loader {
        kind: "ONNX",
        is: is_onnx,
        load: load_onnx,
    },
];

/// The scorer that the setting asks for: `heuristic`, `shipped`, or a file, whose columns must all be features that are
/// measured here. Nothing said is the heuristic.
pub fn select(setting: Option<&str>, tuning: &Tuning) -> Result<Box<dyn Scorer>, ModelFileError> {
    select_with(setting, tuning, None)
}

/// The same where a network embeds tracks, whose columns the model may read: if it learnt from such, from this one's.
pub fn select_with(
    setting: Option<&str>,
    tuning: &Tuning,
    embedding: Option<&EmbeddingInfo>,
) -> Result<Box<dyn Scorer>, ModelFileError> {
    let scorer = match setting {
        None | Some(HEURISTIC) => return Ok(Box::new(heuristic(tuning))),
        Some(SHIPPED) => shipped()?,
        Some(file) => load(Path::new(file))?,
    };
    let info = scorer.info();
    let wrong = |problem: String| ModelFileError::Columns {
        name: setting.unwrap_or(SHIPPED).to_owned(),
        problem,
    };
    check_embedding(info, embedding).map_err(wrong)?;
    let mut missing = schema_file::unknown(&info.columns);
    missing.retain(|name| embedding.is_none_or(|e| e.index(name).is_none()));
    if missing.is_empty() {
        return Ok(scorer);
    }
    let (n, all) = (missing.len(), info.columns.len());
    Err(wrong(format!(
        "{n} of its {all} columns are no features of this version: {}; `loopwright features` lists those there are",
        schema_file::brief(&missing)
    )))
}

/// Whether the columns of an embedding that a model reads are those of the network that is there. Nothing else can tell: a
/// network of other weights gives columns of the same names.
fn check_embedding(info: &ModelInfo, given: Option<&EmbeddingInfo>) -> Result<(), String> {
    let read: Vec<String> = info
        .columns
        .iter()
        .filter(|c| embedding::is_column(c))
        .cloned()
        .collect();
    if read.is_empty() {
        return Ok(());
    }
    let wanted = match &info.embedding {
        Some(e) => format!("{} (digest {}), with which it was trained", e.model, e.digest),
        None => "the network with which it was trained".to_owned(),
    };
    let n = match read.len() {
        1 => "1 column".to_owned(),
        n => format!("{n} columns"),
    };
    let columns = schema_file::brief(&read);
    let Some(given) = given else {
        return Err(format!(
            "it reads {n} of an embedding: {columns}; give --embedding-model FILE: {wanted}"
        ));
    };
    if let Some(e) = info.embedding.as_ref().filter(|e| e.digest != given.digest) {
        return Err(format!(
            "it reads {n} of the embedding of {} (digest {}), and the embedding model here is {} (digest {}): give the one \
             with which it was trained, or train it again on a dataset with this one's columns",
            e.model, e.digest, given.model, given.digest
        ));
    }
    let lost: Vec<String> = read.into_iter().filter(|c| given.index(c).is_none()).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it reads columns that the embedding model {} does not give: {}; it gives {}, and what is wanted is {wanted}",
        given.model,
        schema_file::brief(&lost),
        match given.dims {
            1 => given.column(0),
            n => format!("{} to {}", given.column(0), given.column(n - 1)),
        }
    ))
}

/// The model of the build.
fn shipped() -> Result<Box<dyn Scorer>, ModelFileError> {
    match IN_BUILD {
        Some((name, bytes, schema)) => of_bytes(name, bytes, Some(("features.json", schema))),
        None => Err(ModelFileError::Unsupported {
            name: SHIPPED.to_owned(),
            problem: "this build has no trained model in it: use `heuristic`, or name a file".to_owned(),
        }),
    }
}

/// Reads the model at `path`, with the `features.json` beside it. Its columns may be any: that they are there is checked
/// when it scores.
pub fn load(path: &Path) -> Result<Box<dyn Scorer>, ModelFileError> {
    let name = path.display().to_string();
    let failed = |problem: String| ModelFileError::Read {
        name: name.clone(),
        problem,
    };
    let about = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?;
    if about.is_dir() {
        return Err(failed("it is a folder: name the model in it".to_owned()));
    }
    if about.len() > MAX_BYTES {
        return Err(failed(format!("{} bytes are too many", about.len())));
    }
    let bytes = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    let schema = SchemaFile::beside(path)?;
    let schema_name = schema.as_ref().map(|(place, _)| place.display().to_string());
    let schema = schema_name
        .as_deref()
        .zip(schema.as_ref().map(|(_, bytes)| bytes.as_slice()));
    of_bytes(&name, &bytes, schema)
}

/// The same of content that is at hand; `schema` is a `features.json`: what errors call it, and its content.
pub fn of_bytes(name: &str, bytes: &[u8], schema: Option<(&str, &[u8])>) -> Result<Box<dyn Scorer>, ModelFileError> {
    let source = Source { name, bytes, schema };
    match LOADERS.iter().find(|l| (l.is)(bytes)) {
        Some(loader) => (loader.load)(&source),
        None => {
            let (found, advice) = found::found(bytes);
            Err(ModelFileError::Kind {
                name: name.to_owned(),
                found,
                advice,
            })
        }
    }
}

/// JSON that mentions a learner, or a dump, of which the reader says what it is.
fn is_model_json(bytes: &[u8]) -> bool {
    let head = bytes.iter().position(|b| !b.is_ascii_whitespace());
    let rest = head.map_or(&[][..], |at| &bytes[at..]);
    let mentions = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
    match rest.first() {
        Some(b'{') => mentions(b"\"learner\"") || mentions(b"\"gradient_booster\""),
        Some(b'[') => mentions(b"\"nodeid\""),
        _ => false,
    }
}

/// An ONNX `ModelProto` has no magic number: its fields are walked, and one of them must be the graph (7).
fn is_onnx(bytes: &[u8]) -> bool {
    let mut at = 0;
    let mut graph = false;
    while at < bytes.len() {
        let Some(tag) = varint(bytes, &mut at) else {
            return false;
        };
        let (field, wire) = (tag >> 3, tag & 7);
        let known = matches!((field, wire), (1 | 5, 0) | (2..=4 | 6..=8 | 14 | 20 | 25 | 26, 2));
        if !known {
            return false;
        }
        let Some(value) = varint(bytes, &mut at) else {
            return false;
        };
        if wire == 2 {
            graph |= field == 7;
            match usize::try_from(value).ok().and_then(|n| at.checked_add(n)) {
                Some(end) if end <= bytes.len() => at = end,
                // Cut off within the graph: the engine says so in its words.
                _ => return graph,
            }
        }
    }
    graph
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(feature = "onnx")]
fn load_onnx(source: &Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError> {
    super::network::NetworkScorer::load(source)
}

#[cfg(not(feature = "onnx"))]
fn load_onnx(source: &Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError> {
    Err(ModelFileError::Unsupported {
        name: source.name.to_owned(),
        problem: "this build runs no networks (the feature `onnx` is off)".to_owned(),
    })
}

/// What a model says of itself, from all the places where it can.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    kind: &'static str,
    name: Option<String>,
    columns: Vec<String>,
    output: Output,
    alpha: Option<f64>,
    calibration: Option<Calibration>,
    embedding: Option<schema_file::Embedding>,
}

impl Interface {
    pub(super) fn new(kind: &'static str, columns: Vec<String>, output: Output) -> Self {
        Self {
            kind,
            name: None,
            columns,
            output,
            alpha: None,
            calibration: None,
            embedding: None,
        }
    }

    /// Takes `loopwright.output`, `.alpha` and `.calibration` from the notes that a file carries.
    pub(super) fn read_metadata<'a>(
        &mut self,
        name: &str,
        get: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), ModelFileError> {
        let broken = |key: &str, value: &str| ModelFileError::Broken {
            name: name.to_owned(),
            kind: "trained",
            problem: format!("its note {key} says {value:?}"),
        };
        if let Some(value) = get("loopwright.output") {
            self.output = match value {
                "probability" => Output::Probability,
                "relative" => Output::Relative,
                _ => return Err(broken("loopwright.output", value)),
            };
        }
        if let Some(value) = get("loopwright.alpha") {
            let alpha: Option<f64> = value.parse().ok().filter(|a: &f64| a.is_finite());
            self.alpha = Some(alpha.ok_or_else(|| broken("loopwright.alpha", value))?);
        }
        if let Some(value) = get("loopwright.calibration") {
            let calibration = serde_json::from_str::<Calibration>(value)
                .ok()
                .filter(|c| schema_file::check_calibration(*c).is_ok());
            self.calibration = Some(calibration.ok_or_else(|| broken("loopwright.calibration", value))?);
        }
        Ok(())
    }

    /// Settles the columns: those of `features.json` where there is one, which must agree with the `own` names of the model;
    /// else its own, unless they are but numbers. `width` is how many inputs it has. The name for manifests then holds
    /// a digest of all that the scores depend on.
    pub(super) fn bind(
        &mut self,
        source: &Source<'_>,
        own: Option<&[String]>,
        width: usize,
    ) -> Result<(), ModelFileError> {
        let wrong = |name: &str, problem: String| ModelFileError::Columns {
            name: name.to_owned(),
            problem,
        };
        let own = own.filter(|names| names.is_empty() || !generic(names));
        let mut digest = blake3::Hasher::new();
        digest.update(source.bytes);
        match source.schema {
            Some((name, bytes)) => {
                digest.update(bytes);
                let file = SchemaFile::parse(name, bytes)?;
                let names = file.names();
                if names.len() != width {
                    return Err(wrong(
                        name,
                        format!(
                            "it names {} columns, and {} reads {width}: {}",
                            names.len(),
                            source.name,
                            difference(&names, own)
                        ),
                    ));
                }
                if let Some(at) = own.and_then(|own| own.iter().zip(&names).position(|(a, b)| a != b)) {
                    let theirs = own.map_or("", |own| own[at].as_str());
                    return Err(wrong(
                        name,
                        format!(
                            "its column {at} is {:?}, but {} calls that input {theirs:?}: {}; remove the file if it \
                             belongs to another model",
                            names[at],
                            source.name,
                            difference(&names, own)
                        ),
                    ));
                }
                self.columns = names;
                self.output = file.output.unwrap_or(self.output);
                self.alpha = file.alpha.or(self.alpha);
                self.calibration = file.calibration.or(self.calibration);
                self.embedding = file.embedding;
            }
            None => {
                let names = own.ok_or_else(|| {
                    wrong(
                        source.name,
                        format!(
                            "it does not say which features its {width} inputs are: put features.json beside it, the list \
                             of their names in order"
                        ),
                    )
                })?;
                if names.len() != width {
                    let n = names.len();
                    return Err(wrong(source.name, format!("it names {n} features and reads {width}")));
                }
                self.columns = names.to_vec();
            }
        }
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        schema_file::no_twins(&names).map_err(|problem| wrong(source.name, problem))?;
        let hex = digest.finalize().to_hex();
        self.name = Some(format!("{}-{}", self.kind, &hex[..16]));
        Ok(())
    }

    pub(super) fn into_info(self) -> ModelInfo {
        ModelInfo {
            name: self.name.unwrap_or_else(|| self.kind.to_owned()),
            columns: self.columns,
            output: self.output,
            alpha: self.alpha,
            calibration: self.calibration,
            embedding: self.embedding,
        }
    }
}

/// Names that only count: `f0`, `f1`, …
fn generic(names: &[String]) -> bool {
    names.iter().enumerate().all(|(i, name)| *name == format!("f{i}"))
}

/// Which names only one of the two has.
fn difference(file: &[String], own: Option<&[String]>) -> String {
    let Some(own) = own else {
        return "the model itself names none".to_owned();
    };
    let lacking = |a: &[String], b: &[String]| -> Vec<String> {
        let have: std::collections::HashSet<&String> = b.iter().collect();
        a.iter().filter(|n| !have.contains(n)).cloned().collect()
    };
    let (missing, extra) = (lacking(own, file), lacking(file, own));
    match (missing.is_empty(), extra.is_empty()) {
        (true, true) => "the same names in another order".to_owned(),
        (false, true) => format!("it lacks {}", schema_file::brief(&missing)),
        (true, false) => format!("the model has no {}", schema_file::brief(&extra)),
        (false, false) => format!(
            "it lacks {}, and the model has no {}",
            schema_file::brief(&missing),
            schema_file::brief(&extra)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_an_embedding_are_those_of_its_network() {
        let given = |digest: &str, prefix: &str, dims: usize| EmbeddingInfo {
            model: "here.onnx".into(),
            digest: digest.into(),
            prefix: prefix.into(),
            dims,
        };
        let mut info = heuristic(&Tuning::default()).info().clone();
        assert_eq!(check_embedding(&info, None), Ok(()), "it reads none");
        info.columns.extend(["emb_0".into(), "emb_3".into()]);
        let none = check_embedding(&info, None).unwrap_err();
        assert!(
            none.contains("emb_0, emb_3") && none.contains("--embedding-model"),
            "{none}"
        );
        assert_eq!(
            check_embedding(&info, Some(&given("aa", "emb_", 4))),
            Ok(()),
            "nobody says which"
        );
        for other in [given("aa", "emb_", 3), given("aa", "openl3_", 4)] {
            let lost = check_embedding(&info, Some(&other)).unwrap_err();
            assert!(lost.contains("does not give: ") && lost.contains("emb_3"), "{lost}");
        }
        info.embedding = Some((&given("aa", "emb_", 4)).into());
        assert_eq!(check_embedding(&info, Some(&given("aa", "emb_", 4))), Ok(()));
        let none = check_embedding(&info, None).unwrap_err();
        assert!(none.contains("here.onnx (digest aa)"), "{none}");
        let other = check_embedding(&info, Some(&given("bb", "emb_", 4))).unwrap_err();
        assert!(other.contains("digest aa") && other.contains("digest bb"), "{other}");
    }
}

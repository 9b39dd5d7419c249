//! ONNX networks as scorers.
//!
//! One input `[rows, features]` of 32-bit floats, one output `[rows]` or `[rows, 1]`. The engine wants fixed shapes, so rows
//! go through in windows; a network whose metadata say `loopwright.trackwise` sees all rows of a track at once, padded by
//! rows of NaN.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::load::{Interface, Source};
use super::{ModelError, ModelFileError, ModelInfo, Output, Scorer, binding};
use crate::features::FeatureTable;
use crate::onnx::{Model, Network, OnnxError};

/// Rows that go through at once.
const WINDOW: usize = 256;
/// Most rows of one track that a track-wise network is given.
const MOST: usize = 1 << 18;
/// Most inputs.
const MAX_COLUMNS: usize = 1 << 20;

/// A network that scores candidates.
#[derive(Debug)]
pub struct NetworkScorer {
    info: ModelInfo,
    model: Model,
    window: usize,
    trackwise: bool,
    /// Networks by their number of rows, made when first needed.
    networks: Mutex<BTreeMap<usize, Arc<Network>>>,
}

impl NetworkScorer {
    /// Reads a file.
    pub(super) fn load(source: &Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError> {
        let unsupported = |problem: String| ModelFileError::Unsupported {
            name: source.name.to_owned(),
            problem,
        };
        let model = Model::of(source.name, source.bytes).map_err(|e| problem(source.name, e))?;
        let metadata = model.metadata();
        let own: Option<Vec<String>> = match metadata.get("loopwright.features") {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|e| ModelFileError::Broken {
                name: source.name.to_owned(),
                kind: "ONNX",
                problem: format!("its note loopwright.features is no list of names: {e}"),
            })?),
        };
        let [port] = model.inputs() else {
            let n = model.inputs().len();
            return Err(unsupported(format!(
                "it has {n} inputs, and a scorer has one: [rows, features]"
            )));
        };
        let (rows, width) = match port.shape.as_deref() {
            Some([rows, width]) => (*rows, *width),
            None => (None, None),
            Some(other) => {
                let n = other.len();
                return Err(unsupported(format!(
                    "its input `{}` has {n} axes, and a scorer's has two: [rows, features]",
                    port.name
                )));
            }
        };
        let named = own.as_ref().map(Vec::len);
        let width = match (width, source.schema) {
            (Some(width), _) => width,
            (None, None) => named.ok_or_else(|| {
                unsupported("it does not say how many features it reads: put features.json beside it".to_owned())
            })?,
            (None, Some((name, bytes))) => super::schema_file::SchemaFile::parse(name, bytes)?.columns.len(),
        };
        if width == 0 || width > MAX_COLUMNS || rows == Some(0) {
            return Err(unsupported(format!("its input has {width} features")));
        }
        let mut interface = Interface::new("onnx", Vec::new(), Output::Relative);
        interface.read_metadata(source.name, |key| metadata.get(key).map(String::as_str))?;
        interface.bind(source, own.as_deref(), width)?;
        let trackwise = metadata.get("loopwright.trackwise").is_some_and(|t| t == "true");
        let scorer = Self {
            info: interface.into_info(),
            window: rows.unwrap_or(WINDOW).min(MOST),
            trackwise: trackwise && rows.is_none(),
            model,
            networks: Mutex::default(),
        };
        // A network that cannot be run is an error now, not at the first track.
        scorer.network(scorer.window).map_err(|e| problem(source.name, e))?;
        Ok(Box::new(scorer))
    }

    /// The network for this number of rows.
    fn network(&self, rows: usize) -> Result<Arc<Network>, OnnxError> {
        let mut networks = self.networks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(network) = networks.get(&rows) {
            return Ok(network.clone());
        }
        let network = self.model.network(&[&[rows, self.info.columns.len()]])?;
        let fits = match network.outputs() {
            [(_, shape)] => matches!(shape[..], [n] | [n, 1] if n == rows),
            _ => false,
        };
        if !fits {
            let shapes: Vec<String> = network.outputs().iter().map(|(n, s)| format!("`{n}` {s:?}")).collect();
            return Err(OnnxError::Unsupported {
                name: self.model.name().to_owned(),
                problem: format!(
                    "a scorer has one output [rows] or [rows, 1], this has for {rows} rows {}",
                    shapes.join(", ")
                ),
            });
        }
        let network = Arc::new(network);
        networks.insert(rows, network.clone());
        Ok(network)
    }

    /// Scores of `values`, in windows of `rows` rows, the last filled up with `padding`.
    fn run(&self, values: &[f32], rows: usize, padding: Padding) -> Result<Vec<f32>, OnnxError> {
        let width = self.info.columns.len();
        let network = self.network(rows)?;
        let mut scores = Vec::with_capacity(values.len() / width);
        let mut window = Vec::new();
        for part in values.chunks(rows * width) {
            window.clear();
            window.extend_from_slice(part);
            match padding {
                Padding::Missing => window.resize(rows * width, f32::NAN),
                Padding::Last => {
                    let last = &part[part.len() - width..];
                    while window.len() < rows * width {
                        window.extend_from_slice(last);
                    }
                }
            }
            let outputs = network.run(&[&window])?;
            let count = part.len() / width;
            scores.extend(outputs.iter().flat_map(|o| o.iter().take(count)));
        }
        Ok(scores)
    }
}

/// What fills up a window.
#[derive(Clone, Copy)]
enum Padding {
    /// NaN, which a track-wise network leaves out of account.
    Missing,
    /// The last row again.
    Last,
}

impl Scorer for NetworkScorer {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let values = binding::gather(&self.info.columns, rows)?;
        let failed = |problem: String| ModelError::Engine {
            model: self.info.name.clone(),
            problem,
        };
        let count = rows.rows();
        if count == 0 {
            return Ok(Vec::new());
        }
        let (size, padding) = match self.trackwise {
            // Few sizes, so that few networks are made.
            true if count <= MOST => (count.next_power_of_two().max(WINDOW), Padding::Missing),
            true => return Err(failed(format!("{count} candidates at once are too many for it"))),
            false => (self.window, Padding::Last),
        };
        let scores = self.run(&values, size, padding).map_err(|e| failed(e.to_string()))?;
        binding::finite(scores, &self.info.name)
    }

    fn details(&self) -> Vec<(String, String)> {
        let mut out = vec![("kind".to_owned(), "ONNX".to_owned())];
        if self.trackwise {
            out.push(("rows".to_owned(), "a track's candidates at once".to_owned()));
        }
        for key in ["loopwright.name", "loopwright.version"] {
            if let Some(value) = self.model.metadata().get(key) {
                out.push((key.to_owned(), value.clone()));
            }
        }
        out
    }
}

pub(super) fn problem(name: &str, error: OnnxError) -> ModelFileError {
    let name = name.to_owned();
    match error {
        OnnxError::Read { source, .. } => ModelFileError::Read {
            name,
            problem: source.to_string(),
        },
        OnnxError::Format { problem, .. } => ModelFileError::Broken {
            name,
            kind: "ONNX",
            problem,
        },
        OnnxError::Unsupported { problem, .. } | OnnxError::Run { problem, .. } => {
            ModelFileError::Unsupported { name, problem }
        }
        OnnxError::Input { .. } => ModelFileError::Unsupported {
            name,
            problem: error.to_string(),
        },
    }
}

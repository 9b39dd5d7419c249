//! Neural networks from ONNX files: loading, fixing shapes, running. The one module that knows the engine (tract).
//!
//! # Conventions
//!
//! A [`Model`] is what a file holds; its axes may be open. [`Model::network`] fixes the shape of every input, checks and
//! optimises the graph once, and gives a [`Network`], which runs on `f32` slices in row-major order, any number of times,
//! from any thread, without shared state. Fixed shapes are on purpose: the engine is one to three times slower with an
//! open time axis. Signals are therefore cut into windows.
//!
//! Operators of the standard set up to about version 18 are known; tree ensembles are not. A file must hold its own
//! weights (no external data), so that loading one touches no other file.
//!
//! Results are the same from run to run and for any number of threads on one machine; between kinds of processors they
//! differ by rounding.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{DimFact, Factoid as _};
use tract_onnx::tract_hir::internal::DimLike as _;

/// Largest file that is read, in bytes (1 GiB).
const MAX_BYTES: u64 = 1 << 30;
/// Most numbers an input may hold.
const MAX_VALUES: usize = 1 << 28;

/// Why a network cannot be loaded or run. The name is the file's, or what the caller called it.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file cannot be read.
    #[error("{name}: cannot read: {source}")]
    Read {
        /// The file.
        name: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The content is no ONNX model, or a broken one.
    #[error("{name}: not an ONNX model: {problem}")]
    Format {
        /// The file.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A model that the engine cannot run in the shapes asked for.
    #[error("{name}: cannot be run here: {problem}")]
    Unsupported {
        /// The file.
        name: String,
        /// What is wrong: an operator that is not known, or shapes that do not fit.
        problem: String,
    },
    /// What it was given does not fit its inputs.
    #[error("{name}: input `{input}` takes {expected} values, not {given}")]
    Input {
        /// The file.
        name: String,
        /// The input.
        input: String,
        /// Values that it takes.
        expected: usize,
        /// Values that it was given.
        given: usize,
    },
    /// The engine failed on the way.
    #[error("{name}: failed: {problem}")]
    Run {
        /// The file.
        name: String,
        /// What the engine says.
        problem: String,
    },
}

/// An input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its axes, `None` where one is open; the whole `None` where the file does not say.
    pub shape: Option<Vec<Option<usize>>>,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Model {
    name: String,
    digest: String,
    inputs: Vec<Port>,
    outputs: Vec<String>,
    metadata: BTreeMap<String, String>,
    graph: InferenceModel,
}

/// A model in fixed shapes, ready to run. Cheap to clone; may be run from several threads at once.
#[derive(Debug, Clone)]
pub struct Network {
    name: String,
    inputs: Vec<(String, Vec<usize>)>,
    outputs: Vec<(String, Vec<usize>)>,
    plan: Arc<TypedRunnableModel>,
}

impl Model {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, OnnxError> {
        let name = path.display().to_string();
        let read = || -> std::io::Result<Vec<u8>> {
            let size = std::fs::metadata(path)?.len();
            if size > MAX_BYTES {
                return Err(std::io::Error::other(format!("{size} bytes are too many")));
            }
            std::fs::read(path)
        };
        match read() {
            Ok(bytes) => Self::of(&name, &bytes),
            Err(source) => Err(OnnxError::Read { name, source }),
        }
    }

    /// Takes the content of a file; `name` is what errors call it.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, OnnxError> {
        let broken = |problem: String| OnnxError::Format {
            name: name.to_owned(),
            problem,
        };
        // The shapes that exporters note inside the graph hold for open axes: they would contradict fixed ones.
        let engine = tract_onnx::onnx()
            .with_ignore_value_info(true)
            .with_ignore_output_shapes(true);
        let proto: ModelProto = guarded(|| engine.proto_model_for_read(&mut &bytes[..])).map_err(&broken)?;
        if proto.graph.as_ref().is_none_or(|g| g.output.is_empty()) {
            return Err(broken("it has no graph".into()));
        }
        let graph = guarded(|| engine.model_for_proto_model(&proto)).map_err(&broken)?;
        let describe = || -> TractResult<(Vec<Port>, Vec<String>)> {
            let outputs = graph.output_outlets()?.iter();
            let outputs = outputs.map(|o| graph.outlet_label(*o).unwrap_or_default().to_owned());
            let inputs = graph.input_outlets()?.iter().map(|o| {
                let shape = graph.outlet_fact(*o).ok().map(|fact| &fact.shape);
                let axis = |d: &DimFact| d.concretize().and_then(|d| d.to_usize().ok());
                Port {
                    name: graph.node(o.node).name.clone(),
                    shape: shape.filter(|s| !s.is_open()).map(|s| s.dims().map(axis).collect()),
                }
            });
            Ok((inputs.collect(), outputs.collect()))
        };
        let (inputs, outputs) = guarded(describe).map_err(&broken)?;
        let metadata = proto.metadata_props.into_iter().map(|p| (p.key, p.value)).collect();
        Ok(Self {
            name: name.to_owned(),
            digest: blake3::hash(bytes).to_hex()[..16].to_owned(),
            inputs,
            outputs,
            metadata,
            graph,
        })
    }

    /// The file, or what the caller called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sixteen hexadecimal digits that name the content: the start of its BLAKE3.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its inputs, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The names of its outputs, in order.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// What the file says about itself (`metadata_props`).
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The model with these shapes of its inputs, optimised for them. Takes some tens of milliseconds.
    pub fn network(&self, shapes: &[&[usize]]) -> Result<Network, OnnxError> {
        let unsupported = |problem: String| OnnxError::Unsupported {
            name: self.name.clone(),
            problem,
        };
        if shapes.len() != self.inputs.len() {
            let problem = format!("it has {} inputs, not {}", self.inputs.len(), shapes.len());
            return Err(unsupported(problem));
        }
        for (port, shape) in self.inputs.iter().zip(shapes) {
            let axis = |(given, own): (&usize, &Option<usize>)| own.is_none_or(|own| own == *given);
            let fits = port
                .shape
                .as_ref()
                .is_none_or(|own| own.len() == shape.len() && shape.iter().zip(own).all(axis));
            let values = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            if !fits || values.is_none_or(|n| n > MAX_VALUES) {
                let problem = format!("input `{}` cannot be {}", port.name, axes(shape));
                return Err(unsupported(problem));
            }
        }
        let plan = guarded(|| {
            let mut graph = self.graph.clone();
            for (i, shape) in shapes.iter().enumerate() {
                graph.set_input_fact(i, InferenceFact::dt_shape(f32::datum_type(), *shape))?;
            }
            graph.into_optimized()?.into_runnable()
        })
        .map_err(&unsupported)?;
        let mut outputs = Vec::new();
        for (i, name) in self.outputs.iter().enumerate() {
            let shape = plan
                .model()
                .output_fact(i)
                .ok()
                .filter(|f| f.datum_type == f32::datum_type());
            let shape = shape.and_then(|f| f.shape.as_concrete().map(<[usize]>::to_vec));
            let Some(shape) = shape else {
                return Err(unsupported(format!(
                    "output `{name}` is not of 32-bit floats in a fixed shape"
                )));
            };
            outputs.push((name.clone(), shape));
        }
        let names = self.inputs.iter().map(|p| p.name.clone());
        Ok(Network {
            name: self.name.clone(),
            inputs: names.zip(shapes.iter().map(|s| s.to_vec())).collect(),
            outputs,
            plan,
        })
    }
}

impl Network {
    /// Names and shapes of the inputs, in order.
    pub fn inputs(&self) -> &[(String, Vec<usize>)] {
        &self.inputs
    }

    /// Names and shapes of the outputs, in order.
    pub fn outputs(&self) -> &[(String, Vec<usize>)] {
        &self.outputs
    }

    /// Runs it once: a row-major slice for each input, in order; a vector of each output, in order.
    pub fn run(&self, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, OnnxError> {
        let failed = |problem: String| OnnxError::Run {
            name: self.name.clone(),
            problem,
        };
        if inputs.len() != self.inputs.len() {
            let problem = format!("{} inputs for {}", inputs.len(), self.inputs.len());
            return Err(failed(problem));
        }
        for ((input, shape), values) in self.inputs.iter().zip(inputs) {
            let expected = shape.iter().product();
            if values.len() != expected {
                return Err(OnnxError::Input {
                    name: self.name.clone(),
                    input: input.clone(),
                    expected,
                    given: values.len(),
                });
            }
        }
        guarded(|| {
            let tensors = self
                .inputs
                .iter()
                .zip(inputs)
                .map(|((_, shape), values)| Ok(Tensor::from_shape(shape, values)?.into_tvalue()))
                .collect::<TractResult<TVec<TValue>>>()?;
            self.plan
                .run(tensors)?
                .iter()
                .map(|t| Ok(t.to_plain_array_view::<f32>()?.iter().copied().collect()))
                .collect::<TractResult<Vec<Vec<f32>>>>()
        })
        .map_err(failed)
    }
}

/// Runs the engine, which reports some defects of a file by a panic.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(brief(&format!("{error:#}"))),
        Err(_) => Err("the engine gave up on it".into()),
    }
}

/// The engine's words on one line of bearable length: they may hold a whole node with its weights.
fn brief(words: &str) -> String {
    const LIMIT: usize = 240;
    let mut line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(LIMIT) {
        line.truncate(at);
        line.push('…');
    }
    line
}

/// A shape in words.
fn axes(shape: &[usize]) -> String {
    let mut text = String::from("[");
    for (i, d) in shape.iter().enumerate() {
        let _ = write!(text, "{}{d}", if i == 0 { "" } else { ", " });
    }
    text + "]"
}

//! A network that classifies hits.
//!
//! Its inputs, told apart by their names, are `patch` [N, 48, 32], `low` [N, 16, 8] and `scalars` [N, 22] as
//! [`patch`](crate::drums::patch) makes them; its output is `logits` [N, 10]: the classes of [`Drum::ALL`], then whether
//! it is a drum. Where the file leaves N open, it is run on [`BATCH`] candidates at a time.

use std::path::Path;

use super::{Heard, HitModel, HitModelError};
use crate::drums::class::Drum;
use crate::drums::patch::{BANDS, Candidates, FRAMES, LOW_BANDS, LOW_FRAMES, SCALARS};
use crate::onnx::{Model, Network};
use crate::progress::Progress;

/// Candidates that are classified at once where the file leaves it open.
const BATCH: usize = 64;
const CLASSES: usize = Drum::ALL.len();
const OUTPUTS: usize = CLASSES + 1;

/// One of the parts of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Patch,
    Low,
    Scalars,
}

impl Part {
    const ALL: [(&'static str, Self); 3] = [("patch", Self::Patch), ("low", Self::Low), ("scalars", Self::Scalars)];

    /// Its axes after the candidate's.
    fn shape(self) -> &'static [usize] {
        match self {
            Self::Patch => &[BANDS, FRAMES],
            Self::Low => &[LOW_BANDS, LOW_FRAMES],
            Self::Scalars => &[SCALARS],
        }
    }

    fn of(self, candidates: &Candidates) -> &[f32] {
        match self {
            Self::Patch => &candidates.patch,
            Self::Low => &candidates.low,
            Self::Scalars => &candidates.scalars,
        }
    }
}

/// A network that classifies hits, ready to run.
#[derive(Debug)]
pub struct HitNetwork {
    id: String,
    network: Network,
    parts: Vec<Part>,
    batch: usize,
}

impl HitNetwork {
    /// Reads an ONNX file.
    pub fn read(path: &Path) -> Result<Self, HitModelError> {
        Self::new(&Model::read(path)?)
    }

    /// Takes the content of an ONNX file; `name` is what errors call it.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, HitModelError> {
        Self::new(&Model::of(name, bytes)?)
    }

    fn new(model: &Model) -> Result<Self, HitModelError> {
        let wrong = |problem: String| HitModelError::Interface {
            name: model.name().to_owned(),
            problem,
        };
        let mut parts = Vec::new();
        let mut batch = None;
        for port in model.inputs() {
            let known = Part::ALL.iter().find(|(name, _)| *name == port.name);
            let Some((_, part)) = known else {
                return Err(wrong(format!("input `{}`", port.name)));
            };
            batch = batch.or(port.shape.as_ref().and_then(|s| s.first().copied().flatten()));
            parts.push(*part);
        }
        if Part::ALL.iter().any(|(_, part)| !parts.contains(part)) {
            return Err(wrong("its inputs are not `patch`, `low` and `scalars`".into()));
        }
        let batch = batch.unwrap_or(BATCH);
        if batch == 0 {
            return Err(wrong("it takes no candidates".into()));
        }
        let shapes: Vec<Vec<usize>> = parts.iter().map(|p| [&[batch], p.shape()].concat()).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let network = model.network(&shapes)?;
        match network.outputs() {
            [(_, shape)] if *shape == [batch, OUTPUTS] => {}
            others => return Err(wrong(format!("outputs {others:?}, not `logits` [{batch}, {OUTPUTS}]"))),
        }
        Ok(Self {
            id: format!("hits {}", model.digest()),
            network,
            parts,
            batch,
        })
    }
}

impl HitModel for HitNetwork {
    fn id(&self) -> &str {
        &self.id
    }

    fn hear(&self, candidates: &Candidates, progress: &dyn Progress) -> Result<Vec<Heard>, HitModelError> {
        let mut out = Vec::with_capacity(candidates.len());
        let sizes: Vec<usize> = self.parts.iter().map(|p| p.shape().iter().product()).collect();
        let mut inputs: Vec<Vec<f32>> = sizes.iter().map(|s| vec![0.0; s * self.batch]).collect();
        for first in (0..candidates.len()).step_by(self.batch) {
            progress.check()?;
            let n = self.batch.min(candidates.len() - first);
            for ((input, part), size) in inputs.iter_mut().zip(&self.parts).zip(&sizes) {
                input[n * size..].fill(0.0);
                input[..n * size].copy_from_slice(&part.of(candidates)[first * size..(first + n) * size]);
            }
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let outputs = self.network.run(&inputs)?;
            for logits in outputs.iter().flat_map(|o| o.chunks_exact(OUTPUTS)).take(n) {
                if logits.iter().any(|x| !x.is_finite()) {
                    return Err(HitModelError::Output {
                        model: self.id.clone(),
                        problem: "it gave values that are not numbers".into(),
                    });
                }
                let probability = |i: usize| 1.0 / (1.0 + (-logits[i]).exp());
                out.push(Heard {
                    classes: std::array::from_fn(probability),
                    drum: probability(CLASSES),
                });
            }
        }
        Ok(out)
    }
}

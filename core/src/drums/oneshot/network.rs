//! The network that knows one-shots, and the description that binds it to the features.
//!
//! The network takes a row of scaled features, [1, K], and gives the probabilities of the classes, [1, C]. The
//! description names the features in the network's order, with the mean and the scale of each, and the classes:
//!
//! ```json
//! {"version": 1, "rate": 44100, "clip": 4.0, "features": [{"name": "attack", "mean": 2.1, "scale": 1.7}], "classes": ["kick"]}
//! ```
//!
//! A feature x goes in as (x - mean) / scale, held within ±clip: a sound unlike all that were learnt from must not drag
//! the network to where it has never been.

use serde::Deserialize;

use super::load::LoadError;
use super::sound::RATE;
use super::{OneShotError, OneShotModel, features};
use crate::drums::class::Class;
use crate::onnx::{Model, Network};

/// The version of descriptions that is understood.
const VERSION: u32 = 1;

#[derive(Debug, Deserialize)]
struct Description {
    version: u32,
    rate: u32,
    clip: f32,
    features: Vec<Column>,
    classes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    mean: f32,
    scale: f32,
}

/// An input of the network: where it stands in the row of all features, and how it is scaled.
#[derive(Debug, Clone, Copy)]
struct Input {
    column: usize,
    mean: f32,
    scale: f32,
}

/// A network that knows one-shots, ready to run.
#[derive(Debug)]
pub(super) struct OneShotNetwork {
    id: String,
    inputs: Vec<Input>,
    clip: f32,
    classes: Vec<Class>,
    network: Network,
}

impl OneShotNetwork {
    /// Takes the content of an ONNX file and of its description; `name` is what errors call it.
    pub(super) fn of(name: &str, onnx: &[u8], description: &str) -> Result<Self, LoadError> {
        let wrong = |problem: String| LoadError::Interface {
            name: name.to_owned(),
            problem,
        };
        let description: Description = serde_json::from_str(description).map_err(|source| LoadError::Description {
            name: name.to_owned(),
            source,
        })?;
        if description.version != VERSION {
            return Err(wrong(format!("version {}; {VERSION} is known", description.version)));
        }
        if description.rate != RATE {
            return Err(wrong(format!("it hears {} Hz; {RATE} is known", description.rate)));
        }
        if !(description.clip.is_finite() && description.clip > 0.0) {
            return Err(wrong(format!("a clip of {}", description.clip)));
        }
        let known = features::names();
        let bind = |column: &Column| {
            let Some(at) = known.iter().position(|k| *k == column.name) else {
                return Err(wrong(format!(
                    "it asks for the feature `{}`, which is not known",
                    column.name
                )));
            };
            if !column.mean.is_finite() || !column.scale.is_finite() || column.scale <= 0.0 {
                return Err(wrong(format!("the feature `{}` cannot be scaled so", column.name)));
            }
            Ok(Input {
                column: at,
                mean: column.mean,
                scale: column.scale,
            })
        };
        let inputs = description.features.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        let class = |label: &String| {
            Class::parse(label).ok_or_else(|| wrong(format!("it knows a class `{label}`, which is not known")))
        };
        let classes = description.classes.iter().map(class).collect::<Result<Vec<_>, _>>()?;
        let model = Model::of(name, onnx)?;
        let network = model.network(&[&[1, inputs.len()]])?;
        match network.outputs() {
            [(_, shape)] if shape.iter().product::<usize>() == classes.len() => {}
            other => {
                let shapes: Vec<_> = other.iter().map(|(_, shape)| shape).collect();
                return Err(wrong(format!("outputs {shapes:?} for {} classes", classes.len())));
            }
        }
        Ok(Self {
            id: format!("one-shots {}", model.digest()),
            inputs,
            clip: description.clip,
            classes,
            network,
        })
    }
}

impl OneShotModel for OneShotNetwork {
    fn id(&self) -> &str {
        &self.id
    }

    fn probabilities(&self, row: &[f32]) -> Result<Vec<(Class, f32)>, OneShotError> {
        let failed = |problem: String| OneShotError::Model {
            model: self.id.clone(),
            problem,
        };
        let scaled = |input: &Input| {
            let x = row.get(input.column).copied().unwrap_or(0.0);
            ((x - input.mean) / input.scale).clamp(-self.clip, self.clip)
        };
        let scaled: Vec<f32> = self.inputs.iter().map(scaled).collect();
        let outputs = self.network.run(&[&scaled]).map_err(|e| failed(e.to_string()))?;
        let given = outputs.first().map_or(&[][..], Vec::as_slice);
        if given.iter().any(|p| !p.is_finite()) {
            return Err(failed("it gave values that are not numbers".into()));
        }
        Ok(self.classes.iter().copied().zip(given.iter().copied()).collect())
    }
}

//! What a single sound is: one-shots, classified by ear alone. File names are the caller's business.
//!
//! A sound is cut to its attack and brought to one level ([`sound`]), measured ([`features`]), and a network that learnt
//! from the sounds of many makers says how likely each class is ([`load`]; its card is `models/drums/ONESHOTS.md`).
//! Without a network a handful of rules decides, which know kicks from snares from hi-hats and little more.

pub mod features;
pub mod load;
#[cfg(feature = "onnx")]
mod network;
mod rules;
pub mod sound;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use super::class::Class;
use crate::audio::resample::{ResampleError, to_rate};
use sound::{RATE, Sound};

/// Longest input that is looked at, in seconds: enough for a late attack and all that is measured after it.
const LOOKED_AT: usize = 30;

/// Why a sound cannot be classified.
#[derive(Debug, thiserror::Error)]
pub enum OneShotError {
    /// Its sample rate cannot be converted.
    #[error(transparent)]
    Rate(#[from] ResampleError),
    /// The model failed.
    #[error("one-shot model {model}: {problem}")]
    Model {
        /// The model.
        model: String,
        /// What went wrong.
        problem: String,
    },
}

/// Classes and how likely they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked(Vec<(Class, f32)>);

impl Ranked {
    /// Sorts `classes` by probability, the likeliest first; equals stay in order. Probabilities are brought to a sum of 1.
    pub fn new(mut classes: Vec<(Class, f32)>) -> Self {
        for (_, p) in &mut classes {
            *p = if p.is_finite() { p.max(0.0) } else { 0.0 };
        }
        let total: f32 = classes.iter().map(|(_, p)| p).sum();
        if total > 0.0 {
            classes.iter_mut().for_each(|(_, p)| *p /= total);
        }
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self(classes)
    }

    /// One class for certain.
    pub fn certain(class: Class) -> Self {
        Self(vec![(class, 1.0)])
    }

    /// Every class that the model knows with its probability (0 to 1, sum 1), the likeliest first.
    pub fn classes(&self) -> &[(Class, f32)] {
        &self.0
    }

    /// The likeliest class; silence of nothing at all.
    pub fn best(&self) -> Class {
        self.0.first().map_or(Class::Silence, |(class, _)| *class)
    }

    /// How likely `class` is: 0 to 1.
    pub fn probability(&self, class: Class) -> f32 {
        self.0.iter().find(|(c, _)| *c == class).map_or(0.0, |(_, p)| *p)
    }
}

/// Something that knows classes by features.
pub trait OneShotModel: fmt::Debug + Send + Sync {
    /// Names the model and its content.
    fn id(&self) -> &str;

    /// Probabilities of the classes for a row of all [`features`], in the order of [`features::names`].
    fn probabilities(&self, row: &[f32]) -> Result<Vec<(Class, f32)>, OneShotError>;
}

/// Classifies one-shots. Cheap to clone; may be used from several threads at once.
#[derive(Debug, Clone, Default)]
pub struct Classifier {
    model: Option<Arc<dyn OneShotModel>>,
}

impl Classifier {
    /// A classifier that asks `model`, or where there is none goes by rules.
    pub fn new(model: Option<Arc<dyn OneShotModel>>) -> Self {
        Self { model }
    }

    /// The model that is asked: `rules` for none.
    pub fn id(&self) -> &str {
        self.model.as_ref().map_or("rules", |m| m.id())
    }

    /// What `samples`, mono at `rate` Hz, are. Level, and silence before the attack, make no difference; what is below
    /// -120 dB full scale is [`Class::Silence`]. Of a long sound the first 1.5 s from its attack on are heard.
    pub fn classify(&self, samples: &[f32], rate: u32) -> Result<Ranked, OneShotError> {
        let samples = &samples[..samples.len().min(LOOKED_AT.saturating_mul(rate as usize))];
        let sound = if rate == RATE {
            Sound::of(samples)
        } else {
            Sound::of(&to_rate(samples, rate, RATE)?)
        };
        if sound.is_silent() {
            return Ok(Ranked::certain(Class::Silence));
        }
        let row = features::measure(&sound);
        Ok(Ranked::new(match &self.model {
            Some(model) => model.probabilities(&row)?,
            None => rules::probabilities(&row),
        }))
    }
}

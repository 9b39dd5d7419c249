//! The models of a call. Those of the build are loaded once for a process.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use loopwright_core::analysis::embedding::{self, Embedder};
use loopwright_core::config;
use loopwright_core::drums::model::{self as hits, HitModel};
use loopwright_core::model::{self, Scorer};
use loopwright_core::pipeline::Models;
use loopwright_core::rhythm;
use loopwright_core::rhythm::activation::BeatModel;

use crate::errors::Failure;
use crate::settings::Settings;

/// What a call needs.
pub(crate) struct Loaded {
    scorer: Box<dyn Scorer>,
    beats: Option<Arc<dyn BeatModel>>,
    embedder: Option<Box<dyn Embedder>>,
}

impl Loaded {
    /// Loads what the settings ask for. Where nobody says otherwise, `rank.alpha` becomes what suits the model best.
    pub(crate) fn of(settings: &mut Settings) -> Result<Self, Failure> {
        let config = &mut settings.config;
        let embedder = config
            .rank
            .embedding_model
            .as_deref()
            .map(|file| embedding::load(Path::new(file)));
        let embedder = embedder.transpose()?;
        let info = embedder.as_ref().map(|e| e.info().as_ref());
        let scorer = model::select_with(config.rank.model.as_deref(), &config.tuning, info)?;
        if let (Some(alpha), false) = (scorer.info().alpha, settings.alpha_said) {
            config.rank.alpha = alpha;
        }
        Ok(Self {
            beats: beats(&config.rhythm)?,
            scorer,
            embedder,
        })
    }

    /// As the pipeline takes them.
    pub(crate) fn models(&self) -> Models<'_> {
        Models {
            scorer: self.scorer.as_ref(),
            beats: self.beats.as_deref(),
            embedding: self.embedder.as_deref(),
        }
    }
}

/// The model that chooses the beats.
pub(crate) fn beats(settings: &config::Rhythm) -> Result<Option<Arc<dyn BeatModel>>, Failure> {
    static OF_BUILD: Mutex<Option<Option<Arc<dyn BeatModel>>>> = Mutex::new(None);
    if settings.beat_model.is_some() {
        // A file may have changed since.
        return Ok(rhythm::load::load(settings)?);
    }
    let mut held = OF_BUILD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = held.as_ref() {
        return Ok(model.clone());
    }
    Ok(held.insert(rhythm::load::load(settings)?).clone())
}

/// The model that names hits.
pub(crate) fn hit_model() -> Result<Option<Arc<dyn HitModel>>, Failure> {
    static OF_BUILD: Mutex<Option<Option<Arc<dyn HitModel>>>> = Mutex::new(None);
    let mut held = OF_BUILD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(model) = held.as_ref() {
        return Ok(model.clone());
    }
    Ok(held.insert(hits::shipped()?).clone())
}

//! The scorer that the settings ask for.

use std::path::Path;

use anyhow::Result;
use loopwright_core::analysis::embedding::{self, Embedder};
use loopwright_core::model::{self, Output, Scorer};

use crate::args::General;
use crate::output::plain;
use crate::settings::{Settings, Source};

/// What scores loops, and what embeds tracks for it.
pub(super) type Loaded = (Box<dyn Scorer>, Option<Box<dyn Embedder>>);

/// Loads it, and what embeds tracks for it. Where nobody says otherwise, `alpha` becomes what suits the model best.
pub(super) fn of(settings: &mut Settings, general: &General) -> Result<Loaded> {
    let embedder = embedder(settings, general)?;
    let setting = settings.config.rank.model.clone();
    let info = embedder.as_ref().map(|e| e.info().as_ref());
    let scorer = model::select_with(setting.as_deref(), &settings.config.tuning, info)?;
    if let (Some(alpha), Source::Default) = (scorer.info().alpha, settings.origin("rank", "alpha")) {
        settings.config.rank.alpha = alpha;
    }
    if general.verbose > 0 {
        eprintln!("model: {}", plain(&in_words(scorer.as_ref())));
    }
    Ok((scorer, embedder))
}

/// Loads what embeds tracks, where the settings name it.
pub(super) fn embedder(settings: &Settings, general: &General) -> Result<Option<Box<dyn Embedder>>> {
    let Some(file) = &settings.config.rank.embedding_model else {
        return Ok(None);
    };
    let embedder = embedding::load(Path::new(file))?;
    if general.verbose > 0 {
        eprintln!("embedding model: {}", plain(&embedder_in_words(embedder.as_ref())));
    }
    Ok(Some(embedder))
}

/// What embeds tracks, in a line.
pub(super) fn embedder_in_words(embedder: &dyn Embedder) -> String {
    let info = embedder.info();
    let columns = match info.dims {
        1 => info.column(0),
        n => format!("{} to {}", info.column(0), info.column(n - 1)),
    };
    let mut words = vec![format!("{} (digest {}), columns {columns}", info.model, info.digest)];
    words.extend(
        embedder
            .details()
            .into_iter()
            .map(|(name, value)| format!("{name} {value}")),
    );
    words.join("; ")
}

/// What a scorer is, in a line.
pub(super) fn in_words(scorer: &dyn Scorer) -> String {
    let info = scorer.info();
    let mut words = vec![info.name.clone()];
    words.extend(
        scorer
            .details()
            .into_iter()
            .map(|(name, value)| format!("{name} {value}")),
    );
    words.push(match info.columns.len() {
        1 => "1 column".to_owned(),
        n => format!("{n} columns"),
    });
    words.push(match info.output {
        Output::Probability => "scores are probabilities".to_owned(),
        Output::Relative => "scores are relative".to_owned(),
    });
    if let Some(c) = info.calibration {
        words.push(format!("calibrated (slope {:.4}, offset {:.4})", c.slope, c.offset));
    }
    if let Some(alpha) = info.alpha {
        words.push(format!("alpha {alpha}"));
    }
    words.join(", ")
}

//! The scorer that the settings ask for.

use anyhow::Result;
use loopwright_core::model::{self, Output, Scorer};

use crate::args::General;
use crate::output::plain;
use crate::settings::{Settings, Source};

/// Loads it. Where nobody says otherwise, `alpha` becomes what suits the model best.
pub(super) fn of(settings: &mut Settings, general: &General) -> Result<Box<dyn Scorer>> {
    let setting = settings.config.rank.model.clone();
    let scorer = model::select(setting.as_deref(), &settings.config.tuning)?;
    if let (Some(alpha), Source::Default) = (scorer.info().alpha, settings.origin("rank", "alpha")) {
        settings.config.rank.alpha = alpha;
    }
    if general.verbose > 0 {
        eprintln!("model: {}", plain(&in_words(scorer.as_ref())));
    }
    Ok(scorer)
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

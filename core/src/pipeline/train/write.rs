//! What a training leaves in its folder.

use std::path::Path;

use super::{Prepared, Report, TrainError};
use crate::export::ExportError;
use crate::learn::card::{self, Card};
use crate::learn::{Fitted, onnx_write};
use crate::model::schema_file::SchemaFile;
use crate::pipeline::evaluate::{SPLIT, write_split};

/// The model's file, without its extension.
const MODEL: &str = "ranker";
/// Extensions that a model may have.
const EXTENSIONS: [&str; 3] = ["onnx", "json", "ubj"];
const FEATURES: &str = "features.json";
const CARD: &str = "MODEL.md";

/// A file that was learnt from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    name: String,
    blake3: String,
}

impl Source {
    pub(super) fn of(path: &Path) -> Result<Self, ExportError> {
        let mut hash = blake3::Hasher::new();
        std::fs::File::open(path)
            .and_then(|mut file| std::io::copy(&mut file, &mut hash))
            .map_err(ExportError::io(path, "read"))?;
        Ok(Self {
            name: path
                .file_name()
                .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            blake3: hash.finalize().to_hex()[..16].to_owned(),
        })
    }
}

/// An error where the folder holds files with names of ours that are not ours: without a card that says so.
pub(super) fn refuse_foreign(out: &Path) -> Result<(), TrainError> {
    let ours = std::fs::read_to_string(out.join(CARD)).is_ok_and(|text| text.starts_with(card::MARK));
    if ours {
        return Ok(());
    }
    let models = EXTENSIONS.map(|e| format!("{MODEL}.{e}"));
    let names = [CARD, FEATURES, SPLIT]
        .into_iter()
        .chain(models.iter().map(String::as_str));
    match names.map(|name| out.join(name)).find(|p| p.symlink_metadata().is_ok()) {
        Some(path) => Err(TrainError::Foreign { path }),
        None => Ok(()),
    }
}

/// Writes the files; the model is the first of their names.
pub(super) fn files(
    prepared: &Prepared,
    fitted: &Fitted,
    settings: &[(String, String)],
    report: &Report,
) -> Result<Vec<String>, TrainError> {
    let destination = &prepared.destination;
    let info = fitted.scorer.info();
    let mut bytes = fitted.bytes.clone();
    if fitted.extension == "onnx" {
        onnx_write::add_findings(&mut bytes, report.alpha, report.calibration);
    }
    let model = format!("{MODEL}.{}", fitted.extension);
    let features = SchemaFile {
        output: Some(info.output),
        alpha: report.alpha,
        calibration: report.calibration,
        embedding: prepared.embedding.clone(),
        ..SchemaFile::of(&info.columns)
    };
    let card = Card {
        learner: report.learner,
        model: &model,
        settings,
        facts: &report.facts,
        data: prepared
            .sources
            .iter()
            .map(|s| (s.name.clone(), s.blake3.clone()))
            .collect(),
        size: prepared.size(),
        parts: prepared.parts(),
        folds: prepared.folds.len(),
        best_round: report.best_round,
        alpha: report.alpha,
        calibration: report.calibration,
        columns: &info.columns,
    };
    let scores = report.judgement.as_ref().map(|j| {
        let rows = j.rankers.iter().map(|r| (r.ranker, r.measures.as_slice()));
        card::Scores {
            tracks: j.tracks,
            rankers: rows.collect(),
            above_heuristic: j.above_heuristic,
            above_chance: j.above_chance,
        }
    });
    let text = card.text(scores.as_ref());
    for other in EXTENSIONS.iter().filter(|e| **e != fitted.extension) {
        destination.remove(&format!("{MODEL}.{other}"))?;
    }
    // The card first: whatever comes after it is then known to be ours.
    destination.write_bytes(CARD, text.as_bytes())?;
    destination.write_bytes(&model, &bytes)?;
    destination.write_bytes(FEATURES, features.to_json().as_bytes())?;
    destination.write_bytes(SPLIT, write_split(&prepared.data, &prepared.split).as_bytes())?;
    destination.sync_folder("")?;
    Ok(vec![model, FEATURES.into(), CARD.into(), SPLIT.into()])
}

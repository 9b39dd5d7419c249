//! What a training of tags leaves: the model, its features, its card, all named after it.

use std::path::{Path, PathBuf};

use super::{Report, TagsError};
use crate::export::destination::{WriteError, write_file};
use crate::learn::card::MARK;
use crate::learn::multilabel::card::{self, Facts};
use crate::learn::multilabel::features;
use crate::learn::multilabel::train::Trained;
use crate::model::Output;
use crate::model::schema_file::{Column, SchemaFile, VERSION};

/// The files of a model `x.onnx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `x.onnx`.
    pub model: PathBuf,
    /// `x.features.json`.
    pub features: PathBuf,
    /// `x.MODEL.md`.
    pub card: PathBuf,
    /// `x.run.jsonl`.
    pub record: PathBuf,
}

impl Names {
    /// The names for a model at `out`, whose folder must be there.
    ///
    /// # Errors
    ///
    /// A name that does not end in `.onnx`; files of these names that are not ours, which is told by the card.
    pub fn of(out: &Path) -> Result<Self, TagsError> {
        let ending = out.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let stem = out.file_stem().filter(|_| ending.eq_ignore_ascii_case("onnx"));
        let Some(stem) = stem else {
            return Err(TagsError::Name { path: out.into() });
        };
        let beside = |end: &str| {
            let mut name = stem.to_owned();
            name.push(end);
            out.with_file_name(name)
        };
        let names = Self {
            model: out.to_path_buf(),
            features: beside(".features.json"),
            card: beside(".MODEL.md"),
            record: beside(".run.jsonl"),
        };
        let ours = std::fs::read_to_string(&names.card).is_ok_and(|text| text.starts_with(MARK));
        let all = [&names.model, &names.features, &names.card];
        let foreign = all.into_iter().find(|p| !ours && p.symlink_metadata().is_ok()).cloned();
        foreign.map_or(Ok(names), |path| Err(TagsError::Foreign { path }))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        match self.model.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

/// Writes the files; the model is the first.
pub(super) fn files(
    names: &Names,
    trained: &Trained,
    report: &Report,
    labels: &str,
    settings: &[(String, String)],
) -> Result<Vec<PathBuf>, TagsError> {
    let columns = trained.features.iter().map(|name| Column {
        name: name.clone(),
        unit: features::unit(name).to_owned(),
        version: Some(features::VERSION),
    });
    let schema = SchemaFile {
        version: VERSION,
        columns: columns.collect(),
        output: Some(Output::Probability),
        alpha: None,
        calibration: None,
        embedding: None,
    };
    let model = names
        .model
        .file_name()
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let facts = Facts {
        kind: report.kind,
        model: &model,
        labels,
        files: (report.heard, report.failed, report.silent),
        groups: report.groups,
        settings,
    };
    let text = card::text(&facts, trained);
    // The card first: whatever comes after it is then known to be ours.
    for (path, bytes) in [
        (&names.card, text.as_bytes()),
        (&names.model, &trained.bytes),
        (&names.features, schema.to_json().as_bytes()),
    ] {
        write_file::<WriteError>(path, |out| out.write_all(bytes).map_err(WriteError::from))?;
    }
    Ok(vec![names.model.clone(), names.features.clone(), names.card.clone()])
}

//! The drum breaks of a recording.

use std::path::PathBuf;

use loopwright_core::drums::hits::Hits;
use loopwright_core::export::tree::{BREAKS, Plan, Tree};
use loopwright_core::pipeline::breaks as breaking;
use loopwright_core::pipeline::breaks::labels::Labels;
use loopwright_core::pipeline::lines;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::errors::Failure;
use crate::models::{self, Loaded};
use crate::one::{Worked, one};
use crate::source::{Beats, Given};
use crate::work::detached;
use crate::{json, settings};

/// The breaks of a recording: dicts of `line`, `row`, `hits` and `cut`; see [`Told::with`](crate::one::Told::with).
#[pyfunction]
pub(crate) fn breaks<'py>(
    py: Python<'py>,
    source: Given<'py>,
    settings: &str,
    config: Option<PathBuf>,
    beats: Option<Beats>,
    out: Option<PathBuf>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut settings = settings::layer(config.as_deref(), settings)?;
    let beats = beats.map(Beats::given).transpose()?;
    let source = source.take()?;
    let (found, told, source, export) = detached(py, |progress| {
        let loaded = Loaded::of(&mut settings)?;
        let hit_model = models::hit_model()?;
        let labels = Labels::new();
        if out.is_none() {
            // Nobody will hear them.
            settings.config.breaks.stems = false;
            settings.config.breaks.kits.clear();
            settings.config.breaks.plot = false;
        }
        let (config, models) = (&settings.config, loaded.models());
        let tree = out.as_deref().map(|out| {
            let hash = breaking::settings(config, models, hit_model.as_deref(), &labels, beats.as_ref());
            Tree::open(out, &BREAKS, &hash, false)
        });
        let tree = tree.transpose()?;
        let models = (models, hit_model.as_deref());
        let (found, told, source) = one(source, config, beats.as_ref(), tree, progress, |key, track, write| {
            let record = |plan: &dyn Plan| write(plan).map(|(record, _)| record);
            let found = breaking::of_track(key, track, models, config, &labels, &record, progress)?;
            Ok(Worked {
                detail: found.detail(),
                facts: found.facts.clone(),
                found,
            })
        })?;
        Ok((found, told, source, config.export.clone()))
    })?;
    let list = PyList::empty(py);
    if let Some(found) = found {
        let analysis = &found.found.analysis;
        for (i, (report, (of, hits))) in found.reports.iter().zip(&found.found.breaks).enumerate() {
            let fields = serde_json::to_value(report).map_err(|e| Failure::Defect(e.to_string()))?;
            let cut = Cut::of(&analysis.track.audio, &analysis.rhythm.grid, &of.candidate, &export);
            let dict = PyDict::new(py);
            dict.set_item("line", json::object(py, &lines::line("break", &source, fields))?)?;
            dict.set_item("row", json::row(py, &found.rows, i)?)?;
            dict.set_item("hits", json::object(py, &told_hits(hits))?)?;
            dict.set_item("cut", cut)?;
            list.append(dict)?;
        }
    }
    told.with(py, list)
}

/// The hits, in seconds of the recording.
fn told_hits(hits: &Hits) -> Value {
    let rate = f64::from(hits.sample_rate.max(1));
    let told = hits.hits.iter().map(|hit| {
        json!({
            "onset": hit.onset / rate, "start": hit.span.start / rate, "end": hit.span.end / rate,
            "labels": hit.labels.iter().map(|c| c.label()).collect::<Vec<_>>(), "confidence": hit.confidence,
            "level_db": hit.level, "cluster": hit.cluster,
        })
    });
    told.collect()
}

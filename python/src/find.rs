//! What a recording is, its loops, and its features.

use std::path::PathBuf;

use loopwright_core::export::tree::{LOOPS, Tree};
use loopwright_core::pipeline::dataset::{self, Columns, TrackFeatures};
use loopwright_core::pipeline::{analyze as analysis, find as finding, lines};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::cut::Cut;
use crate::errors::Failure;
use crate::models::{self, Loaded};
use crate::one::{Worked, one};
use crate::source::{Beats, Given};
use crate::work::detached;
use crate::{json, settings};

/// What there is to know of a recording, as `loopwright analyze --json` tells it.
#[pyfunction]
pub(crate) fn analyze<'py>(
    py: Python<'py>,
    source: Given<'py>,
    settings: &str,
    config: Option<PathBuf>,
    beats: Option<Beats>,
) -> PyResult<Bound<'py, PyAny>> {
    let config = settings::layer(config.as_deref(), settings)?.config;
    let beats = beats.map(Beats::given).transpose()?;
    let source = source.take()?;
    let line = detached(py, |progress| {
        let model = models::beats(&config.rhythm)?;
        let opened = source.open(&config, false, progress)?;
        let studied = analysis::of_loaded(opened.loaded, beats.as_ref(), model.as_deref(), &config, progress)?;
        let told = serde_json::to_value(studied.told).map_err(|e| Failure::Defect(e.to_string()))?;
        Ok(lines::line("analysis", &opened.source, told))
    })?;
    json::object(py, &line)
}

/// The loops of a recording: dicts of `line`, `row`, `names` and `features`, and `cut`; see [`Told::with`](crate::one::Told::with).
#[pyfunction]
pub(crate) fn find<'py>(
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
        let (config, models) = (&settings.config, loaded.models());
        let tree = out.as_deref().map(|out| {
            let hash = finding::settings(config, models, beats.as_ref());
            Tree::open(out, &LOOPS, &hash, false)
        });
        let tree = tree.transpose()?;
        let (found, told, source) = one(source, config, beats.as_ref(), tree, progress, |key, track, write| {
            let found = finding::of_track(key, track, models, config, write, progress)?;
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
        let analysis = &found.suggestions.analysis;
        let names = PyList::new(py, found.suggestions.schema.columns())?;
        for (i, (report, suggestion)) in found.reports.iter().zip(&found.suggestions.suggestions).enumerate() {
            let fields = serde_json::to_value(report).map_err(|e| Failure::Defect(e.to_string()))?;
            let cut = Cut::of(
                &analysis.track.audio,
                &analysis.rhythm.grid,
                &suggestion.candidate,
                &export,
            );
            let dict = PyDict::new(py);
            dict.set_item("line", json::object(py, &lines::line("loop", &source, fields))?)?;
            dict.set_item("row", json::row(py, &found.rows, i)?)?;
            dict.set_item("names", &names)?;
            dict.set_item("features", PyArray1::from_slice(py, &suggestion.features))?;
            dict.set_item("cut", cut)?;
            list.append(dict)?;
        }
    }
    told.with(py, list)
}

/// The features of every candidate: names, values, starts and ends in seconds, lengths in bars, and what is to be said.
#[pyfunction]
pub(crate) fn features<'py>(
    py: Python<'py>,
    source: Given<'py>,
    settings: &str,
    config: Option<PathBuf>,
    beats: Option<Beats>,
    columns: Vec<String>,
    without: Vec<String>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut settings = settings::layer(config.as_deref(), settings)?;
    // As `dataset` has it: what ranks loops has no say.
    settings.config.rank.model = None;
    let beats = beats.map(Beats::given).transpose()?;
    let source = source.take()?;
    let (found, warnings) = detached(py, |progress| {
        let loaded = Loaded::of(&mut settings)?;
        let (config, models) = (&settings.config, loaded.models());
        let info = models.embedding.map(|e| e.info().as_ref());
        let columns = Columns::choose_with(&columns, &without, info).map_err(|e| Failure::Settings(e.to_string()))?;
        let opened = source.open(config, false, progress)?;
        let mut track = opened.loaded.track;
        track.grid = beats.as_ref().map(|b| b.grid(track.audio.sample_rate()));
        let found = if opened.loaded.status.is_usable() {
            dataset::features_of(&track, &columns, config, models, progress)?
        } else {
            TrackFeatures {
                names: columns.names().iter().filter(|n| *n != "bars").cloned().collect(),
                detail: format!("the recording {}", opened.loaded.status),
                ..TrackFeatures::default()
            }
        };
        Ok((found, opened.loaded.warnings))
    })?;
    let rows = found.bars.len();
    let dict = PyDict::new(py);
    let values = PyArray1::from_vec(py, found.values);
    let values: Bound<'py, PyArray2<f32>> = values.reshape([rows, found.names.len()])?;
    dict.set_item("values", values)?;
    dict.set_item("names", found.names)?;
    dict.set_item("start", PyArray1::from_vec(py, found.start))?;
    dict.set_item("end", PyArray1::from_vec(py, found.end))?;
    dict.set_item("bars", PyArray1::from_vec(py, found.bars))?;
    dict.set_item("bpm", found.bpm)?;
    dict.set_item("detail", found.detail)?;
    dict.set_item("warnings", warnings)?;
    Ok(dict)
}

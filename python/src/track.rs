//! Loops and features of a recording by one analysis: what the distributed run asks for.

use loopwright_core::export::tree;
use loopwright_core::features::{FeatureTable, Schema};
use loopwright_core::loops::Candidate;
use loopwright_core::pipeline::find as finding;
use loopwright_core::pipeline::predict::seconds;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::models::Loaded;
use crate::one::Told;
use crate::source::{Given, Opened};
use crate::work::detached;
use crate::{json, settings};

/// What [`crate::find::features`] gives, of an analysis that is at hand.
#[derive(Default)]
struct Measured {
    names: Vec<String>,
    values: Vec<f32>,
    start: Vec<f64>,
    end: Vec<f64>,
    bars: Vec<u32>,
    /// For each suggestion, which row it is.
    rows: Vec<Option<usize>>,
}

impl Measured {
    fn of(found: &finding::Found, config: &loopwright_core::config::Config) -> Self {
        let analysis = &found.suggestions.analysis;
        let structure = &found.suggestions.structure;
        let rate = analysis.track.audio.sample_rate();
        let place = |c: &Candidate| (seconds(c.span.start, rate), seconds(c.span.end, rate));
        let mut candidates = structure.candidates(&config.loops);
        // As the tables of `dataset` have them.
        candidates.retain(|c| matches!(place(c), (start, end) if start >= 0.0 && end > start));
        candidates.sort_by(|a, b| a.bars.cmp(&b.bars).then(a.span.start.total_cmp(&b.span.start)));
        let schema = std::sync::Arc::new(Schema::full_with(analysis.embedding_info()));
        let kept: Vec<usize> = (0..schema.columns().len())
            .filter(|i| schema.columns()[*i] != "bars")
            .collect();
        let names = kept.iter().map(|i| schema.columns()[*i].clone()).collect();
        let table = FeatureTable::of(schema, &candidates, analysis, structure);
        let of_row = |row: usize| {
            let row = table.row(row);
            kept.iter().map(|i| row[*i]).collect::<Vec<f32>>()
        };
        let row_of = |c: &Candidate| candidates.iter().position(|other| other == c);
        Self {
            names,
            values: (0..candidates.len()).flat_map(of_row).collect(),
            start: candidates.iter().map(|c| place(c).0).collect(),
            end: candidates.iter().map(|c| place(c).1).collect(),
            bars: candidates.iter().map(|c| c.bars).collect(),
            rows: found
                .suggestions
                .suggestions
                .iter()
                .map(|s| row_of(&s.candidate))
                .collect(),
        }
    }
}

/// The loops of a recording as rows, with what [`Told::with`] says; and where `features` are wanted, under that name, the
/// features of all candidates, of which row `candidate` of a loop is its own.
#[pyfunction]
pub(crate) fn track<'py>(
    py: Python<'py>,
    source: Given<'py>,
    settings: &str,
    features: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let mut settings = settings::layer(None, settings)?;
    let source = source.take()?;
    let (found, measured, told) = detached(py, |progress| {
        let loaded = Loaded::of(&mut settings)?;
        let (config, models) = (&settings.config, loaded.models());
        let Opened { loaded, key, .. } = source.open(config, false, progress)?;
        let mut told = Told {
            detail: String::new(),
            warnings: loaded.warnings,
            facts: None,
        };
        if !loaded.status.is_usable() {
            told.detail = format!("the recording {}", loaded.status);
            return Ok((None, None, told));
        }
        let found = finding::of_track(
            &key,
            &loaded.track,
            models,
            config,
            &|plan| Ok(tree::measured(&key, plan, progress)?),
            progress,
        )?;
        told.detail = found.detail().to_owned();
        told.facts = Some(found.facts.clone());
        let measured = features.then(|| Measured::of(&found, config));
        Ok((Some(found.rows), measured, told))
    })?;
    let list = PyList::empty(py);
    if let Some(rows) = &found {
        for i in 0..rows.rows.len() {
            let row = json::row(py, rows, i)?;
            row.set_item("number", i + 1)?;
            let candidate = measured.as_ref().and_then(|m| m.rows.get(i).copied().flatten());
            row.set_item("candidate", candidate)?;
            list.append(row)?;
        }
    }
    let dict = told.with(py, list)?;
    if let Some(measured) = measured {
        let values = PyArray1::from_vec(py, measured.values);
        let values: Bound<'py, PyArray2<f32>> = values.reshape([measured.bars.len(), measured.names.len()])?;
        let all = PyDict::new(py);
        all.set_item("names", measured.names)?;
        all.set_item("values", values)?;
        all.set_item("start", PyArray1::from_vec(py, measured.start))?;
        all.set_item("end", PyArray1::from_vec(py, measured.end))?;
        all.set_item("bars", PyArray1::from_vec(py, measured.bars))?;
        dict.set_item("features", all)?;
    }
    Ok(dict)
}

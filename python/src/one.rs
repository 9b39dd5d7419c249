//! One recording through a command that can write a tree: opened, worked on, committed.

use loopwright_core::config::Config;
use loopwright_core::export::manifest::{SourceKey, Status, TrackRecord};
use loopwright_core::export::table::Table;
use loopwright_core::export::tree::{self, Plan, Tree};
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::run::{TrackError, TrackFacts};
use loopwright_core::progress::Progress;
use loopwright_core::track::Track;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::Failure;
use crate::json;
use crate::source::{Opened, Source};

/// What was found in a recording, whatever it was.
pub(crate) struct Told {
    pub(crate) detail: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) facts: Option<TrackFacts>,
}

impl Told {
    /// What the package makes its list of: the things that were found, and what is to be said of the recording.
    pub(crate) fn with<'py>(self, py: Python<'py>, found: Bound<'py, PyList>) -> PyResult<Bound<'py, PyDict>> {
        let facts = serde_json::to_value(self.facts).map_err(|e| Failure::Defect(e.to_string()))?;
        let dict = PyDict::new(py);
        dict.set_item("found", found)?;
        dict.set_item("detail", self.detail)?;
        dict.set_item("warnings", self.warnings)?;
        dict.set_item("facts", json::object(py, &facts)?)?;
        Ok(dict)
    }
}

/// What a command found in a track: why it is nothing, where it is, and what is known of the track.
pub(crate) struct Worked<T> {
    pub(crate) found: T,
    pub(crate) detail: &'static str,
    pub(crate) facts: TrackFacts,
}

/// What is done with the files that a command plans: written into the tree, or measured where there is none.
pub(crate) type Write<'a> = dyn Fn(&dyn Plan) -> Result<(TrackRecord, Table), TrackError> + 'a;

/// What came of a recording: what was found, where it could be used at all; what is to be said; and what lines call it.
pub(crate) type Done<T> = (Option<T>, Told, String);

/// Opens a recording, lets `work` find in it what it finds, and ends the run of this one track, if `tree` is one.
pub(crate) fn one<T>(
    source: Source,
    config: &Config,
    beats: Option<&GivenBeats>,
    tree: Option<Tree>,
    progress: &dyn Progress,
    work: impl FnOnce(&SourceKey, &Track, &Write<'_>) -> Result<Worked<T>, TrackError>,
) -> Result<Done<T>, Failure> {
    let Opened { loaded, key, source } = source.open(config, tree.is_some(), progress)?;
    let mut told = Told {
        detail: String::new(),
        warnings: loaded.warnings,
        facts: None,
    };
    let mut found = None;
    if loaded.status.is_usable() {
        let mut track = loaded.track;
        track.grid = beats.map(|b| b.grid(track.audio.sample_rate()));
        let write = |plan: &dyn Plan| -> Result<_, TrackError> {
            Ok(match &tree {
                Some(tree) if !plan.paths().is_empty() => {
                    let record = tree.write(&key, plan, progress)?;
                    (record, tree.rows(&key.folder))
                }
                _ => tree::measured(&key, plan, progress)?,
            })
        };
        let worked = work(&key, &track, &write)?;
        told.detail = worked.detail.to_owned();
        told.facts = Some(worked.facts);
        found = Some(worked.found);
    } else {
        told.detail = format!("the recording {}", loaded.status);
    }
    if let Some(tree) = tree {
        if !told.detail.is_empty() {
            tree.write_status(&key, Status::NothingFound, &told.detail)?;
        }
        tree.commit()?;
    }
    Ok((found, told, source))
}

//! The samples of what was found.

use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::config;
use loopwright_core::export::{cut, level};
use loopwright_core::loops::Candidate;
use loopwright_core::loops::snap::{self, Placement};
use loopwright_core::rhythm::grid::BeatGrid;
use numpy::PyArray2;
use pyo3::prelude::*;

use crate::errors::Failure;
use crate::work::detached;

/// A loop of a recording, which is kept for it: cut anew whenever it is asked for.
#[pyclass(frozen, module = "loopwright._loopwright")]
pub(crate) struct Cut {
    audio: Arc<AudioBuffer>,
    place: Placement,
    export: config::Export,
}

impl Cut {
    /// Places `candidate` as the files that are written would have it.
    pub(crate) fn of(
        audio: &Arc<AudioBuffer>,
        grid: &BeatGrid,
        candidate: &Candidate,
        export: &config::Export,
    ) -> Self {
        Self {
            place: snap::place(audio, grid, candidate),
            audio: audio.clone(),
            export: export.clone(),
        }
    }
}

#[pymethods]
impl Cut {
    /// The samples as they would be written, `float32 [channels, frames]`: the seam mended where it would click, levelled
    /// as the settings say.
    fn audio<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let planes = detached(py, |_| {
            let place = self.place;
            let cut = cut::cut(&self.audio, place.start, place.frames, &self.export);
            let mut cut = cut.map_err(|e| Failure::Audio(e.to_string()))?;
            level::apply(self.export.level, &mut cut.planes, self.audio.sample_rate());
            Ok(cut.planes)
        })?;
        PyArray2::from_vec2(py, &planes).map_err(|e| Failure::Defect(e.to_string()).into())
    }
}

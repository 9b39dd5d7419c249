//! What is computed once per track.

pub mod key;
pub mod levels;
pub mod spectrum;

use crate::config::Config;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::Rhythm;
use crate::rhythm::grid::{BeatGrid, GridSource};
use crate::track::Track;

pub use spectrum::Spectrum;

/// Everything that ranking and export need to know of a track, computed once.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The track.
    pub track: Track,
    /// Its tempo, beats and bars.
    pub rhythm: Rhythm,
    /// Its log-mel frames, levels and onset curves.
    pub spectrum: Spectrum,
}

impl Analysis {
    /// Analyses `track`; tracks beats only where the track brings no grid.
    pub fn of(track: &Track, _config: &Config, progress: &dyn Progress) -> Result<Self, Cancelled> {
        progress.check()?;
        let mono = track.audio.mono();
        let spectrum = spectrum::analyse(&mono, track.audio.sample_rate(), &mut |_, _| (), progress)?;
        let grid = track
            .grid
            .clone()
            .unwrap_or_else(|| BeatGrid::empty(GridSource::Tracked));
        Ok(Self {
            track: track.clone(),
            rhythm: Rhythm { grid },
            spectrum,
        })
    }
}

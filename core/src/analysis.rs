//! What is computed once per track.

pub mod levels;
pub mod spectrum;
pub mod texture;

pub use spectrum::Spectrum;
pub use texture::Texture;

use crate::audio::resample::{ResampleError, halve, mono_to_rate};
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
    /// Its log-mel frames, levels and onset curves.
    pub spectrum: Spectrum,
    /// What it sounds like, for the loop finder.
    pub texture: Texture,
}

/// Why a track was not analysed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Its sample rate cannot be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

impl Analysis {
    /// Analyses `track`; tracks beats only where the track brings no grid.
    pub fn of(track: &Track, _config: &Config, progress: &dyn Progress) -> Result<Self, AnalysisError> {
        progress.check()?;
        let mono = mono_to_rate(&track.audio, spectrum::RATE)?;
        // The bands look at the spectra as they pass.
        let hop = spectrum::HOP as f64 / f64::from(spectrum::RATE);
        let bin = f64::from(spectrum::RATE) / spectrum::N_FFT as f64;
        let mut bands = texture::BandSink::new(bin, hop, 1 + mono.len() / spectrum::HOP);
        let spectrum = spectrum::analyse(
            &mono,
            track.audio.sample_rate(),
            &mut |_, magnitude| bands.push(magnitude),
            progress,
        )?;
        let quarter = halve(&halve(&mono));
        drop(mono);
        let texture = Texture {
            bands: bands.finish(),
            tonal: texture::tonal(&quarter, f64::from(spectrum::RATE) / 4.0, progress)?,
        };
        let grid = track
            .grid
            .clone()
            .unwrap_or_else(|| BeatGrid::empty(GridSource::Tracked));
        Ok(Self {
            track: track.clone(),
            rhythm: Rhythm { grid },
            spectrum,
            texture,
        })
    }
}

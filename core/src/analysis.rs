//! What is computed once per track.

pub mod embedding;
pub mod key;
pub mod levels;
pub mod loop_file;
pub mod spectrum;
pub mod texture;

pub use key::Key;
pub use spectrum::Spectrum;
pub use texture::Texture;

use std::sync::Arc;

use crate::audio::resample::{ResampleError, halve, mono_to_rate};
use crate::config::Config;
use crate::progress::{Cancelled, Progress};
use crate::rhythm::activation::BeatModel;
use crate::rhythm::grid::GridSource;
use crate::rhythm::{self, GivenError, Rhythm, RhythmError, Tracker};
use crate::track::Track;

/// Why a track cannot be analysed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The track's rate cannot be brought to the analysis rate.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The grid that came with the track is none.
    #[error(transparent)]
    Grid(GivenError),
    /// The beat model failed.
    #[error(transparent)]
    Rhythm(RhythmError),
}

impl From<RhythmError> for AnalysisError {
    fn from(error: RhythmError) -> Self {
        match error {
            RhythmError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Rhythm(other),
        }
    }
}

impl From<GivenError> for AnalysisError {
    fn from(error: GivenError) -> Self {
        match error {
            GivenError::Rhythm(e) => e.into(),
            other => Self::Grid(other),
        }
    }
}

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
    /// Its key; none for drums, noise and silence.
    pub key: Option<Key>,
    /// What a network of the user's own says of it, where there is one: see [`embedding`]. [`Analysis::of`] leaves it open.
    pub embedding: Option<Arc<embedding::TrackEmbedding>>,
}

impl Analysis {
    /// Which network [`Self::embedding`] is of.
    pub fn embedding_info(&self) -> Option<&embedding::EmbeddingInfo> {
        self.embedding.as_ref().map(|e| e.info().as_ref())
    }

    /// Analyses `track`; tracks beats only where the track brings no grid, and bars where its grid has none. `beats` is
    /// the model to choose them by, where there is one.
    pub fn of(
        track: &Track,
        beats: Option<&dyn BeatModel>,
        config: &Config,
        progress: &dyn Progress,
    ) -> Result<Self, AnalysisError> {
        progress.check()?;
        let rate = f64::from(spectrum::RATE);
        let mono = mono_to_rate(&track.audio, spectrum::RATE)?;
        // The bands look at the spectra as they pass.
        let hop = spectrum::HOP as f64 / rate;
        let bin = rate / spectrum::N_FFT as f64;
        let mut bands = texture::BandSink::new(bin, hop, 1 + mono.len() / spectrum::HOP);
        let spectrum = spectrum::analyse(
            &mono,
            track.audio.sample_rate(),
            &mut |_, magnitude| bands.push(magnitude),
            progress,
        )?;
        let half = halve(&mono);
        drop(mono);
        let tracker = Tracker {
            settings: &config.rhythm,
            model: beats,
        };
        let rhythm = rhythm_of(track, &half, tracker, progress)?;
        let pitches = key::Pitches::of_with(&half, rate / 2.0, progress)?;
        let texture = Texture {
            bands: bands.finish(),
            tonal: texture::tonal(&halve(&half), rate / 4.0, progress)?,
        };
        Ok(Self {
            track: track.clone(),
            rhythm,
            spectrum,
            texture,
            key: key::estimate(&pitches.chroma, pitches.tonalness),
            embedding: None,
        })
    }
}

/// The rhythm of `track`, of which `mono` is the sound at 22.05 kHz. A host's grid is taken as it is, but for
/// what the settings say; beats that a person
/// gives are freed of the rounding in their times, and their bars estimated where they name no downbeats.
fn rhythm_of(
    track: &Track,
    mono: &[f32],
    tracker: Tracker<'_>,
    progress: &dyn Progress,
) -> Result<Rhythm, AnalysisError> {
    let rate = track.audio.sample_rate();
    match &track.grid {
        None => Ok(rhythm::track(mono, rate, tracker, progress)?),
        Some(grid) if grid.source == GridSource::Given && grid.beats.len() >= 2 => {
            let seconds: Vec<f64> = grid.beats.iter().map(|b| b / f64::from(rate)).collect();
            let downbeats: Vec<f64> = grid.downbeats.iter().filter_map(|&d| seconds.get(d).copied()).collect();
            let downbeats = (!downbeats.is_empty()).then_some(&downbeats[..]);
            Ok(rhythm::from_beats(&seconds, downbeats, mono, rate, tracker, progress)?)
        }
        Some(grid) => Ok(Rhythm::given_as(grid, tracker.settings, rate, track.audio.seconds())),
    }
}

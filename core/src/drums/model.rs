//! What classifies hits: probabilities of each drum, and of being a drum at all, for every candidate.

#[cfg(feature = "onnx")]
mod network;

use std::fmt::Debug;
use std::sync::Arc;

#[cfg(feature = "onnx")]
pub use network::HitNetwork;

use super::class::Drum;
use super::patch::Candidates;
#[cfg(feature = "onnx")]
use crate::onnx::OnnxError;
use crate::progress::{Cancelled, Progress};

/// The model of this build: name and content.
#[cfg(feature = "onnx")]
const SHIPPED: Option<(&str, &[u8])> = Some(("of this build", include_bytes!("../../../models/drums/hits.onnx")));

/// What a model hears in a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// Probability of each class, in the order of [`Drum::ALL`]. They are judged apart: hits may coincide.
    pub classes: [f32; Drum::ALL.len()],
    /// Probability that it is a drum, and not a note or nothing.
    pub drum: f32,
}

/// Something that tells drums apart. Shared by all tracks and threads of a run.
pub trait HitModel: Debug + Send + Sync {
    /// Names it, and tells it from any other: for records of what was done.
    fn id(&self) -> &str;

    /// What it hears in each of `candidates`.
    fn hear(&self, candidates: &Candidates, progress: &dyn Progress) -> Result<Vec<Heard>, HitModelError>;
}

/// Why a model does not classify.
#[derive(Debug, thiserror::Error)]
pub enum HitModelError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The file cannot be read or run.
    #[cfg(feature = "onnx")]
    #[error("hit model {0}")]
    Onnx(#[from] OnnxError),
    /// A network, but none that classifies hits.
    #[error("hit model {name}: not a network that classifies hits: {problem}")]
    Interface {
        /// The file.
        name: String,
        /// What is missing or not as it should be.
        problem: String,
    },
    /// It gave what are no probabilities.
    #[error("hit model {model}: {problem}")]
    Output {
        /// The model.
        model: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The model that this build ships; `None` where it has none, and hits are named by [rules](super::rules). Load it once
/// and share it.
#[cfg(feature = "onnx")]
pub fn shipped() -> Result<Option<Arc<dyn HitModel>>, HitModelError> {
    match SHIPPED {
        Some((name, bytes)) => Ok(Some(Arc::new(HitNetwork::of(name, bytes)?))),
        None => Ok(None),
    }
}

/// The model that this build ships: none, since it runs no networks.
#[cfg(not(feature = "onnx"))]
pub fn shipped() -> Result<Option<Arc<dyn HitModel>>, HitModelError> {
    Ok(None)
}

#[cfg(all(test, feature = "onnx"))]
mod tests {
    use super::*;
    use crate::drums::onset::RATE;
    use crate::progress::Silent;

    #[test]
    fn the_shipped_model_hears_a_kick_and_a_hat() {
        // Sines that fall and ticks of treble, half a second apart, each kind alone.
        let mut x = vec![0.0f32; 8 * 22_050 + 9000];
        let (mut state, mut last) = (1u32, 0.0f32);
        for hit in 0..8 {
            let mut phase = 0.0f32;
            for i in 0..9000 {
                let t = i as f32 / RATE as f32;
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0;
                phase += std::f32::consts::TAU * (48.0 + 120.0 * (-t * 45.0).exp()) / RATE as f32;
                x[2000 + hit * 22_050 + i] += if hit % 2 == 0 {
                    0.8 * phase.sin() * (-t * 20.0).exp()
                } else {
                    0.3 * (noise - last) * (-t * 80.0).exp()
                };
                last = noise;
            }
        }
        let model = shipped().unwrap().unwrap();
        let candidates = Candidates::of(&x, RATE, &Silent).unwrap();
        let heard = model.hear(&candidates, &Silent).unwrap();
        for hit in 0..8 {
            let at = f64::from(2000 + hit * 22_050) / f64::from(RATE);
            let i = candidates
                .onsets
                .iter()
                .position(|o| (o.time - at).abs() < 0.005)
                .unwrap();
            let p = |d: Drum| heard[i].classes[d.index()];
            // A sine and a tick are at the margin of what it has met: that each is the likelier will do.
            assert_eq!(
                p(Drum::Kick) > p(Drum::HatClosed),
                hit % 2 == 0,
                "hit {hit}: {:?}",
                heard[i]
            );
        }
    }
}

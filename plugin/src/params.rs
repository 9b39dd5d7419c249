//! The parameters that the host sees, and the state that it keeps.

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::state::Kept;

/// Lowest and highest level of auditions in dB.
pub const LEVEL_DB: (f32, f32) = (-36.0, 12.0);

/// All of them.
#[derive(Params)]
pub struct LoopwrightParams {
    /// The host's bypass switch. The sound is the same either way, but auditions are silent and nothing is captured.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Level of auditions in dB, from the loudness of what was captured: the editor's slider, or a knob of the host's.
    #[id = "audition_level"]
    pub audition_level: FloatParam,
    /// Settings, favourites, the editor's size.
    #[persist = "loopwright"]
    pub state: Arc<Kept>,
}

impl Default for LoopwrightParams {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            audition_level: FloatParam::new(
                "Audition level",
                0.0,
                FloatRange::Linear {
                    min: LEVEL_DB.0,
                    max: LEVEL_DB.1,
                },
            )
            .with_unit(" dB")
            .with_step_size(0.1)
            // Auditions are no part of an arrangement.
            .non_automatable(),
            state: Arc::default(),
        }
    }
}

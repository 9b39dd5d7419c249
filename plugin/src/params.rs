//! The parameters that the host sees, and the state that it keeps.

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::state::Kept;

/// All of them.
#[derive(Params)]
pub struct LoopwrightParams {
    /// The host's bypass switch. The sound is the same either way, but auditions are silent and nothing is captured.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Settings, favourites, the editor's size.
    #[persist = "loopwright"]
    pub state: Arc<Kept>,
}

impl Default for LoopwrightParams {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            state: Arc::default(),
        }
    }
}

//! A host that is asked for nothing.

use loopwright_plugin::Loopwright;
use nice_plug::context::process::SendEventError;
use nice_plug::prelude::*;

/// A host that accepts nothing: whatever the plugin asks of it fails the test.
pub(crate) struct Strict(pub(crate) Transport);

impl ProcessContext<Loopwright> for Strict {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute_background(&self, (): ()) {
        panic!("the shared background thread must not be used");
    }
    fn execute_gui(&self, (): ()) {
        panic!("there is no editor");
    }
    fn transport(&self) -> &Transport {
        &self.0
    }
    fn next_event(&mut self) -> Option<PluginNoteEvent<Loopwright>> {
        None
    }
    fn try_send_event(
        &mut self,
        _event: PluginNoteEvent<Loopwright>,
    ) -> Result<(), (PluginNoteEvent<Loopwright>, SendEventError)> {
        panic!("no notes leave an effect");
    }
    fn set_latency_samples(&self, samples: u32) {
        assert_eq!(samples, 0);
    }
    fn request_restart(&self) {
        panic!("nothing to restart for");
    }
    fn set_current_voice_capacity(&self, _capacity: u32) {
        panic!("no voices");
    }
}

impl ActivateContext<Loopwright> for Strict {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute(&self, (): ()) {
        panic!("nothing to execute");
    }
    fn set_latency_samples(&self, samples: u32) {
        assert_eq!(samples, 0);
    }
    fn set_current_voice_capacity(&self, _capacity: u32) {
        panic!("no voices");
    }
}

//! Sound leaves the plugin as it came, to the bit, and the plugin keeps out of the host's way.

use loopwright_plugin::Loopwright;
use nice_plug::context::process::SendEventError;
use nice_plug::prelude::*;

/// A host that plays, and accepts nothing: whatever the plugin asks of it fails the test.
struct Host(Transport);

impl ProcessContext<Loopwright> for Host {
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

/// Every kind of bit pattern a float can be, repeated to `frames`.
fn odd_floats(frames: usize, turn: usize) -> Vec<f32> {
    let kinds = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        1e-30,
        f32::MIN_POSITIVE / 3.0,
        f32::from_bits(1),
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(0x7fc0_1234),
        f32::from_bits(0xff80_0001),
    ];
    kinds.into_iter().cycle().skip(turn).take(frames).collect()
}

#[test]
fn every_block_comes_out_bit_for_bit() {
    let mut plugin = Loopwright::default();
    for frames in [0, 1, 31, 64, 512, 4096] {
        let mut planes = [odd_floats(frames, 0), odd_floats(frames, 5)];
        let before = planes
            .clone()
            .map(|p| p.into_iter().map(f32::to_bits).collect::<Vec<u32>>());
        {
            let mut buffer = Buffer::default();
            let [left, right] = &mut planes;
            // SAFETY: both slices hold `frames` samples and outlive the buffer.
            unsafe { buffer.set_slices(frames, |slices| *slices = vec![&mut left[..], &mut right[..]]) };
            let mut aux = AuxiliaryBuffers {
                inputs: &mut [],
                outputs: &mut [],
            };
            let status = plugin.process(&mut buffer, &mut aux, &mut Host(Transport::new(48_000.0)));
            assert_eq!(status, ProcessStatus::Normal);
        }
        let after = planes.map(|p| p.into_iter().map(f32::to_bits).collect::<Vec<u32>>());
        assert!(before == after, "a block of {frames} frames was changed");
    }
}

#[test]
fn the_host_sees_the_bypass_and_a_knob_for_auditions() {
    let plugin = Loopwright::default();
    let map = plugin.params().param_map();
    let ids: Vec<&str> = map.iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids, ["bypass", "audition_level"]);
}

#[test]
fn stereo_in_stereo_out() {
    let [layout] = Loopwright::AUDIO_IO_LAYOUTS else {
        panic!("one layout");
    };
    assert_eq!(layout.main_input_channels, NonZeroU32::new(2));
    assert_eq!(layout.main_output_channels, NonZeroU32::new(2));
}

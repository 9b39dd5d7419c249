//! Loopwright in the host, as VST3 and CLAP.
//!
//! This is the shell: a stereo effect that passes sound through to the bit, with a bypass switch and no latency. It does
//! not yet capture, analyse or show anything; there is no editor. What listens will copy each block in
//! [`process`](Plugin::process) and leave the block itself alone, so what holds now (nothing in the signal path, no
//! allocation, no lock) has to hold then.

use std::sync::Arc;

use nice_plug::prelude::*;

/// The parameters that the host sees.
#[derive(Params)]
pub struct LoopwrightParams {
    /// The host's bypass switch. The sound is the same either way; hosts expect an effect to have one.
    #[id = "bypass"]
    pub bypass: BoolParam,
}

impl Default for LoopwrightParams {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
        }
    }
}

/// The plugin. Stereo in, stereo out; the host hands one buffer for both, which is why passing through means leaving it
/// alone.
#[derive(Default)]
pub struct Loopwright {
    params: Arc<LoopwrightParams>,
}

impl Plugin for Loopwright {
    const NAME: &'static str = "Loopwright";
    const VENDOR: &'static str = "The Loopwright developers";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    // Stereo only: some hosts reject effects without a main input and output.
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[AudioIOLayout {
        main_input_channels: NonZeroU32::new(2),
        main_output_channels: NonZeroU32::new(2),
        aux_input_ports: &[],
        aux_output_ports: &[],
        names: PortNames::const_default(),
    }];

    // Splits blocks where the transport changes, which a capture of host time will rely on.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn process(
        &mut self,
        _buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        _context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        ProcessStatus::Normal
    }
}

impl ClapPlugin for Loopwright {
    const CLAP_ID: &'static str = "org.loopwright.loopwright";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Finds the bars worth looping in what it hears");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Stereo, ClapFeature::Utility];
}

impl Vst3Plugin for Loopwright {
    const VST3_CLASS_ID: [u8; 16] = *b"LoopwrightEffect";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Tools, Vst3SubCategory::Stereo];
}

nice_export_clap!(Loopwright);
nice_export_vst3!(Loopwright);

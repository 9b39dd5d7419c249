//! Loopwright in the host, as VST3 and CLAP: a stereo effect that passes sound through to the bit, listens along with the
//! host's beats, and offers the best loops, breaks and one-shots of what was just played.
//!
//! ```text
//! audio  ──samples, marks──▶  worker  ──Arc<Snapshot>──▶  editor
//! worker ◀────commands─────  editor
//! audio  ◀────clips────────  worker  ◀──spent clips──  audio
//! ```
//!
//! The audio thread copies ([`capture::tap`]) and plays auditions ([`preview`]); it never allocates, locks or waits. One
//! [`worker`] thread an instance does all the rest. The [`editor`] draws the latest [`snapshot`] and sends [`command`]s.

pub mod capture;
pub mod command;
pub mod dragout;
pub mod editor;
pub mod library;
pub mod params;
pub mod preview;
pub mod shared;
pub mod snapshot;
pub mod state;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nice_plug::prelude::*;

use capture::mark::HostTime;
use capture::tap::{self, Tap};
use params::LoopwrightParams;
use preview::Player;
use shared::Shared;
use worker::{Stream, Worker};

/// What the audio thread works with, made on activation.
struct Live {
    tap: Tap,
    player: Player,
    /// The host renders to a file: it waits for us, and nobody auditions.
    offline: bool,
}

/// The plugin. Stereo in, stereo out; the host hands one buffer for both, which is why passing through means leaving it
/// alone.
pub struct Loopwright {
    params: Arc<LoopwrightParams>,
    shared: Arc<Shared>,
    live: Option<Live>,
    /// Started on the first activation, so that scanning starts no thread.
    worker: Option<Worker>,
}

/// By this `loopwright doctor` knows the library and its version ([`loopwright_core::pipeline::bundles::STAMP`]).
const STAMP: &str = concat!("Loopwright plugin, version ", env!("CARGO_PKG_VERSION"), "\0");

/// Whether the framework says what goes wrong.
static LOGS: AtomicBool = AtomicBool::new(false);

/// For the program without a host, before it starts: what the framework has to say goes to the terminal.
pub fn log_to_terminal() {
    LOGS.store(true, Ordering::Relaxed);
}

impl Default for Loopwright {
    fn default() -> Self {
        // Nothing else refers to it, so that it would not be linked.
        std::hint::black_box(STAMP);
        let params = Arc::new(LoopwrightParams::default());
        let shared = Arc::new(Shared::new(params.state.clone()));
        Self {
            params,
            shared,
            live: None,
            worker: None,
        }
    }
}

impl Loopwright {
    /// What the plugin shares with its worker and its editor.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Loopwright {
    fn drop(&mut self) {
        // The worker first: it needs none of what follows.
        self.worker = None;
        self.shared.windows.wait();
    }
}

/// The host's own words, none of them derived.
fn host_time(transport: &Transport) -> HostTime {
    HostTime {
        playing: transport.playing,
        // CLAP hosts tell seconds instead.
        samples: transport.pos_samples.or_else(|| {
            let frames = transport.pos_seconds? * f64::from(transport.sample_rate);
            frames.is_finite().then_some(frames.round() as i64)
        }),
        beats: transport.pos_beats,
        tempo: transport.tempo,
        meter: transport.time_sig_numerator.zip(transport.time_sig_denominator),
        bar_start: transport.bar_start_pos_beats,
        cycle: transport.loop_range_beats,
    }
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

    // Splits blocks where the transport changes: marks are then exact inside the host's blocks too.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = editor::Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    /// Nothing is logged in a host unless somebody asks for it: the framework would write to the host's standard error, also
    /// from the audio thread.
    fn setup_logger() -> Option<bool> {
        let logs = LOGS.load(Ordering::Relaxed) || std::env::var_os("NICE_LOG").is_some();
        (!logs).then_some(false)
    }

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        editor::create(self.shared.clone(), self.params.clone())
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let rate = f64::from(config.sample_rate);
        let (mut tap, feed) = tap::channel(rate);
        let offline = config.process_mode == ProcessMode::Offline;
        tap.set_offline(offline);
        let (player, booth) = preview::channel(rate, self.shared.clone());
        if self.worker.is_none() {
            // Without a thread the sound still passes; the editor says what is wrong.
            self.worker = Worker::start(self.shared.clone())
                .map_err(|e| self.shared.despair(&e))
                .ok();
        }
        if let Some(worker) = &self.worker {
            worker.open(Stream { rate, feed, booth });
        }
        self.live = Some(Live { tap, player, offline });
        true
    }

    fn deactivate(&mut self) {
        self.live = None;
        if let Some(worker) = &self.worker {
            worker.close();
        }
    }

    /// The host begins to process, again perhaps: auditions end at once, and so does the take that runs.
    fn reset(&mut self) {
        if let Some(live) = &mut self.live {
            live.player.silence();
            live.tap.pause();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Some(live) = &mut self.live else {
            return ProcessStatus::Normal;
        };
        let bypassed = self.params.bypass.value();
        let frames = buffer.samples();
        match buffer.as_slice() {
            [left, right] if !bypassed => {
                let host = host_time(context.transport());
                live.tap.block(left, right, host);
                live.player
                    .set_level(util::db_to_gain(self.params.audition_level.value()));
                live.player.block(left, right, &host);
            }
            _ => {
                live.player.silence();
                // Also where the host sends no channels at all: time goes by all the same.
                live.tap.skip(frames);
            }
        }
        if live.offline || bypassed {
            ProcessStatus::Normal
        } else {
            // A host that puts effects to sleep when their input is silent would put off auditions until there is sound,
            // and nothing here can wake it. In an offline render this would be an endless tail.
            ProcessStatus::KeepAlive
        }
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

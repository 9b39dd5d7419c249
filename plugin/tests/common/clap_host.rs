//! A CLAP host in a few lines: loads the plugin as a host would, from its shared library, and drives it with a scripted
//! transport.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags, PluginParams,
};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

use crate::script::Step;

/// The plugin's CLAP identifier.
pub(crate) const ID: &std::ffi::CStr = c"org.loopwright.loopwright";

/// The host's side, which counts what the plugin asks for.
pub(crate) struct Host;

/// What the plugin asked for.
#[derive(Default)]
pub(crate) struct Asked {
    /// To be restarted: never wanted.
    pub(crate) restarts: AtomicU32,
    /// A call on the main thread.
    pub(crate) callbacks: AtomicU32,
}

impl<'a> SharedHandler<'a> for Asked {
    fn request_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.callbacks.fetch_add(1, Ordering::Relaxed);
    }
}

impl HostGuiImpl for Asked {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _new_size: GuiSize) -> Result<(), HostError> {
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

impl HostParamsImplShared for Asked {
    fn request_flush(&self) {}
}

/// The host's main thread.
pub(crate) struct Main;

impl<'a> MainThreadHandler<'a> for Main {}

impl HostParamsImplMainThread for Main {
    fn rescan(&self, _flags: ParamRescanFlags) {}
    fn clear(&self, _param_id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for Main {
    fn mark_dirty(&self) {}
}

impl HostLatencyImpl for Main {
    fn changed(&self) {
        panic!("the plugin has no latency, and none that changes");
    }
}

impl HostHandlers for Host {
    type Shared<'a> = Asked;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<'_, Self>, _shared: &Self::Shared<'_>) {
        builder
            .register::<HostGui>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostLatency>();
    }
}

/// The shared library that cargo has built beside this test.
pub(crate) fn library() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it is");
    let name = format!(
        "{}loopwright_plugin{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    own.with_file_name(name)
}

/// Loads the library. It is unloaded when the last copy of this and the last instance are gone.
pub(crate) fn load() -> PluginEntry {
    // SAFETY: the library is our own plugin, whose entry follows the specification.
    unsafe { PluginEntry::load(library()) }.expect("the plugin loads")
}

/// An instance of the plugin.
pub(crate) struct Instance {
    processor: Option<StartedPluginAudioProcessor<Host>>,
    instance: PluginInstance<Host>,
    ports: [AudioPorts; 2],
    steady: u64,
}

impl Instance {
    /// Makes one.
    pub(crate) fn new(entry: &PluginEntry) -> Self {
        let info = HostInfo::new("Loopwright tests", "", "", "1").expect("no zero bytes");
        let instance =
            PluginInstance::new(|()| Asked::default(), |_| Main, entry, ID, &info).expect("the plugin can be made");
        Self {
            processor: None,
            instance,
            ports: [AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1)],
            steady: 0,
        }
    }

    /// Made and activated.
    pub(crate) fn active(entry: &PluginEntry, rate: f64, most_frames: u32) -> Self {
        let mut new = Self::new(entry);
        new.activate(rate, most_frames);
        new
    }

    /// Activates and starts.
    pub(crate) fn activate(&mut self, rate: f64, most_frames: u32) {
        let configuration = PluginAudioConfiguration {
            sample_rate: rate,
            min_frames_count: 1,
            max_frames_count: most_frames,
        };
        let stopped = self.instance.activate(|_, _| (), configuration).expect("it activates");
        self.processor = Some(stopped.start_processing().expect("it starts"));
    }

    /// Stops and deactivates.
    pub(crate) fn deactivate(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
    }

    /// Runs one block. What comes back is what came out.
    pub(crate) fn process(&mut self, step: &Step, input: [&[f32]; 2]) -> [Vec<f32>; 2] {
        let mut events = EventBuffer::new();
        for (at, time) in &step.inside {
            events.push(&time.event(*at));
        }
        self.process_with(step, input, &events)
    }

    /// The same with events of one's own.
    pub(crate) fn process_with(&mut self, step: &Step, input: [&[f32]; 2], events: &EventBuffer) -> [Vec<f32>; 2] {
        let processor = self.processor.as_mut().expect("it has been activated");
        let out = run(processor, &mut self.ports, step, input, events, Some(self.steady));
        self.steady += step.frames as u64;
        out
    }

    /// The same on a thread made for it, as hosts with pools of threads do.
    pub(crate) fn on_another_thread(&mut self, step: &Step, input: [&[f32]; 2]) -> [Vec<f32>; 2] {
        std::thread::scope(|threads| {
            let thread = threads.spawn(|| {
                let processor = self.processor.as_mut().expect("it has been activated");
                run(processor, &mut self.ports, step, input, &EventBuffer::new(), None)
            });
            thread.join().expect("it ends well")
        })
    }

    /// The instance for the main thread, and what runs a block for the audio thread.
    #[allow(clippy::type_complexity)] // The second half cannot be named.
    pub(crate) fn split(
        &mut self,
    ) -> (
        &mut PluginInstance<Host>,
        impl FnMut(&Step, [&[f32]; 2]) -> [Vec<f32>; 2] + Send,
    ) {
        let processor = self.processor.as_mut().expect("it has been activated");
        let ports = &mut self.ports;
        let block =
            move |step: &Step, input: [&[f32]; 2]| run(processor, ports, step, input, &EventBuffer::new(), None);
        (&mut self.instance, block)
    }

    /// Runs all steps over odd and noisy sound, and holds what comes out against what went in, bit by bit.
    pub(crate) fn passes_through(&mut self, name: &str, steps: &[Step]) {
        for (number, step) in steps.iter().enumerate() {
            let sound = crate::script::odd_sound(step.frames, number as u64);
            let out = self.process(step, [&sound[0], &sound[1]]);
            for channel in 0..2 {
                let changed = (0..step.frames).find(|&i| sound[channel][i].to_bits() != out[channel][i].to_bits());
                assert!(
                    changed.is_none(),
                    "{name}: block {number} of {} frames: frame {changed:?} of channel {channel} was changed from {:?} \
                     to {:?}",
                    step.frames,
                    changed.map(|i| sound[channel][i].to_bits()),
                    changed.map(|i| out[channel][i].to_bits()),
                );
            }
        }
        let restarts = self
            .instance
            .access_shared_handler(|asked| asked.restarts.load(Ordering::Relaxed));
        assert_eq!(restarts, 0, "{name}: it asked to be restarted");
    }

    /// The state that the host would keep.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().expect("it has a state");
        let mut bytes = Vec::new();
        state.save(&handle, &mut bytes).expect("the state is saved");
        bytes
    }

    /// Gives a state back; whether the plugin took it.
    pub(crate) fn restore(&mut self, mut bytes: &[u8]) -> bool {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().expect("it has a state");
        state.load(&handle, &mut bytes).is_ok()
    }

    /// The identifiers of its parameters.
    pub(crate) fn parameters(&mut self) -> Vec<ClapId> {
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("it has parameters");
        let mut buffer = clack_extensions::params::ParamInfoBuffer::new();
        (0..params.count(&handle))
            .filter_map(|i| params.get_info(&handle, i, &mut buffer).map(|info| info.id))
            .collect()
    }

    /// A parameter's value.
    pub(crate) fn value(&mut self, id: ClapId) -> f64 {
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("it has parameters");
        params.get_value(&handle, id).expect("it has this parameter")
    }

    /// Sets parameters without sound, as hosts do while they stand still; what the plugin tells meanwhile.
    pub(crate) fn flush(&mut self, values: &[(ClapId, f64)]) -> EventBuffer {
        let mut events = EventBuffer::new();
        for (id, value) in values {
            events.push(&ParamValueEvent::new(0, *id, Pckn::match_all(), *value));
        }
        let mut told = EventBuffer::new();
        match &mut self.processor {
            Some(processor) => {
                let mut handle = processor.plugin_handle();
                let params: PluginParams = handle.get_extension().expect("it has parameters");
                params.flush_active(&mut handle, &events.as_input(), &mut told.as_output());
            }
            None => {
                let mut handle = self.instance.inactive_plugin_handle().expect("it is not active");
                let params: PluginParams = handle.get_extension().expect("it has parameters");
                params.flush(&mut handle, &events.as_input(), &mut told.as_output());
            }
        }
        told
    }

    /// The instance itself, for extensions that are not wrapped here.
    pub(crate) fn raw(&mut self) -> &mut PluginInstance<Host> {
        &mut self.instance
    }
}

/// Runs one block. What comes back is what came out.
fn run(
    processor: &mut StartedPluginAudioProcessor<Host>,
    ports: &mut [AudioPorts; 2],
    step: &Step,
    input: [&[f32]; 2],
    events: &EventBuffer,
    steady: Option<u64>,
) -> [Vec<f32>; 2] {
    let frames = step.frames;
    let mut ins = input.map(|plane| plane[..frames].to_vec());
    // What a host leaves in its output buffers is anything at all.
    let mut outs = [vec![f32::NAN; frames], vec![0.123; frames]];
    let [in_ports, out_ports] = ports;
    let inputs = in_ports.with_input_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_input_only(ins.iter_mut().map(|p| InputChannel::variable(&mut p[..]))),
    }]);
    let mut outputs = out_ports.with_output_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_output_only(outs.iter_mut().map(|p| &mut p[..])),
    }]);
    let transport = step.time.as_ref().map(|time| time.event(0));
    let mut unwanted = EventBuffer::new();
    let status = processor
        .process(
            &inputs,
            &mut outputs,
            &events.as_input(),
            &mut unwanted.as_output(),
            steady,
            transport.as_ref(),
        )
        .expect("it processes");
    assert!(
        matches!(status, ProcessStatus::Continue | ProcessStatus::ContinueIfNotQuiet),
        "a host must not put it to sleep: {status:?}"
    );
    assert!(unwanted.is_empty(), "an effect without automation sends no events");
    outs
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.deactivate();
    }
}

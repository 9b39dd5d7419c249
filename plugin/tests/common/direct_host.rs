//! The plugin without a plugin interface around it: the same calls in the same order, and its inner life within reach.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loopwright_plugin::Loopwright;
use loopwright_plugin::command::Command;
use loopwright_plugin::snapshot::{FileState, Item, ItemId, Snapshot};
use loopwright_plugin::state::Settings;
use nice_plug::prelude::*;

use crate::script::{Step, Time};
use crate::strict::Strict;

/// After this long something hangs.
const HANGS: Duration = Duration::from_secs(300);

fn transport(rate: f64, time: Option<&Time>) -> Transport {
    let mut transport = Transport::new(rate as f32);
    if let Some(time) = time {
        transport.playing = time.playing;
        transport.pos_beats = time.beats;
        transport.pos_samples = time.samples;
        transport.tempo = time.tempo;
        transport.time_sig_numerator = time.meter.map(|m| i32::from(m.0));
        transport.time_sig_denominator = time.meter.map(|m| i32::from(m.1));
        transport.bar_start_pos_beats = Some(time.bar_start);
        transport.loop_range_beats = time.cycle;
    }
    transport
}

/// A plugin in its host.
pub(crate) struct Direct {
    plugin: Loopwright,
    rate: f64,
}

impl Direct {
    /// Not active yet.
    pub(crate) fn new(settings: Settings) -> Self {
        let plugin = Loopwright::default();
        plugin.shared().state.lock().settings = settings;
        Self { plugin, rate: 0.0 }
    }

    /// Activates, as for a bounce where `offline`.
    pub(crate) fn activate(&mut self, rate: f64, offline: bool) {
        self.rate = rate;
        let config = BufferConfig {
            sample_rate: rate as f32,
            min_buffer_size: None,
            max_buffer_size: 16_384,
            process_mode: if offline {
                ProcessMode::Offline
            } else {
                ProcessMode::Realtime
            },
        };
        let context = &mut Strict(Transport::new(rate as f32));
        assert!(self.plugin.activate(&Loopwright::AUDIO_IO_LAYOUTS[0], &config, context));
        self.plugin.reset();
    }

    /// Deactivates: what runs ends.
    pub(crate) fn deactivate(&mut self) {
        self.plugin.deactivate();
    }

    /// One stretch of sound without changes inside it.
    fn stretch(&mut self, time: Option<&Time>, planes: &mut [Vec<f32>; 2]) {
        let frames = planes[0].len();
        let [left, right] = planes;
        let mut buffer = Buffer::default();
        // SAFETY: both slices hold `frames` samples and outlive the buffer.
        unsafe { buffer.set_slices(frames, |slices| *slices = vec![&mut left[..], &mut right[..]]) };
        let mut aux = AuxiliaryBuffers {
            inputs: &mut [],
            outputs: &mut [],
        };
        let mut context = Strict(transport(self.rate, time));
        let status = self.plugin.process(&mut buffer, &mut aux, &mut context);
        assert!(!matches!(status, ProcessStatus::Error(_)));
    }

    /// One block, split where the host's time changes, as the framework splits it. What comes out.
    pub(crate) fn process(&mut self, step: &Step, input: [&[f32]; 2]) -> [Vec<f32>; 2] {
        let mut out = [Vec::new(), Vec::new()];
        let mut from = 0;
        let mut time = step.time;
        let ends = step.inside.iter().map(|(at, next)| (*at as usize, Some(*next)));
        for (to, next) in ends.chain([(step.frames, None)]) {
            let mut part = input.map(|plane| plane[from..to].to_vec());
            self.stretch(time.as_ref(), &mut part);
            for (out, part) in out.iter_mut().zip(part) {
                out.extend(part);
            }
            from = to;
            time = next;
        }
        out
    }

    /// Sends `sound` through, from its start, in the blocks of `steps`; it must come out as it went in.
    pub(crate) fn play(&mut self, steps: impl IntoIterator<Item = Step>, sound: [&[f32]; 2]) {
        let mut at = 0;
        for step in steps {
            let end = at + step.frames;
            if end > sound[0].len() {
                break;
            }
            let input = sound.map(|plane| &plane[at..end]);
            let out = self.process(&step, input);
            assert!(out[0] == input[0] && out[1] == input[1], "changed at frame {at}");
            at = end;
        }
    }

    /// The latest picture.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.plugin.shared().snapshot.load_full()
    }

    /// Sends a command of the user's.
    pub(crate) fn send(&self, command: Command) {
        self.plugin.shared().send(command);
    }

    /// Waits until a picture is as wanted.
    pub(crate) fn wait(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let begun = Instant::now();
        loop {
            let snapshot = self.snapshot();
            if wanted(&snapshot) {
                return snapshot;
            }
            assert!(begun.elapsed() < HANGS, "waited in vain until {what}: {snapshot:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until all takes have ended and been analysed.
    pub(crate) fn wait_for_analysis(&self) -> Arc<Snapshot> {
        self.wait("all takes are analysed", |s| {
            let done =
                |t: &loopwright_plugin::snapshot::TakeView| !t.open && (t.analysed_to >= t.end || t.note.is_some());
            !s.takes.is_empty() && s.takes.iter().all(done) && s.status.analysing.is_none()
        })
    }

    /// Has files written, and gives them back with their items.
    pub(crate) fn files(&self, ids: Vec<ItemId>) -> Vec<(Item, std::path::PathBuf)> {
        self.send(Command::Prepare(ids.clone()));
        let item = |s: &Snapshot, id| s.items.iter().find(|i| i.id == id).cloned();
        let ready = |s: &Snapshot| {
            ids.iter().all(|&id| match item(s, id).map(|i| i.file) {
                Some(FileState::Ready(_)) => true,
                Some(FileState::Failed(why)) => panic!("not written: {why}"),
                _ => false,
            })
        };
        let snapshot = self.wait("the files are written", ready);
        ids.iter()
            .filter_map(|&id| item(&snapshot, id))
            .filter_map(|item| match item.file.clone() {
                FileState::Ready(path) => Some((item, path)),
                _ => None,
            })
            .collect()
    }
}
